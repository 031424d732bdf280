//! The documented rules, one by one.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::batching::CloseReason;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::queue::{Concurrency, Input, QueueConfig};

use super::world::{Fate, World, config, filters, index};

fn reasons(world: &World) -> Vec<(CloseReason, usize)> {
    world.decisions_of(|decision| match decision {
        Decision::BatchClosed {
            reason, records, ..
        } => Some((*reason, *records)),
        _ => None,
    })
}

fn with_window(seconds: u64, count: usize) -> QueueConfig {
    let mut config = config();
    config.limits.window = Duration::from_secs(seconds);
    config.limits.count = count;
    config
}

fn maximum(mut config: QueueConfig, maximum: u32) -> QueueConfig {
    config.concurrency = Concurrency::OnDemand {
        maximum: Some(maximum),
    };
    config
}

#[test]
fn without_a_window_what_is_there_goes_at_once() {
    let mut world = World::new(config(), |_, _| Fate::success(5));
    world.send(3);
    world.run_for(100);
    assert_eq!(reasons(&world), [(CloseReason::Available, 3)]);
    assert_eq!(world.left(), 0);
}

#[test]
fn a_full_batch_goes_at_once_whatever_the_window() {
    let mut world = World::new(with_window(60, 20), |_, _| Fate::success(5));
    world.send(40);
    world.run_for(1000);
    assert_eq!(
        reasons(&world),
        [(CloseReason::Count, 20), (CloseReason::Count, 20)]
    );
}

#[test]
fn a_window_begins_with_the_first_record_and_collects_until_it_ends() {
    let mut world = World::new(with_window(40, 100), |_, _| Fate::success(5));
    world.run_for(7_000);
    let start = world.now;
    for _ in 0..5 {
        world.send(1);
        world.run_for(6_000);
    }
    world.run_for(60_000);
    assert_eq!(reasons(&world), [(CloseReason::Window, 5)]);
    let waited = world.seen[0].start.since(start);
    assert!(
        (40_000..=40_005).contains(&waited.as_millis()),
        "{waited:?}"
    );
}

#[test]
fn the_next_window_begins_when_the_previous_invocation_completes() {
    let mut world = World::new(with_window(10, 100), |_, _| Fate::success(2_000));
    world.send(1);
    world.run_for(12_050);
    let completed = world.seen[0].end.expect("the first invocation ended");
    world.run_for(5_000);
    world.send(1);
    world.run_for(20_000);
    let gap = world.seen[1].start.since(completed);
    assert!((9_990..=10_010).contains(&gap.as_millis()), "{gap:?}");
}

#[test]
fn an_empty_window_causes_no_invocation_and_the_next_begins_with_the_next_record() {
    let mut world = World::new(with_window(5, 100), |_, _| Fate::success(10));
    world.send(1);
    world.run_for(60_000);
    assert_eq!(world.seen.len(), 1);
    let sent = world.now;
    world.send(1);
    world.run_for(60_000);
    let waited = world.seen[1].start.since(sent);
    assert!((5_000..=5_010).contains(&waited.as_millis()), "{waited:?}");
}

#[test]
fn batches_close_before_their_payload_exceeds_six_megabytes() {
    let mut world = World::new(with_window(2, 10_000), |_, _| Fate::success(5));
    let body = "x".repeat(200_000);
    for _ in 0..100 {
        world.send_one(&body, None);
    }
    world.run_for(30_000);
    let bytes = world
        .seen
        .iter()
        .filter(|seen| seen.bytes > 6_291_456 - 201_000)
        .count();
    let by_bytes = reasons(&world)
        .iter()
        .filter(|(reason, _)| *reason == CloseReason::Bytes)
        .count();
    assert_eq!((by_bytes, bytes), (3, 3), "{:?}", reasons(&world));
    assert_eq!(world.left(), 0);
}

#[test]
fn thirty_messages_in_batches_of_twenty_are_two_invocations() {
    // Recorded: BatchSize 20, window 1 s, MaximumConcurrency 2, 30 messages queued before creation.
    let mut world = World::new(maximum(with_window(1, 20), 2), |_, _| Fate::success(500));
    world.send(30);
    world.run_for(20_000);
    let mut sizes: Vec<usize> = world.seen.iter().map(|seen| seen.ids.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [10, 20]);
}

#[test]
fn maximum_concurrency_stops_reading_and_not_only_invoking() {
    for (count, window) in [(1, 0), (10, 0), (25, 2)] {
        let mut world = World::new(maximum(with_window(window, count), 2), |_, _| {
            Fate::success(3_000)
        });
        world.send(300);
        world.run_for(40_000);
        assert!(
            world.most_held <= 2 * count,
            "{} in flight for {count}",
            world.most_held
        );
        let overlapping = world.seen.iter().map(|one| {
            let runs = |at| {
                world
                    .seen
                    .iter()
                    .filter(move |s| s.start <= at && s.end.is_none_or(|e| e > at))
            };
            runs(one.start).count()
        });
        assert!(overlapping.max() <= Some(2));
    }
}

