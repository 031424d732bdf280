//! Settings that change under way.

use lambda_esm_core::mapping::MqEngine::RabbitMq;
use lambda_esm_core::push_queue::Input;
use serde_json::{Value, json};

use crate::mapping::settings;
use crate::world::{ACCEPTED, World, all, message};

fn change(world: &mut World, parameters: &Value) {
    let config = settings(world.engine, parameters);
    world.give(Input::Reconfigure(Box::new(config)));
}

#[test]
fn a_batch_size_holds_from_the_next_batch_on() {
    let mut world = World::consuming(RabbitMq, &json!({"BatchSize": 2}));
    world.holds_turns = true;
    world.push_tags(1..=6);
    world.release_turns();
    assert_eq!(world.bodies(0), ["1", "2"]);
    change(
        &mut world,
        &json!({"BatchSize": 3, "MaximumBatchingWindowInSeconds": 0}),
    );
    world.succeed(0);
    assert_eq!(world.bodies(1), ["3", "4", "5"]);
}

#[test]
fn filters_hold_for_what_comes_from_then_on() {
    let mut world = World::consuming(RabbitMq, &json!({}));
    world.push(vec![message(RabbitMq, 1, "1")]);
    assert_eq!(world.bodies(0), ["1"]);
    let filters = json!({"Filters": [{"Pattern": r#"{"data":["wanted"]}"#}]});
    change(
        &mut world,
        &json!({"FilterCriteria": filters, "MaximumBatchingWindowInSeconds": 0}),
    );
    world.push(vec![
        message(RabbitMq, 2, "unwanted"),
        message(RabbitMq, 3, "wanted"),
    ]);
    assert_eq!(world.settle(), all([2], ACCEPTED));
    world.succeed(0);
    assert_eq!(world.bodies(1), ["wanted"]);
}
