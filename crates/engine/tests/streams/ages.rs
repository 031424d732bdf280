//! How old the records are that a mapping has come to.

use std::time::Duration;

use lambda_esm_core::fault::InvokeError;
use lambda_esm_engine::Engine;
use lambda_esm_engine::memory::MemoryStreamOptions;
use serde_json::{Value, json};

use crate::support::{World, data};

fn iterator_age(engine: &Engine) -> u64 {
    let metrics = engine.metrics().render();
    let gauge = metrics
        .lines()
        .find(|line| line.starts_with("aws_lambda_IteratorAge{"));
    let value = gauge.and_then(|line| line.rsplit(' ').next());
    value.unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_iterator_age_is_that_of_the_shard_which_is_furthest_behind() {
    let failing = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let fails = failing.clone();
    let options = MemoryStreamOptions::default().with_shards(2);
    let world = World::new(options).answering(move |event| {
        let poisoned = data(event).iter().any(|data| data == "poison");
        if poisoned && fails.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(InvokeError::function("not now"));
        }
        Ok(Value::Null)
    });
    world.stream.put_at(0, "behind", "poison").unwrap();
    let engine = world.engine();
    world.create(&engine, json!({})).await;
    for number in 0..100 {
        world.stream.put_at(u128::MAX, "ahead", "fine").unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let age = iterator_age(&engine);
        // The waits between its tries are no longer than half a minute.
        assert!(age + 31_000 >= number * 1_000, "{age} ms after {number} s");
    }
    failing.store(false, std::sync::atomic::Ordering::Relaxed);
    tokio::time::sleep(Duration::from_secs(40)).await;
    assert_eq!(iterator_age(&engine), 0, "no record is in hand");
    engine.shutdown().await;
}
