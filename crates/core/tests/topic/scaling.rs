//! How many batches run at a time.

use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::topic::{GroupEvent, Input, Watermarks};
use serde_json::{Value, json};

use crate::mapping::settings;
use crate::world::{World, owned};

fn world(pacing: Pacing, others: Value, partitions: i32) -> World {
    let mut parameters = others;
    parameters["BatchSize"] = json!(1);
    parameters["MaximumBatchingWindowInSeconds"] = json!(0);
    let mut world = World::of(settings(pacing, &parameters));
    for partition in 0..partitions {
        world.logs.push(Watermarks {
            partition,
            low: 0,
            high: 100,
        });
        world.assign(partition, 1, 0);
    }
    world
}

fn fill(world: &mut World, partitions: i32) {
    for partition in 0..partitions {
        world.page(partition, 0..100);
    }
}

fn pollers(least: u32, most: u32) -> Value {
    json!({"ProvisionedPollerConfig": {"MinimumPollers": least, "MaximumPollers": most}})
}

fn scaled(world: &World) -> bool {
    world.decided(|decision| matches!(decision, Decision::Scaled { .. }))
}

#[test]
fn eager_pollers_work_on_all_partitions_at_once() {
    let mut world = world(Pacing::Eager, json!({}), 7);
    fill(&mut world, 7);
    assert_eq!(world.calls.len(), 7);
    world.pass(300_000);
    assert!(!scaled(&world), "there is nothing to be scaled");
}

#[test]
fn a_provisioned_poller_has_five_invocations_at_a_time() {
    let mut world = world(Pacing::Eager, pollers(1, 1), 7);
    fill(&mut world, 7);
    assert_eq!(world.calls.len(), 5);
    world.succeed(0);
    world.commit();
    assert_eq!(world.calls.len(), 6);
}

#[test]
fn at_the_services_pace_pollers_double_while_there_is_a_lag() {
    let mut world = world(Pacing::Aws, json!({}), 7);
    fill(&mut world, 7);
    for (minute, pollers) in [1, 2, 4, 7, 7].into_iter().enumerate() {
        assert_eq!(world.calls.len(), pollers, "after {minute} minutes");
        world.pass(60_000);
    }
    assert!(scaled(&world));
}

#[test]
fn a_throttled_function_halves_the_pollers() {
    let mut world = world(Pacing::Aws, pollers(1, 8), 30);
    world.pass(240_000);
    assert_eq!(world.machine.status().concurrency, 30);
    world.page(0, 0..5);
    world.answer(0, Err(InvokeErrorKind::throttled(None)));
    world.pass(60_000);
    assert_eq!(world.machine.status().concurrency, 20);
}

#[test]
fn pollers_go_one_by_one_without_a_lag_down_to_the_minimum() {
    let mut world = world(Pacing::Aws, pollers(2, 8), 50);
    world.pass(180_000);
    assert_eq!(world.machine.status().concurrency, 40);
    for log in &mut world.logs {
        log.high = 0;
    }
    for concurrency in [35, 30, 25, 20, 15, 10, 10] {
        world.pass(60_000);
        assert_eq!(world.machine.status().concurrency, concurrency);
    }
}

#[test]
fn no_more_batches_begin_than_partitions_are_left() {
    let mut world = world(Pacing::Eager, json!({}), 4);
    world.holds_turns = true;
    fill(&mut world, 4);
    let lost = vec![owned(0, 1), owned(1, 1)];
    world.give(Input::Group(GroupEvent::Lost(lost)));
    world.release_turns();
    assert_eq!(world.calls.len(), 2);
    assert_eq!(
        (world.places(0), world.places(1)),
        (&[(2, 0)][..], &[(3, 0)][..])
    );
}

#[test]
fn a_batch_of_a_lost_partition_counts_until_the_function_has_answered() {
    let mut world = world(Pacing::Eager, json!({}), 2);
    world.page(0, 0..5);
    world.lose(0, 1);
    world.page(1, 0..5);
    assert_eq!(world.calls.len(), 1);
    world.succeed(0);
    assert_eq!(world.places(1), [(1, 0)]);
}

#[test]
fn batches_that_wait_for_lost_ones_begin_when_those_end() {
    let mut world = world(Pacing::Eager, pollers(1, 2), 8);
    fill(&mut world, 8);
    world.holds_turns = true;
    for call in 0..4 {
        world.succeed(call);
        world.commit_all();
    }
    let lost = (4..8).map(|partition| owned(partition, 1)).collect();
    world.give(Input::Group(GroupEvent::Lost(lost)));
    world.release_turns();
    assert_eq!(world.calls.len(), 8, "as many run as there are partitions");
    for ended in 0..4 {
        world.succeed(4 + ended);
        assert_eq!(world.calls.len(), 9 + ended);
    }
}
