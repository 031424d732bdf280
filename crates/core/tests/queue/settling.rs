//! How deliveries are settled.

use std::time::Duration;

use lambda_esm_core::decision::Decision;

use super::world::{Fate, World, config};

#[test]
fn a_large_batch_is_deleted_in_a_bounded_number_of_calls_at_a_time() {
    let mut large = config();
    large.limits.count = 10_000;
    large.limits.window = Duration::from_secs(10);
    let mut world = World::new(large, |_, _| Fate::success(1));
    world.send(995);
    world.run_for(20_000);
    assert_eq!((world.seen.len(), world.left()), (1, 0));
    assert_eq!(world.most_settling, 8);
    assert!(world.machine.status().running == 0);
}

#[test]
fn calls_that_fail_on_the_way_through_a_large_batch_lose_nothing() {
    let mut large = config();
    large.limits.count = 1_000;
    large.limits.window = Duration::from_secs(10);
    let mut world = World::new(large, |_, _| Fate::success(1));
    let mut calls = 0;
    world.settle_fails = Box::new(move || {
        calls += 1;
        calls % 7 == 0
    });
    world.send(600);
    world.run_for(30_000);
    assert_eq!((world.seen.len(), world.left()), (1, 0));
    assert!(world.machine.is_idle() || world.machine.status().receives > 0);
    assert_eq!(world.machine.status().running, 0);
}

#[test]
fn what_the_handler_has_deleted_is_no_failure() {
    let mut world = World::new(config(), |_, _| Fate::success(10));
    world.refuses_what_is_gone = true;
    world.send(3);
    world.run_for(5);
    world.delete("m1");
    world.run_for(1_000);
    let mut told = world.decisions_of(|decision| match decision {
        Decision::Deleted { messages, .. } => Some(("deleted", *messages)),
        Decision::Gone { messages, .. } => Some(("gone", *messages)),
        Decision::SettleFailed { .. } => Some(("failed", 0)),
        _ => None,
    });
    told.sort_unstable();
    assert_eq!(told, [("deleted", 2), ("gone", 1)]);
    assert_eq!(world.machine.status().running, 0);
}
