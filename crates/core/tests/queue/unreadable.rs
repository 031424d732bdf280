//! Messages that the source could not make sense of.

use std::time::Duration;

use lambda_esm_core::decision::Decision;

use super::world::service::GARBLED;
use super::world::{Fate, World, config};

/// Returns the messages that were told to be unreadable.
fn told(world: &World) -> Vec<String> {
    world.decisions_of(|decision| match decision {
        Decision::Unreadable { message_id, .. } => Some(message_id.clone()),
        _ => None,
    })
}

#[test]
fn a_message_that_cannot_be_read_leaves_the_others_of_its_receive_alone() {
    let mut world = World::new(config(), |_, _| Fate::success(1));
    for body in ["{}", GARBLED, "{}"] {
        world.send_one(body, None);
    }
    world.run_for(1_000);
    assert_eq!(world.seen.len(), 1);
    assert_eq!(world.seen[0].ids, ["m0", "m2"]);
    // It is left to the queue, which brings it again when its visibility timeout has ended.
    assert_eq!((told(&world), world.left()), (vec!["m1".to_owned()], 1));
    let problem = world.machine.status().source_problem.unwrap();
    assert_eq!(problem, "1 of 3 received messages cannot be read: garbled");

    world.run_for(30_000);
    assert_eq!(told(&world), ["m1", "m1"]);
    world.send(1);
    world.run_for(1_000);
    assert_eq!(
        (world.machine.status().source_problem, world.left()),
        (None, 1)
    );
}

#[test]
fn a_source_of_nothing_but_unreadable_messages_is_left_alone_for_longer_and_longer() {
    let mut config = config();
    config.facts.visibility_timeout = Duration::ZERO;
    let mut world = World::new(config, |_, _| Fate::success(1));
    for _ in 0..10 {
        world.send_one(GARBLED, None);
    }
    world.run_for(60_000);
    let waits = world.decisions_of(|decision| match decision {
        Decision::PollFailed { retry_ms, .. } => Some(*retry_ms),
        _ => None,
    });
    assert!((6..=20).contains(&waits.len()), "{waits:?}");
    assert!(
        waits.is_sorted_by(|before, after| before * 2 / 3 < *after),
        "{waits:?}"
    );
    assert_eq!(world.receives, waits.len());
    let problem = world.machine.status().source_problem.unwrap();
    assert_eq!(
        problem,
        "10 of 10 received messages cannot be read: garbled"
    );
    assert!(world.seen.is_empty());
}
