//! How partitions are read ahead.

use bytes::Bytes;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::record::KafkaRecord;
use lambda_esm_core::topic::{TopicPage, Watermarks};
use serde_json::json;

use crate::mapping::settings;
use crate::world::World;

#[test]
fn a_partition_that_cannot_be_read_is_left_alone_for_a_while() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    let mut wait = 0;
    for _ in 0..8 {
        let error = SourceError::new(SourceErrorKind::Transient, "b-1 does not answer");
        world.fetched(0, Err(error));
        let shown = world.machine.status().source_problem;
        assert_eq!(shown.as_deref(), Some("b-1 does not answer"));
        let before = std::mem::take(&mut wait);
        while !world.is_fetched(0) {
            world.pass(25);
            wait += 25;
            assert!(wait <= 30_000);
        }
        assert!(wait > before.min(20_000), "{wait} ms after {before} ms");
    }
    world.page(0, 0..1);
    assert_eq!(world.machine.status().source_problem, None);
}

#[test]
fn a_fetch_of_a_partition_that_is_taken_away_is_no_problem() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    let error = SourceError::new(SourceErrorKind::Expired, "not owned");
    world.fetched(0, Err(error));
    assert!(!world.is_fetched(0));
    assert_eq!(world.machine.status().source_problem, None);
    assert!(!world.decided(|decision| matches!(decision, Decision::PollFailed { .. })));
    world.pass(500);
    assert!(world.is_fetched(0));
}

#[test]
fn a_partition_whose_batch_runs_is_read_ahead_only_so_far() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 10}));
    world.assign(0, 1, 0);
    let mut read = 0;
    while world.is_fetched(0) {
        world.page(0, read..read + 100);
        read += 100;
        assert!(read < 2_000);
    }
    assert!(read >= 500);
    for call in 0..10 {
        world.succeed(call);
        world.commit();
    }
    assert!(world.is_fetched(0));
}

#[test]
fn all_partitions_together_are_read_ahead_only_so_far() {
    let mut config = settings(
        Pacing::Eager,
        &json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 1}),
    );
    config.batches.read_ahead = 3_000;
    let mut world = World::of(config);
    for partition in 0..4 {
        world.assign(partition, 1, 0);
    }
    let time = world.now;
    let large = move |offset| KafkaRecord::new(offset, time, Some(Bytes::from(vec![b'x'; 1_000])));
    let mut read = [0; 4];
    while let Some(partition) = (0..4).find(|&partition| world.is_fetched(partition)) {
        let next = &mut read[usize::try_from(partition).unwrap()];
        let records = (*next..*next + 3).map(large).collect();
        *next += 3;
        world.fetched(partition, Ok(TopicPage::new(records, None)));
        assert!(read.iter().sum::<i64>() <= 3 + 4 * 3 + 4);
    }
    // Of each that was read, one record is with the function.
    let running = i64::try_from(world.calls.len()).unwrap();
    let mut buffered = read.iter().sum::<i64>() - running;
    assert!(buffered >= 3);
    for call in 0.. {
        if buffered < 3 {
            break;
        }
        assert!(world.fetches.len() < 4);
        world.succeed(call);
        world.commit_all();
        buffered -= 1;
    }
    assert_eq!(world.fetches.len(), 4);
}

#[test]
fn a_partition_whose_batch_never_ends_keeps_no_other_from_being_read() {
    let mut config = settings(
        Pacing::Eager,
        &json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 1}),
    );
    config.batches.read_ahead = 1_000;
    let mut world = World::of(config);
    world.assign(0, 1, 0);
    let time = world.now;
    let large = move |offset| KafkaRecord::new(offset, time, Some(Bytes::from(vec![b'x'; 1_000])));
    let records = (0..9).map(large).collect();
    world.fetched(0, Ok(TopicPage::new(records, None)));
    assert!(!world.is_fetched(0));
    world.assign(1, 1, 0);
    for offset in 0..9 {
        world.page(1, offset..offset + 1);
        world.succeed(world.calls.len() - 1);
        assert_eq!(world.commit(), [(1, offset + 1)]);
    }
}

#[test]
fn room_that_a_lost_partition_leaves_is_used_by_the_others() {
    let mut config = settings(
        Pacing::Eager,
        &json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 1}),
    );
    config.batches.read_ahead = 1_000;
    let mut world = World::of(config);
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    let time = world.now;
    let large = move |offset| KafkaRecord::new(offset, time, Some(Bytes::from(vec![b'x'; 1_000])));
    world.fetched(0, Ok(TopicPage::new((0..3).map(large).collect(), None)));
    world.page(1, 0..2);
    assert!(!world.is_fetched(1));
    world.lose(0, 1);
    assert!(world.is_fetched(1));
}

#[test]
fn the_lag_is_what_the_log_holds_and_is_not_committed() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    let marks = |partition, low, high| Watermarks {
        partition,
        low,
        high,
    };
    world.logs = vec![marks(0, 10, 25), marks(1, 0, 7), marks(9, 0, 1_000)];
    assert_eq!(world.machine.status().sum_offset_lag, None);
    world.assign(0, 1, 3);
    world.assign(1, 1, 7);
    world.pass(1_000);
    let status = world.machine.status();
    assert_eq!(
        (status.max_offset_lag, status.sum_offset_lag),
        (Some(15), Some(15))
    );
    world.page(0, 10..20);
    world.succeed(0);
    assert_eq!(world.commit_all(), [(0, 20)]);
    assert_eq!(world.machine.status().max_offset_lag, Some(5));
    world.lose(0, 1);
    assert_eq!(world.machine.status().sum_offset_lag, Some(0));
}
