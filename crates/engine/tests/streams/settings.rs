//! Settings that change while a stream is read, and what is seen of it.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::MemoryStreamOptions;
use lambda_esm_engine::{Engine, EngineOptions};
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

/// In detail, a page of records that no filter lets pass is told of one by one, and others have their turn meanwhile.
#[tokio::test(start_paused = true)]
async fn a_status_never_shows_a_part_of_a_step() {
    const RECORDS: u64 = 300;
    let world = World::new(MemoryStreamOptions::default());
    for number in 0..RECORDS {
        world.stream.put("key", number.to_string()).unwrap();
    }
    let engine = Engine::builder()
        .clock(world.clock)
        .options(EngineOptions::default().with_detail(true))
        .stream("clicks", world.stream.clone())
        .invoke(Closure::new(async |_| Ok(Bytes::new())))
        .build();
    let filters = json!([{ "Pattern": r#"{"data": {"wanted": [true]}}"# }]);
    let settings = json!({ "FilterCriteria": { "Filters": filters } });
    world.create(&engine, settings).await;
    let begun = tokio::time::Instant::now();
    for look in 1.. {
        let counts = engine.status()[0].counts;
        assert_eq!(
            counts.polled_event_count, counts.filtered_out_event_count,
            "look {look}"
        );
        if counts.polled_event_count == RECORDS {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{counts:?}");
        // The clock goes on only when nobody has anything to do.
        if look % 1_000 == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::task::yield_now().await;
    }
}
