//! The signals that end the daemon, and those that must not.

use std::future::poll_fn;
use std::task::{Context, Poll};

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;

/// What a signal asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wish {
    /// To stop in order, and the second time at once.
    Stop,
    /// To stop in order. It may come twice for one reason, as when a terminal is closed, or with SIGTERM, as
    /// systemd sends it.
    Leave,
    /// Nothing that the daemon could do. The signal would end it in the midst of its work.
    Nothing,
}

/// The signals that end a process by default, and may come from outside. SIGPIPE is none of them: Rust's own
/// runtime has ignored it already, and gives it back to programs that are started.
const SIGNALS: [(Number, &str, Wish); 12] = [
    (Number::INT, "SIGINT", Wish::Stop),
    (Number::TERM, "SIGTERM", Wish::Stop),
    (Number::QUIT, "SIGQUIT", Wish::Stop),
    (Number::HUP, "SIGHUP", Wish::Leave),
    // The soft limit of CPU time: the hard one ends the process a little later, so that there is time left.
    (Number::XCPU, "SIGXCPU", Wish::Leave),
    (Number::USR1, "SIGUSR1", Wish::Nothing),
    (Number::USR2, "SIGUSR2", Wish::Nothing),
    (Number::ALARM, "SIGALRM", Wish::Nothing),
    (Number::VTALARM, "SIGVTALRM", Wish::Nothing),
    (Number::PROF, "SIGPROF", Wish::Nothing),
    (Number::IO, "SIGIO", Wish::Nothing),
    // The limit of a file's size: writing fails, too, and that is told where it matters.
    (Number::XFSZ, "SIGXFSZ", Wish::Nothing),
];

/// Signals that stay ignored if they were at the start: by `nohup`, or by a shell in the background.
const MAY_STAY_IGNORED: [Number; 2] = [Number::HUP, Number::QUIT];

/// The signals of a process that ends in order.
pub(crate) struct Signals(Vec<Listener>);

struct Listener {
    name: &'static str,
    wish: Wish,
    signal: Signal,
    /// Whether it was told that there is nothing to do: the log may be what brings the signal, time and again.
    is_told: bool,
}

impl Signals {
    /// Begins to listen: from now on these signals do not end the process by themselves.
    ///
    /// Programs that are started later have the signals as they were before: none is blocked or ignored here.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let ignored = ignored_at_start();
        let stays = |number: Number| {
            MAY_STAY_IGNORED.contains(&number) && ignored >> (number.as_raw() - 1) & 1 == 1
        };
        let listened = SIGNALS.into_iter().filter(|(number, _, _)| !stays(*number));
        let listeners = listened.map(|(number, name, wish)| {
            let signal = signal(SignalKind::from_raw(number.as_raw()))
                .map_err(|error| Failure::general(format!("cannot listen for {name}: {error}")))?;
            Ok(Listener {
                name,
                wish,
                signal,
                is_told: false,
            })
        });
        listeners.collect::<Result<_, _>>().map(Self)
    }

    /// Waits for the next one that asks to stop. Cancel safe.
    pub(crate) async fn next(&mut self) -> &'static str {
        poll_fn(|context| self.poll(context, &[Wish::Stop, Wish::Leave])).await
    }

    /// Waits for the next one that asks to stop at once, after one that asked to stop. Cancel safe.
    pub(crate) async fn again(&mut self) -> &'static str {
        poll_fn(|context| self.poll(context, &[Wish::Stop])).await
    }

    fn poll(&mut self, context: &mut Context<'_>, wishes: &[Wish]) -> Poll<&'static str> {
        for listener in &mut self.0 {
            while let Poll::Ready(Some(())) = listener.signal.poll_recv(context) {
                let name = listener.name;
                if wishes.contains(&listener.wish) {
                    return Poll::Ready(name);
                }
                if listener.wish == Wish::Nothing && !std::mem::replace(&mut listener.is_told, true)
                {
                    tracing::info!("{name}: nothing to do; SIGTERM stops");
                }
            }
        }
        Poll::Pending
    }
}

/// Returns the signals that were ignored when the process was started, as a set of bits. Only Linux tells it
/// without a call that is unsafe; elsewhere none is taken to be.
fn ignored_at_start() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
