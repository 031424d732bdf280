//! Batches that fail, and messages that are not tried again.

use std::time::Duration;

use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_core::mapping::MqEngine::{self, ActiveMq, RabbitMq};
use lambda_esm_core::on_failure_record::Condition;
use serde_json::json;

use crate::world::{ACCEPTED, REJECTED, RELEASED, RELEASED_FAILED, World, all, expiring, message};

/// Sends one batch.
fn batch(engine: MqEngine, tags: impl IntoIterator<Item = u64>) -> World {
    let mut world = World::consuming(engine, &json!({}));
    world.holds_turns = true;
    world.push_tags(tags);
    world.release_turns();
    world
}

#[test]
fn a_failed_batch_is_tried_again_whole_with_the_same_bytes_until_it_succeeds() {
    let mut world = batch(RabbitMq, 1..=3);
    world.push_tags(4..=5);
    for call in 0..30 {
        assert_eq!(world.bodies(call), ["1", "2", "3"]);
        assert_eq!(world.calls[call].payload, world.calls[0].payload);
        world.fail(call);
        assert!(world.settles.is_empty());
        assert_eq!(
            world.calls.len(),
            call + 1,
            "it waits before it is tried again"
        );
        world.pass(30_000);
    }
    assert!(world.machine.status().function_problem.is_some());
    world.succeed(30);
    assert_eq!(world.machine.status().function_problem, None);
    assert_eq!(world.settle(), all(1..=3, ACCEPTED));
    assert_eq!(world.bodies(31), ["4", "5"]);
}

#[test]
fn a_response_that_names_failed_messages_counts_as_success() {
    let mut world = batch(RabbitMq, 1..=2);
    world.answer(0, Ok(r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#));
    assert_eq!(world.settle(), all(1..=2, ACCEPTED));
    assert!(world.decided(|decision| matches!(decision, Decision::FailuresIgnored { .. })));
}

#[test]
fn a_message_of_activemq_is_rejected_when_the_function_has_failed_with_it_seven_times() {
    let mut world = World::consuming(ActiveMq, &json!({}));
    world.holds_turns = true;
    let failed =
        |tag, failures| message(ActiveMq, tag, tag.to_string()).with_failed_deliveries(failures);
    world.push(vec![failed(1, 0), failed(2, 5), failed(3, 6)]);
    world.release_turns();
    assert_eq!(world.bodies(0), ["1", "2", "3"]);
    world.fail(0);
    assert_eq!(world.settle(), all([3], REJECTED));
    world.pass(30_000);
    assert_eq!(world.bodies(1), ["1", "2"]);
    world.fail(1);
    assert_eq!(world.settle(), all([2], REJECTED));
    for call in 2..7 {
        world.pass(30_000);
        assert_eq!(world.bodies(call), ["1"]);
        assert!(world.settles.is_empty());
        world.fail(call);
    }
    assert_eq!(world.settle(), all([1], REJECTED));
    world.pass(60_000);
    assert_eq!(world.calls.len(), 7);
    let rejected = world.decisions.iter().filter(|decision| {
        matches!(
            decision,
            Decision::Discarded {
                condition: Condition::RetryAttemptsExhausted,
                ..
            }
        )
    });
    assert_eq!(rejected.count(), 3);
    // The lane is free.
    world.push_tags([4]);
    assert_eq!(world.bodies(7), ["4"]);
}

#[test]
fn a_message_that_has_failed_seven_times_elsewhere_is_not_tried() {
    let mut world = World::consuming(ActiveMq, &json!({}));
    let exhausted = message(ActiveMq, 1, "1").with_failed_deliveries(7);
    world.push(vec![exhausted, message(ActiveMq, 2, "2")]);
    assert_eq!(world.settle(), all([1], REJECTED));
    assert_eq!(world.bodies(0), ["2"]);
}

#[test]
fn what_does_not_reach_the_function_counts_as_no_failure() {
    let mut world = World::consuming(ActiveMq, &json!({}));
    world.push(vec![message(ActiveMq, 1, "1").with_failed_deliveries(6)]);
    for call in 0..12 {
        world.answer(call, Err(InvokeErrorKind::throttled(None)));
        world.pass(30_000);
    }
    assert!(world.settles.is_empty());
    world.fail(12);
    assert_eq!(world.settle(), all([1], REJECTED));
}

#[test]
fn the_function_is_left_alone_as_long_as_it_asks() {
    let mut world = batch(RabbitMq, [1]);
    let asked = Duration::from_secs(100);
    world.answer(0, Err(InvokeErrorKind::throttled(Some(asked))));
    world.pass(99_999);
    assert_eq!(world.calls.len(), 1);
    world.pass(1);
    assert_eq!(world.bodies(1), ["1"]);
}

#[test]
fn what_has_expired_between_two_tries_is_released_and_the_rest_goes_on() {
    for engine in [RabbitMq, ActiveMq] {
        let mut world = World::consuming(engine, &json!({}));
        world.holds_turns = true;
        world.push(vec![
            expiring(engine, 1, 100),
            expiring(engine, 2, 60_000),
            message(engine, 3, "3"),
        ]);
        world.release_turns();
        // While the function has it, nothing is given back.
        world.pass(200);
        assert!(world.settles.is_empty());
        world.fail(0);
        assert!(world.settles.is_empty());
        world.pass(1_000);
        assert_eq!(world.settle(), all([1], RELEASED_FAILED));
        assert_eq!(world.bodies(1), ["2", "3"]);
        world.succeed(1);
        assert_eq!(world.settle(), all([2, 3], ACCEPTED));
    }
}

#[test]
fn a_batch_of_which_all_has_expired_makes_way() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 1}));
    world.push(vec![expiring(RabbitMq, 1, 100), message(RabbitMq, 2, "2")]);
    world.answer(0, Err(InvokeErrorKind::throttled(None)));
    world.pass(1_000);
    assert_eq!(world.settle(), all([1], RELEASED));
    assert_eq!(world.bodies(1), ["2"]);
}
