//! The Lambda backend against a real server; skipped where none is named.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_aws::{AwsConfig, LambdaApi, LambdaOptions};
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{InvokeBackend, InvokeRequest};

/// Creates a Python function that echoes its event, or raises if the event says so.
const CREATE: &str = r#"
import boto3, io, sys, zipfile
url, name = sys.argv[1:]
code = """
def handler(event, context):
    if "fail" in event:
        raise ValueError(event["fail"])
    return {"echo": event}
"""
package = io.BytesIO()
with zipfile.ZipFile(package, "w") as files:
    files.writestr("app.py", code)
boto3.client(
    "lambda", endpoint_url=url, region_name="us-east-1",
    aws_access_key_id="test", aws_secret_access_key="test",
).create_function(
    FunctionName=name, Runtime="python3.12", Handler="app.handler", Timeout=17,
    Role="arn:aws:iam::000000000000:role/r", Code={"ZipFile": package.getvalue()},
)
"#;

/// Returns a backend for ministack, and the name of a function made there.
fn ministack(what: &str) -> Option<(LambdaApi, String)> {
    let named = ["LAMBDA_ESM_TEST_MINISTACK", "LAMBDA_ESM_TEST_PYTHON"].map(std::env::var);
    let [Ok(url), Ok(python)] = named else {
        println!("skipped: LAMBDA_ESM_TEST_MINISTACK or LAMBDA_ESM_TEST_PYTHON is not set");
        return None;
    };
    let name = format!("aws-{}-{what}", std::process::id());
    let made = Command::new(python)
        .args(["-c", CREATE, &url, &name])
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let options = LambdaOptions::default().with_endpoint(Some(url.parse().unwrap()));
    Some((
        LambdaApi::new(&AwsConfig::default(), options).unwrap(),
        name,
    ))
}

async fn invoke(api: &LambdaApi, name: &str, event: &str) -> Result<Bytes, InvokeError> {
    let function = Arc::new(FunctionRef::parse(name).unwrap());
    let payload = Bytes::copy_from_slice(event.as_bytes());
    let answer = api.invoke(InvokeRequest::new(function, payload)).await;
    answer.map(|answer| answer.payload)
}

#[tokio::test]
async fn a_function_is_called_by_any_of_its_names() {
    let Some((api, name)) = ministack("named") else {
        return;
    };
    for spelled in [
        name.clone(),
        format!("{name}:$LATEST"),
        format!("arn:aws:lambda:us-east-1:000000000000:function:{name}"),
    ] {
        let answer = invoke(&api, &spelled, r#"{"n":1}"#).await.unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["echo"]["n"], 1, "{spelled}: {answer}");
    }
}

#[tokio::test]
async fn a_function_that_raises_is_a_function_error() {
    let Some((api, name)) = ministack("raising") else {
        return;
    };
    let error = invoke(&api, &name, r#"{"fail":"no stock"}"#)
        .await
        .unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Function, "{error}");
    assert!(error.message.ends_with(": no stock"), "{error}");
}

#[tokio::test]
async fn a_function_is_described() {
    let Some((api, name)) = ministack("described") else {
        return;
    };
    let facts = api
        .describe(&FunctionRef::parse(&name).unwrap())
        .await
        .unwrap();
    assert_eq!(facts.timeout, Some(Duration::from_secs(17)));
    let missing = FunctionRef::parse("aws-no-such-function").unwrap();
    let error = api.describe(&missing).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::NotFound, "{error}");
    let error = invoke(&api, "aws-no-such-function", "{}")
        .await
        .unwrap_err();
    let may_pass = true;
    let refused = InvokeErrorKind::refused(404, may_pass);
    assert_eq!(error.kind, refused, "{error}");
    assert!(error.message.contains("aws-no-such-function"), "{error}");
}
