//! Failures that a test asks for, and how often the queue was called.

use std::collections::VecDeque;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};

/// What can be asked of a broker's queue and its consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PushQueueCall {
    /// [`consume`](crate::ports::PushQueueSource::consume).
    Consume,
    /// [`next`](crate::ports::PushQueueConsumer::next): one that fails ends the session.
    Next,
    /// [`settle`](crate::ports::PushQueueConsumer::settle): one that fails settles nothing, and ends the session.
    Settle,
    /// [`stop`](crate::ports::PushQueueConsumer::stop): one that fails ends the session.
    Stop,
}

/// What lies ahead of each kind of call, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Faults {
    consume: Calls,
    next: Calls,
    settle: Calls,
    stop: Calls,
}

#[derive(Debug, Default)]
struct Calls {
    made: u64,
    ahead: VecDeque<SourceErrorKind>,
}

impl Faults {
    pub(super) fn add(&mut self, call: PushQueueCall, times: usize, kind: SourceErrorKind) {
        let ahead = &mut self.calls(call).ahead;
        ahead.extend(std::iter::repeat_n(kind, times));
    }

    /// Counts a call, which may have to fail.
    pub(super) fn meet(&mut self, call: PushQueueCall) -> Result<(), SourceError> {
        let calls = self.calls(call);
        calls.made += 1;
        match calls.ahead.pop_front() {
            None => Ok(()),
            Some(kind) => {
                let text = format!("{call:?} failed as it was told to: {kind:?}");
                Err(SourceError::new(kind, text))
            }
        }
    }

    pub(super) fn made(&mut self, call: PushQueueCall) -> u64 {
        self.calls(call).made
    }

    const fn calls(&mut self, call: PushQueueCall) -> &mut Calls {
        match call {
            PushQueueCall::Consume => &mut self.consume,
            PushQueueCall::Next => &mut self.next,
            PushQueueCall::Settle => &mut self.settle,
            PushQueueCall::Stop => &mut self.stop,
        }
    }
}
