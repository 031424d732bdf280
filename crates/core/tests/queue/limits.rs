//! Rules at their limits, and facts that come late or twice.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::batching::MAX_PAYLOAD_BYTES;
use lambda_esm_core::decision::{BatchId, Decision};
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{Concurrency, Input, QueueConfig};

use super::world::{Fate, World, config, filters, index};

fn refused(kind: InvokeErrorKind) -> Fate {
    Fate {
        after: Duration::from_millis(1),
        result: Err(InvokeError::new(kind, "refused")),
    }
}

#[test]
fn a_message_too_large_for_any_event_is_reported_and_left_to_the_redrive_policy() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    world.send_one("small", None);
    world.send_one(&"x".repeat(MAX_PAYLOAD_BYTES), None);
    world.send_one("small", None);
    world.run_for(1_000);
    let oversized = world.decisions_of(|decision| match decision {
        Decision::Oversized { message_id, .. } => Some(message_id.clone()),
        _ => None,
    });
    assert_eq!(oversized, ["m1"]);
    assert_eq!(world.seen[0].ids, ["m0", "m2"]);
    assert_eq!(world.left(), 1);
}

#[test]
fn a_batch_waits_for_an_earlier_one_that_waits_itself() {
    let mut config = config();
    config.fifo = true;
    let mut world = World::new(config, |_, _| Fate::success(1_000));
    let body = "x".repeat(2_500_000);
    for group in ["a", "x", "a", "b", "b", "y"] {
        world.send_one(&body, Some(group));
    }
    world.run_for(10_000);
    let ids: Vec<_> = world.seen.iter().map(|seen| seen.ids.clone()).collect();
    assert_eq!(ids, [["m0", "m1"], ["m2", "m3"], ["m4", "m5"]]);
    for two in world.seen.windows(2) {
        assert!(Some(two[1].start) >= two[0].end);
    }
}

#[test]
fn a_retry_that_comes_too_late_gives_the_batch_up() {
    let after = Some(Duration::from_secs(5));
    let mut world = World::new(config(), move |_, _| {
        refused(InvokeErrorKind::throttled(after))
    });
    world.send(1);
    world.run_for(1_000);
    // The process was held up beyond the visibility timeout.
    world.now = world.now + Duration::from_secs(60);
    world.give(Input::Tick);
    let given_up = world.decisions_of(|decision| match decision {
        Decision::GivenUp { messages, .. } => Some(*messages),
        _ => None,
    });
    assert_eq!((world.seen.len(), given_up), (1, vec![1]));
}

#[test]
fn an_answer_to_an_earlier_try_or_a_second_answer_changes_nothing() {
    let mut world = World::new(config(), |n, _| match n {
        0 => refused(InvokeErrorKind::Unavailable),
        _ => Fate::success(5_000),
    });
    world.send(1);
    world.run_for(1_000);
    assert_eq!((world.seen.len(), world.machine.status().running), (2, 1));
    let answer = |attempt| Input::Invoked {
        batch: BatchId(1),
        attempt,
        result: Ok(Bytes::new().into()),
    };
    world.give(answer(1));
    assert_eq!((world.machine.status().running, world.left()), (1, 1));
    world.run_for(5_000);
    assert_eq!((world.machine.status().running, world.left()), (0, 0));
    world.give(answer(2));
    assert_eq!(world.machine.status().running, 0);
}

#[test]
fn an_answer_that_comes_twice_settles_once() {
    let mut world = World::new(config(), |_, _| Fate::success(5_000));
    world.send(1);
    world.run_for(5_002);
    let failure = || Input::Invoked {
        batch: BatchId(1),
        attempt: 1,
        result: Err(InvokeError::function("late")),
    };
    assert_eq!(world.machine.status().running, 1, "being settled");
    world.give(failure());
    assert_eq!(world.machine.status().running, 1);
    world.run_for(100);
    assert_eq!((world.machine.status().running, world.left()), (0, 0));
}

#[test]
fn a_call_that_is_refused_for_good_is_a_failure_of_the_batch() {
    let (status, may_pass) = (400, false);
    for kind in [
        InvokeErrorKind::TOO_LARGE,
        InvokeErrorKind::refused(status, may_pass),
    ] {
        let mut world = World::new(config(), move |_, _| refused(kind));
        world.send(1);
        world.run_for(29_000);
        assert_eq!((world.seen.len(), world.left()), (1, 1));
    }
}

#[test]
fn a_function_that_is_unknown_or_forbidden_is_tried_again_and_the_problem_shown_until_a_success() {
    let (status, may_pass) = (404, true);
    let refusal = InvokeErrorKind::refused(status, may_pass);
    for kind in [InvokeErrorKind::NotFound, InvokeErrorKind::Denied, refusal] {
        let mut world = World::new(config(), move |n, _| match n {
            0..3 => refused(kind),
            _ => Fate::success(1),
        });
        world.send(1);
        world.run_for(300);
        let status = world.machine.status();
        assert_eq!(status.function_problem.as_deref(), Some("refused"));
        world.run_for(20_000);
        assert_eq!((world.seen.len(), world.left()), (4, 0));
        assert_eq!(world.machine.status().function_problem, None);
    }
}

