//! Where one environment stands in the Runtime API's dialogue.

use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot, watch};
use tokio::time::Instant;

use super::resource_exhaustion::advice;

/// Failures that follow each other so soon are one.
const SAME_EXHAUSTION: Duration = Duration::from_secs(10);

/// What a runtime answered: its response, or its error in words.
pub(crate) type Answer = Result<Bytes, String>;

/// One event on its way to a runtime.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    pub(crate) id: String,
    pub(crate) function_arn: String,
    pub(crate) trace_id: String,
    /// Milliseconds since the epoch.
    pub(crate) deadline_ms: i64,
    pub(crate) payload: Bytes,
}

/// Why a call of the runtime is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The request id is not the one at work.
    UnknownRequest,
    /// The call does not fit the environment's phase, which is named.
    OutOfOrder(&'static str),
}

/// The dialogue of one environment. All changes go through here, so that both sides see one order.
pub(crate) struct Dialogue {
    phase: watch::Sender<Phase>,
    /// The right to be heard: one body is read at a time, for each may have megabytes.
    hearing: Semaphore,
    /// When the runtime last could not be heard since this daemon was out of something, and of what.
    exhaustion: Mutex<Option<(Instant, String)>>,
}

enum Phase {
    /// In init: the runtime has not asked for work yet.
    Starting,
    /// The runtime holds `/next` open; the sender is closed if its connection went away.
    Waiting(oneshot::Sender<Invocation>),
    /// The runtime has an event.
    Running {
        id: String,
        answer: oneshot::Sender<Answer>,
    },
    /// The runtime has answered and not yet asked for more.
    Finishing { id: String },
    /// The runtime reported that its init failed.
    InitFailed(String),
}

impl Phase {
    const fn name(&self) -> &'static str {
        match self {
            Self::Starting => "Init",
            Self::Waiting(_) => "Ready",
            Self::Running { .. } => "Running",
            Self::Finishing { .. } => "ResponseSent",
            Self::InitFailed(_) => "InitError",
        }
    }

    fn is_waiting(&self) -> bool {
        matches!(self, Self::Waiting(next) if !next.is_closed())
    }
}

impl Dialogue {
    pub(crate) fn new() -> Self {
        Self {
            phase: watch::Sender::new(Phase::Starting),
            hearing: Semaphore::new(1),
            exhaustion: Mutex::default(),
        }
    }

    /// The runtime cannot be heard at this moment, since this daemon lacks something. Returns whether it could
    /// just before.
    pub(crate) fn exhausted(&self, error: &io::Error) -> bool {
        let exhaustion = (Instant::now(), format!("{error}{}", advice(error)));
        let mut last = self
            .exhaustion
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let before = last.replace(exhaustion);
        before.is_none_or(|(at, _)| at.elapsed() > SAME_EXHAUSTION)
    }

    /// Returns what this daemon has lacked since `begin`, if it did. What the runtime has not said since then is
    /// not its fault.
    pub(crate) fn exhausted_since(&self, begin: Instant) -> Option<String> {
        let exhaustion = self
            .exhaustion
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (_, what) = exhaustion.as_ref().filter(|(at, _)| *at >= begin)?;
        Some(what.clone())
    }

    /// The runtime asks for work. The receiver fails if a later `/next` takes this one's place.
    pub(crate) fn next(&self) -> Result<oneshot::Receiver<Invocation>, Refusal> {
        let mut result = Err(Refusal::OutOfOrder(""));
        self.phase.send_if_modified(|phase| {
            let refused = match phase {
                Phase::Starting | Phase::Finishing { .. } => false,
                Phase::Waiting(_) => phase.is_waiting(),
                Phase::Running { .. } | Phase::InitFailed(_) => true,
            };
            if refused {
                result = Err(Refusal::OutOfOrder(phase.name()));
                return false;
            }
            let (sender, receiver) = oneshot::channel();
            *phase = Phase::Waiting(sender);
            result = Ok(receiver);
            true
        });
        result
    }

