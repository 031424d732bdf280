//! Settings that change under way, and what is not known.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::queue::QueueConfig;

use super::world::{Fate, World, config};

fn with(count: usize, window: u64) -> QueueConfig {
    let mut config = config();
    config.limits.count = count;
    config.limits.window = Duration::from_secs(window);
    config.function_concurrency = Some(1);
    config
}

fn sizes(world: &World) -> Vec<usize> {
    world.seen.iter().map(|seen| seen.ids.len()).collect()
}

#[test]
fn a_lowered_batch_size_holds_for_the_open_batch() {
    let mut world = World::new(with(20, 60), |_, _| Fate::success(1));
    world.send(18);
    world.run_for(1_000);
    world.reconfigure(with(5, 60));
    world.run_for(1_000);
    assert_eq!(sizes(&world), [5, 5, 5, 3]);
    assert_eq!(world.left(), 0);
}

#[test]
fn a_lowered_batch_size_holds_for_batches_that_wait_or_did_not_reach_the_function() {
    let mut fifo = with(10, 0);
    fifo.fifo = true;
    let kind = InvokeErrorKind::throttled(Some(Duration::from_secs(5)));
    let mut world = World::new(fifo.clone(), move |n, _| match n {
        0 => Fate {
            after: Duration::ZERO,
            result: Err(InvokeError::new(kind, "429")),
        },
        _ => Fate::success(1),
    });
    // Six of them fit into an event, so four wait.
    let body = "x".repeat(900_000);
    for _ in 0..10 {
        world.send_one(&body, Some("g"));
    }
    world.run_for(1_000);
    let mut smaller = fifo;
    smaller.limits.count = 4;
    world.reconfigure(smaller);
    world.run_for(20_000);
    assert_eq!(sizes(&world), [6, 4, 2, 4]);
    let delivered: Vec<_> = world.seen[1..].iter().flat_map(|seen| &seen.ids).collect();
    let names: Vec<String> = (0..10).map(|number| format!("m{number}")).collect();
    assert_eq!(delivered, names.iter().collect::<Vec<_>>());
    assert_eq!(world.left(), 0);
}

#[test]
fn an_unknown_function_timeout_counts_as_the_default_of_three_seconds() {
    // Visibility timeout and window in seconds, and what is asked for.
    let table = [
        (5, 4, Some(37)),
        (5, 1, None),
        (5, 2, Some(35)),
        (30, 5, None),
        (3, 0, None),
    ];
    for (visibility, window, asked) in table {
        let mut config = with(10, window);
        config.facts.visibility_timeout = Duration::from_secs(visibility);
        let found = config.visibility_override(Duration::ZERO);
        assert_eq!(
            found,
            asked.map(Duration::from_secs),
            "{visibility} {window}"
        );
    }
}

#[test]
fn a_window_does_not_make_messages_reappear_under_a_function_whose_timeout_is_unknown() {
    let mut config = with(10, 4);
    config.function_concurrency = Some(2);
    config.facts.visibility_timeout = Duration::from_secs(5);
    let mut world = World::new(config, |_, _| Fate::success(3_000));
    world.send(3);
    world.run_for(60_000);
    assert_eq!((sizes(&world), world.left()), (vec![3], 0));
    assert_eq!(world.receives_of("m0"), 1);
}

#[test]
fn a_function_that_was_seen_to_run_longer_meets_no_message_again() {
    let mut config = with(10, 5);
    config.function_concurrency = Some(2);
    config.facts.visibility_timeout = Duration::from_secs(10);
    let mut world = World::new(config, |_, _| Fate::success(8_000));
    world.send(1);
    world.run_for(60_000);
    // The first run shows how long the function takes; it may meet its message once more.
    let before = world.seen.len();
    for _ in 0..5 {
        world.send(1);
        world.run_for(60_000);
    }
    assert_eq!(world.seen.len(), before + 5);
    assert_eq!(world.receives_of("m5"), 1);
    assert_eq!(world.left(), 0);
}

#[test]
fn messages_of_a_fifo_queue_without_a_group_keep_their_order_and_the_problem_is_shown() {
    let mut fifo = config();
    fifo.fifo = true;
    fifo.report_batch_item_failures = true;
    fifo.limits.count = 2;
    let mut world = World::new(fifo, |n, _| Fate {
        after: Duration::from_millis(500),
        result: match n {
            1 => Ok(Bytes::from_static(
                br#"{"batchItemFailures":[{"itemIdentifier":"m2"},{"itemIdentifier":"m3"}]}"#,
            )),
            _ => Ok(Bytes::from_static(b"null")),
        },
    });
    world.send(8);
    world.run_for(100);
    let problem = world.machine.status().source_problem.unwrap_or_default();
    assert!(problem.contains("MessageGroupId"), "{problem:?}");
    for two in world.seen.windows(2) {
        assert!(Some(two[1].start) >= two[0].end);
    }
    world.run_for(120_000);
    assert_eq!(world.left(), 0);
    world.send_one("{}", Some("g"));
    world.run_for(1_000);
    assert_eq!(world.machine.status().source_problem, None);
}