#[test]
fn a_slot_is_free_again_only_when_the_last_deletion_is_answered() {
    let mut config = config();
    config.limits.count = 20;
    config.limits.window = Duration::from_secs(1);
    config.concurrency = Concurrency::OnDemand { maximum: Some(2) };
    let mut world = World::new(config, |_, _| Fate::success(1));
    // The deletions of the second call are late.
    let mut calls = 0;
    world.settle_fails = Box::new(move || {
        calls += 1;
        (12..300).contains(&calls)
    });
    world.send(20);
    world.run_for(500);
    assert!(world.left() > 0, "the world settles at once");
    assert_eq!(world.machine.status().running, 1);
}

#[test]
fn a_source_that_answers_too_little_is_asked_to_settle_the_rest_again() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    world.forgets_answers = 1;
    let settled = |world: &World| {
        world.decisions_of(|decision| match decision {
            Decision::Deleted { messages, .. } => Some(*messages),
            _ => None,
        })
    };
    world.send(3);
    world.run_for(10);
    assert_eq!(settled(&world), [2]);
    world.run_for(5_000);
    assert_eq!(settled(&world), [2, 1]);
    assert_eq!(world.machine.status().running, 0);
}

#[test]
fn later_messages_of_a_group_are_given_up_with_earlier_ones() {
    let mut config = config();
    config.fifo = true;
    let after = Some(Duration::from_secs(100));
    let mut world = World::new(config, move |n, _| match n {
        0 => refused(InvokeErrorKind::throttled(after)),
        _ => Fate::success(100),
    });
    let body = "x".repeat(900_000);
    for _ in 0..10 {
        world.send_one(&body, Some("g"));
    }
    world.run_for(60_000);
    let again = world.seen[1..].iter().flat_map(|seen| &seen.ids);
    let again: Vec<usize> = again.map(|id| index(id)).collect();
    assert_eq!(again, (0..10).collect::<Vec<_>>());
    assert_eq!(world.left(), 0);
}

/// Two provisioned pollers, at the service's pace.
fn two_pollers() -> QueueConfig {
    let mut config = config();
    config.pacing = Pacing::Aws;
    config.concurrency = Concurrency::Provisioned {
        minimum: 2,
        maximum: 2,
    };
    config
}

#[test]
fn a_provisioned_poller_makes_ten_calls_a_second() {
    let mut world = World::new(two_pollers(), |_, _| Fate::success(1));
    world.send(2_000);
    world.run_for(5_000);
    let calls = world.receives;
    assert!((90..=121).contains(&calls), "{calls} in five seconds");
}

#[test]
fn provisioned_pollers_read_a_megabyte_a_second_each_on_average() {
    let mut world = World::new(two_pollers(), |_, _| Fate::success(1));
    let body = "x".repeat(100_000);
    for _ in 0..120 {
        world.send_one(&body, None);
    }
    let start = world.now;
    world.run_for(1_000);
    let read: usize = world.seen.iter().map(|seen| seen.bytes).sum();
    let next = world.machine.next_deadline().unwrap().since(start);
    let seconds = next.as_secs_f64();
    let megabytes = read as f64 / 1_048_576.0;
    assert!(
        (0.8..=1.2).contains(&(megabytes / seconds / 2.0)),
        "{megabytes} MB read, and the next receive after {seconds} s"
    );
}

#[test]
fn a_drain_waits_for_deletions_that_no_batch_waits_for() {
    let mut config = config();
    config.filters = filters(&[r#"{"body":{"keep":[true]}}"#]);
    config.facts.longest_wait = Duration::from_secs(1);
    let mut world = World::new(config, |_, _| Fate::success(1));
    let mut failures = 8;
    world.settle_fails = Box::new(move || {
        failures -= 1;
        failures >= 0
    });
    world.send(1);
    world.run_for(2);
    world.drain();
    world.run_for(1_000);
    assert_eq!(world.machine.status().receives, 0);
    assert!(!world.machine.is_idle());
    world.run_for(5_000);
    assert!(world.machine.is_idle());
    assert_eq!(world.left(), 0);
}

#[test]
fn a_completion_begins_a_window_also_after_one_that_ended_empty() {
    let mut config = config();
    config.limits.window = Duration::from_secs(5);
    let mut world = World::new(config, |n, _| Fate::success([20_000, 2_000, 1][n]));
    world.send(1);
    world.run_for(6_000);
    world.send(1);
    // The second batch completes at 13 s, and the window that begins then ends empty at 18 s.
    world.run_for(21_000);
    let completed = world.seen[0].end.unwrap();
    world.send(1);
    world.run_for(10_000);
    let waited = world.seen[2].start.since(completed);
    assert!((4_990..=5_010).contains(&waited.as_millis()), "{waited:?}");
}