#[test]
fn a_function_error_settles_nothing_and_the_visibility_timeout_brings_the_batch_back() {
    let mut world = World::new(config(), |n, _| {
        if n == 0 {
            Fate::error(10)
        } else {
            Fate::success(10)
        }
    });
    world.send(4);
    world.run_for(29_000);
    assert_eq!((world.seen.len(), world.left()), (1, 4));
    world.run_for(5_000);
    assert_eq!((world.seen.len(), world.left()), (2, 0));
    assert!(world.seen[1].start.since(world.seen[0].start) >= Duration::from_secs(30));
}

#[test]
fn a_throttled_try_opens_no_window() {
    let kind = InvokeErrorKind::throttled(Some(Duration::from_secs(3)));
    let mut world = World::new(with_window(5, 1), move |n, _| match n {
        0 => Fate {
            after: Duration::ZERO,
            result: Err(InvokeError::new(kind, "429")),
        },
        _ => Fate::success(10),
    });
    world.send(1);
    world.run_for(1_000);
    // Room for the next message, whose window must begin with it.
    let mut larger = with_window(5, 10);
    larger.limits.count = 10;
    world.give(Input::Reconfigure(Box::new(larger)));
    let sent = world.now;
    world.send(1);
    world.run_for(60_000);
    let second = world.seen.iter().find(|seen| seen.ids == ["m1"]);
    let waited = second.map(|seen| seen.start.since(sent).as_millis());
    assert!(
        waited.is_some_and(|waited| (5_000..=5_010).contains(&waited)),
        "{waited:?}"
    );
}

#[test]
fn the_last_failure_that_the_redrive_policy_allows_is_told() {
    let mut config = config();
    config.facts.max_receive_count = Some(2);
    let mut world = World::new(config, |_, _| Fate::error(10));
    world.send(2);
    let told = |world: &World| {
        world.decisions_of(|decision| match decision {
            Decision::Exhausted { message_ids, .. } => Some(message_ids.clone()),
            _ => None,
        })
    };
    world.run_for(20_000);
    assert_eq!((world.seen.len(), told(&world).len()), (1, 0));
    world.run_for(20_000);
    assert_eq!(world.seen.len(), 2);
    assert_eq!(told(&world), [["m0", "m1"]]);
}

#[test]
fn partial_responses_delete_only_what_is_not_reported() {
    let mut config = config();
    config.report_batch_item_failures = true;
    let mut world = World::new(config, |n, ids| {
        let mut fate = Fate::success(10);
        if n == 0 {
            let bad = format!(
                r#"{{"batchItemFailures":[{{"itemIdentifier":"{}"}}]}}"#,
                ids[1]
            );
            fate.result = Ok(Bytes::from(bad));
        }
        fate
    });
    world.send(3);
    world.run_for(1_000);
    assert_eq!(world.deletions, ["m0", "m2"]);
    world.run_for(60_000);
    assert_eq!(world.seen[1].ids, ["m1"]);
    assert_eq!(world.left(), 0);
}

#[test]
fn a_malformed_partial_response_fails_the_whole_batch() {
    let mut config = config();
    config.report_batch_item_failures = true;
    let mut world = World::new(config, |n, _| {
        let mut fate = Fate::success(10);
        if n == 0 {
            fate.result = Ok(Bytes::from_static(
                b"{\"batchItemFailures\":[{\"foo\":\"m0\"}]}",
            ));
        }
        fate
    });
    world.send(2);
    world.run_for(1_000);
    assert_eq!(world.left(), 2);
    world.run_for(40_000);
    assert_eq!((world.seen.len(), world.left()), (2, 0));
}

#[test]
fn without_the_setting_the_response_is_ignored() {
    let mut world = World::new(config(), |_, _| Fate {
        after: Duration::ZERO,
        result: Ok(Bytes::from_static(
            b"{\"batchItemFailures\":[{\"itemIdentifier\":\"m0\"}]}",
        )),
    });
    world.send(1);
    world.run_for(100);
    assert_eq!(world.left(), 0);
}

