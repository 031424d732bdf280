//! Queue mode as it is asked for, and what is refused.

use http::Method;
use lambda_esm_tests::kafka::TopicOptions;
use serde_json::{Value, json};

use super::{map, request};
use crate::function::fine;
use crate::stage::{Stage, provisioned};

const MAPPINGS: &str = "/2015-03-31/event-source-mappings/";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue_mode_is_shown_and_what_it_forbids_is_refused() {
    let Some(stage) = Stage::start([("asked", fine())]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("asked", TopicOptions::partitions(1))
        .await;
    let group = stage.kafka.share_group(&[]).await;
    let forbidden = [
        ("StartingPosition", json!("LATEST")),
        ("MaximumBatchingWindowInSeconds", json!(1)),
        ("MaximumRetryAttempts", json!(-1)),
    ];
    for (name, value) in forbidden {
        let mut asked = request(&stage, &topic, &group, "asked", &json!({}));
        asked[name] = value;
        let (status, answer) = stage.ask(Method::POST, MAPPINGS, &asked).await;
        let text = answer.to_string();
        assert!(
            status == 400 && text.contains(name),
            "{name}: {status} {text}"
        );
    }
    // Retry controls are shown in provisioned mode.
    let members = provisioned(&json!({}));
    let uuid = map(&stage, &topic, &group, "asked", &members).await;
    let shown = stage.mapping(uuid).await;
    let mode = &shown["SelfManagedKafkaEventSourceConfig"]["ConsumptionMode"];
    assert_eq!(mode, "Queue", "{shown}");
    assert_eq!(shown["MaximumRetryAttempts"], 0, "{shown}");
    for absent in ["StartingPosition", "MaximumBatchingWindowInSeconds"] {
        assert_eq!(shown[absent], Value::Null, "{shown}");
    }
}
