//! Shards and lanes over one environment.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::memory::{
    MemoryQueue, MemoryQueueOptions, MemoryStream, MemoryStreamOptions, SendMessage,
};
use lambda_esm_engine::{Clock, Counts, Engine, EngineOptions};
use serde_json::{Value, json};

use crate::function::Limited;

struct World {
    stream: MemoryStream,
    engine: Engine,
    function: Limited,
}

impl World {
    fn new(shards: usize, function: Limited, pacing: Pacing) -> Self {
        let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
        let stream = MemoryStream::new(clock, MemoryStreamOptions::default().with_shards(shards));
        let queue = MemoryQueue::new(clock, MemoryQueueOptions::default());
        for number in 0..1_000 {
            queue.send(SendMessage::new(number.to_string())).unwrap();
        }
        let options = EngineOptions::default().with_pacing(pacing);
        let engine = Engine::builder()
            .options(options)
            .clock(clock)
            .stream("clicks", stream.clone())
            .source("orders", queue)
            .invoke(function.clone())
            .build();
        Self {
            stream,
            engine,
            function,
        }
    }

    /// Puts so many records into each of `shards` shards; the partition key names the shard, and one of ten
    /// keys in it.
    fn fill(&self, shards: usize, records: usize) {
        for shard in 0..shards {
            let hash_key = u128::MAX / shards as u128 * shard as u128 + 7;
            for number in 0..records {
                let key = format!("{shard}/{}", number % 10);
                self.stream.put_at(hash_key, key, "{}").unwrap();
            }
        }
    }

    async fn create(&self, source: &str, settings: Value) {
        let mut request = json!({ "EventSourceArn": source, "FunctionName": "shared" });
        for (name, value) in settings.as_object().unwrap() {
            request[name] = value.clone();
        }
        let request = serde_json::from_value(request).unwrap();
        self.engine.create(request).await.unwrap();
    }

    async fn read(&self, mut settings: Value) {
        settings["StartingPosition"] = "TRIM_HORIZON".into();
        self.create(
            "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
            settings,
        )
        .await;
    }

    fn counts(&self) -> Counts {
        self.engine.status()[0].counts
    }

    /// Returns how many records were processed by what `of` says of their partition key.
    fn processed(&self, of: impl Fn(&str) -> String) -> BTreeMap<String, usize> {
        let mut processed = BTreeMap::new();
        for key in self
            .function
            .seen()
            .iter()
            .filter_map(|seen| seen.key.as_ref())
        {
            *processed.entry(of(key)).or_default() += 1;
        }
        processed
    }

    fn by_shard(&self) -> BTreeMap<String, usize> {
        self.processed(|key| key.split('/').next().unwrap().to_owned())
    }
}

/// Asserts that all of `expected` have come as far as each other, within a tenth.
fn are_alike(processed: &BTreeMap<String, usize>, expected: usize) {
    let (least, most) = (
        processed.values().min().unwrap(),
        processed.values().max().unwrap(),
    );
    let alike = processed.len() == expected && (most - least) * 10 <= *most;
    assert!(alike, "{processed:?}");
}

const TAKES: Duration = Duration::from_millis(10);

#[tokio::test(start_paused = true)]
async fn shards_over_one_environment_advance_alike() {
    for pacing in [Pacing::Eager, Pacing::Aws] {
        for tells in [true, false] {
            let world = World::new(4, Limited::new(1, tells, TAKES), pacing);
            // What a throttled shard misses in the beginning weighs less, the longer it goes on.
            let seconds = if tells { 8 } else { 30 };
            world.fill(4, 300 * seconds);
            world.read(json!({ "BatchSize": 10 })).await;
            tokio::time::sleep(Duration::from_secs(seconds as u64)).await;
            let processed = world.by_shard();
            are_alike(&processed, 4);
            // It is never idle for long: a second has a hundred batches.
            let all: usize = processed.values().sum();
            assert!(
                all > 900 * seconds,
                "{pacing:?}, tells: {tells}: {processed:?}"
            );
            let throttles = world.function.throttles();
            let most = if tells { 0 } else { 30 };
            assert!(throttles <= most, "{throttles} throttles, tells: {tells}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lanes_of_a_shard_advance_alike() {
    for tells in [true, false] {
        let world = World::new(1, Limited::new(2, tells, TAKES), Pacing::Eager);
        world.fill(1, 10_000);
        let settings = json!({ "BatchSize": 10, "ParallelizationFactor": 10 });
        world.read(settings).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        // Which keys share a lane is the machine's business: those of one lane have come equally far.
        let processed = world.processed(str::to_owned);
        let each: usize = processed.values().sum::<usize>() / 10;
        assert!(each > 600, "{processed:?}");
        let starved = processed
            .values()
            .filter(|&&records| records * 4 < each)
            .count();
        assert_eq!((processed.len(), starved), (10, 0), "{processed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_shards_records_grow_too_old_untried_while_others_run_on() {
    let second = Duration::from_secs(1);
    let world = World::new(4, Limited::new(1, true, second), Pacing::Eager);
    world.fill(4, 30);
    let settings = json!({ "BatchSize": 1, "MaximumRecordAgeInSeconds": 60 });
    world.read(settings).await;
    tokio::time::sleep(Duration::from_secs(80)).await;
    let processed = world.by_shard();
    assert!(
        processed.len() == 4
            && processed
                .values()
                .all(|records| (15..=16).contains(records)),
        "in a minute each has its quarter: {processed:?}"
    );
    let counts = world.counts();
    let all: usize = processed.values().sum();
    assert_eq!(counts.invoked_event_count, all as u64, "each is sent once");
    assert_eq!(counts.dropped_event_count, 120 - all as u64);
}

#[tokio::test(start_paused = true)]
async fn mappings_that_share_a_function_take_turns() {
    for tells in [true, false] {
        let world = World::new(1, Limited::new(1, tells, TAKES), Pacing::Eager);
        world.fill(1, 5_000);
        world.read(json!({ "BatchSize": 10 })).await;
        let orders = "arn:aws:sqs:us-east-1:000000000000:orders";
        world.create(orders, json!({ "BatchSize": 1 })).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        let clicks = world.by_shard()["0"] / 10;
        let orders = world.function.seen().len() - 10 * clicks;
        assert!(
            clicks > 100 && orders > 100,
            "{clicks} batches of the stream, {orders} of the queue, tells: {tells}"
        );
    }
}
