//! Tumbling windows over six hours of virtual time, with failures, restarts and a reshard.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambda_esm_core::backoff::Random;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_engine::memory::MemoryStreamOptions;
use serde_json::{Value, json};

use crate::support::{World, data};

/// The sum of each window by shard and start.
type Sums = BTreeMap<(String, i64), u64>;

/// A function that sums its records in its state, and fails one time in five before it does so.
struct Summing {
    random: Random,
    /// The state at the final invocation of each window.
    finals: Sums,
    failures: usize,
}

impl Summing {
    fn answer(&mut self, event: &Value) -> Result<Value, InvokeError> {
        if self.random.fraction() < 0.2 {
            self.failures += 1;
            return Err(InvokeError::function("a bad moment"));
        }
        let numbers = data(event)
            .into_iter()
            .map(|data| data.parse::<u64>().unwrap());
        let sum = event["state"]["sum"].as_u64().unwrap_or(0) + numbers.sum::<u64>();
        if event["isFinalInvokeForWindow"] == true {
            let start = event["window"]["start"].as_str().unwrap().to_owned();
            let shard = event["shardId"].as_str().unwrap().to_owned();
            let window = (shard, seconds(&start));
            // A final invocation may come again after a restart, with the same state.
            let before = self.finals.insert(window.clone(), sum);
            assert!(
                before.is_none_or(|before| before == sum),
                "{window:?} had {before:?}"
            );
        }
        Ok(json!({ "state": { "sum": sum } }))
    }
}

/// Reads the hours, minutes and seconds of a time that is written as `2023-11-14T22:14:00Z`, on the days on
/// which the test runs.
fn seconds(text: &str) -> i64 {
    let part = |range: std::ops::Range<usize>| text[range].parse::<i64>().unwrap();
    let day = match &text[..10] {
        "2023-11-14" => 1_699_920_000,
        "2023-11-15" => 1_700_006_400,
        other => panic!("{other} is no day of this test"),
    };
    day + part(11..13) * 3600 + part(14..16) * 60 + part(17..19)
}

#[tokio::test(start_paused = true)]
async fn sums_of_six_hours_are_exact_despite_failures_restarts_and_a_reshard() {
    let function = Arc::new(Mutex::new(Summing {
        random: Random::new(7),
        finals: Sums::new(),
        failures: 0,
    }));
    let answering = function.clone();
    let options = MemoryStreamOptions::kinesis().with_shards(2);
    let world = World::new(options).answering(move |event| answering.lock().unwrap().answer(event));
    let mut engine = world.engine();
    let settings = json!({ "TumblingWindowInSeconds": 60, "BatchSize": 7 });
    world.create(&engine, settings).await;

    let mut random = Random::new(3);
    let mut expected = Sums::new();
    let end = world.clock.now() + Duration::from_secs(6 * 3600);
    let mut step = 0u32;
    while world.clock.now() < end {
        step += 1;
        let number = random.next_u64() % 1_000;
        let key = format!("{}", random.next_u64() % 50);
        let placed = world.stream.put(key, number.to_string()).unwrap();
        let start = world.clock.now().millis() / 60_000 * 60;
        *expected
            .entry((placed.shard.to_string(), start))
            .or_default() += number;
        if step == 2_000 {
            let shards = world.stream.shards();
            world.stream.split(&shards[0].id, None).unwrap();
        }
        if step % 500 == 499 {
            // Killed: what is in flight is lost, and comes again from the last checkpoint.
            drop(engine);
            tokio::time::sleep(Duration::from_secs(3)).await;
            engine = world.engine();
            engine.start(Vec::new()).await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(random.next_u64() % 9_000)).await;
    }
    // Long enough for the back-offs of the last windows.
    tokio::time::sleep(Duration::from_secs(600)).await;
    engine.shutdown().await;
    let function = function.lock().unwrap();
    assert!(function.failures > 500, "{} failures", function.failures);
    assert!(expected.len() > 900, "{} windows", expected.len());
    assert_eq!(function.finals, expected);
}
