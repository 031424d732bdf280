//! A world drawn at random.

use std::ops::Range;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::stream::StreamConfig;
use serde_json::{Map, Value, json};

use crate::mapping::{START, Source, settings};
use crate::world::clock::SourceClock;
use crate::world::log::Manners;

/// Everything about a world. What it leaves open is decided by `seed`.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) source: Source,
    pub(crate) eager: bool,
    pub(crate) batch_size: u64,
    pub(crate) window: u64,
    pub(crate) factor: u64,
    pub(crate) tumbling: u64,
    pub(crate) retries: i64,
    pub(crate) age: i64,
    pub(crate) bisect: bool,
    pub(crate) partial: bool,
    pub(crate) destination: bool,
    pub(crate) filtered: bool,
    pub(crate) start: Begin,
    pub(crate) shards: usize,
    /// Records put before the mapping is made.
    pub(crate) before: usize,
    /// Whether shards were split before the mapping is made.
    pub(crate) resharded_before: bool,
    pub(crate) retention: Option<u64>,
    pub(crate) longest_wait: u64,
    pub(crate) fetch_limit: usize,
    pub(crate) page_latency: u64,
    /// How many seconds an idle shard is left alone.
    pub(crate) base_interval: u64,
    /// Shares of calls that fail while the world is wild.
    pub(crate) errors: f64,
    pub(crate) throttles: f64,
    pub(crate) nonsense: f64,
    pub(crate) source_faults: f64,
    pub(crate) delivery_faults: f64,
    pub(crate) commit_faults: f64,
    /// The share of records that the function can never process.
    pub(crate) poison: f64,
    /// The share of records that arrive with an old time.
    pub(crate) stale: f64,
    /// The clock of the stream.
    pub(crate) clock: SourceClock,
    /// How many invocations the function runs at a time, where it says so.
    pub(crate) concurrency: Option<usize>,
    /// How many shards call the source at a time.
    pub(crate) shards_at_once: usize,
    /// What happens, each after so many milliseconds.
    pub(crate) turns: Vec<(u64, Turn)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    TrimHorizon,
    Latest,
    /// So many milliseconds before the mapping is made, by the clock of the stream.
    At(u64),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    Put(usize),
    Split,
    Merge,
    Crash,
    /// Stops, and starts again.
    Drain,
    /// The mapping's clock is set forward by so many milliseconds, or its machine slept.
    SetClock(u64),
    /// Another batch size, window, number of retries, age, and whether to bisect.
    Update {
        batch_size: u64,
        window: u64,
        retries: i64,
        age: i64,
        bisect: bool,
    },
}

/// Draws numbers.
pub(crate) struct Dice(Random);

impl Dice {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub(crate) fn chance(&mut self, share: f64) -> bool {
        share > 0.0 && self.0.fraction() < share
    }

    pub(crate) const fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.0.next_u64() % (range.end - range.start)
    }

    pub(crate) fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.within(0..choices.len() as u64) as usize]
    }

    fn share(&mut self, most: f64) -> f64 {
        if self.chance(0.5) {
            self.0.fraction() * most
        } else {
            0.0
        }
    }
}

