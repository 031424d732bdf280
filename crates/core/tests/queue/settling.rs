//! How deliveries are settled.

use std::time::Duration;

use lambda_esm_core::decision::Decision;
use lambda_esm_core::pacing::Pacing;

use super::world::{Fate, Service, World, config};

#[test]
fn a_large_batch_is_deleted_in_a_bounded_number_of_calls_at_a_time() {
    let mut large = config();
    large.pacing = Pacing::Aws;
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

/// What was told of three messages, the answer to whose deletion is lost, and how many are left.
fn told_after_a_lost_answer(server_knows_no_repeat: bool) -> (Vec<(&'static str, usize)>, usize) {
    let mut quick = config();
    // The answer is given up when the messages could be received again.
    quick.facts.visibility_timeout = Duration::from_secs(10);
    let mut world = World::new(quick, |_, _| Fate::success(10));
    world.refuses_what_is_gone = server_knows_no_repeat;
    let mut calls = 0;
    world.serves = Box::new(move |_| {
        calls += 1;
        Service {
            longer: Duration::ZERO,
            is_lost: calls == 2,
        }
    });
    world.send(3);
    world.run_for(60_000);
    let told = world.decisions_of(|decision| match decision {
        Decision::Deleted { messages, .. } => Some(("deleted", *messages)),
        Decision::Gone { messages, .. } => Some(("gone", *messages)),
        Decision::SettleFailed { messages, .. } => Some(("failed", *messages)),
        _ => None,
    });
    (told, world.left())
}

#[test]
fn a_deletion_whose_answer_is_lost_counts_once() {
    for server_knows_no_repeat in [true, false] {
        let (told, left) = told_after_a_lost_answer(server_knows_no_repeat);
        assert_eq!((told, left), (vec![("deleted", 3)], 0));
    }
}

#[test]
fn a_deletion_that_was_not_done_before_its_message_came_again_is_no_deletion() {
    let mut quick = config();
    quick.facts.visibility_timeout = Duration::from_secs(5);
    let mut world = World::new(quick, |_, _| Fate::success(10));
    // Each call that fails asks twice. In five seconds there are five, and then the message is received again.
    let mut fails = 0;
    world.settle_fails = Box::new(move || {
        fails += 1;
        fails <= 12
    });
    world.send(1);
    world.run_for(200_000);
    let deleted: usize = world
        .decisions_of(|decision| match decision {
            Decision::Deleted { messages, .. } => Some(*messages),
            _ => None,
        })
        .iter()
        .sum();
    assert!(
        world.seen.len() >= 2,
        "the case is about a message that comes again"
    );
    assert_eq!((deleted, world.left()), (1, 0));
}

#[test]
fn what_is_to_be_deleted_goes_before_what_is_to_be_received() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    // The server takes a second for each call, and the mapping allows itself four.
    world.serves = Box::new(|_| Service {
        longer: Duration::from_secs(1),
        is_lost: false,
    });
    world.trace = Some(Vec::new());
    world.send(200);
    world.run_for(8_000);
    assert!(world.left() > 0, "the case is about a backlog");
    let calls = world.trace.take().unwrap_or_default();
    let of = |kind: &str| calls.iter().filter(|call| call.contains(kind)).count();
    let (receives, deletions) = (of("Receive {"), of("Settle {"));
    assert!(
        receives <= deletions + 4,
        "{receives} receives, {deletions} deletions"
    );
}
