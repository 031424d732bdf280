//! What happens where two rules meet.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{Concurrency, Input};

use super::world::{Fate, World, config};

fn throttle(after_ms: u64, retry_after: Option<Duration>) -> Fate {
    let kind = InvokeErrorKind::throttled(retry_after);
    Fate {
        after: Duration::from_millis(after_ms),
        result: Err(InvokeError::new(kind, "429")),
    }
}

#[test]
fn a_batch_released_while_draining_takes_the_later_messages_of_its_groups_with_it() {
    let mut config = config();
    config.fifo = true;
    config.facts.longest_wait = Duration::from_secs(1);
    let mut world = World::new(config, |n, _| match n {
        0 => throttle(4_000, None),
        _ => Fate::success(10),
    });
    let body = "x".repeat(900_000);
    for _ in 0..10 {
        world.send_one(&body, Some("g"));
    }
    world.run_for(1_000);
    world.drain();
    world.run_for(5_000);
    assert!(world.machine.is_idle());
    assert_eq!((world.seen.len(), world.left()), (1, 10));
    assert_eq!(world.releases, 10);
}

#[test]
fn a_copy_is_ours_only_as_long_as_its_receive_asked_for() {
    let mut world = World::new(config(), |_, _| Fate::success(10));
    let mut windowed = config();
    windowed.limits.window = Duration::from_secs(60);
    world.give(Input::Reconfigure(Box::new(windowed)));
    // The open receive was asked for with the queue's own 30 s.
    world.send(1);
    world.run_for(120_000);
    let delivered: Vec<_> = world.seen.iter().map(|seen| seen.ids.clone()).collect();
    assert_eq!(delivered, [["m0"]]);
    assert_eq!(world.left(), 0);
}

#[test]
fn a_window_as_long_as_the_visibility_timeout_asks_for_a_longer_one() {
    let mut windowed = config();
    windowed.limits.window = Duration::from_secs(30);
    let mut world = World::new(windowed, |_, _| Fate::success(100));
    world.send(3);
    world.run_for(120_000);
    assert_eq!((world.seen.len(), world.left()), (1, 0));
}

#[test]
fn a_message_twice_in_a_batch_and_reported_as_failed_is_not_deleted() {
    let mut config = config();
    config.report_batch_item_failures = true;
    let mut world = World::new(config, |n, _| {
        let mut fate = Fate::success(10);
        if n == 0 {
            fate.result = Ok(Bytes::from_static(
                b"{\"batchItemFailures\":[{\"itemIdentifier\":\"m0\"}]}",
            ));
        }
        fate
    });
    world.deliver_twice = true;
    world.send(2);
    world.run_for(1_000);
    assert_eq!(world.seen[0].ids, ["m0", "m1", "m0", "m1"]);
    assert!(
        !world.deletions.contains(&"m0".to_owned()),
        "{:?}",
        world.deletions
    );
    assert!(world.deletions.contains(&"m1".to_owned()));
}

#[test]
fn a_burst_of_failed_receives_counts_once() {
    let mut config = config();
    config.pacing = Pacing::Aws;
    let mut world = World::new(config, |_, _| Fate::success(1));
    let mut failures = 5;
    world.receive_fails = Box::new(move || {
        failures -= 1;
        failures >= 0
    });
    // The receives that were opened at first end, and the next ones fail together.
    world.run_for(20_500);
    let waits = world.decisions_of(|decision| match decision {
        Decision::PollFailed { retry_ms, .. } => Some(*retry_ms),
        _ => None,
    });
    assert_eq!(waits.len(), 5);
    assert!(waits.iter().all(|&wait| wait <= 500), "{waits:?}");
    world.run_for(500);
    assert_eq!(world.machine.status().receives, 5);
}

#[test]
fn a_wait_longer_than_the_visibility_leaves_nothing_behind() {
    let week = Duration::from_secs(7 * 86_400);
    let mut world = World::new(config(), move |n, _| match n {
        0 => throttle(1, Some(week)),
        _ => Fate::success(1),
    });
    world.send(1);
    world.run_for(60_000);
    assert_eq!(world.left(), 0);
    let status = world.machine.status();
    assert_eq!(
        (status.backing_off_until, world.machine.next_deadline()),
        (None, None)
    );
}

#[test]
fn new_settings_that_change_the_concurrency_are_reported() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    let mut capped = config();
    capped.concurrency = Concurrency::OnDemand { maximum: Some(3) };
    world.give(Input::Reconfigure(Box::new(capped)));
    let scaled = world.decisions_of(|decision| match decision {
        Decision::Scaled { from, to, .. } => Some((*from, *to)),
        _ => None,
    });
    assert_eq!(scaled, [(5, 3)]);
}

#[test]
fn a_source_that_does_not_wait_is_not_asked_without_pause() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    world.impatient = true;
    world.run_for(600_000);
    assert!(
        world.receives <= 700,
        "{} receives in ten minutes",
        world.receives
    );
    let sent = world.now;
    world.send(1);
    world.run_for(2_000);
    assert!(world.seen[0].start.since(sent) <= Duration::from_millis(1_010));
}

#[test]
fn failures_that_the_mapping_does_not_look_at_are_told_of_once() {
    let mut world = World::new(config(), |_, _| {
        let mut fate = Fate::success(1);
        let named = br#"{"batchItemFailures":[{"itemIdentifier":"m0"}]}"#;
        fate.result = Ok(Bytes::from_static(named));
        fate
    });
    for _ in 0..3 {
        world.send(1);
        world.run_for(100);
    }
    assert_eq!((world.seen.len(), world.left()), (3, 0));
    let told = world.decisions_of(|decision| match decision {
        Decision::FailuresIgnored { failures, .. } => Some(*failures),
        _ => None,
    });
    assert_eq!(told, [1]);
}
