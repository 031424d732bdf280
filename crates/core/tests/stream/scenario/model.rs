//! What stands in a scenario file. A member that is not here is an error.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::text::{Count, Span};
use crate::mapping::Source;
use crate::world::clock::SourceClock;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scenario {
    #[serde(default)]
    pub(crate) source: Source,
    #[serde(default)]
    pub(crate) pacing: Pace,
    #[serde(default)]
    pub(crate) backoff: Curve,
    /// Parameters of the Lambda API. What is not given has the API's default; the starting position is
    /// `TRIM_HORIZON`.
    #[serde(default)]
    pub(crate) mapping: Map<String, Value>,
    #[serde(default)]
    pub(crate) stream: StreamSpec,
    /// The first rule that fits a call decides; without one it succeeds at once.
    #[serde(default)]
    pub(crate) function: Vec<Rule>,
    /// How many invocations the function runs at a time, and says so.
    pub(crate) concurrency: Option<usize>,
    pub(crate) destination: Option<Destination>,
    #[serde(default)]
    pub(crate) faults: Vec<Fault>,
    /// What befalls the mapping itself.
    #[serde(default)]
    pub(crate) life: Vec<Turn>,
    /// When the scenario ends.
    pub(crate) until: Option<Span>,
    pub(crate) expect: Expect,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Pace {
    #[default]
    Aws,
    Eager,
}

/// The waits between tries of a batch that the function failed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Curve {
    /// The default curve without its chance: 0.8 s, 1.6 s, 3.2 s, 6.4 s, 12.8 s, 25.6 s, then 30 s.
    #[default]
    Exact,
    /// The default curve as it is.
    Jittered,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StreamSpec {
    /// The shards at the beginning; one, `s0`, if none are given.
    pub(crate) shards: Vec<ShardSpec>,
    /// How long the stream keeps records.
    pub(crate) retention: Option<Span>,
    /// The most records of one fetch.
    pub(crate) fetch_limit: Option<usize>,
    /// How long a fetch may wait for records.
    pub(crate) longest_wait: Option<Span>,
    /// Whether the end of a shard names its children, and a page says how far it is behind.
    pub(crate) tells: Option<bool>,
    /// Whether it refuses more reads than its quota allows.
    pub(crate) enforces_quota: bool,
    /// Whether the source finds a place by time.
    pub(crate) looks_up_time: Option<bool>,
    pub(crate) clock: ClockSpec,
    /// How long every answer of the stream takes.
    pub(crate) latency: Span,
    pub(crate) events: Vec<Event>,
}

/// The source's clock. Times in a scenario are those of the mapping's clock; arrival times are what the
/// source's shows then.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClockSpec {
    /// How much more it shows than the mapping's.
    ahead: Span,
    /// How much it gains in 1,000 s.
    gains: Span,
    /// What arrival times are cut down to: a millisecond if nothing is said.
    grain: Option<Span>,
    /// What it says of that, if something else.
    claimed: Option<Span>,
    /// Whether it keeps its time to itself.
    silent: bool,
}

