//! What differs from the in-memory topic and breaks no promise.

use crate::fault::Fault::{self, *};

/// Each with the reason why the contract lets it pass.
pub(crate) const HARMLESS: &[(Fault, &str)] = &[
    (
        OneRecordAPage,
        "a page may have fewer records than were asked for",
    ),
    (
        EmptyPagesBetween,
        "what a server has need not be there at once",
    ),
    (
        PositionNotTold,
        "a source need not know what lies beyond its records",
    ),
    (
        FetchFailsNowAndThen,
        "a server may be out of reach for a moment",
    ),
    (
        CommitThrottledAtFirst,
        "a group that is being rebalanced refuses a commit, and takes it later",
    ),
    (
        EventsComeLate,
        "a group may take seconds to share its partitions out",
    ),
    (
        AssignedOneByOne,
        "partitions are assigned in any number of events",
    ),
    (
        ProblemsTold,
        "a source may tell what it cannot do for a moment",
    ),
];
