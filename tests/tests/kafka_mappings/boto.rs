//! boto3, AWS's client: a mapping as it is asked for by those who know nothing of this project.

use lambda_esm_tests::Python;
use serde_json::{Value, json};
use tokio::process::Command;

use super::stage::Stage;

/// What the installed boto3 is too old for, as its newer versions have it: `ConsumptionMode`. boto3 merges it into its own
/// model of Lambda's API.
const NEWER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kafka_mappings/boto");

/// Makes calls one after another, and prints what it made of each answer.
const CALLS: &str = r#"
import boto3, botocore.exceptions, json, sys
endpoint, calls = sys.argv[1:]
client = boto3.client(
    "lambda", endpoint_url=endpoint, region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test",
)
def call(name, parameters):
    try:
        answer = getattr(client, name)(**parameters)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
    except botocore.exceptions.ClientError as error:
        return {"code": error.response["Error"]["Code"], "says": error.response["Error"]["Message"]}
print(json.dumps([call(*one) for one in json.loads(calls)], default=str))
"#;

/// Makes calls, each by its name and with its parameters, and returns their answers. One that is refused is `code` and
/// `says`.
pub(crate) async fn calls(python: &Python, stage: &Stage, calls: &[(&str, Value)]) -> Vec<Value> {
    let mut command = Command::new(python.program());
    command.args(["-c", CALLS, stage.endpoint(), &json!(calls).to_string()]);
    command.env("AWS_DATA_PATH", NEWER);
    let output = command.output().await.unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Checks that a call was refused for a parameter that the source does not have, in AWS's words.
pub(crate) fn is_unsupported(answer: &Value, parameter: &str) {
    let says = format!("Unsupported {parameter} parameter for given event source mapping type.");
    is_refused(answer, &says);
}

/// Checks that a call was refused in these words.
pub(crate) fn is_refused(answer: &Value, says: &str) {
    assert_eq!(answer["code"], "InvalidParameterValueException", "{answer}");
    assert_eq!(answer["says"], says);
}