impl ClockSpec {
    pub(crate) fn clock(&self) -> SourceClock {
        let grain = self.grain.map_or(SourceClock::EXACT.grain, Span::duration);
        SourceClock {
            ahead: self.ahead.0,
            gains: self.gains.0,
            grain,
            claimed: self.claimed.map_or(grain, Span::duration),
            tells: !self.silent,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShardSpec {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) parents: Vec<String>,
    /// The lower half of all hash keys, or the upper one, if it does not take all of them.
    pub(crate) half: Option<Half>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Half {
    Lower,
    Upper,
}

/// Something that happens to the stream: exactly one of `put`, `split`, `merge`, `close`, `add`, `trim`,
/// `forget` and `recreate`. Events up to the beginning happen before the mapping is made.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Event {
    pub(crate) at: Span,
    /// Records with these names; `a@k` has the partition key `k`. With a ParallelizationFactor above 1,
    /// the keys `1`, `2`, … lie in different lanes, `1b`, `1c`, … in the lane of `1`.
    pub(crate) put: Option<String>,
    /// Where: `s0` unless said otherwise.
    pub(crate) shard: Option<String>,
    /// When they arrived, if not at the time of the put.
    pub(crate) arrival: Option<Span>,
    /// Their data, or a new image in DynamoDB JSON.
    pub(crate) data: Option<String>,
    /// The size of their data, instead.
    pub(crate) bytes: Option<usize>,
    /// DynamoDB: `INSERT` unless said otherwise.
    pub(crate) event_name: Option<String>,
    /// The source could not make sense of them.
    pub(crate) unreadable: bool,
    /// The records are parts of one aggregated record of the Kinesis Producer Library. Their keys must differ.
    pub(crate) aggregate: bool,
    pub(crate) split: Option<String>,
    pub(crate) merge: Option<String>,
    pub(crate) into: Option<String>,
    pub(crate) close: Option<String>,
    pub(crate) add: Option<String>,
    pub(crate) trim: Option<String>,
    /// The last record that a trim takes.
    pub(crate) through: Option<String>,
    /// A shard that is listed no more.
    pub(crate) forget: Option<String>,
    pub(crate) recreate: bool,
}

/// What the function does with calls that fit: all that is given of `on`, `with`, `size`, `last`, `shard`,
/// `before` and `times`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rule {
    /// The number of the call, from 1.
    pub(crate) on: Option<Count>,
    /// At least one of these records is in the batch.
    pub(crate) with: Option<String>,
    /// The number of records.
    pub(crate) size: Option<Count>,
    /// Whether it is the last call of a tumbling window.
    pub(crate) last: Option<bool>,
    pub(crate) shard: Option<String>,
    pub(crate) before: Option<Span>,
    /// How many calls this rule answers.
    pub(crate) times: Option<u32>,
    /// How the call ends, if none of the following is given either: successfully.
    #[serde(rename = "do")]
    pub(crate) verb: Verb,
    /// A partial response that names these of its records. Fits calls that have one of them.
    pub(crate) report: Option<String>,
    /// The response as it is; `<a>` stands for the sequence number of record `a`.
    pub(crate) respond: Option<String>,
    /// The state that a tumbling window's call returns, as it is. Otherwise the function appends the names
    /// of the records to the state's member `seen`.
    pub(crate) state: Option<String>,
    /// A state of so many bytes, instead.
    pub(crate) state_bytes: Option<usize>,
    /// The version that ran, as the answer or the error says.
    pub(crate) version: Option<String>,
    /// The id of the request, likewise.
    pub(crate) request_id: Option<String>,
    /// What a throttled call is told to wait.
    pub(crate) retry_after: Option<Span>,
    /// How long the call takes.
    pub(crate) takes: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verb {
    #[default]
    Succeed,
    /// The function ran and failed.
    Error,
    Throttle,
    NotFound,
    Denied,
    Unavailable,
    /// The payload is refused with 413.
    TooLarge,
    /// The call is refused with 400.
    Refused,
    /// The call is refused with 409, which may pass.
    Busy,
    /// There is no answer.
    Hang,
}

/// The on-failure destination; it is part of the mapping if it is given.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Destination {
    pub(crate) kind: DestinationKind,
    /// How many deliveries fail, from the first one on.
    pub(crate) fails: usize,
    /// How long a delivery takes.
    pub(crate) takes: Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DestinationKind {
    #[default]
    Sqs,
    Sns,
    S3,
}

/// Calls that fail: the first `times` of this kind at or after `from`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    pub(crate) call: Faulty,
    pub(crate) shard: Option<String>,
    #[serde(default)]
    pub(crate) from: Span,
    #[serde(default = "once")]
    pub(crate) times: u32,
    #[serde(default)]
    pub(crate) error: Kind,
}

const fn once() -> u32 {
    1
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Faulty {
    List,
    Open,
    Fetch,
    Commit,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Throttled,
    NotFound,
    Denied,
    Expired,
    Trimmed,
    #[default]
    Transient,
    Fatal,
}

/// A turn in the mapping's life: exactly one of `restart`, `drain`, `update` and `set_clock`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Turn {
    pub(crate) at: Span,
    /// The process dies and comes back: the machine is built anew from the last kept checkpoints.
    pub(crate) restart: bool,
    pub(crate) drain: bool,
    /// New parameters; with `restart`, those it comes back with.
    pub(crate) update: Option<Map<String, Value>>,
    /// The mapping's clock is set forward by so much. The source's is not.
    pub(crate) set_clock: Option<Span>,
}

/// What is to come out. At least one member must be given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expect {
    /// Lines of time and event, `23.2s..31s` where chance decides. Told are calls, deliveries and dropped
    /// records, and every other kind of event that the lines mention, or only the kinds in `only`.
    pub(crate) timeline: Option<String>,
    pub(crate) only: Option<String>,
    /// Whether events of the same moment may stand in any order: lanes and shards that do not wait for
    /// each other.
    pub(crate) any_order: bool,
    /// The records of every call in order.
    pub(crate) batches: Option<Vec<String>>,
    /// Their numbers.
    pub(crate) sizes: Option<Vec<usize>>,
    pub(crate) invocations: Option<Count>,
    /// The most calls at one time.
    pub(crate) at_once: Option<Count>,
    /// The kept checkpoint of each shard at the end.
    pub(crate) checkpoints: Option<BTreeMap<String, String>>,
    /// The records that the function processed, in the order of the stream.
    pub(crate) succeeded: Option<String>,
    /// The records that it processed more than once.
    pub(crate) repeated: Option<String>,
    /// The records that are described in delivered failure records.
    pub(crate) delivered: Option<String>,
    /// The records that are discarded without being delivered.
    pub(crate) dropped: Option<String>,
    /// The records that passed no filter.
    pub(crate) filtered: Option<String>,
    /// Members of the failure records handed to the destination, in order.
    pub(crate) failure_records: Option<Vec<Value>>,
    /// Members of events, by the number of the call.
    pub(crate) events: Option<BTreeMap<String, Value>>,
    /// The mapping cannot be made: the beginning of the API's error.
    pub(crate) refused: Option<String>,
    pub(crate) fetches: Option<Count>,
    pub(crate) lists: Option<Count>,
    /// Whether nothing is in flight, waiting or owed at the end.
    pub(crate) idle: Option<bool>,
}
