//! What differs from the in-memory stream and breaks no promise.

use lambda_esm_engine::memory::StreamKind::{self, DynamoDb, Kinesis};

use crate::fault::Fault::{self, *};

/// Each with the reason why the contract lets it pass.
pub(crate) const HARMLESS: &[(Fault, StreamKind, &str)] = &[
    (
        EmptyPagesBetween,
        Kinesis,
        "a server may look at a part of the shard at a time",
    ),
    (
        OneRecordAPage,
        Kinesis,
        "a page may have fewer records than were asked for",
    ),
    (
        ShowsRecordsLate,
        Kinesis,
        "a server may need a moment until a record can be read",
    ),
    (
        WaitsForRecords,
        Kinesis,
        "a source that has records pushed to it may wait for them, if it says so",
    ),
    (
        TakesASecond,
        Kinesis,
        "a server is no faster than its network",
    ),
    (
        BehindNotTold,
        Kinesis,
        "a source need not say how far it is behind",
    ),
    (
        BehindZeroInTheSameMillisecond,
        Kinesis,
        "it is told in milliseconds, and counted from record to record by some servers",
    ),
    (
        ServerTimeNotTold,
        Kinesis,
        "a source need not tell its server's time",
    ),
    (
        ServerTimeBehind,
        Kinesis,
        "it may be up to a few seconds less",
    ),
    (ListedBackwards, Kinesis, "shards are listed in any order"),
    (NoHashKeys, Kinesis, "a source need not have hash keys"),
    (
        NamesNoChildren,
        Kinesis,
        "a source need not name children at the end of a shard",
    ),
    (
        NamesChildrenEarly,
        Kinesis,
        "children count on the last page only",
    ),
    (
        TimestampIsTrimHorizon,
        Kinesis,
        "a source that cannot look up a time begins with the oldest record",
    ),
    (ArrivalCutToTheMinute, DynamoDb, "the grain says so"),
    (
        GrainTooLong,
        Kinesis,
        "if in doubt, the longest grain is told",
    ),
    (
        TrimmedAtTheFetch,
        Kinesis,
        "a source may find out only when it reads",
    ),
    (
        LastTrimmedIsTrimmed,
        Kinesis,
        "nothing is lost, but the record itself is gone",
    ),
    (
        TrimmedPositionExpires,
        Kinesis,
        "the shard is opened anew, and then it is told what is lost",
    ),
    (
        FetchLimitTooHigh,
        Kinesis,
        "what a source gives at most cannot be seen without as many records",
    ),
    (
        IntervalOfADay,
        Kinesis,
        "the pace is the service's own business",
    ),
    (
        QuotaTooHigh,
        Kinesis,
        "a quota is seen only by those who exceed it",
    ),
];
