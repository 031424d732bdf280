//! How much is read, and when.

use std::time::Duration;

use lambda_esm_core::batching::CloseReason;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{Concurrency, Input, QueueConfig};

use super::world::{Fate, World, config, filters};

fn with_window(seconds: u64, count: usize, maximum: u32) -> QueueConfig {
    let mut config = config();
    config.limits.window = Duration::from_secs(seconds);
    config.limits.count = count;
    config.concurrency = Concurrency::OnDemand {
        maximum: Some(maximum),
    };
    config
}

#[test]
fn filtered_messages_that_cannot_be_deleted_do_not_pile_up() {
    let mut config = with_window(0, 10, 2);
    config.filters = filters(&[r#"{"body":{"keep":[true]}}"#]);
    let mut world = World::new(config, |_, _| Fate::success(1));
    world.settle_fails = Box::new(|| true);
    world.send(100);
    world.run_for(5_000);
    assert!(world.most_held <= 20, "{} held", world.most_held);
}

#[test]
fn the_last_part_of_a_window_is_not_spent_asking_a_quiet_queue() {
    let mut world = World::new(with_window(10, 100, 2), |_, _| Fate::success(500));
    world.send(1);
    world.run_for(11_000);
    // The next window began half a second ago; its rest cannot be waited for in whole seconds.
    let before = world.receives;
    world.send(1);
    world.run_for(9_900);
    let more = world.receives - before;
    assert!(more <= 3, "{more} receives in one window");
}

#[test]
fn messages_join_a_batch_also_in_the_last_part_of_its_window() {
    for pacing in [Pacing::Eager, Pacing::Aws] {
        // The queue can wait for a second or not at all, and no whole second is left of the window.
        let mut config = with_window(1, 100, 5);
        config.pacing = pacing;
        let mut world = World::new(config, |_, _| Fate::success(1));
        let sent = world.now;
        for _ in 0..9 {
            world.send(1);
            world.run_for(100);
        }
        world.run_for(200);
        let sizes: Vec<usize> = world.seen.iter().map(|seen| seen.ids.len()).collect();
        assert_eq!(sizes, [9], "{pacing:?}");
        let waited = world.seen[0].start.since(sent).as_millis();
        assert!((1_000..=1_010).contains(&waited), "{waited} ms");
    }
}

#[test]
fn a_message_that_would_find_no_slot_is_left_in_the_queue_by_the_end_of_a_window() {
    let mut world = World::new(with_window(1, 10, 2), |_, _| Fate::success(30_000));
    world.send(1);
    world.run_for(2_000);
    // One slot is left. No whole second of the window is, once the second message has come.
    for pause in [100, 400, 2_000] {
        world.send(1);
        world.run_for(pause);
    }
    let sizes: Vec<usize> = world.seen.iter().map(|seen| seen.ids.len()).collect();
    assert_eq!((sizes, world.most_held), (vec![1, 2], 3));
}

#[test]
fn back_off_begins_anew_after_the_source_could_be_read() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    let mut calls = 0;
    world.receive_fails = Box::new(move || {
        calls += 1;
        calls == 1 || calls == 3
    });
    world.run_for(90_000);
    let waits = world.decisions_of(|decision| match decision {
        Decision::PollFailed { retry_ms, .. } => Some(*retry_ms),
        _ => None,
    });
    assert_eq!(waits.len(), 2);
    assert!(waits.iter().all(|&wait| wait <= 500), "{waits:?}");
}

#[test]
fn a_deletion_that_fails_beyond_the_visibility_timeout_is_given_up() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    world.settle_fails = Box::new(|| true);
    world.send(1);
    world.run_for(120_000);
    let lost = world.decisions_of(|decision| match decision {
        Decision::SettleFailed { messages, .. } => Some(*messages),
        _ => None,
    });
    assert!(lost.len() >= 2, "each delivery is given up once: {lost:?}");
    assert!(world.machine.status().running <= 2);
}

#[test]
fn a_window_is_not_held_by_receives_that_were_opened_before_it() {
    let mut five = with_window(2, 10, 5);
    five.pacing = Pacing::Aws;
    let mut world = World::new(five, |_, _| Fate::success(30_000));
    world.run_for(100);
    let mut two = with_window(2, 10, 2);
    two.pacing = Pacing::Aws;
    world.reconfigure(two);
    // Five receives are open for 20 s, and two slots are left to what they bring.
    let sent = world.now;
    world.send(1);
    world.run_for(4_000);
    let waited = world.seen[0].start.since(sent);
    assert!((2_000..=2_010).contains(&waited.as_millis()), "{waited:?}");
    // What they bring goes with the next batch.
    world.send(9);
    world.run_for(4_000);
    let sizes: Vec<usize> = world.seen.iter().map(|seen| seen.ids.len()).collect();
    assert_eq!(sizes, [1, 9]);
}

#[test]
fn a_window_waits_a_little_for_receives_that_end_with_it() {
    let mut one = with_window(2, 10, 2);
    one.concurrency = Concurrency::OnDemand { maximum: None };
    one.function_concurrency = Some(1);
    let mut world = World::new(one, |_, _| Fate::success(100));
    world.send(1);
    world.run_for(1_999);
    world.answers_after = Duration::from_millis(300);
    world.send(1);
    world.run_for(1_000);
    let sizes: Vec<usize> = world.seen.iter().map(|seen| seen.ids.len()).collect();
    assert_eq!(sizes, [2]);
}

#[test]
fn a_batch_that_a_smaller_batch_size_makes_full_goes_at_once() {
    let mut world = World::new(with_window(60, 20, 2), |_, _| Fate::success(1));
    world.send(8);
    world.run_for(1_000);
    world.give(Input::Reconfigure(Box::new(with_window(60, 5, 2))));
    let closed = world.decisions_of(|decision| match decision {
        Decision::BatchClosed {
            reason, records, ..
        } => Some((*reason, *records)),
        _ => None,
    });
    assert_eq!(closed, [(CloseReason::Count, 5), (CloseReason::Count, 3)]);
}
