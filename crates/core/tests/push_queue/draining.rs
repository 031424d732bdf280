//! The end of a mapping.

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine::{ActiveMq, RabbitMq};
use lambda_esm_core::push_queue::Input;
use serde_json::json;

use crate::mapping::settings;
use crate::world::{ACCEPTED, RELEASED, RELEASED_FAILED, World, all};

/// Answers that the broker delivers no more.
fn stopped(world: &mut World) {
    let id = world.stopping.take().expect("to be stopped");
    world.give(Input::Stopped { id, result: Ok(()) });
}

#[test]
fn what_the_function_has_is_settled_and_the_rest_given_back_before_that() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 2}));
    world.holds_turns = true;
    world.push_tags(1..=5);
    world.release_turns();
    world.give(Input::Drain);
    assert!(
        world.settles.is_empty(),
        "the broker might deliver it again"
    );
    world.push_tags(6..=7);
    assert!(world.settles.is_empty());
    stopped(&mut world);
    assert_eq!(world.settle(), all(3..=7, RELEASED));
    assert!(!world.machine.is_idle());
    world.push_tags(8..=8);
    assert_eq!(world.settle(), all(8..=8, RELEASED));
    world.pass(60_000);
    assert_eq!((world.calls.len(), world.closed), (1, 0));
    world.succeed(0);
    assert_eq!(world.settle(), all(1..=2, ACCEPTED));
    assert_eq!(world.closed, 1);
    assert!(world.machine.is_idle());
    world.pass(60_000);
    assert!(world.connecting.is_none());
    assert_eq!(world.calls.len(), 1);
}

#[test]
fn a_batch_that_fails_then_is_given_back_as_failed() {
    let mut world = World::consuming(ActiveMq, &json!({"BatchSize": 1}));
    world.push_tags(1..=2);
    world.fail(0);
    world.give(Input::Drain);
    stopped(&mut world);
    assert_eq!(world.settle(), all([1], RELEASED_FAILED));
    world.fail(1);
    assert_eq!(world.settle(), all([2], RELEASED_FAILED));
    assert!(world.machine.is_idle());
    assert_eq!((world.calls.len(), world.closed), (2, 1));
}

#[test]
fn a_session_is_closed_only_when_all_is_settled() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.holds_closes = true;
    world.push_tags([1]);
    world.succeed(0);
    world.give(Input::Drain);
    stopped(&mut world);
    assert_eq!(world.closed, 0);
    assert_eq!(world.settle(), all([1], ACCEPTED));
    assert_eq!(world.closed, 1);
    assert!(!world.machine.is_idle());
    let id = world.closing.take().unwrap();
    world.give(Input::Closed { id });
    assert!(world.machine.is_idle());
}

#[test]
fn without_a_session_the_end_is_at_once() {
    let mut world = World::of(settings(RabbitMq, &json!({})));
    world.refuse(SourceError::new(SourceErrorKind::Transient, "no broker"));
    world.give(Input::Drain);
    assert!(world.machine.is_idle());
    world.pass(60_000);
    assert!(world.connecting.is_none());
}

#[test]
fn a_session_that_begins_then_is_ended() {
    let mut world = World::of(settings(RabbitMq, &json!({})));
    world.give(Input::Drain);
    assert!(!world.machine.is_idle());
    world.connect();
    stopped(&mut world);
    assert_eq!(world.closed, 1);
    assert!(world.machine.is_idle());
}

#[test]
fn a_session_that_breaks_then_leaves_only_the_function_to_be_waited_for() {
    for broken in [false, true] {
        let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 1}));
        world.push_tags(1..=2);
        world.give(Input::Drain);
        if broken {
            world.break_session();
        } else {
            let id = world.stopping.take().unwrap();
            let result = Err(SourceError::new(SourceErrorKind::Transient, "broken"));
            world.give(Input::Stopped { id, result });
        }
        assert_eq!(world.closed, 1);
        assert!(!world.machine.is_idle());
        world.pass(60_000);
        world.succeed(0);
        assert!(world.machine.is_idle() && world.connecting.is_none());
        assert!(world.settles.is_empty());
    }
}
