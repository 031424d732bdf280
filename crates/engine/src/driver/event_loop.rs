//! The loop of every driver.

use std::future::Future;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::machine::{Machine, Signal};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::calls::Calls;
use super::function::Function;
use crate::clock::Clock;
use crate::reporter::Reporter;

/// A step of the machine that looks at more shards than this is taken beside the runtime's workers, on which others
/// wait for their turn: a shard takes a microsecond or two.
const LONG_STEP: usize = 1_000;

/// After so many actions others have their turn.
const AT_A_TIME: usize = 100;

/// The share of a drain's bound that is left to settling what found no slot before: a tenth.
const SETTLING_SHARE: u32 = 10;

/// What the supervisor tells a driver.
pub(crate) enum Command<C, E> {
    /// New settings, the function to call from now on, and where records come from and go.
    Reconfigure {
        config: Box<C>,
        function: Function,
        ends: E,
    },
    /// Stop reading, finish what is in flight within the bound, and end.
    Drain { bound: Duration },
}

/// What differs between the kinds of sources: how what a machine asks for is carried out through their ports, and
/// which of its calls a drain ends.
pub(crate) trait Ports: Send + 'static {
    /// The rules of such a source.
    type Machine: Machine;

    /// Where records come from, and where they go but for the function.
    type Ends: Send + 'static;

    /// Goes on with others of the same name: those that were there may have been made anew.
    fn move_to(&mut self, ends: Self::Ends);

    /// Carries out an action. Its answer comes from `calls`, or from a read.
    fn carry_out(
        &mut self,
        now: Timestamp,
        action: ActionOf<Self>,
        calls: &mut Calls<Self::Machine>,
    );

    /// Waits for the next read to end; `None` if none is open. Cancel safe.
    fn next_read(&mut self) -> impl Future<Output = Option<InputOf<Self>>> + Send;

    /// Ends the open reads that lose nothing by ending.
    fn end_reads(&mut self);
}

/// What the supervisor tells the driver of such a source.
pub(crate) type CommandOf<P> = Command<ConfigOf<P>, <P as Ports>::Ends>;
pub(crate) type ConfigOf<P> = <<P as Ports>::Machine as Machine>::Config;
type InputOf<P> = <<P as Ports>::Machine as Machine>::Input;
type ActionOf<P> = <<P as Ports>::Machine as Machine>::Action;

/// Feeds one machine, and carries out what it asks for. Dropping it aborts every call under way but the receives of
/// a queue, whose messages are released.
pub(crate) struct Driver<P: Ports> {
    clock: Clock,
    ports: P,
    calls: Calls<P::Machine>,
    begun: bool,
    draining: bool,
}

impl<P: Ports> Driver<P> {
    pub(crate) fn new(ports: P, function: Function, reporter: Reporter, clock: Clock) -> Self {
        Self {
            clock,
            ports,
            calls: Calls::new(function, reporter),
            begun: false,
            draining: false,
        }
    }

    /// Drives a machine until it was told to drain and has nothing in flight.
    pub(super) async fn run(
        mut self,
        machine: P::Machine,
        mut commands: mpsc::Receiver<CommandOf<P>>,
    ) {
        let clock = self.clock;
        let timer = tokio::time::sleep_until(Instant::now());
        tokio::pin!(timer);
        // Boxed, for it is moved with each step.
        let mut machine = self.handle(Box::new(machine), Signal::Tick.into()).await;
        while !(self.draining && machine.is_idle()) {
            let deadline = machine.next_deadline().map(|time| clock.instant(time));
            if let Some(deadline) = deadline
                && timer.deadline() != deadline
            {
                timer.as_mut().reset(deadline);
            }
            let input = tokio::select! {
                biased;
                command = commands.recv(), if !self.draining => self.told(command).into(),
                input = self.calls.next() => input,
                Some(input) = self.ports.next_read() => input,
                () = &mut timer, if deadline.is_some() => Signal::Tick.into(),
            };
            machine = self.handle(machine, input).await;
        }
    }

    fn told(
        &mut self,
        command: Option<CommandOf<P>>,
    ) -> Signal<ConfigOf<P>, <P::Machine as Machine>::Turn> {
        let bound = match command {
            Some(Command::Reconfigure {
                config,
                function,
                ends,
            }) => {
                self.calls.set_function(function);
                self.ports.move_to(ends);
                return Signal::Reconfigure(config);
            }
            Some(Command::Drain { bound }) => bound,
            None => Duration::ZERO,
        };
        self.draining = true;
        self.ports.end_reads();
        Signal::Drain {
            until: self.clock.now() + (bound - bound / SETTLING_SHARE),
        }
    }

    /// Has the machine handle a fact, and carries out what it asks for then.
    async fn handle(&mut self, mut machine: Box<P::Machine>, input: InputOf<P>) -> Box<P::Machine> {
        let now = self.clock.now();
        let mut actions = 0_usize;
        let mut next = Some(input);
        while let Some(input) = next {
            machine = step(machine, now, input).await;
            while let Some(action) = machine.poll() {
                self.ports.carry_out(now, action, &mut self.calls);
                actions += 1;
                if actions.is_multiple_of(AT_A_TIME) {
                    tokio::task::yield_now().await;
                }
            }
            next = self.calls.turn_at_once();
        }
        let reporter = self.calls.reporter();
        if !self.begun && !self.draining && machine.has_begun() {
            self.begun = true;
            reporter.source_answered();
        }
        reporter.publish(machine.status());
        machine
    }
}

/// Has the machine handle one fact.
async fn step<M: Machine>(mut machine: Box<M>, now: Timestamp, input: M::Input) -> Box<M> {
    if machine.reach(now, &input) <= LONG_STEP {
        machine.handle(now, input);
        return machine;
    }
    let long = tokio::task::spawn_blocking(move || {
        machine.handle(now, input);
        machine
    });
    match long.await {
        Ok(machine) => machine,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is about to end, and this with it.
            Err(_) => std::future::pending().await,
        },
    }
}