#[test]
fn filtered_messages_are_deleted_and_do_not_count_towards_the_batch() {
    let mut config = with_window(5, 3);
    config.filters = filters(&[r#"{"body":{"keep":[true]}}"#]);
    let mut world = World::new(config, |_, _| Fate::success(1));
    for keep in [true, false, true, false, false] {
        world.send_one(&format!(r#"{{"keep":{keep}}}"#), None);
    }
    world.run_for(100);
    let mut deleted = world.deletions.clone();
    deleted.sort();
    assert_eq!(
        deleted,
        ["m1", "m3", "m4"],
        "filtered messages do not wait for the window"
    );
    world.run_for(10_000);
    assert_eq!(reasons(&world), [(CloseReason::Window, 2)]);
    assert_eq!(world.left(), 0);
}

#[test]
fn throttling_retries_the_invocation_with_growing_waits_until_the_visibility_ends() {
    let mut world = World::new(config(), |_, _| Fate {
        after: Duration::from_millis(1),
        result: Err(InvokeError::new(InvokeErrorKind::throttled(None), "429")),
    });
    world.send(1);
    world.run_for(29_900);
    let tries = world.seen.len();
    assert!(
        (4..=12).contains(&tries),
        "{tries} tries in one visibility timeout"
    );
    let gaps: Vec<_> = world
        .seen
        .windows(2)
        .map(|two| two[1].start.since(two[0].start))
        .collect();
    assert!(gaps.last() > gaps.first(), "{gaps:?}");
    let given_up = world.decisions_of(|decision| match decision {
        Decision::GivenUp { messages, .. } => Some(*messages),
        _ => None,
    });
    assert_eq!((given_up, world.left()), (vec![1], 1));
    assert_eq!(
        world.machine.status().concurrency,
        1,
        "throttling reduces concurrency"
    );
}

#[test]
fn the_wait_a_throttled_function_asks_for_is_kept() {
    let kind = InvokeErrorKind::throttled(Some(Duration::from_secs(7)));
    let mut world = World::new(config(), move |n, _| {
        if n > 0 {
            return Fate::success(1);
        }
        Fate {
            after: Duration::ZERO,
            result: Err(InvokeError::new(kind, "429")),
        }
    });
    world.send(1);
    world.run_for(20_000);
    assert!(world.seen[1].start.since(world.seen[0].start) >= Duration::from_secs(7));
    assert_eq!(world.left(), 0);
}

fn asked(config: &QueueConfig) -> Option<Duration> {
    config.visibility_override(Duration::ZERO)
}

#[test]
fn a_window_longer_than_the_visibility_timeout_asks_for_a_longer_one() {
    let mut config = with_window(60, 100);
    config.function_timeout = Some(Duration::from_secs(20));
    assert_eq!(asked(&config), Some(Duration::from_secs(110)));
    let mut world = World::new(config, |_, _| Fate::success(15_000));
    world.send(5);
    world.run_for(100_000);
    assert_eq!((world.seen.len(), world.left()), (1, 0));
    assert_eq!(asked(&with_window(10, 100)), None);
}

#[test]
fn a_source_that_fails_is_tried_again_with_back_off_and_the_problem_is_shown() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    let mut failures = 5;
    world.receive_fails = Box::new(move || {
        failures -= 1;
        failures >= 0
    });
    world.run_for(21_000);
    assert_eq!(
        world.machine.status().source_problem.as_deref(),
        Some("unreachable")
    );
    world.send(1);
    world.run_for(60_000);
    assert_eq!(
        (world.machine.status().source_problem, world.left()),
        (None, 0)
    );
}

#[test]
fn a_deletion_that_fails_is_tried_again_while_the_receipt_is_good() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    let mut failures = 4;
    world.settle_fails = Box::new(move || {
        failures -= 1;
        failures >= 0
    });
    world.send(1);
    world.run_for(20_000);
    assert_eq!((world.seen.len(), world.left()), (1, 0));
}

#[test]
fn batches_of_one_receive_that_share_a_group_run_one_after_the_other() {
    let mut config = config();
    config.fifo = true;
    let mut world = World::new(config, |_, _| Fate::success(1_000));
    let body = "x".repeat(900_000);
    for _ in 0..10 {
        world.send_one(&body, Some("g"));
    }
    world.run_for(5_000);
    assert_eq!(world.seen.len(), 2, "10 messages of 900 kB need two events");
    assert!(Some(world.seen[1].start) >= world.seen[0].end);
    assert_eq!(world.left(), 0);
}

#[test]
fn later_messages_of_a_failed_group_are_held_back() {
    let mut config = config();
    config.fifo = true;
    let mut world = World::new(config, |n, _| {
        if n == 0 {
            Fate::error(100)
        } else {
            Fate::success(100)
        }
    });
    let body = "x".repeat(900_000);
    for _ in 0..10 {
        world.send_one(&body, Some("g"));
    }
    world.run_for(20_000);
    assert_eq!((world.seen.len(), world.left()), (1, 10));
    world.run_for(60_000);
    let delivered: Vec<usize> = world.seen[1..]
        .iter()
        .flat_map(|seen| &seen.ids)
        .map(|id| index(id))
        .collect();
    assert_eq!(delivered, (0..10).collect::<Vec<_>>());
}

#[test]
fn new_settings_hold_for_the_next_batch() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    world.send(10);
    world.run_for(100);
    let mut smaller = config();
    smaller.limits.count = 2;
    world.give(Input::Reconfigure(Box::new(smaller)));
    world.send(10);
    world.run_for(1_000);
    let sizes: Vec<usize> = world.seen.iter().map(|seen| seen.ids.len()).collect();
    assert_eq!(sizes, [10, 2, 2, 2, 2, 2]);
}

#[test]
fn an_idle_mapping_keeps_one_long_poll_open_and_nothing_else() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    world.run_for(600_000);
    let status = world.machine.status();
    assert_eq!(
        (
            status.receives,
            status.running,
            world.machine.next_deadline()
        ),
        (1, 0, None)
    );
}
