//! What a backend hands back of an invocation.

use bytes::Bytes;

/// Which run of a function an answer or a failure comes from, as far as its backend tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The id of the request, by which the function's own log names it.
    pub request_id: Option<String>,
    /// The version that ran: `$LATEST` or a number, also where an alias was asked for (Lambda API
    /// reference, `X-Amz-Executed-Version`).
    pub executed_version: Option<String>,
}

/// What a function answered. A payload alone is an answer, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvokeAnswer {
    /// The response payload.
    pub payload: Bytes,
    /// Which run it comes from.
    pub run: Run,
}

impl From<Bytes> for InvokeAnswer {
    fn from(payload: Bytes) -> Self {
        let run = Run::default();
        Self { payload, run }
    }
}
