//! Failures that a test asks for, and how often the topic was called.

use std::collections::VecDeque;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};

/// What can be asked of a topic and its consumers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TopicCall {
    /// [`join`](crate::ports::TopicSource::join).
    Join,
    /// [`fetch`](crate::ports::TopicConsumer::fetch).
    Fetch,
    /// [`commit`](crate::ports::TopicConsumer::commit).
    Commit,
    /// [`let_go`](crate::ports::TopicConsumer::let_go): one that fails commits nothing.
    LetGo,
    /// [`watermarks`](crate::ports::TopicConsumer::watermarks).
    Watermarks,
}

/// What lies ahead of each kind of call, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Faults {
    join: Calls,
    fetch: Calls,
    commit: Calls,
    let_go: Calls,
    watermarks: Calls,
}

#[derive(Debug, Default)]
struct Calls {
    made: u64,
    ahead: VecDeque<SourceErrorKind>,
}

impl Faults {
    pub(super) fn add(&mut self, call: TopicCall, times: usize, kind: SourceErrorKind) {
        let ahead = &mut self.calls(call).ahead;
        ahead.extend(std::iter::repeat_n(kind, times));
    }

    /// Counts a call, which may have to fail.
    pub(super) fn meet(&mut self, call: TopicCall) -> Result<(), SourceError> {
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

    pub(super) fn made(&mut self, call: TopicCall) -> u64 {
        self.calls(call).made
    }

    const fn calls(&mut self, call: TopicCall) -> &mut Calls {
        match call {
            TopicCall::Join => &mut self.join,
            TopicCall::Fetch => &mut self.fetch,
            TopicCall::Commit => &mut self.commit,
            TopicCall::LetGo => &mut self.let_go,
            TopicCall::Watermarks => &mut self.watermarks,
        }
    }
}
