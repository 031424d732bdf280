//! The end of a mapping.

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::topic::Input;
use serde_json::json;

use crate::mapping::{QUEUE, provisioned};
use crate::world::{World, owned};

#[test]
fn a_running_batch_is_settled_and_committed_and_nothing_new_begins() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0, "BatchSize": 2}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..6);
    world.give(Input::Drain);
    world.page(1, 0..6);
    assert!(!world.machine.is_idle());
    world.succeed(0);
    assert!(!world.machine.is_idle());
    assert_eq!(world.commit(), [(0, 2)]);
    assert!(world.machine.is_idle());
    world.pass(60_000);
    assert_eq!(world.calls.len(), 1);
    assert!(world.commits.is_empty());
}

#[test]
fn what_was_gathered_is_left_to_the_topic() {
    let mut world = World::new(&json!({}));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    world.give(Input::Drain);
    assert!(world.machine.is_idle());
    world.pass(60_000);
    assert!(world.calls.is_empty() && world.commits.is_empty());
}

#[test]
fn a_batch_that_failed_is_not_tried_again() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    world.give(Input::Drain);
    world.fail(0);
    assert!(world.machine.is_idle());
    world.pass(60_000);
    assert_eq!(world.calls.len(), 1);
    assert!(world.commits.is_empty());
}

#[test]
fn a_commit_that_fails_is_tried_again_before_the_end() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    world.give(Input::Drain);
    world.succeed(0);
    for kind in [SourceErrorKind::Transient, SourceErrorKind::Throttled] {
        world.fail_commit(kind);
        assert!(!world.machine.is_idle());
        world.pass(400);
    }
    assert_eq!(world.commit(), [(0, 3)]);
    assert!(world.machine.is_idle());
}

#[test]
fn a_partition_that_is_revoked_meanwhile_is_let_go_with_what_is_settled() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.assign(0, 1, 0);
    world.assign(1, 1, 0);
    world.page(0, 0..3);
    world.page(1, 0..3);
    world.give(Input::Drain);
    world.revoke(0, 1);
    world.succeed(0);
    assert_eq!(world.let_gos, [(owned(0, 1), Some(3))]);
    world.lose(1, 1);
    world.succeed(1);
    assert!(!world.machine.is_idle());
    world.left(0, 1);
    assert!(world.machine.is_idle());
    assert!(world.commits.is_empty());
}

#[test]
fn a_failed_commit_of_a_partition_that_is_lost_keeps_nobody_waiting() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    world.give(Input::Drain);
    world.succeed(0);
    world.fail_commit(SourceErrorKind::Transient);
    world.lose(0, 1);
    world.pass(200);
    assert!(world.machine.is_idle());
    assert_eq!(world.machine.status().function_problem, None);
}

#[test]
fn the_destination_is_told_before_the_end() {
    let mut world = World::new(&provisioned(json!({
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnFailure": {"Destination": QUEUE}},
    })));
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    world.give(Input::Drain);
    world.fail(0);
    world.deliver(Err("away"));
    assert!(!world.machine.is_idle());
    world.pass(200);
    world.deliver(Ok(()));
    assert_eq!(world.commit(), [(0, 3)]);
    assert!(world.machine.is_idle());
}

#[test]
fn a_turn_that_was_awaited_is_given_back() {
    let mut world = World::new(&json!({"MaximumBatchingWindowInSeconds": 0}));
    world.holds_turns = true;
    world.assign(0, 1, 0);
    world.page(0, 0..3);
    world.give(Input::Drain);
    world.release_turns();
    assert!(world.calls.is_empty() && world.machine.is_idle());
}
