//! What only provisioned mode has, as boto3 asks for it.

use lambda_esm_tests::Python;
use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::scripted::merge;
use serde_json::{Value, json};

use super::boto::{calls, is_unsupported};
use super::function::fine;
use super::stage::{Stage, provisioned};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_demand_mode_refuses_what_is_for_provisioned_mode() {
    let (Some(python), Some(stage)) = (Python::find(), Stage::start([("f", fine())]).await) else {
        return;
    };
    let topic = stage
        .kafka
        .topic("modes", TopicOptions::partitions(1))
        .await;
    let only = [
        json!({ "MaximumRetryAttempts": 2 }),
        json!({ "MaximumRecordAgeInSeconds": 60 }),
        json!({ "BisectBatchOnFunctionError": true }),
        json!({ "FunctionResponseTypes": ["ReportBatchItemFailures"] }),
        json!({ "DestinationConfig": { "OnFailure": { "Destination": "kafka://failures" } } }),
    ];
    let base = stage.request(&topic, "f");
    let with = |members: &Value| {
        let mut request = base.clone();
        // No two mappings of one topic and function.
        request["FunctionName"] = json!("f");
        merge(&mut request, members);
        request
    };
    let mut requests: Vec<Value> = only.iter().map(with).collect();
    let all = only
        .iter()
        .fold(provisioned(&json!({})), |mut all, members| {
            merge(&mut all, members);
            all
        });
    requests.push(with(&all));
    let create = requests.into_iter();
    let create: Vec<_> = create
        .map(|request| ("create_event_source_mapping", request))
        .collect();
    let answers = calls(&python, &stage, &create).await;
    let (refused, made) = answers.split_at(only.len());
    for (members, answer) in only.iter().zip(refused) {
        let name = members.as_object().unwrap().keys().next().unwrap();
        is_unsupported(answer, name);
    }
    assert!(made[0]["UUID"].is_string(), "{made:?}");
}