impl Case {
    pub(crate) fn draw(seed: u64) -> Self {
        let dice = &mut Dice::new(seed ^ 0x5eed);
        let source = dice.of(&[
            Source::Kinesis,
            Source::Kinesis,
            Source::DynamoDb,
            Source::Consumer,
        ]);
        let tumbling = if dice.chance(0.3) {
            dice.of(&[1, 5, 10, 60])
        } else {
            0
        };
        let factor = match tumbling {
            0 => dice.of(&[1, 1, 2, 3, 4, 7, 10]),
            _ => 1,
        };
        let retries = dice.of(&[-1, -1, 0, 1, 2, 3, 5]);
        let age = dice.of(&[-1, -1, -1, 60, 90]);
        let retention = dice.chance(0.1).then(|| dice.within(70..200));
        let ends = retries >= 0 || age >= 0 || retention.is_some();
        let begin = match (dice.within(0..4), source) {
            (0, _) => Begin::Latest,
            (1, Source::Kinesis | Source::Consumer) => Begin::At(dice.within(2_000..30_000)),
            _ => Begin::TrimHorizon,
        };
        Self {
            seed,
            source,
            eager: dice.chance(0.3),
            batch_size: dice.of(&[1, 1, 2, 3, 5, 10, 100]),
            window: dice.of(&[0, 0, 0, 1, 4]),
            factor,
            tumbling,
            retries,
            age,
            bisect: dice.chance(0.5),
            partial: dice.chance(0.5),
            destination: dice.chance(0.6),
            filtered: dice.chance(0.3),
            start: begin,
            shards: dice.within(1..4) as usize,
            before: dice.of(&[0, 3, 20]),
            resharded_before: dice.chance(0.2),
            retention,
            longest_wait: if source == Source::Consumer { 20 } else { 0 },
            fetch_limit: dice.of(&[2, 7, 1000, 10_000]),
            page_latency: dice.of(&[0, 5, 300]),
            base_interval: dice.of(&[1, 5]),
            errors: dice.share(0.4),
            throttles: dice.share(0.4),
            nonsense: dice.share(0.1),
            source_faults: dice.share(0.2),
            delivery_faults: dice.share(0.6),
            commit_faults: dice.share(0.3),
            poison: if ends { dice.share(0.08) } else { 0.0 },
            stale: if begin == Begin::TrimHorizon {
                dice.share(0.2)
            } else {
                0.0
            },
            clock: clock(&mut Dice::new(seed ^ 0xc10c)),
            turns: turns(dice),
            concurrency: dice.of(&[None, None, Some(1), Some(2)]),
            shards_at_once: Dice::new(seed ^ 0x5ea7).of(&[1, 2, 64]),
        }
    }

    /// Returns the settings with what a turn changes.
    pub(crate) fn config(&self) -> StreamConfig {
        let mut parameters = Map::new();
        let mut set = |name: &str, value: Value| parameters.insert(name.to_owned(), value);
        set("BatchSize", self.batch_size.into());
        set("MaximumBatchingWindowInSeconds", self.window.into());
        set("ParallelizationFactor", self.factor.into());
        set("TumblingWindowInSeconds", self.tumbling.into());
        set("MaximumRetryAttempts", self.retries.into());
        set("MaximumRecordAgeInSeconds", self.age.into());
        set("BisectBatchOnFunctionError", self.bisect.into());
        if self.partial {
            set("FunctionResponseTypes", json!(["ReportBatchItemFailures"]));
        }
        if self.destination {
            let arn = "arn:aws:sqs:us-east-1:123456789012:failures";
            set(
                "DestinationConfig",
                json!({"OnFailure": {"Destination": arn}}),
            );
        }
        if self.filtered {
            // Whether a record passes stands in its data.
            let pattern = match self.source {
                Source::DynamoDb => r#"{"dynamodb":{"NewImage":{"keep":{"S":["yes"]}}}}"#,
                Source::Kinesis | Source::Consumer => r#"{"data":{"keep":["yes"]}}"#,
            };
            set("FilterCriteria", json!({"Filters": [{"Pattern": pattern}]}));
        }
        match self.start {
            Begin::TrimHorizon => {}
            Begin::Latest => {
                set("StartingPosition", "LATEST".into());
            }
            Begin::At(before) => {
                set("StartingPosition", "AT_TIMESTAMP".into());
                let millis = self.beginning(before).0;
                #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
                set("StartingPositionTimestamp", (millis as f64 / 1e3).into());
            }
        }
        let pacing = if self.eager {
            Pacing::Eager
        } else {
            Pacing::Aws
        };
        StreamConfig {
            shards_at_once: self.shards_at_once,
            ..settings(self.source, pacing, &parameters).unwrap()
        }
    }

    /// Returns the time so many milliseconds before the beginning; a mapping refuses one of the future.
    pub(crate) fn beginning(&self, before: u64) -> Timestamp {
        let shows = self.clock.shows(START).min(START);
        Timestamp(shows.0 - i64::try_from(before).unwrap())
    }

    pub(crate) fn manners(&self) -> Manners {
        let base = match self.source {
            Source::DynamoDb => Manners::DYNAMODB,
            Source::Kinesis | Source::Consumer => Manners::KINESIS,
        };
        Manners {
            retention: self.retention.map(Duration::from_secs),
            longest_wait: Duration::from_secs(self.longest_wait),
            fetch_limit: self.fetch_limit.min(base.fetch_limit),
            base_interval: Duration::from_secs(self.base_interval),
            clock: self.clock,
            ..base
        }
    }

