//! Messages that are received again while an earlier delivery of theirs is at work.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::queue::{Concurrency, QueueConfig};

use super::world::{Fate, World, config};

fn fifo() -> QueueConfig {
    let mut config = config();
    config.fifo = true;
    config.report_batch_item_failures = true;
    config
}

/// One batch at a time.
fn one_at_a_time() -> QueueConfig {
    let mut config = config();
    config.function_concurrency = Some(1);
    config
}

fn naming(after_ms: u64, ids: &[String]) -> Fate {
    let failures: Vec<_> = ids
        .iter()
        .map(|id| serde_json::json!({ "itemIdentifier": id }))
        .collect();
    let response = serde_json::json!({ "batchItemFailures": failures }).to_string();
    Fate {
        after: Duration::from_millis(after_ms),
        result: Ok(Bytes::from(response)),
    }
}

/// When each invocation began, in milliseconds from the first.
fn starts(world: &World) -> Vec<u128> {
    let first = world.seen[0].start;
    let starts = world.seen.iter().map(|seen| seen.start.since(first));
    starts.map(|since| since.as_millis()).collect()
}

/// Lets the handler of the first invocation make its messages visible.
fn first_frees(world: &mut World, after_ms: u64) {
    let mut after = Some(Duration::from_millis(after_ms));
    world.handler_frees = Box::new(move || after.take());
}

#[test]
fn a_handler_that_frees_and_names_its_message_is_called_again_when_it_ends() {
    let mut world = World::new(fifo(), |n, ids| match n {
        0 => naming(1_000, ids),
        _ => Fate::success(10),
    });
    first_frees(&mut world, 300);
    world.send_one("{}", Some("g"));
    world.run_for(5_000);
    assert_eq!(starts(&world), [0, 1_000]);
    assert_eq!((world.receives_of("m0"), world.left()), (2, 0));
}

#[test]
fn later_messages_do_not_keep_the_queue_from_delivering_a_freed_one() {
    let mut world = World::new(fifo(), |n, ids| match n {
        0 => naming(1_000, ids),
        _ => Fate::success(10),
    });
    first_frees(&mut world, 300);
    let body = "x".repeat(900_000);
    for _ in 0..10 {
        world.send_one(&body, Some("g"));
    }
    // The batch of the other four waits, so the queue blocks their group.
    world.run_for(5_000);
    assert_eq!(world.left(), 0, "the visibility timeout is waited out");
    let delivered: Vec<&str> = world.seen[1..]
        .iter()
        .flat_map(|seen| seen.ids.iter().map(String::as_str))
        .collect();
    let names: Vec<String> = (0..10).map(|number| format!("m{number}")).collect();
    assert_eq!(delivered, names);
}

#[test]
fn a_group_goes_on_in_order_where_only_some_of_its_freed_messages_succeeded() {
    let mut world = World::new(fifo(), |n, ids| match n {
        0 => naming(1_000, &ids[1..]),
        _ => Fate::success(10),
    });
    first_frees(&mut world, 300);
    for _ in 0..3 {
        world.send_one("{}", Some("g"));
    }
    world.run_for(500);
    // Received together with the freed ones, or after them.
    world.send_one("{}", Some("g"));
    world.run_for(5_000);
    let after: Vec<_> = world.seen[1..].iter().flat_map(|seen| &seen.ids).collect();
    assert_eq!(after, ["m1", "m2", "m3"]);
    assert_eq!(world.left(), 0);
    let again = starts(&world)[1];
    assert!((1_000..=1_010).contains(&again), "{again}");
}

#[test]
fn a_function_that_outlasts_the_visibility_timeout_and_throws_is_called_again_at_once() {
    for config in [fifo(), one_at_a_time()] {
        let group = config.fifo.then_some("g");
        let mut world = World::new(config, |n, _| match n {
            0 => Fate::error(35_000),
            _ => Fate::success(10),
        });
        world.send_one("{}", group);
        world.run_for(40_000);
        let again = starts(&world)[1];
        assert!((35_000..=35_010).contains(&again), "{again}");
        assert_eq!(world.seen.len(), 2);
        assert_eq!((world.receives_of("m0"), world.left()), (2, 0));
    }
}

#[test]
fn a_function_that_outlasts_the_visibility_timeout_and_succeeds_is_not_called_again() {
    let mut windowed = config();
    windowed.limits.window = Duration::from_secs(20);
    windowed.function_timeout = Some(Duration::from_secs(1));
    for (config, run) in [(fifo(), 31_000), (windowed, 25_000)] {
        let group = config.fifo.then_some("g");
        let mut world = World::new(config, move |_, _| Fate::success(run));
        world.send_one("{}", group);
        world.run_for(90_000);
        assert_eq!((world.seen.len(), world.left()), (1, 0));
        assert_eq!(world.receives_of("m0"), 2, "settled by its newest receipt");
    }
}

#[test]
fn a_function_that_always_outlasts_the_visibility_timeout_does_not_go_on_for_ever() {
    let mut several = config();
    several.concurrency = Concurrency::OnDemand { maximum: Some(2) };
    let mut world = World::new(several, |_, _| Fate::success(35_000));
    world.send(1);
    world.run_for(300_000);
    // The second call was under way when the first one ended.
    assert_eq!((world.seen.len(), world.left()), (2, 0));
}
