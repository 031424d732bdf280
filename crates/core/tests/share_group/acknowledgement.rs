//! What the group is told by the function's answer.

use lambda_esm_core::decision::{AfterFailure, Decision};
use lambda_esm_core::filter::{Dialect, Filters};
use lambda_esm_core::mapping::RetryPolicy;
use lambda_esm_core::queue::{QueueConfig, SettleVerb, ShareGroupConfig};

use super::world::{Fate, State, World, config, share_group};

fn partial(count: usize) -> QueueConfig {
    let mut config = config(share_group());
    config.limits.count = count;
    config.report_batch_item_failures = true;
    config
}

#[test]
fn processed_records_are_accepted_and_filtered_ones_too() {
    let mut config = config(share_group());
    let filters = Filters::compile(
        &[r#"{"value":{"keep":[true]}}"#],
        Dialect::Lambda,
        Default::default(),
    );
    config.filters = Some(filters.unwrap().into());
    let mut world = World::new(config, |_, _| Fate::success(10));
    let now = world.now;
    let kept = world.group.put_value(now, 0, r#"{"keep":true}"#);
    let left = world.group.put_value(now, 1, r#"{"keep":false}"#);
    world.run_to_the_end(60);
    assert_eq!(world.group.in_state(State::Accepted), [kept, left]);
    assert_eq!(world.invocations_of(kept), 1);
    assert_eq!(world.invocations_of(left), 0);
    assert!(world.told.is_empty());
}

#[test]
fn named_records_are_released_and_the_others_accepted_in_either_form_of_identifier() {
    for named in [
        r#"{"partition":"orders-eu-0","offset":1}"#,
        r#""orders-eu-0-1""#,
    ] {
        let response = format!(r#"{{"batchItemFailures":[{{"itemIdentifier":{named}}}]}}"#);
        let mut world = World::new(partial(3), move |call, _| match call {
            0 => Fate::answer(10, &response),
            _ => Fate::success(10),
        });
        world.send(3);
        world.run_to_the_end(60);
        assert_eq!(world.ends_of((0, 0)), [SettleVerb::Delete], "{named}");
        assert_eq!(
            world.ends_of((0, 1)),
            [SettleVerb::Release, SettleVerb::Delete],
            "{named}"
        );
        assert_eq!(world.group.in_state(State::Accepted).len(), 3);
        let then = world.decisions_of(|one| match one {
            Decision::AttemptFailed { records, then, .. } => Some((*records, then.clone())),
            _ => None,
        });
        let acknowledged = AfterFailure::Acknowledge {
            released: 1,
            given_up: 0,
        };
        assert_eq!(then, [(3, acknowledged)]);
    }
}

#[test]
fn an_identifier_that_is_not_of_the_batch_fails_all_of_it() {
    let response = r#"{"batchItemFailures":[{"itemIdentifier":"orders-eu-0-7"}]}"#;
    let mut world = World::new(partial(2), move |call, _| match call {
        0 => Fate::answer(10, response),
        _ => Fate::success(10),
    });
    world.send(2);
    world.run_to_the_end(60);
    for offset in 0..2 {
        let ends = world.ends_of((0, offset));
        assert_eq!(ends, [SettleVerb::Release, SettleVerb::Delete]);
    }
}

#[test]
fn failures_that_nobody_asked_for_are_ignored_and_told() {
    let response = r#"{"batchItemFailures":[{"itemIdentifier":"orders-eu-0-0"}]}"#;
    let mut config = partial(1);
    config.report_batch_item_failures = false;
    let mut world = World::new(config, move |_, _| Fate::answer(10, response));
    world.send(1);
    world.run_to_the_end(60);
    assert_eq!(world.ends_of((0, 0)), [SettleVerb::Delete]);
    let told = world.decisions_of(|one| match one {
        Decision::FailuresIgnored { failures, .. } => Some(*failures),
        _ => None,
    });
    assert_eq!(told, [1]);
}

#[test]
fn a_split_batch_finds_the_bad_record_within_one_delivery() {
    let group = ShareGroupConfig {
        retry: {
            let mut retry = RetryPolicy::default();
            retry.bisect_on_error = true;
            retry
        },
        ..share_group()
    };
    let mut config = config(group);
    config.limits.count = 8;
    let mut world = World::new(config, |_, places| {
        if places.contains(&(0, 5)) {
            Fate::error(10)
        } else {
            Fate::success(10)
        }
    });
    world.send(8);
    world.run_for(2);
    // All but one were processed during their first delivery, and that one was released alone.
    for offset in (0..8).filter(|offset| *offset != 5) {
        assert_eq!(world.ends_of((0, offset)), [SettleVerb::Delete], "{offset}");
        assert_eq!(world.group.records[&(0, offset)].count, 1);
    }
    let first: Vec<usize> = world.seen.iter().map(|one| one.places.len()).collect();
    assert_eq!(first[..7], [8, 4, 4, 2, 2, 1, 1]);
    world.run_to_the_end(60);
    assert_eq!(world.group.in_state(State::Rejected), [(0, 5)]);
}
