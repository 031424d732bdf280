//! What can be wrong with a broker's queue, and the promise that it breaks.

use Fault::*;
use lambda_esm_core::mapping::MqEngine;

/// What is other than it should be, or could be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    // Messages.
    BodyCut,
    BodyLossy,
    PropertiesLost,
    KindLost,
    PriorityLost,
    HeadersLost,
    RedeliveredAtOnce,
    FailedAtOnce,
    Expires,
    TextAsBytes,
    // Order and prefetch.
    TagsRepeat,
    OrderSwapped,
    DeliveredTwice,
    FirstLost,
    PrefetchIgnored,
    PrefetchOneMore,
    SettledMakesNoRoom,
    // Waits.
    ReadEmptyAtOnce,
    ReadNeverEnds,
    ReadDroppedLoses,
    ConsumeHangs,
    SettleHangs,
    StopHangs,
    CloseHangs,
    // Settling.
    AcceptForgotten,
    AcceptsAllBefore,
    ReleasedIsAccepted,
    ReleasedGoesToTheEnd,
    ReleasedIsRejected,
    ReleaseCountsAlways,
    FailuresNotCounted,
    RejectedComesBack,
    RejectedIsForgotten,
    RedeliveryNotShown,
    // Ends.
    StoppedIsSentMore,
    StoppedCannotSettle,
    StopLosesWhatWasSent,
    CloseKeeps,
    CloseAccepts,
    DropKeeps,
    BreakNotTold,
    BreakToldOnce,
    SettlesAfterABreak,
    BackAtTheEnd,
    MissingIsConsumed,
    MissingIsTransient,
    DeletionNotTold,
    // Consumers.
    OneHasAll,
    BothHaveAll,
    EngineWrong,
    // What is allowed.
    OneMessageARead,
    ReadsComeLate,
    TagsWithGaps,
    SettleIsSlow,
}

const BODY: &str = "a body comes byte for byte as it was published";
const PROPERTIES: &str = "the properties come as they were published";
const FRESH: &str = "a message that was not delivered before is not shown as redelivered";
const ORDER: &str = "messages come in the order of the queue";
const TAGS: &str = "a delivery has a greater tag";
const PREFETCH: &str = "no more messages are delivered and not settled than the prefetch";
const ROOM: &str = "what is settled makes room for as many";
const CALLS: &str = "every call ends";
const GONE: &str = "what is accepted is gone";
const NAMES: &str = "settling ends the deliveries that it names, and no other";
const AGAIN: &str = "what goes back comes again, before what was sent after it";
const REDELIVERED: &str = "what was delivered before is shown as redelivered";
const BACK: &str = "what a session has not settled goes back to the queue when it ends";
const BROKEN: &str = "a read fails when the connection is broken";
const EVERY_LATER: &str = "an error is the end of the session";
const MISSING: &str = "a queue that is not there is not found";
const SHARED: &str = "consumers share what is in the queue";

/// Each with the promise that it breaks first.
pub(crate) const FAULTS: &[(Fault, &str)] = &[
    (BodyCut, BODY),
    (BodyLossy, BODY),
    (PropertiesLost, PROPERTIES),
    (KindLost, PROPERTIES),
    (PriorityLost, "the priority comes as it was published"),
    (HeadersLost, "headers come as they were published"),
    (RedeliveredAtOnce, FRESH),
    (FailedAtOnce, FRESH),
    (Expires, "a message without expiration does not expire"),
    (TextAsBytes, "a text is told from bytes"),
    (TagsRepeat, TAGS),
    (OrderSwapped, ORDER),
    (DeliveredTwice, TAGS),
    (FirstLost, ROOM),
    (PrefetchIgnored, PREFETCH),
    (PrefetchOneMore, PREFETCH),
    (SettledMakesNoRoom, ROOM),
    (ReadEmptyAtOnce, "a read brings at least one message"),
    (ReadNeverEnds, ORDER),
    (
        ReadDroppedLoses,
        "a read that is dropped while it waits loses no message",
    ),
    (ConsumeHangs, CALLS),
    (SettleHangs, CALLS),
    (StopHangs, CALLS),
    (CloseHangs, CALLS),
    (AcceptForgotten, GONE),
    (AcceptsAllBefore, PREFETCH),
    (ReleasedIsAccepted, AGAIN),
    (ReleasedGoesToTheEnd, AGAIN),
    (ReleasedIsRejected, AGAIN),
    (
        ReleaseCountsAlways,
        "a delivery that is released without a failure",
    ),
    (
        FailuresNotCounted,
        "a message tells how many of its deliveries have failed",
    ),
    (
        RejectedComesBack,
        "what was rejected is not delivered again",
    ),
    (RejectedIsForgotten, "what was rejected is a dead letter"),
    (RedeliveryNotShown, REDELIVERED),
    (
        StoppedIsSentMore,
        "a session that is stopped is sent nothing more",
    ),
    (
        StoppedCannotSettle,
        "deliveries of a session that lasts are settled",
    ),
    (
        StopLosesWhatWasSent,
        "what was sent before a session was stopped is read, or goes back",
    ),
    (CloseKeeps, NAMES),
    (CloseAccepts, NAMES),
    (DropKeeps, BACK),
    (BreakNotTold, BROKEN),
    (BreakToldOnce, EVERY_LATER),
    (
        SettlesAfterABreak,
        "nothing is settled in a session that is over",
    ),
    (BackAtTheEnd, BACK),
    (MissingIsConsumed, MISSING),
    (MissingIsTransient, MISSING),
    (DeletionNotTold, "a read fails when the queue is deleted"),
    (OneHasAll, SHARED),
    (
        BothHaveAll,
        "a message is delivered to one consumer at a time",
    ),
    (EngineWrong, "a source tells which broker it is"),
];

/// What differs from the in-memory queue and breaks no promise, each with the reason why.
pub(crate) const HARMLESS: &[(Fault, &str)] = &[
    (OneMessageARead, "a read may bring less than is there"),
    (ReadsComeLate, "what a broker has need not be there at once"),
    (TagsWithGaps, "tags only grow"),
    (SettleIsSlow, "a broker may take its time"),
];

impl Fault {
    /// Returns the broker with which it shows.
    pub(crate) const fn engine(self) -> MqEngine {
        match self {
            TextAsBytes | ReleaseCountsAlways | FailuresNotCounted | FailedAtOnce => {
                MqEngine::ActiveMq
            }
            _ => MqEngine::RabbitMq,
        }
    }
}
