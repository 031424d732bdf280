//! Topics as queues: mappings whose pollers are members of a share group.

mod kills;
mod locks;
mod partial;
mod poison;
mod requests;
mod whole;

use std::collections::HashMap;
use std::ops::Range;

use lambda_esm_tests::kafka::Topic;
use lambda_esm_tests::scripted::merge;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::function::{Call, numbers};
use crate::stage::Stage;

/// Returns the request that creates a mapping in Queue mode.
fn request(stage: &Stage, topic: &Topic, group: &str, function: &str, members: &Value) -> Value {
    let mut request = stage.request(topic, function);
    request.as_object_mut().unwrap().remove("StartingPosition");
    request["SelfManagedKafkaEventSourceConfig"] =
        json!({ "ConsumerGroupId": group, "ConsumptionMode": "Queue" });
    merge(&mut request, members);
    request
}

/// Creates a mapping in Queue mode, and waits until it is enabled.
async fn map(stage: &Stage, topic: &Topic, group: &str, function: &str, members: &Value) -> Uuid {
    let request = request(stage, topic, group, function, members);
    let uuid = stage.post(&request).await;
    stage.until_state(uuid, "Enabled").await;
    uuid
}

/// Returns how often a function was given each number.
fn times(calls: &[Call]) -> HashMap<usize, usize> {
    let mut times = HashMap::new();
    for number in calls.iter().flat_map(numbers) {
        *times.entry(number).or_default() += 1;
    }
    times
}

/// Returns how many records came again, and fails if one of `expected` did not come at all.
fn again(times: &HashMap<usize, usize>, expected: Range<usize>) -> usize {
    let lost: Vec<usize> = expected
        .filter(|number| !times.contains_key(number))
        .collect();
    assert_eq!(lost, [0; 0], "lost");
    times.values().map(|times| times - 1).sum()
}
