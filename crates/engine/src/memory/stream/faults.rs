//! Failures that a test asks for, and how often the stream was called.

use std::collections::VecDeque;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};

/// What can be asked of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamCall {
    /// [`list`](crate::ports::StreamSource::list).
    List,
    /// [`open`](crate::ports::StreamSource::open).
    Open,
    /// [`fetch`](crate::ports::StreamSource::fetch).
    Fetch,
}

/// What happens to a call instead of what should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Error(SourceErrorKind),
    /// A page without records, although there are some.
    EmptyPage,
}

/// What lies ahead of each kind of call, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Calls,
    open: Calls,
    fetch: Calls,
}

#[derive(Debug, Default)]
struct Calls {
    made: u64,
    ahead: VecDeque<Fault>,
}

impl Faults {
    pub(super) fn add(&mut self, call: StreamCall, times: usize, fault: Fault) {
        let ahead = &mut self.calls(call).ahead;
        ahead.extend(std::iter::repeat_n(fault, times));
    }

    /// Counts a call. Returns whether it is to answer with an empty page.
    pub(super) fn meet(&mut self, call: StreamCall) -> Result<bool, SourceError> {
        let calls = self.calls(call);
        calls.made += 1;
        match calls.ahead.pop_front() {
            None => Ok(false),
            Some(Fault::EmptyPage) => Ok(true),
            Some(Fault::Error(kind)) => {
                let text = format!("{call:?} failed as it was told to: {kind:?}");
                Err(SourceError::new(kind, text))
            }
        }
    }

    pub(super) fn made(&mut self, call: StreamCall) -> u64 {
        self.calls(call).made
    }

    const fn calls(&mut self, call: StreamCall) -> &mut Calls {
        match call {
            StreamCall::List => &mut self.list,
            StreamCall::Open => &mut self.open,
            StreamCall::Fetch => &mut self.fetch,
        }
    }
}
