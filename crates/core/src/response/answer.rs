//! What a backend hands back of an invocation.

use bytes::Bytes;

use crate::setters;

/// Which run of a function an answer or a failure comes from, as far as its backend tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Run {
    /// The id of the request, by which the function's own log names it. Where it is a UUID, the record of a batch that
    /// is given up after this run has it, else one of its own.
    pub request_id: Option<String>,
    /// The version that ran: `$LATEST` or a number, also where an alias was asked for (Lambda API
    /// reference, `X-Amz-Executed-Version`).
    pub executed_version: Option<String>,
}

setters!(Run {
    with_request_id sets request_id: Option<String>,
    with_executed_version sets executed_version: Option<String>,
});

/// What a function answered. A payload alone is an answer, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvokeAnswer {
    /// The response payload.
    pub payload: Bytes,
    /// Which run it comes from.
    pub run: Run,
}

impl InvokeAnswer {
    /// Returns the answer with this payload, of a run that nothing is known about.
    #[must_use]
    pub fn new(payload: Bytes) -> Self {
        payload.into()
    }

    /// Returns the same answer of this run.
    #[must_use]
    pub fn of(self, run: Run) -> Self {
        Self { run, ..self }
    }
}

impl From<Bytes> for InvokeAnswer {
    fn from(payload: Bytes) -> Self {
        let run = Run::default();
        Self { payload, run }
    }
}
