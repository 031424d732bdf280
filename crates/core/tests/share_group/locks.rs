//! Locks: renewed while a record is at work, and what comes of one that is lost.

use std::time::Duration;

use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::queue::SettleVerb;

use super::world::{Fate, Hiccup, State, World, config, share_group};

fn lost_of(world: &World) -> usize {
    let lost = world.decisions_of(|one| match one {
        Decision::LocksLost { messages, .. } => Some(*messages),
        _ => None,
    });
    lost.iter().sum()
}

#[test]
fn a_function_that_outlasts_the_lock_three_times_gets_the_record_once() {
    let mut world = World::new(config(share_group()), |_, _| Fate::success(90_000));
    world.send(1);
    world.run_to_the_end(200);
    assert_eq!(world.seen.len(), 1);
    assert_eq!(world.group.records[&(0, 0)].count, 1);
    assert_eq!(world.group.in_state(State::Accepted), [(0, 0)]);
    // Every half of a lock: at 15, 30, 45, 60 and 75 s.
    assert_eq!(world.group.renewals, 5);
    assert_eq!(lost_of(&world), 0);
}

#[test]
fn without_renewal_the_record_comes_again_and_the_loss_is_told() {
    let mut config = config(share_group());
    config.facts = config.facts.with_can_renew(false);
    let mut world = World::new(config, |_, _| Fate::success(45_000));
    world.send(1);
    world.run_to_the_end(300);
    assert!(world.seen.len() > 1, "{}", world.seen.len());
    assert!(world.told.is_empty());
    assert_eq!(world.group.in_state(State::Accepted), [(0, 0)]);
    let again = world.settled.iter().filter(|(.., ok)| !ok).count();
    assert_eq!(lost_of(&world), again);
}

#[test]
fn a_lock_that_is_lost_counts_as_nothing_even_in_the_last_delivery() {
    let mut config = config(share_group());
    config.facts = config.facts.with_delivery_limit(Some(2));
    let mut world = World::new(config, |call, _| match call {
        0 => Fate::error(10),
        _ => Fate::error(40_000),
    });
    world.send(1);
    world.run_for(5);
    assert_eq!(world.group.records[&(0, 0)].count, 2);
    world.group.lose_locks();
    world.run_for(100);
    // The group has archived it by itself; nobody was told that the function has failed with it for good.
    assert_eq!(world.group.in_state(State::Archived), [(0, 0)]);
    assert!(world.told.is_empty());
    assert_eq!(world.ends_of((0, 0)), [SettleVerb::Release]);
    assert_eq!(lost_of(&world), 1);
}

#[test]
fn a_lock_that_is_lost_as_the_end_is_told_brings_the_record_again() {
    let mut config = config(share_group());
    config.facts = config.facts.with_can_renew(false);
    let mut world = World::new(config, |_, _| Fate::success(5_000));
    world.send(1);
    world.run_for(2);
    world.group.lose_locks();
    world.run_to_the_end(100);
    assert_eq!(world.seen.len(), 2);
    assert_eq!(world.group.in_state(State::Accepted), [(0, 0)]);
}

#[test]
fn a_throttled_function_uses_up_neither_attempts_nor_deliveries() {
    let mut config = config(share_group());
    config.facts = config.facts.with_delivery_limit(Some(2));
    let mut world = World::new(config, |call, _| {
        if call < 60 {
            let kind = InvokeErrorKind::throttled(None);
            return Fate {
                after: Duration::from_millis(3),
                result: Err(InvokeError::new(kind, "429")),
            };
        }
        Fate::success(10)
    });
    world.send(1);
    world.run_to_the_end(3_600);
    assert_eq!(world.seen.len(), 61);
    assert_eq!(world.group.records[&(0, 0)].count, 1);
    assert!(world.told.is_empty());
}

#[test]
fn a_throttled_record_whose_lock_cannot_be_renewed_is_released_in_time() {
    let mut config = config(share_group());
    config.facts = config.facts.with_can_renew(false);
    let mut world = World::new(config, |call, _| {
        if call < 12 {
            let kind = InvokeErrorKind::throttled(None);
            return Fate {
                after: Duration::from_millis(3),
                result: Err(InvokeError::new(kind, "429")),
            };
        }
        Fate::success(10)
    });
    world.send(1);
    world.run_to_the_end(600);
    let (last, before) = (world.ends_of((0, 0)), SettleVerb::Release);
    assert_eq!(last.last(), Some(&SettleVerb::Delete));
    assert!(last[..last.len() - 1].iter().all(|one| *one == before));
    assert!(last.len() > 1);
    assert!(world.settled.iter().all(|(.., ok)| *ok), "in time");
}

#[test]
fn records_that_wait_for_their_turn_keep_their_locks() {
    let mut config = config(share_group());
    config.limits.count = 5;
    config.function_concurrency = Some(1);
    // The first receive fills more batches than the function takes at a time.
    let mut world = World::new(config, |_, _| Fate::success(50_000));
    world.send(15);
    world.run_to_the_end(400);
    assert_eq!(world.seen.len(), 3);
    assert!(world.group.records.values().all(|one| one.count == 1));
    assert_eq!(world.group.in_state(State::Accepted).len(), 15);
}

#[test]
fn a_slow_function_of_scarce_concurrency_uses_up_no_deliveries() {
    let mut config = config(share_group());
    config.facts = config.facts.with_delivery_limit(Some(2));
    config.function_concurrency = Some(1);
    let mut world = World::new(config, |_, _| Fate::success(45_000));
    world.send(20);
    world.run_to_the_end(1_000);
    assert_eq!(world.seen.len(), 20);
    assert!(world.group.records.values().all(|one| one.count == 1));
    assert_eq!(world.group.in_state(State::Accepted).len(), 20);
}

#[test]
fn what_waits_for_its_last_try_is_told_of_before_a_lock_ends_that_cannot_be_renewed() {
    let mut config = config(share_group());
    config.facts = config.facts.with_delivery_limit(Some(2));
    config.facts = config.facts.with_can_renew(false);
    let mut world = World::new(config, |_, _| Fate::success(10));
    // Another mapping has the function for good.
    world.turns.set_known(Some(1));
    world.turns.line_up();
    assert!(world.turns.next(world.now).is_some());
    world.send(1);
    world.run_for(27);
    assert_eq!(world.ends_of((0, 0)), [SettleVerb::Release]);
    world.run_for(27);
    assert_eq!(world.told.len(), 1);
    assert_eq!(world.group.in_state(State::Rejected), [(0, 0)]);
    assert_eq!(lost_of(&world), 0);
}

#[test]
fn a_renewal_whose_answer_is_lost_is_tried_again() {
    let mut calls = 0;
    let mut world = World::new(config(share_group()), |_, _| Fate::success(60_000));
    world.hiccup = Box::new(move || {
        calls += 1;
        match calls {
            1 => Hiccup::Lost,
            2 => Hiccup::AnswerLost,
            _ => Hiccup::None,
        }
    });
    world.send(1);
    world.run_to_the_end(200);
    assert_eq!(world.seen.len(), 1);
    assert_eq!(world.group.in_state(State::Accepted), [(0, 0)]);
    assert_eq!(lost_of(&world), 0);
}
