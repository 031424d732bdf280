//! Sessions that do not begin, and those that end.

use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine::{ActiveMq, RabbitMq};
use lambda_esm_core::push_queue::Input;
use serde_json::json;

use crate::mapping::settings;
use crate::world::{ACCEPTED, World, all, message};

fn transient() -> SourceError {
    SourceError::new(SourceErrorKind::Transient, "broken")
}

#[test]
fn the_prefetch_is_two_batches_for_each_that_runs_within_the_protocols_bound() {
    for (engine, size, prefetch) in [
        (RabbitMq, 1, 2),
        (RabbitMq, 100, 200),
        (ActiveMq, 100, 1_000),
        (RabbitMq, 10_000, 20_000),
        (ActiveMq, 10_000, 65_535),
    ] {
        // Above 10 the API asks for a window.
        let parameters = json!({"BatchSize": size, "MaximumBatchingWindowInSeconds": 1});
        let world = World::of(settings(engine, &parameters));
        assert_eq!(world.connecting.unwrap().1, prefetch, "{engine:?} {size}");
    }
}

#[test]
fn a_session_that_cannot_begin_is_tried_again_with_back_off_and_its_problem_is_shown() {
    let mut world = World::of(settings(RabbitMq, &json!({})));
    assert!(!world.machine.has_begun());
    let error = SourceError::new(SourceErrorKind::Denied, "wrong password");
    let mut longest = 0;
    for _ in 0..12 {
        let refused = error.clone().with_reason(ReasonCode::Authentication);
        world.refuse(refused);
        let status = world.machine.status();
        assert_eq!(status.source_problem.as_deref(), Some("wrong password"));
        assert_eq!(status.source_reason, Some(ReasonCode::Authentication));
        let since = world.now.0;
        while world.connecting.is_none() {
            world.pass(10);
        }
        longest = world.now.0 - since;
        assert!((100..=30_010).contains(&longest), "{longest} ms");
    }
    assert!(longest > 20_000, "the waits grow: {longest} ms");
    world.connect();
    let status = world.machine.status();
    assert_eq!((status.source_problem, status.source_reason), (None, None));
    assert!(world.machine.has_begun());
    let failed = |decision: &&Decision| matches!(decision, Decision::PollFailed { .. });
    assert_eq!(world.decisions.iter().filter(failed).count(), 12);
}

#[test]
fn the_first_session_after_one_that_worked_is_tried_soon() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    for _ in 0..5 {
        world.push_tags([1]);
        world.break_session();
        assert_eq!(world.closed, 1);
        world.closed = 0;
        world.pass(500);
        world.connect();
    }
    // One that brings nothing and ends at once is a failure, one that lasts is none.
    for _ in 0..8 {
        world.break_session();
        while world.connecting.is_none() {
            world.pass(100);
        }
        world.connect();
    }
    world.break_session();
    world.pass(10_000);
    assert!(world.connecting.is_none());
    world.pass(30_000);
    world.connect();
    world.pass(60_000);
    world.break_session();
    world.pass(500);
    assert!(world.connecting.is_some());
}

#[test]
fn the_next_session_begins_only_when_the_last_one_is_ended() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.holds_closes = true;
    world.break_session();
    world.pass(60_000);
    assert!(world.connecting.is_none());
    let id = world.closing.take().unwrap();
    world.give(Input::Closed { id });
    assert!(world.connecting.is_some());
}

#[test]
fn with_a_session_everything_of_it_is_forgotten_that_the_function_does_not_have() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 2}));
    world.push_tags(1..=5);
    let running = world.calls.len();
    world.break_session();
    assert_eq!(world.machine.status().gathering, 0);
    world.pass(500);
    world.connect();
    // The same messages under other tags wait until the function is done with what it has.
    let again = (1..=5).map(|tag| message(RabbitMq, 10 + tag, tag.to_string()));
    world.push(again.collect());
    assert_eq!(world.calls.len(), running, "one invocation at a time");
    world.succeed(0);
    assert!(
        world.settles.is_empty(),
        "nothing is settled that is not ours any more"
    );
    assert_eq!(world.bodies(1), ["1", "2"]);
    world.succeed(1);
    assert_eq!(world.settle(), all([11, 12], ACCEPTED));
}

#[test]
fn what_waits_for_a_retry_is_forgotten_with_its_session() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.push_tags([1]);
    world.fail(0);
    world.break_session();
    world.pass(500);
    world.connect();
    world.pass(60_000);
    assert_eq!(world.calls.len(), 1);
    world.push(vec![message(RabbitMq, 1, "1")]);
    assert_eq!(world.bodies(1), ["1"]);
    world.succeed(1);
    assert_eq!(world.settle(), all([1], ACCEPTED));
}

#[test]
fn a_batch_of_an_earlier_session_that_fails_is_not_tried_again() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.push_tags([1]);
    world.break_session();
    world.pass(500);
    world.connect();
    world.push(vec![message(RabbitMq, 1, "again")]);
    world.fail(0);
    assert_eq!(world.bodies(1), ["again"]);
    world.pass(60_000);
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_settlement_that_fails_ends_the_session() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 1}));
    world.push_tags(1..=2);
    world.succeed(0);
    let (id, _) = world.settles.pop_front().unwrap();
    let result = Err(transient());
    world.give(Input::Settled { id, result });
    assert_eq!(world.closed, 1);
    assert!(
        world.decided(|decision| matches!(decision, Decision::SettleFailed { messages: 1, .. }))
    );
    world.succeed(1);
    world.pass(500);
    world.connect();
    assert!(world.settles.is_empty());
}

#[test]
fn answers_of_a_session_that_is_over_change_nothing() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 1}));
    world.push_tags(1..=2);
    world.succeed(0);
    let (settle, _) = world.settles.pop_front().unwrap();
    let old = world.session.unwrap();
    world.break_session();
    world.pass(500);
    world.connect();
    let result = Err(transient());
    world.give(Input::Received {
        session: old,
        result,
    });
    let result = Err(transient());
    world.give(Input::Settled { id: settle, result });
    let late = vec![message(RabbitMq, 9, "late")];
    world.give(Input::Received {
        session: old,
        result: Ok(late),
    });
    assert_eq!(world.closed, 1);
    world.succeed(1);
    world.pass(60_000);
    assert_eq!(world.calls.len(), 2);
}

#[test]
fn a_turn_that_is_not_needed_any_more_is_given_back() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.holds_turns = true;
    world.push_tags([1]);
    assert_eq!(world.turns.len(), 1);
    world.break_session();
    assert_eq!(world.turns.len(), 0);
}
