//! Stopping: what open receives bring, and what finds no slot.

use std::time::Duration;

use lambda_esm_core::batching::CloseReason;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::QueueConfig;

use super::world::{Fate, World, config};

fn short_waits() -> QueueConfig {
    let mut config = config();
    config.facts.longest_wait = Duration::from_secs(1);
    config
}

#[test]
fn a_drain_ends_when_the_open_receives_have_returned() {
    for (pacing, receives) in [(Pacing::Eager, 1), (Pacing::Aws, 5)] {
        let mut config = short_waits();
        config.pacing = pacing;
        let mut world = World::new(config, |_, _| Fate::success(1));
        world.drain();
        assert!(!world.machine.is_idle(), "a message may be in a receive");
        world.run_for(1_000);
        assert!(world.machine.is_idle());
        assert_eq!(world.receives, receives, "a drain reads nothing new");
    }
}

#[test]
fn what_an_open_receive_brings_during_a_drain_is_processed() {
    for window in [0, 60] {
        let mut config = short_waits();
        config.limits.window = Duration::from_secs(window);
        config.function_timeout = Some(Duration::from_secs(1));
        let mut world = World::new(config, |_, _| Fate::success(5));
        world.drain();
        world.run_for(900);
        world.send(3);
        world.run_for(50);
        assert_eq!((world.seen.len(), world.left()), (1, 0));
        assert_eq!((world.receives_of("m2"), world.releases), (1, 0));
        assert!(world.machine.is_idle());
        // What comes now is for the next one.
        world.send(1);
        world.run_for(30_000);
        assert_eq!(world.receives_of("m3"), 0);
    }
}

#[test]
fn what_finds_no_slot_until_the_end_of_a_drain_is_released() {
    let mut one = short_waits();
    one.fifo = true;
    let mut world = World::new(one, |_, _| Fate::success(40_000));
    let body = "x".repeat(900_000);
    for _ in 0..10 {
        world.send_one(&body, Some("g"));
    }
    world.run_for(100);
    world.drain();
    world.run_for(26_000);
    assert_eq!((world.seen.len(), world.releases), (1, 0));
    world.run_for(1_000);
    assert_eq!(world.releases, 4, "those of the second batch");
    assert_eq!(world.machine.status().waiting, 0);
}

#[test]
fn what_arrives_after_the_end_of_a_drain_is_released() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    world.answers_after = Duration::from_secs(28);
    world.send(2);
    world.drain();
    world.run_for(28_100);
    assert!(world.machine.is_idle());
    assert_eq!((world.seen.len(), world.releases, world.left()), (0, 2, 2));
}

#[test]
fn what_arrives_during_a_drain_and_does_not_reach_the_function_is_released() {
    let mut world = World::new(short_waits(), |_, _| Fate {
        after: Duration::from_millis(1),
        result: Err(InvokeError::new(InvokeErrorKind::Unavailable, "refused")),
    });
    world.drain();
    world.send(2);
    world.run_for(2_000);
    assert_eq!((world.releases, world.receives_of("m0")), (2, 1));
    assert!(world.machine.is_idle());
}

#[test]
fn filtered_messages_that_arrive_during_a_drain_are_deleted() {
    let mut filtered = short_waits();
    filtered.filters = super::world::filters(&[r#"{"body":{"keep":[true]}}"#]);
    let mut world = World::new(filtered, |_, _| Fate::success(1));
    world.drain();
    world.send(2);
    world.run_for(1_000);
    let gone = world.decisions_of(|decision| match decision {
        Decision::Filtered { message_id, .. } => Some(message_id.clone()),
        _ => None,
    });
    assert_eq!((gone.len(), world.left()), (2, 0));
    assert!(world.machine.is_idle());
}

#[test]
fn draining_sends_out_what_was_gathered_and_ends() {
    let mut windowed = config();
    windowed.limits.window = Duration::from_secs(60);
    let mut world = World::new(windowed, |_, _| Fate::success(500));
    world.send(5);
    world.run_for(1_000);
    world.drain();
    let closed = world.decisions_of(|decision| match decision {
        Decision::BatchClosed {
            reason, records, ..
        } => Some((*reason, *records)),
        _ => None,
    });
    assert_eq!(closed, [(CloseReason::Draining, 5)]);
    assert!(!world.machine.is_idle());
    world.run_for(20_000);
    assert!(world.machine.is_idle());
    assert_eq!(world.left(), 0);
}

#[test]
fn draining_releases_what_did_not_reach_the_function() {
    let mut world = World::new(config(), |_, _| Fate {
        after: Duration::from_millis(1),
        result: Err(InvokeError::new(InvokeErrorKind::Unavailable, "refused")),
    });
    world.send(3);
    world.run_for(5_000);
    world.drain();
    world.run_for(20_000);
    assert!(world.machine.is_idle());
    assert_eq!((world.releases, world.left()), (3, 3));
    assert_eq!(
        world.receives_of("m0"),
        1,
        "received again by an open receive"
    );
}