    /// Returns the right to answer request `id` now.
    pub(crate) fn hear_answer(&self, id: &str) -> Result<SemaphorePermit<'_>, Refusal> {
        self.expects(id)?;
        self.hear()
    }

    /// Returns the right to report a failed init now.
    pub(crate) fn hear_init_error(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let phase = self.phase.borrow().name();
        if phase != Phase::Starting.name() {
            return Err(Refusal::OutOfOrder(phase));
        }
        self.hear()
    }

    fn hear(&self) -> Result<SemaphorePermit<'_>, Refusal> {
        let hearing = self.hearing.try_acquire();
        hearing.map_err(|_| Refusal::OutOfOrder("Answering"))
    }

    fn expects(&self, id: &str) -> Result<(), Refusal> {
        let phase = self.phase.borrow();
        match &*phase {
            Phase::Running { id: current, .. } if current == id => Ok(()),
            Phase::Finishing { id: last } if last == id => Err(Refusal::OutOfOrder(phase.name())),
            _ => Err(Refusal::UnknownRequest),
        }
    }

    /// The runtime answers request `id`.
    pub(crate) fn answer(&self, id: &str, answer: Answer) -> Result<(), Refusal> {
        self.expects(id)?;
        self.phase.send_modify(|phase| {
            if matches!(phase, Phase::Running { id: current, .. } if current == id) {
                let finishing = Phase::Finishing { id: id.to_owned() };
                if let Phase::Running {
                    answer: waiting, ..
                } = std::mem::replace(phase, finishing)
                {
                    // Nobody waits if the invocation was dropped; the environment then ends anyway.
                    drop(waiting.send(answer));
                }
            }
        });
        Ok(())
    }

    /// The runtime reports that its init failed.
    pub(crate) fn fail_init(&self, message: String) -> Result<(), Refusal> {
        let mut result = Ok(());
        self.phase.send_if_modified(|phase| {
            if !matches!(phase, Phase::Starting) {
                result = Err(Refusal::OutOfOrder(phase.name()));
                return false;
            }
            *phase = Phase::InitFailed(message);
            true
        });
        result
    }

    /// Tells whether the runtime waits for work at this moment.
    pub(crate) fn is_waiting(&self) -> bool {
        self.phase.borrow().is_waiting()
    }

    /// Returns when the runtime waits for work. Fails with the runtime's words if its init failed.
    pub(crate) async fn waiting(&self) -> Result<(), String> {
        let mut phases = self.phase.subscribe();
        let settled = |phase: &Phase| phase.is_waiting() || matches!(phase, Phase::InitFailed(_));
        match phases.wait_for(settled).await.as_deref() {
            Ok(Phase::InitFailed(message)) => Err(message.clone()),
            // The sender lives in `self`, so waiting cannot fail.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// Hands `invocation` over, if the runtime still waits for work.
    pub(crate) fn deliver(&self, invocation: Invocation) -> Option<oneshot::Receiver<Answer>> {
        let mut result = None;
        self.phase.send_if_modified(|phase| {
            if !phase.is_waiting() {
                return false;
            }
            let (answer, receiver) = oneshot::channel();
            let running = Phase::Running {
                id: invocation.id.clone(),
                answer,
            };
            if let Phase::Waiting(next) = std::mem::replace(phase, running)
                && next.send(invocation).is_ok()
            {
                result = Some(receiver);
            } else {
                // The connection went away this moment: as before its `/next`.
                *phase = Phase::Finishing { id: String::new() };
            }
            true
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation(id: &str) -> Invocation {
        Invocation {
            id: id.to_owned(),
            function_arn: String::new(),
            trace_id: String::new(),
            deadline_ms: 0,
            payload: Bytes::new(),
        }
    }

    #[test]
    fn one_round_goes_from_next_to_answer_and_back() {
        let dialogue = Dialogue::new();
        assert!(dialogue.deliver(invocation("a")).is_none());
        let mut next = dialogue.next().unwrap();
        let mut answer = dialogue.deliver(invocation("a")).unwrap();
        assert_eq!(next.try_recv().unwrap().id, "a");
        let refused = |id| dialogue.hear_answer(id).err();
        assert_eq!(refused("b"), Some(Refusal::UnknownRequest));
        let hearing = dialogue.hear_answer("a").unwrap();
        assert_eq!(refused("a"), Some(Refusal::OutOfOrder("Answering")));
        drop(hearing);
        assert_eq!(dialogue.answer("a", Ok(Bytes::from_static(b"1"))), Ok(()));
        assert_eq!(answer.try_recv().unwrap(), Ok(Bytes::from_static(b"1")));
        assert!(!dialogue.is_waiting());
        let again = dialogue.next();
        assert!(again.is_ok() && dialogue.is_waiting());
    }

    #[test]
    fn calls_out_of_order_are_refused() {
        let dialogue = Dialogue::new();
        assert_eq!(
            dialogue.answer("a", Ok(Bytes::new())),
            Err(Refusal::UnknownRequest)
        );
        let _next = dialogue.next().unwrap();
        assert_eq!(dialogue.next().unwrap_err(), Refusal::OutOfOrder("Ready"));
        assert_eq!(
            dialogue.fail_init(String::new()),
            Err(Refusal::OutOfOrder("Ready"))
        );
        let _answer = dialogue.deliver(invocation("a")).unwrap();
        assert_eq!(dialogue.next().unwrap_err(), Refusal::OutOfOrder("Running"));
        dialogue.answer("a", Ok(Bytes::new())).unwrap();
        assert_eq!(
            dialogue.answer("a", Ok(Bytes::new())),
            Err(Refusal::OutOfOrder("ResponseSent"))
        );
    }

    #[test]
    fn a_next_whose_connection_went_away_gets_no_event() {
        let dialogue = Dialogue::new();
        drop(dialogue.next().unwrap());
        assert!(!dialogue.is_waiting());
        assert!(dialogue.deliver(invocation("a")).is_none());
        let _next = dialogue.next().unwrap();
        assert!(dialogue.deliver(invocation("a")).is_some());
    }

    #[tokio::test]
    async fn a_failed_init_ends_the_wait_with_its_words() {
        let dialogue = Dialogue::new();
        dialogue.fail_init("no such module".to_owned()).unwrap();
        assert_eq!(dialogue.waiting().await, Err("no such module".to_owned()));
    }
}
