//! A world drawn at random.

use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::topic::TopicConfig;
use proptest::prelude::*;
use serde_json::json;

use crate::mapping::{QUEUE, settings};

/// Everything about a world. What it leaves open is decided by `seed`.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) partitions: i32,
    pub(crate) settings: Settings,
    pub(crate) faults: Faults,
    /// How much data is read ahead, in records.
    pub(crate) read_ahead: usize,
    /// What happens, each after so many milliseconds.
    pub(crate) turns: Vec<(u64, Turn)>,
}

/// The mapping's parameters.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) aws_pacing: bool,
    pub(crate) provisioned: bool,
    pub(crate) batch_size: u32,
    /// Seconds; `None` for the default.
    pub(crate) window: Option<u32>,
    /// Where it is provisioned; -1 for no limit.
    pub(crate) retries: i32,
    /// Whether records grow too old after a minute, where it is provisioned.
    pub(crate) ages: bool,
    pub(crate) bisect: bool,
    pub(crate) partial: bool,
    pub(crate) destination: Destination,
    pub(crate) filtered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    None,
    Queue,
    Topic,
}

/// How many of a hundred calls fail while the world is wild.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) errors: u64,
    pub(crate) throttles: u64,
    pub(crate) partial: u64,
    pub(crate) nonsense: u64,
    pub(crate) deliveries: u64,
    pub(crate) commits: u64,
    pub(crate) fetches: u64,
    /// How many records fail for ever, where retries are limited.
    pub(crate) poison: u64,
    pub(crate) undecodable: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// So many records come to a partition.
    Put { partition: i32, records: i64 },
    /// The log goes on with what no consumer sees.
    Hole { partition: i32, offsets: i64 },
    /// The group gives the mapping partitions that it has not, these by their bits.
    Assign(u8),
    /// The group asks for partitions, and waits so many milliseconds.
    Revoke(u8, u64),
    /// Partitions are somebody else's, which the mapping hears so many milliseconds later.
    Lose(u8, u64),
    /// Somebody else processes some of a partition that the mapping has not.
    Other { partition: i32, offsets: i64 },
    /// The log holds so many of its oldest records no more.
    Trim { partition: i32, records: usize },
    Update {
        batch_size: u32,
        window: Option<u32>,
    },
    /// The mapping stops, and another machine goes on.
    Drain,
    /// The process ends.
    Crash,
}

impl Settings {
    pub(crate) fn config(&self, read_ahead: usize) -> TopicConfig {
        let mut parameters = json!({"BatchSize": self.batch_size});
        if let Some(window) = self.window {
            parameters["MaximumBatchingWindowInSeconds"] = json!(window);
        }
        if self.filtered {
            let pattern = r#"{"value":{"n":[{"numeric":[">",0]}]}}"#;
            parameters["FilterCriteria"] = json!({"Filters": [{"Pattern": pattern}]});
        }
        if self.provisioned {
            parameters["ProvisionedPollerConfig"] = json!({"MaximumPollers": 2});
            parameters["MaximumRetryAttempts"] = json!(self.retries);
            if self.ages {
                parameters["MaximumRecordAgeInSeconds"] = json!(60);
            }
            parameters["BisectBatchOnFunctionError"] = json!(self.bisect);
            if self.partial {
                parameters["FunctionResponseTypes"] = json!(["ReportBatchItemFailures"]);
            }
        }
        let destination = match self.destination {
            Destination::None => None,
            Destination::Topic if self.provisioned => Some("kafka://dead"),
            _ => Some(QUEUE),
        };
        if let Some(destination) = destination {
            parameters["DestinationConfig"] = json!({"OnFailure": {"Destination": destination}});
        }
        let pacing = if self.aws_pacing {
            Pacing::Aws
        } else {
            Pacing::Eager
        };
        let mut config = settings(pacing, &parameters);
        config.batches.read_ahead = read_ahead * super::topic::RECORD_BYTES;
        config
    }
}

fn window() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![3 => Just(Some(0)), 2 => Just(None), 1 => Just(Some(2))]
}

fn batch_size() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![1, 2, 3, 5, 10, 100])
}

fn share(most: u64) -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), 0..=most]
}

fn set() -> impl Strategy<Value = Settings> {
    let modes = (
        proptest::bool::ANY,
        proptest::bool::ANY,
        batch_size(),
        window(),
    );
    let failures = (
        prop::sample::select(vec![-1, 0, 1, 2, 4]),
        proptest::bool::ANY,
        proptest::bool::ANY,
        prop::sample::select(vec![
            Destination::None,
            Destination::Queue,
            Destination::Topic,
        ]),
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.2),
    );
    (modes, failures).prop_map(|(modes, failures)| {
        let (aws_pacing, provisioned, batch_size, window) = modes;
        let (retries, bisect, partial, destination, filtered, ages) = failures;
        Settings {
            aws_pacing,
            provisioned,
            batch_size,
            window,
            retries,
            ages,
            bisect,
            partial,
            destination,
            filtered,
        }
    })
}

fn faults() -> impl Strategy<Value = Faults> {
    let function = (share(40), share(30), share(40), share(10));
    let outside = (share(60), share(40), share(20), share(10), share(10));
    (function, outside).prop_map(|(function, outside)| {
        let (errors, throttles, partial, nonsense) = function;
        let (deliveries, commits, fetches, poison, undecodable) = outside;
        Faults {
            errors,
            throttles,
            partial,
            nonsense,
            deliveries,
            commits,
            fetches,
            poison,
            undecodable,
        }
    })
}

fn turn() -> impl Strategy<Value = Turn> {
    let partition = || 0..6;
    prop_oneof![
        8 => (partition(), 1..30_i64).prop_map(|(partition, records)| Turn::Put { partition, records }),
        1 => (partition(), 1..9_i64).prop_map(|(partition, offsets)| Turn::Hole { partition, offsets }),
        5 => proptest::num::u8::ANY.prop_map(Turn::Assign),
        3 => (proptest::num::u8::ANY, prop::sample::select(vec![0, 50, 500, 5_000])).prop_map(|(which, bound)| Turn::Revoke(which, bound)),
        2 => (proptest::num::u8::ANY, prop::sample::select(vec![0, 0, 20, 400])).prop_map(|(which, late)| Turn::Lose(which, late)),
        1 => (partition(), 1..30_i64).prop_map(|(partition, offsets)| Turn::Other { partition, offsets }),
        1 => (batch_size(), window()).prop_map(|(batch_size, window)| Turn::Update { batch_size, window }),
        1 => (partition(), 1..20_usize).prop_map(|(partition, records)| Turn::Trim { partition, records }),
        1 => Just(Turn::Drain),
        1 => Just(Turn::Crash),
    ]
}

pub(crate) fn any() -> impl Strategy<Value = Case> {
    let times = prop::sample::select(vec![0, 1, 10, 100, 300, 1_000, 4_000]);
    (
        proptest::num::u64::ANY,
        1..7,
        set(),
        faults(),
        prop::sample::select(vec![5, 40, 1_000]),
        prop::collection::vec((times, turn()), 1..60),
    )
        .prop_map(
            |(seed, partitions, settings, faults, read_ahead, turns)| Case {
                seed,
                partitions,
                settings,
                faults,
                read_ahead,
                turns,
            },
        )
}
