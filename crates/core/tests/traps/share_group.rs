//! Topics that a share group makes queues.

use serde_json::json;

use crate::{failure_queue, plain};

const CONFIG: &str = "SelfManagedKafkaEventSourceConfig";

fn mode(mode: &str) -> serde_json::Value {
    json!({CONFIG: {"ConsumptionMode": mode, "ConsumerGroupId": "team-a"}})
}

#[test]
fn a_share_group_starts_after_the_newest_record_unless_its_brokers_are_told_otherwise() {
    let field = "SelfManagedKafkaEventSourceConfig.ConsumptionMode";
    for says in ["latest", "the share group team-a starts"] {
        let mut stream = mode("Stream");
        stream["StartingPosition"] = json!("TRIM_HORIZON");
        plain("kafka", (field, "Queue", says), mode("Queue"), stream);
    }
}

#[test]
fn what_has_used_up_its_deliveries_is_dropped_without_a_trace() {
    let mut told = mode("Queue");
    told["DestinationConfig"] = failure_queue();
    let dropped = ("DestinationConfig", "none", "without a trace");
    plain("kafka", dropped, mode("Queue"), told);
}
