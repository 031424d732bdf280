//! How much a simulation does that makes no difference to its report.

use lambda_esm_core::event::EventDetail;

/// Whether what nobody reads is made all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// Events of Kinesis have the sequence numbers of their records, and their size; payloads that no filter looks at have
    /// their size; and what is recorded is made figures of by a thread of its own.
    Least,
    /// Everything is written and read as where functions run.
    #[cfg(test)]
    Whole,
}

impl Effort {
    pub(super) const fn event_detail(self) -> EventDetail {
        match self {
            Self::Least => EventDetail::SequenceNumbers,
            #[cfg(test)]
            Self::Whole => EventDetail::Whole,
        }
    }
}
