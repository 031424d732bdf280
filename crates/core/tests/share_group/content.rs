//! What the function sees, and what the status shows.

use bytes::Bytes;
use lambda_esm_core::record::KafkaRecord;

use super::world::{Fate, World, config, share_group};

#[test]
fn the_event_is_that_of_a_consumer_group() {
    let mut config = config(share_group());
    config.limits.count = 10;
    let mut world = World::new(config, |_, _| Fate::success(10));
    for (partition, offset) in [(0, 0), (0, 1), (2, 0)] {
        let value = Some(Bytes::from_static(b"hello"));
        let record = KafkaRecord::new(offset, world.now, value);
        world.group.put(partition, record);
    }
    world.run_to_the_end(10);
    assert_eq!(world.seen.len(), 1);
    let event = &world.seen[0].event;
    assert_eq!(event["eventSource"], "SelfManagedKafka");
    assert_eq!(event["bootstrapServers"], "b:9092");
    assert!(event.get("eventSourceArn").is_none());
    assert_eq!(event["records"]["orders-eu-0"].as_array().unwrap().len(), 2);
    assert_eq!(event["records"]["orders-eu-2"][0]["value"], "aGVsbG8=");
    assert_eq!(event["records"]["orders-eu-2"][0]["topic"], "orders-eu");
}

#[test]
fn batches_do_not_wait_for_a_window() {
    let mut config = config(share_group());
    config.limits.count = 100;
    let mut world = World::new(config, |_, _| Fate::success(10));
    let began = world.now;
    world.send(2);
    world.run_to_the_end(10);
    let waited = world.seen[0].start.since(began);
    assert!(waited.as_millis() <= 1, "{waited:?}");
}

#[test]
fn large_records_of_many_partitions_are_sent_in_events_of_six_megabytes() {
    let mut config = config(share_group());
    config.limits.count = 100;
    let mut world = World::new(config, |_, _| Fate::success(10));
    for partition in 0..40 {
        let value = Bytes::from(vec![b'x'; 300_000]);
        let record = KafkaRecord::new(0, world.now, Some(value));
        world.group.put(partition, record);
    }
    // The world checks the size of every event.
    world.run_to_the_end(60);
    assert!(world.group.is_done());
    assert_eq!(world.seen.len(), 3);
}

#[test]
fn the_lag_is_asked_for_every_few_seconds() {
    let mut world = World::new(config(share_group()), |_, _| Fate::success(10));
    world.run_for(1);
    assert_eq!(world.machine.status().sum_offset_lag, None);
    world.lags = vec![3, 7];
    world.run_for(5);
    let status = world.machine.status();
    assert_eq!(status.sum_offset_lag, Some(10));
    assert_eq!(status.max_offset_lag, Some(7));
    assert_eq!(status.backing_off_until, None);
}
