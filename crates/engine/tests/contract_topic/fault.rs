//! What can be wrong with a topic, and the promise that it breaks.

use Fault::*;

/// What is other than it should be, or could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    // Records.
    OffsetPlusOne,
    NullKeyAsEmpty,
    EmptyKeyAsNull,
    TombstoneAsEmpty,
    TombstoneLost,
    EmptyValueAsNull,
    KeyLossy,
    ValueCut,
    HeaderOfSameNameLost,
    HeadersReversed,
    NullHeaderAsEmpty,
    HeadersLost,
    TimestampZero,
    TimestampInSeconds,
    TimestampTypeWrong,
    // Pages.
    LimitIgnored,
    BytesIgnored,
    LargeRecordNever,
    OrderSwapped,
    RepeatsAtPages,
    SkipsAtPages,
    PositionAhead,
    PositionBehind,
    PositionStaysAtRecords,
    // Waits.
    JoinHangs,
    FetchHangs,
    NoWait,
    WaitsTooLong,
    WaitsThoughNotAsked,
    WaitNotEndedByAPut,
    WaitHoldsUpOthers,
    // Groups.
    TwoOwners,
    EpochReused,
    AssignedTwice,
    AskedTwice,
    AskedForWhatIsNotOwned,
    AskedNeverTold,
    EventLostWhenDropped,
    NothingAssignedNotTold,
    LostWithoutBeingAsked,
    LossNotTold,
    LossToldAfterLettingGo,
    LateLetGoSucceeds,
    OldEpochIsRead,
    OldEpochCommits,
    LeaveKeepsPartitions,
    DropKeepsPartitions,
    // Offsets.
    CommitForgotten,
    LetGoDropsOffsets,
    LetGoCommitsWhatWasRead,
    CommittedNotTold,
    RecordLostAtAMove,
    RecordRepeatedAtAMove,
    AllRepeatedAtAMove,
    GroupForgets,
    // Beginnings.
    EarliestIsLatest,
    LatestIsEarliest,
    LatestNotKept,
    TimestampIsEarliest,
    TimestampIsLatest,
    TimestampTooLate,
    TimestampTooEarly,
    StartWinsOverCommitted,
    GroupsShareOffsets,
    // Changes.
    AddedNotAssigned,
    AddedAtLatest,
    DeletedIsLatest,
    DeletedFails,
    AnewNeverRead,
    WatermarksOfAll,
    WatermarksFromZero,
    WatermarksOneTooHigh,
    // What is allowed.
    OneRecordAPage,
    EmptyPagesBetween,
    PositionNotTold,
    FetchFailsNowAndThen,
    CommitThrottledAtFirst,
    EventsComeLate,
    AssignedOneByOne,
    ProblemsTold,
}

const DELIVERED: &str = "every record that is not below a committed offset is delivered";
const ORDER: &str = "records come in the order of their offsets";
const POSITION: &str = "the position of a page lies behind all of its records";
const SHARED: &str = "every partition is assigned";
const COMMITTED: &str = "an assignment tells the offset that the group has committed";
const NULLS: &str = "a record without a key, or a tombstone, is told from an empty one";
const HEADERS: &str = "headers come in their order";
const TIMESTAMP: &str = "AtTimestamp begins with the first record that is not older";
const LATEST: &str = "Latest begins after the newest record";
const TIME: &str = "a record has the time at which it was put";
const WATERMARKS: &str = "watermarks tell what the logs of the owned partitions hold";
const EPOCHS: &str = "each assignment of a partition has a greater epoch";
const ONE_OWNER: &str = "a partition has one owner in the group at a time";
const ASKED: &str = "the group asks once for a partition, which is owned";
const SHARE: &str = "a member that joins gets its share";
const DELETED: &str = "where the log no longer holds the committed offset";

