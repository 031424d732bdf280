//! A world drawn at random.

use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::push_queue::PushQueueConfig;
use proptest::prelude::*;
use serde_json::json;

use crate::mapping::settings;

/// Everything about a world. What it leaves open is decided by `seed`.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) settings: Settings,
    pub(crate) faults: Faults,
    /// How much data waits for the function at most, in bytes.
    pub(crate) read_ahead: usize,
    /// What happens, each after so many milliseconds.
    pub(crate) turns: Vec<(u64, Turn)>,
}

/// The mapping's parameters.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) engine: MqEngine,
    pub(crate) batch_size: u32,
    /// Seconds; `None` for the default.
    pub(crate) window: Option<u32>,
    pub(crate) filtered: bool,
}

/// How many of a hundred calls fail while the world is wild.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) errors: u64,
    pub(crate) throttles: u64,
    pub(crate) settles: u64,
    pub(crate) connects: u64,
    /// How many messages the function fails with for ever, where that has an end.
    pub(crate) poison: u64,
    /// How many messages no event can show.
    pub(crate) unreadable: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Turn {
    /// So many messages are published.
    Publish(u64),
    /// The connection breaks.
    Break,
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
    pub(crate) fn config(&self, read_ahead: usize) -> PushQueueConfig {
        let mut parameters = json!({"BatchSize": self.batch_size});
        if let Some(window) = self.window {
            parameters["MaximumBatchingWindowInSeconds"] = json!(window);
        }
        if self.filtered {
            let pattern = r#"{"data":{"wanted":[true]}}"#;
            parameters["FilterCriteria"] = json!({"Filters": [{"Pattern": pattern}]});
        }
        let mut config = settings(self.engine, &parameters);
        config.batches.read_ahead = read_ahead;
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
    let engine = prop::sample::select(vec![MqEngine::RabbitMq, MqEngine::ActiveMq]);
    let rest = (batch_size(), window(), prop::bool::weighted(0.3));
    (engine, rest).prop_map(|(engine, (batch_size, window, filtered))| Settings {
        engine,
        batch_size,
        window,
        filtered,
    })
}

fn faults() -> impl Strategy<Value = Faults> {
    let function = (share(60), share(40));
    let outside = (share(20), share(60), share(10), share(10));
    (function, outside).prop_map(|((errors, throttles), outside)| {
        let (settles, connects, poison, unreadable) = outside;
        Faults {
            errors,
            throttles,
            settles,
            connects,
            poison,
            unreadable,
        }
    })
}

fn turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        10 => (1..30_u64).prop_map(Turn::Publish),
        3 => Just(Turn::Break),
        1 => (batch_size(), window()).prop_map(|(batch_size, window)| Turn::Update { batch_size, window }),
        1 => Just(Turn::Drain),
        1 => Just(Turn::Crash),
    ]
}

pub(crate) fn any() -> impl Strategy<Value = Case> {
    let times = prop::sample::select(vec![0, 1, 10, 100, 300, 1_000, 4_000]);
    (
        proptest::num::u64::ANY,
        set(),
        faults(),
        prop::sample::select(vec![1, 300, 1_000_000]),
        prop::collection::vec((times, turn()), 1..40),
    )
        .prop_map(|(seed, settings, faults, read_ahead, turns)| Case {
            seed,
            settings,
            faults,
            read_ahead,
            turns,
        })
}
