//! How often a record that always fails is invoked, by both readings of `MaximumRetryAttempts`.

use lambda_esm_core::mapping::RetryPolicy;
use lambda_esm_core::queue::{SettleVerb, ShareGroupConfig, ShareGroupRetries};

use super::world::{Fate, State, World, config, share_group};

fn with(retries: ShareGroupRetries, attempts: u32) -> ShareGroupConfig {
    let mut retry = RetryPolicy::default();
    retry.maximum_retries = Some(attempts);
    ShareGroupConfig {
        retry,
        retries,
        ..share_group()
    }
}

#[test]
fn a_poison_record_is_invoked_as_often_as_the_policy_says_and_told_of_once() {
    for limit in [2, 5, 10] {
        for attempts in [0, 1, 3] {
            for (policy, invocations, deliveries) in [
                (ShareGroupRetries::InPoller, limit * (attempts + 1), limit),
                (
                    ShareGroupRetries::Total,
                    limit.min(attempts + 1),
                    limit.min(attempts + 1),
                ),
            ] {
                let case = format!("{policy}, {attempts} attempts, limit {limit}");
                let mut config = config(with(policy, attempts));
                config.facts = config.facts.with_delivery_limit(Some(limit));
                let mut world = World::new(config, |_, places| {
                    if places[0].1 == 1 {
                        Fate::error(10)
                    } else {
                        Fate::success(10)
                    }
                });
                world.send(3);
                world.run_to_the_end(600);
                assert_eq!(world.invocations_of((0, 1)), invocations as usize, "{case}");
                assert_eq!(world.group.records[&(0, 1)].count, deliveries, "{case}");
                assert_eq!(world.group.in_state(State::Rejected), [(0, 1)], "{case}");
                let ends = world.ends_of((0, 1));
                let (last, before) = ends.split_last().unwrap();
                assert_eq!(*last, SettleVerb::Reject, "{case}");
                assert!(
                    before.iter().all(|one| *one == SettleVerb::Release),
                    "{case}"
                );
                let documents = world.documents();
                assert_eq!(documents.len(), 1, "{case}");
                let context = &documents[0]["requestContext"];
                assert_eq!(context["condition"], "RetryAttemptsExhausted", "{case}");
                assert_eq!(context["approximateInvokeCount"], invocations, "{case}");
                assert_eq!(world.invocations_of((0, 0)), 1, "{case}");
            }
        }
    }
}

#[test]
fn retries_during_one_delivery_end_with_the_lock_where_it_cannot_be_renewed() {
    let mut config = config(with(ShareGroupRetries::InPoller, 10_000));
    config.facts = config
        .facts
        .with_can_renew(false)
        .with_delivery_limit(Some(2));
    let mut world = World::new(config, |_, _| Fate::error(2_000));
    world.send(1);
    world.run_to_the_end(600);
    // Waits of 0.8, 1.6, 3.2, 6.4 and 12.8 s, and runs of 2 s: four to six of them end within 30 s.
    let tries = world.seen.len();
    assert!((8..=12).contains(&tries), "{tries} in two deliveries");
    assert_eq!(world.group.in_state(State::Rejected), [(0, 0)]);
    assert_eq!(world.told.len(), 1);
    let lost = world.settled.iter().filter(|(_, _, ok)| !ok).count();
    assert_eq!(lost, 0, "every end was told before the lock had ended");
}

#[test]
fn a_group_that_does_not_tell_its_limit_is_taken_to_have_the_brokers_default() {
    let mut config = config(share_group());
    config.facts = config.facts.with_delivery_limit(None);
    let mut world = World::new(config, |_, _| Fate::error(10));
    world.send(1);
    world.run_to_the_end(60);
    assert_eq!(world.seen.len(), 5);
    assert_eq!(world.group.in_state(State::Rejected), [(0, 0)]);
}
