//! How messages become batches, and what the function is not given.

use lambda_esm_core::batching::CloseReason;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::mapping::MqEngine::{ActiveMq, RabbitMq};
use lambda_esm_core::on_failure_record::Condition;
use lambda_esm_core::record::{DeliveryTag, PushedContent, PushedMessage, Unreadable};
use serde_json::json;

use crate::mapping::settings;
use crate::world::{ACCEPTED, REJECTED, World, all, message};

const MEGABYTE: usize = 1024 * 1024;

fn closed(world: &World) -> Vec<(CloseReason, usize)> {
    let closed = |decision: &Decision| match decision {
        Decision::BatchClosed {
            reason, records, ..
        } => Some((*reason, *records)),
        _ => None,
    };
    world.decisions.iter().filter_map(closed).collect()
}

#[test]
fn the_window_is_half_a_second_by_default_from_the_first_message() {
    let mut world = World::of(settings(RabbitMq, &json!({})));
    world.connect();
    world.pass(10_000);
    world.push_tags([1]);
    world.pass(300);
    world.push_tags([2]);
    world.pass(199);
    assert!(world.calls.is_empty());
    world.pass(1);
    assert_eq!(world.bodies(0), ["1", "2"]);
    assert_eq!(closed(&world), [(CloseReason::Window, 2)]);
}

#[test]
fn the_window_of_what_came_while_the_function_ran_begins_when_that_came() {
    let mut world = World::of(settings(RabbitMq, &json!({})));
    world.connect();
    world.push_tags([1]);
    world.pass(500);
    world.pass(2_000);
    world.push_tags([2]);
    world.pass(300);
    world.succeed(0);
    assert_eq!(world.calls.len(), 1);
    world.pass(199);
    assert_eq!(world.calls.len(), 1);
    world.pass(1);
    assert_eq!(world.bodies(1), ["2"]);
    // And that of one that comes when all is quiet with it.
    world.succeed(1);
    world.pass(400);
    world.push_tags([3]);
    world.pass(499);
    assert_eq!(world.calls.len(), 2);
    world.pass(1);
    assert_eq!(world.bodies(2), ["3"]);
}

#[test]
fn a_batch_is_full_at_its_size_and_one_runs_at_a_time_with_rabbitmq() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 3}));
    world.holds_turns = true;
    world.push_tags(1..=6);
    world.release_turns();
    assert_eq!(world.bodies(0), ["1", "2", "3"]);
    world.pass(60_000);
    assert_eq!(world.calls.len(), 1);
    world.succeed(0);
    assert_eq!(world.bodies(1), ["4", "5", "6"]);
    assert_eq!(world.settle(), all(1..=3, ACCEPTED));
    world.succeed(1);
    assert_eq!(world.settle(), all(4..=6, ACCEPTED));
}

#[test]
fn the_next_batch_does_not_wait_for_the_last_one_to_be_settled() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 1}));
    world.push_tags(1..=2);
    world.succeed(0);
    assert_eq!(world.bodies(1), ["2"]);
    world.succeed(1);
    // One settlement is under way at a time.
    assert_eq!(world.settle(), all([1], ACCEPTED));
    assert_eq!(world.settle(), all([2], ACCEPTED));
    assert!(world.decided(|decision| matches!(decision, Decision::Deleted { messages: 1, .. })));
}

#[test]
fn five_batches_run_at_a_time_with_activemq_and_the_first_is_filled_first() {
    let mut world = World::consuming(ActiveMq, &json!({"BatchSize": 2}));
    world.holds_turns = true;
    world.push_tags(1..=13);
    world.release_turns();
    let called: Vec<_> = world
        .calls
        .iter()
        .map(|call| call.bodies.join(" "))
        .collect();
    assert_eq!(called, ["1 2", "3 4", "5 6", "7 8", "9 10"]);
    assert_eq!(world.machine.status().running, 5);
    world.succeed(3);
    assert_eq!(world.bodies(5), ["11", "12"]);
    assert_eq!(world.settle(), all([7, 8], ACCEPTED));
    world.succeed(0);
    assert_eq!(world.bodies(6), ["13"]);
}