    /// Returns simpler cases, of which some may fail in the same way.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let mut simpler: Vec<Self> = Vec::new();
        let mut offer = |change: &dyn Fn(&mut Self)| {
            let mut case = self.clone();
            change(&mut case);
            if format!("{case:?}") != format!("{self:?}") {
                simpler.push(case);
            }
        };
        for index in 0..self.turns.len() {
            offer(&|case| {
                case.turns.remove(index);
            });
        }
        for index in 0..self.turns.len() {
            offer(&|case| {
                if let Turn::Put(count) = &mut case.turns[index].1 {
                    *count = count.div_ceil(2);
                }
            });
        }
        offer(&|case| case.shards = 1);
        offer(&|case| case.before = 0);
        offer(&|case| case.resharded_before = false);
        offer(&|case| case.concurrency = None);
        offer(&|case| case.shards_at_once = 64);
        offer(&|case| case.errors = 0.0);
        offer(&|case| case.throttles = 0.0);
        offer(&|case| case.nonsense = 0.0);
        offer(&|case| case.source_faults = 0.0);
        offer(&|case| case.delivery_faults = 0.0);
        offer(&|case| case.commit_faults = 0.0);
        offer(&|case| case.poison = 0.0);
        offer(&|case| case.stale = 0.0);
        offer(&|case| case.retention = None);
        offer(&|case| case.clock = SourceClock::EXACT);
        offer(&|case| case.clock.gains = 0);
        offer(&|case| case.clock.ahead = 0);
        offer(&|case| case.clock.claimed = case.clock.grain);
        offer(&|case| case.clock.grain = SourceClock::EXACT.grain);
        offer(&|case| case.page_latency = 0);
        offer(&|case| case.base_interval = 1);
        offer(&|case| case.fetch_limit = 10_000);
        offer(&|case| case.eager = false);
        offer(&|case| case.filtered = false);
        offer(&|case| case.destination = false);
        offer(&|case| case.partial = false);
        offer(&|case| case.bisect = false);
        offer(&|case| case.window = 0);
        offer(&|case| case.factor = 1);
        offer(&|case| case.tumbling = 0);
        offer(&|case| case.start = Begin::TrimHorizon);
        offer(&|case| case.batch_size = case.batch_size.div_ceil(2));
        simpler
    }
}

/// A clock that is right, or is not: ahead or behind by seconds or hours, going too fast or too slow, and coarse.
/// One that does not tell its time is as wrong as a source may be of which nobody knows that.
fn clock(dice: &mut Dice) -> SourceClock {
    if dice.chance(0.3) {
        return SourceClock::EXACT;
    }
    let tells = dice.chance(0.8);
    let seconds: i64 = if tells {
        dice.of(&[0, 0, 4, 20, 90, 240, 7_200])
    } else {
        dice.of(&[0, 4, 20, 90, 240])
    };
    let ahead = seconds * 1_000 + i64::try_from(dice.within(0..1_000)).unwrap();
    let grain = dice.of(&[1, 1_000, 1_000, 60_000]);
    SourceClock {
        ahead: if dice.chance(0.5) { ahead } else { -ahead },
        gains: dice.of(&[0, 0, 0, 50, -50, 5_000, -5_000]),
        grain: Duration::from_millis(grain),
        claimed: Duration::from_millis(grain.max(dice.of(&[1, 1, 60_000]))),
        tells,
    }
}

fn turns(dice: &mut Dice) -> Vec<(u64, Turn)> {
    let count = dice.within(2..10);
    let mut turns = Vec::new();
    for _ in 0..count {
        let turn = match dice.within(0..12) {
            0 => Turn::Split,
            1 => Turn::Merge,
            2 | 3 => Turn::Crash,
            4 => Turn::Drain,
            5 => Turn::Update {
                batch_size: dice.within(1..12),
                window: dice.of(&[0, 2]),
                retries: dice.of(&[0, 1, 4]),
                age: dice.of(&[-1, 60]),
                bisect: dice.chance(0.5),
            },
            6 if dice.chance(0.2) => Turn::SetClock(dice.within(61_000..2 * 3_600_000)),
            _ => Turn::Put(dice.within(1..25) as usize),
        };
        let pause = dice.of(&[0, 500, 3_000, 9_000]);
        turns.push((dice.within(0..pause + 1), turn));
    }
    turns
}
