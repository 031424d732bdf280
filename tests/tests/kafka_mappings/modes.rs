//! What only provisioned mode has, as boto3 asks for it.

use lambda_esm_tests::Python;
use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::scripted::merge;
use serde_json::{Value, json};
use tokio::process::Command;

use super::function::fine;
use super::stage::{Stage, provisioned};

/// Creates a mapping with boto3, and prints what it made of the answer.
const CREATE: &str = r#"
import boto3, botocore.exceptions, json, sys
endpoint, requests = sys.argv[1:]
client = boto3.client(
    "lambda", endpoint_url=endpoint, region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test",
)
def ask(request):
    try:
        return {"made": client.create_event_source_mapping(**request)["UUID"]}
    except botocore.exceptions.ClientError as error:
        return {"code": error.response["Error"]["Code"], "says": error.response["Error"]["Message"]}
print(json.dumps([ask(request) for request in json.loads(requests)]))
"#;

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
    let mut command = Command::new(python.program());
    command.args(["-c", CREATE, stage.endpoint(), &json!(requests).to_string()]);
    let output = command.output().await.unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let (refused, made) = answers.split_at(only.len());
    for (members, answer) in only.iter().zip(refused) {
        let name = members.as_object().unwrap().keys().next().unwrap();
        assert_eq!(answer["code"], "InvalidParameterValueException", "{answer}");
        let says = answer["says"].as_str().unwrap();
        let refusal = format!("Unsupported {name} parameter for given event source mapping type.");
        assert_eq!(says, refusal);
    }
    assert!(made[0]["made"].is_string(), "{made:?}");
}