/// Each with the promise that it breaks first.
pub(crate) const FAULTS: &[(Fault, &str)] = &[
    (OffsetPlusOne, DELIVERED),
    (NullKeyAsEmpty, NULLS),
    (EmptyKeyAsNull, NULLS),
    (TombstoneAsEmpty, NULLS),
    (TombstoneLost, DELIVERED),
    (EmptyValueAsNull, NULLS),
    (KeyLossy, "a key comes byte for byte as it was put"),
    (ValueCut, "a value comes byte for byte as it was put"),
    (HeaderOfSameNameLost, HEADERS),
    (HeadersReversed, HEADERS),
    (NullHeaderAsEmpty, HEADERS),
    (HeadersLost, HEADERS),
    (TimestampZero, TIME),
    (TimestampInSeconds, TIME),
    (TimestampTypeWrong, "a record says what its timestamp means"),
    (
        LimitIgnored,
        "a page has at most as many records as were asked for",
    ),
    (
        BytesIgnored,
        "a page goes beyond its bytes by one record at most",
    ),
    (
        LargeRecordNever,
        "a record that is larger than a page comes alone",
    ),
    (OrderSwapped, ORDER),
    (RepeatsAtPages, ORDER),
    (SkipsAtPages, DELIVERED),
    (PositionAhead, ORDER),
    (PositionBehind, POSITION),
    (
        PositionStaysAtRecords,
        "the position passes over what no consumer sees",
    ),
    (JoinHangs, "every call ends"),
    (FetchHangs, "every call ends"),
    (NoWait, "a fetch waits for a record"),
    (WaitsTooLong, "a fetch waits no longer than it is asked to"),
    (
        WaitsThoughNotAsked,
        "a fetch that is not to wait answers at once",
    ),
    (
        WaitNotEndedByAPut,
        "a fetch that waits answers as soon as a record is put",
    ),
    (
        WaitHoldsUpOthers,
        "a fetch that waits holds up no other partition",
    ),
    (TwoOwners, ONE_OWNER),
    (EpochReused, EPOCHS),
    (AssignedTwice, EPOCHS),
    (AskedTwice, ASKED),
    (AskedForWhatIsNotOwned, ASKED),
    (AskedNeverTold, SHARE),
    (EventLostWhenDropped, SHARED),
    (
        NothingAssignedNotTold,
        "a member hears that it is one, also if it gets no partition",
    ),
    (LostWithoutBeingAsked, SHARE),
    (LossNotTold, ONE_OWNER),
    (
        LossToldAfterLettingGo,
        "no event tells of a partition that was let go of",
    ),
    (LateLetGoSucceeds, "what is lost cannot be let go of"),
    (OldEpochIsRead, "a fetch fails as expired"),
    (OldEpochCommits, "a commit fails as expired"),
    (LeaveKeepsPartitions, SHARED),
    (DropKeepsPartitions, SHARED),
    (CommitForgotten, COMMITTED),
    (LetGoDropsOffsets, COMMITTED),
    (LetGoCommitsWhatWasRead, COMMITTED),
    (CommittedNotTold, COMMITTED),
    (RecordLostAtAMove, DELIVERED),
    (RecordRepeatedAtAMove, ORDER),
    (AllRepeatedAtAMove, ORDER),
    (GroupForgets, COMMITTED),
    (EarliestIsLatest, "nothing is committed in a new group"),
    (LatestIsEarliest, LATEST),
    (LatestNotKept, LATEST),
    (TimestampIsEarliest, TIMESTAMP),
    (TimestampIsLatest, TIMESTAMP),
    (TimestampTooLate, TIMESTAMP),
    (TimestampTooEarly, TIMESTAMP),
    (
        StartWinsOverCommitted,
        "what the group has committed wins over the starting position",
    ),
    (
        GroupsShareOffsets,
        "TrimHorizon begins with the oldest record",
    ),
    (
        AddedNotAssigned,
        "a partition that is added to the topic is assigned, too",
    ),
    (
        AddedAtLatest,
        "a partition that was added begins with its oldest record",
    ),
    (DeletedIsLatest, DELETED),
    (DeletedFails, "a partition is read by its owner"),
    (
        AnewNeverRead,
        "a topic that is made anew is read from its oldest record",
    ),
    (WatermarksOfAll, WATERMARKS),
    (WatermarksFromZero, WATERMARKS),
    (WatermarksOneTooHigh, WATERMARKS),
];
