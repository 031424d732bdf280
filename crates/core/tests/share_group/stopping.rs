//! A mapping that stops finishes what the function has, and gives the rest back.

use lambda_esm_core::decision::Decision;
use lambda_esm_core::mapping::RetryPolicy;
use lambda_esm_core::queue::{SettleVerb, ShareGroupConfig};

use super::world::{Fate, State, World, config, share_group};

/// Retries of five minutes during each delivery.
fn patient() -> ShareGroupConfig {
    let mut retry = RetryPolicy::default();
    retry.maximum_retries = Some(15);
    ShareGroupConfig {
        retry,
        ..share_group()
    }
}

#[test]
fn what_the_function_has_is_finished_and_acknowledged() {
    let mut config = config(share_group());
    config.facts.longest_wait = std::time::Duration::from_secs(1);
    let mut world = World::new(config, |_, _| Fate::success(5_000));
    world.send(3);
    world.run_for(1);
    world.drain();
    world.run_for(10);
    assert!(world.machine.is_idle());
    assert_eq!(world.group.in_state(State::Accepted).len(), 3);
}

#[test]
fn what_waits_for_its_next_try_is_released_at_once() {
    let mut config = config(patient());
    config.facts.longest_wait = std::time::Duration::from_secs(1);
    let mut world = World::new(config, |_, _| Fate::error(10));
    world.send(1);
    world.run_for(20);
    world.drain();
    world.run_for(3);
    assert!(world.machine.is_idle());
    assert_eq!(world.ends_of((0, 0)), [SettleVerb::Release]);
    assert_eq!(world.group.in_state(State::Available), [(0, 0)]);
}

#[test]
fn what_would_be_archived_by_that_is_given_up_instead() {
    let mut config = config(patient());
    config.facts.longest_wait = std::time::Duration::from_secs(1);
    config.facts = config.facts.with_delivery_limit(Some(1));
    let mut world = World::new(config, |_, _| Fate::error(10));
    world.send(1);
    world.run_for(20);
    world.drain();
    world.run_for(3);
    assert!(world.machine.is_idle());
    assert_eq!(world.told.len(), 1);
    assert_eq!(world.group.in_state(State::Rejected), [(0, 0)]);
}

#[test]
fn what_finds_no_slot_in_time_is_released() {
    let mut config = config(share_group());
    config.facts.longest_wait = std::time::Duration::from_secs(1);
    config.limits.count = 10;
    config.function_concurrency = Some(1);
    let mut world = World::new(config, |_, _| Fate::success(25_000));
    world.send(10);
    world.run_for(1);
    world.send(4);
    world.run_for(1);
    world.drain();
    world.run_for(60);
    assert!(world.machine.is_idle());
    let (back, done) = (State::Available, State::Accepted);
    let ends = [back, done].map(|state| world.group.in_state(state).len());
    assert_eq!(ends.iter().sum::<usize>(), 14);
    assert!(ends[1] >= 10, "what the function has is finished: {ends:?}");
    let late = world.decisions_of(|one| match one {
        Decision::LocksLost { messages, .. } => Some(*messages),
        _ => None,
    });
    assert!(late.is_empty());
}

#[test]
fn what_comes_when_the_time_is_over_is_released_and_at_its_last_delivery_told_of() {
    for (limit, end, told) in [(2, SettleVerb::Release, 0), (1, SettleVerb::Reject, 1)] {
        let mut config = config(share_group());
        config.facts.longest_wait = std::time::Duration::from_secs(60);
        config.facts = config.facts.with_delivery_limit(Some(limit));
        let mut world = World::new(config, |_, _| Fate::success(10));
        world.run_for(1);
        world.drain();
        world.run_for(29);
        world.send(1);
        world.run_for(60);
        assert!(world.machine.is_idle());
        assert_eq!(world.ends_of((0, 0)), [end], "limit {limit}");
        assert_eq!(world.told.len(), told, "limit {limit}");
        assert!(world.seen.is_empty());
    }
}
