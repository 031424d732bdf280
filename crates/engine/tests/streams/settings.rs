//! Settings that change while a stream is read.

use std::time::Duration;

use lambda_esm_engine::memory::MemoryStreamOptions;
use serde_json::json;

use crate::support::World;

#[tokio::test(start_paused = true)]
async fn more_lanes_take_over_where_the_old_ones_stopped() {
    let world = World::new(MemoryStreamOptions::default());
    let engine = world.engine();
    let mapping = world.create(&engine, json!({ "BatchSize": 1 })).await;
    let uuid = mapping.uuid.parse().unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    for number in 0..50 {
        world
            .stream
            .put(format!("{number}"), format!("{number}"))
            .unwrap();
    }
    world.until_seen(10).await;
    let update = json!({ "ParallelizationFactor": 5 });
    engine
        .update(uuid, serde_json::from_value(update).unwrap())
        .await
        .unwrap();
    world.until_seen(50).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut seen: Vec<u32> = world
        .seen()
        .iter()
        .map(|data| data.parse().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..50).collect::<Vec<_>>(), "each exactly once");
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn a_disabled_mapping_goes_on_where_it_stopped() {
    let world = World::new(MemoryStreamOptions::default());
    let engine = world.engine();
    let mapping = world.create(&engine, json!({})).await;
    let uuid = mapping.uuid.parse().unwrap();
    world.stream.put("key", "one").unwrap();
    world.until_seen(1).await;
    for enabled in [false, true] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let update = json!({ "Enabled": enabled });
        engine
            .update(uuid, serde_json::from_value(update).unwrap())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        world.stream.put("key", format!("while {enabled}")).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(world.seen(), ["one", "while false", "while true"]);
    engine.shutdown().await;
}
