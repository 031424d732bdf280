//! What is in a batch, and when it goes.

use bytes::Bytes;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::record::KafkaRecord;
use lambda_esm_core::topic::TopicPage;
use serde_json::json;

use crate::mapping::{provisioned, settings};
use crate::world::World;

#[test]
fn a_batch_holds_several_partitions_after_500_ms() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 10);
    world.page(0, 0..2);
    world.pass(400);
    world.page(1, 10..12);
    world.pass(99);
    assert!(world.calls.is_empty());
    world.pass(1);
    assert_eq!(world.places(0), [(0, 0), (0, 1), (1, 10), (1, 11)]);
    world.succeed(0);
    assert_eq!(world.commit(), [(0, 2), (1, 12)]);
}

#[test]
fn a_full_backlog_of_one_partition_runs_beside_those_of_the_others() {
    let mut world = World::new(&json!({"BatchSize": 2}));
    for partition in 0..3 {
        world.assign(partition, 1, 0);
    }
    for partition in 0..3 {
        world.page(partition, 0..10);
    }
    assert_eq!(world.calls.len(), 3);
    for (call, partition) in (0..3).enumerate() {
        assert_eq!(world.places(call), [(partition, 0), (partition, 1)]);
    }
    world.succeed(1);
    world.commit();
    assert_eq!(world.places(3), [(1, 2), (1, 3)]);
}

#[test]
fn the_next_batch_of_a_partition_begins_only_after_its_commit() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 2}));
    world.assign(0, 1, 0);
    world.page(0, 0..6);
    for batch in 0..3 {
        assert_eq!(world.calls.len(), batch + 1);
        let first = 2 * i64::try_from(batch).unwrap();
        assert_eq!(world.places(batch), [(0, first), (0, first + 1)]);
        world.pass(5_000);
        world.succeed(batch);
        world.pass(5_000);
        assert_eq!(world.calls.len(), batch + 1, "not before the commit");
        assert_eq!(world.commit(), [(0, first + 2)]);
    }
}

#[test]
fn a_partition_has_no_two_batches_though_lanes_are_idle() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 2}));
    for partition in 0..4 {
        world.assign(partition, 1, 0);
    }
    world.page(2, 0..50);
    world.pass(10_000);
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_record_that_does_not_fit_any_more_begins_the_next_batch_of_its_partition() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.assign(0, 1, 0);
    let large =
        |offset| KafkaRecord::new(offset, world.now, Some(Bytes::from(vec![b'x'; 3_000_000])));
    let records = vec![large(0), large(1), large(2)];
    world.fetched(0, Ok(TopicPage::new(records, None)));
    for offset in 0..3_i64 {
        let call = usize::try_from(offset).unwrap();
        assert_eq!(world.places(call), [(0, offset)]);
        world.succeed(call);
        world.pass(3_000);
        assert_eq!(world.calls.len(), call + 1);
        assert_eq!(world.commit(), [(0, offset + 1)]);
    }
    assert_eq!(world.calls.len(), 3);
}

#[test]
fn on_demand_a_window_begins_when_the_previous_invocation_has_completed() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 2}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..2);
    world.pass(2_000);
    assert_eq!(world.calls.len(), 1);
    world.pass(1_000);
    world.succeed(0);
    world.commit();
    world.pass(1_500);
    // So late in the window, it goes after another half second.
    world.page(0, 2..3);
    world.pass(499);
    assert_eq!(world.calls.len(), 1);
    world.pass(1);
    assert_eq!(world.places(1), [(0, 2)]);
}

#[test]
fn provisioned_a_window_begins_when_the_previous_batch_is_completed() {
    let mut world = World::new(&provisioned(json!({"MaximumBatchingWindowInSeconds": 5})));
    world.assign(0, 1, 0);
    world.page(0, 0..2);
    world.pass(5_000);
    assert_eq!(world.calls.len(), 1);
    world.pass(3_000);
    world.succeed(0);
    world.commit();
    world.page(0, 2..3);
    world.pass(1_999);
    assert_eq!(world.calls.len(), 1);
    world.pass(1);
    assert_eq!(world.places(1), [(0, 2)]);
}

#[test]
fn a_window_of_0_takes_what_is_there() {
    let mut world = World::new(&provisioned(json!({"MaximumBatchingWindowInSeconds": 0})));
    world.holds_turns = true;
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..2);
    world.page(1, 0..1);
    world.release_turns();
    assert_eq!(world.places(0), [(0, 0), (0, 1), (1, 0)]);
}

#[test]
fn other_limits_hold_for_what_is_drawn_from_then_on() {
    let mut world = World::new(&json!({"BatchSize": 2}));
    world.assign(0, 1, 0);
    world.page(0, 0..9);
    let config = settings(Pacing::Eager, &json!({"BatchSize": 3}));
    world.give(lambda_esm_core::topic::Input::Reconfigure(Box::new(config)));
    world.succeed(0);
    world.commit();
    assert_eq!(world.places(1), [(0, 2), (0, 3), (0, 4)]);
}

#[test]
fn a_batch_size_that_is_lowered_holds_for_what_was_gathered_before() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    let config = settings(Pacing::Eager, &json!({"BatchSize": 2}));
    world.give(lambda_esm_core::topic::Input::Reconfigure(Box::new(config)));
    world.pass(500);
    assert_eq!(world.places(0), [(0, 0), (0, 1)]);
    world.succeed(0);
    world.commit();
    assert_eq!(world.places(1), [(0, 2)]);
}
