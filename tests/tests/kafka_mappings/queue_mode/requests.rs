//! Queue mode as boto3 asks for it, and what is refused.

use lambda_esm_tests::Python;
use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::scripted::merge;
use serde_json::{Value, json};

use super::request;
use crate::boto::{calls, is_refused, is_unsupported};
use crate::function::fine;
use crate::stage::{Stage, provisioned};

const CREATE: &str = "create_event_source_mapping";
const UPDATE: &str = "update_event_source_mapping";
const CONFIG: &str = "SelfManagedKafkaEventSourceConfig";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue_mode_is_made_changed_and_shown() {
    let (Some(python), Some(stage)) = (Python::find(), Stage::start([("asked", fine())]).await)
    else {
        return;
    };
    let topic = stage
        .kafka
        .topic("asked", TopicOptions::partitions(1))
        .await;
    let group = stage.kafka.share_group(&[]).await;
    let members = provisioned(&json!({ "BatchSize": 7, "MaximumRetryAttempts": 3 }));
    let request = request(&stage, &topic, &group, "asked", &members);
    let made = calls(&python, &stage, &[(CREATE, request)]).await.remove(0);
    let uuid = made["UUID"].as_str().unwrap();
    let with = |members: Value| {
        let mut call = json!({ "UUID": uuid });
        merge(&mut call, &members);
        call
    };
    let mode = |mode: &str| json!({ "ConsumptionMode": mode });
    let enabled = async || stage.until_state(uuid.parse().unwrap(), "Enabled").await;
    enabled().await;
    let shown = ("get_event_source_mapping", with(json!({})));
    let change = [
        shown.clone(),
        (UPDATE, with(json!({ CONFIG: mode("Stream") }))),
        (UPDATE, with(json!({ "MaximumBatchingWindowInSeconds": 1 }))),
        // The mode may be given again.
        (
            UPDATE,
            with(json!({ "BatchSize": 9, CONFIG: mode("Queue") })),
        ),
    ];
    let answers = calls(&python, &stage, &change).await;
    let [first, other, window, changed] = &answers[..] else {
        panic!("{answers:?}");
    };
    is_unsupported(other, "ConsumptionMode");
    is_unsupported(window, "MaximumBatchingWindowInSeconds");
    enabled().await;
    let last = calls(&python, &stage, &[shown]).await.remove(0);
    for (answer, size) in [(&made, 7), (first, 7), (changed, 9), (&last, 9)] {
        assert_eq!(answer["BatchSize"], size, "{answer}");
        assert_eq!(answer["MaximumRetryAttempts"], 3, "{answer}");
        let config = json!({ "ConsumerGroupId": group, "ConsumptionMode": "Queue" });
        assert_eq!(answer[CONFIG], config, "{answer}");
        for absent in ["StartingPosition", "MaximumBatchingWindowInSeconds"] {
            assert_eq!(answer.get(absent), None, "{answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue_mode_refuses_what_a_share_group_has_not() {
    let (Some(python), Some(stage)) = (Python::find(), Stage::start([("asked", fine())]).await)
    else {
        return;
    };
    let topic = stage
        .kafka
        .topic("refused", TopicOptions::partitions(1))
        .await;
    let group = stage.kafka.share_group(&[]).await;
    let config = json!({
        "ConsumerGroupId": group,
        "ConsumptionMode": "Queue",
        "SchemaRegistryConfig": {
            "SchemaRegistryURI": "https://registry",
            "EventRecordFormat": "JSON",
            "SchemaValidationConfigs": [{ "Attribute": "VALUE" }],
        },
    });
    let forbidden = [
        json!({ "StartingPosition": "LATEST" }),
        json!({ "StartingPositionTimestamp": 1_700_000_000 }),
        json!({ "MaximumBatchingWindowInSeconds": 0 }),
        json!({ "ParallelizationFactor": 1 }),
        json!({ "TumblingWindowInSeconds": 1 }),
        json!({ "ScalingConfig": { "MaximumConcurrency": 2 } }),
        json!({ "Queues": ["q"] }),
        json!({ "AmazonManagedKafkaEventSourceConfig": { "ConsumerGroupId": "g" } }),
        json!({ "DocumentDBEventSourceConfig": { "DatabaseName": "d" } }),
        // For provisioned mode.
        json!({ "BisectBatchOnFunctionError": true }),
        json!({ "MaximumRetryAttempts": 1 }),
        json!({ "MaximumRecordAgeInSeconds": 60 }),
        json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"] }),
        json!({ "LoggingConfig": { "SystemLogLevel": "DEBUG" } }),
        json!({ CONFIG: config }),
        json!({ "MaximumRetryAttempts": -1 }),
    ];
    let base = request(&stage, &topic, &group, "asked", &json!({}));
    let create = forbidden.iter().map(|members| {
        let mut request = base.clone();
        merge(&mut request, members);
        (CREATE, request)
    });
    let answers = calls(&python, &stage, &create.collect::<Vec<_>>()).await;
    let (endless, unsupported) = answers.split_last().unwrap();
    for (members, answer) in forbidden.iter().zip(unsupported) {
        let name = members.as_object().unwrap().keys().next().unwrap();
        let name = match name.as_str() {
            CONFIG => "SchemaRegistryConfig",
            name => name,
        };
        is_unsupported(answer, name);
    }
    is_refused(
        endless,
        "MaximumRetryAttempts must be between 0 and 10000 in Queue mode.",
    );
}