#[test]
fn a_batch_ends_before_its_event_is_larger_than_6_mb_with_all_that_stands_around_it() {
    for engine in [RabbitMq, ActiveMq] {
        let config = json!({"BatchSize": 100});
        let overhead = settings(engine, &config).encoder.envelope_bytes();
        let mut world = World::consuming(engine, &config);
        let mut fragment = Vec::new();
        let encoder = settings(engine, &config).encoder;
        let empty = message(engine, 1, "");
        encoder.write(&mut fragment, &empty.content);
        // Two that fill an event to the last three bytes, and one that is a base64 quantum too much. The number of digits
        // of the bodies' sizes adds to what is around an empty one.
        let room = 6 * MEGABYTE - overhead - 1 - 2 * (fragment.len() + 6);
        let (first, second) = (2 * MEGABYTE, room / 4 * 3 - 2 * MEGABYTE);
        world.holds_turns = true;
        let body = |size: usize| "x".repeat(size);
        world.push(vec![
            message(engine, 1, body(first / 3 * 3)),
            message(engine, 2, body(second / 3 * 3)),
            message(engine, 3, body(60)),
        ]);
        world.release_turns();
        let size = world.calls[0].payload.len();
        assert!(size <= 6 * MEGABYTE, "{size}");
        assert!(size > 6 * MEGABYTE - 100, "{size}");
        assert_eq!(world.calls[0].bodies.len(), 2);
        assert_eq!(closed(&world)[0], (CloseReason::Bytes, 2));
    }
}

#[test]
fn a_message_that_is_larger_than_any_event_is_rejected_and_counted_and_the_rest_goes_on() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.holds_turns = true;
    let large = "x".repeat(5 * MEGABYTE);
    world.push(vec![
        message(RabbitMq, 1, "1"),
        message(RabbitMq, 2, large),
        message(RabbitMq, 3, "3"),
    ]);
    assert_eq!(world.settle(), all([2], REJECTED));
    assert!(world.decided(|decision| matches!(
        decision,
        Decision::Discarded {
            records: 1,
            condition: Condition::MaximumPayloadSizeExceeded,
            destination: None,
            ..
        }
    )));
    world.release_turns();
    assert_eq!(world.bodies(0), ["1", "3"]);
    world.succeed(0);
    assert_eq!(world.settle(), all([1, 3], ACCEPTED));
}

#[test]
fn a_message_that_no_event_can_show_is_rejected_and_counted() {
    let mut world = World::consuming(ActiveMq, &json!({}));
    let unreadable = Unreadable::new("a map message", "{}");
    let content = PushedContent::Unreadable(Box::new(unreadable));
    world.push(vec![
        PushedMessage::new(DeliveryTag(1), content),
        message(ActiveMq, 2, "2"),
    ]);
    assert_eq!(world.settle(), all([1], REJECTED));
    assert_eq!(world.bodies(0), ["2"]);
    assert!(world.decided(|decision| matches!(
        decision,
        Decision::Discarded { because, condition: Condition::RecordUnreadable, .. } if because == "a map message"
    )));
}

#[test]
fn what_no_filter_lets_pass_is_accepted_at_once_though_the_function_runs() {
    let pattern = r#"{"data":{"n":[{"numeric":[">",1]}]}}"#;
    let filters = json!({"FilterCriteria": {"Filters": [{"Pattern": pattern}]}, "BatchSize": 1});
    let mut world = World::consuming(RabbitMq, &filters);
    let body = |n: u64| message(RabbitMq, n, format!("{{\"n\":{n}}}"));
    world.push(vec![body(2)]);
    assert_eq!(world.bodies(0), [r#"{"n":2}"#]);
    world.push(vec![body(0), body(1), body(3)]);
    assert_eq!(world.settle(), all([0, 1], ACCEPTED));
    assert!(world.decided(|decision| matches!(decision, Decision::Skipped { records: 2, .. })));
    world.succeed(0);
    assert_eq!(world.bodies(1), [r#"{"n":3}"#]);
    assert_eq!(world.settle(), all([2], ACCEPTED));
}

#[test]
fn nothing_is_read_while_too_much_waits_for_the_function() {
    let mut config = settings(
        RabbitMq,
        &json!({"BatchSize": 1, "MaximumBatchingWindowInSeconds": 0}),
    );
    config.batches.read_ahead = 10;
    let mut world = World::of(config);
    world.connect();
    let ten = |tag| message(RabbitMq, tag, "0123456789");
    world.push(vec![ten(1)]);
    assert!(world.reading, "the function has all that came");
    world.push(vec![ten(2)]);
    assert!(!world.reading);
    world.succeed(0);
    assert!(world.reading);
}

#[test]
fn no_batch_names_an_age_for_brokers_do_not_tell_it() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.push_tags([1]);
    assert!(world.decided(|decision| matches!(
        decision,
        Decision::Invoked {
            iterator_age_ms: None,
            records: 1,
            ..
        }
    )));
}
