//! The process backend with the official Python runtime. Needs a Python that has `awslambdaric`, named by
//! `LAMBDA_ESM_TEST_PYTHON`; the tests say so and pass without one.

use std::path::Path;
use std::time::Duration;

use crate::support::{backend, config, invoke, kill_the_daemon};
use lambda_esm_core::fault::InvokeError;
use lambda_esm_runtime::process::ProcessConfig;
use serde_json::json;

/// A function whose handler is `handler`, or `None` with a note if there is no such Python.
fn python(handler: &str) -> Option<ProcessConfig> {
    let Ok(python) = std::env::var("LAMBDA_ESM_TEST_PYTHON") else {
        eprintln!("skipped: LAMBDA_ESM_TEST_PYTHON does not name a Python that has awslambdaric");
        return None;
    };
    let command = [&python, "-m", "awslambdaric", handler]
        .map(str::to_owned)
        .to_vec();
    Some(
        config(command)
            .with_timeout(Duration::from_secs(30))
            .with_working_dir(Some(
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process"),
            )),
    )
}

#[tokio::test]
async fn an_unmodified_handler_runs_again_and_again() {
    let Some(config) = python("app.handler") else {
        return;
    };
    let backend = backend(config);
    for n in 0..50 {
        let response = invoke(&backend, json!({ "n": n })).await.unwrap();
        let expected = json!({
            "event": { "n": n },
            "function": "orders",
            "arn": "arn:aws:lambda:us-east-1:000000000000:function:orders",
            "in time": true,
            "pid": response["pid"],
        });
        assert_eq!(response, expected);
    }
}

#[tokio::test]
async fn an_exception_is_a_function_error_and_the_runtime_goes_on() {
    let Some(config) = python("app.handler") else {
        return;
    };
    let backend = backend(config);
    let error = invoke(&backend, json!({"fail": "that"})).await.unwrap_err();
    assert_eq!(
        error,
        InvokeError::function("ValueError: cannot handle that")
    );
    invoke(&backend, json!({})).await.unwrap();
}

#[tokio::test]
async fn a_handler_that_cannot_be_imported_is_an_init_error_with_the_cause() {
    let Some(config) = python("missing.handler") else {
        return;
    };
    let error = invoke(&backend(config), json!({})).await.unwrap_err();
    let expected =
        "Runtime.InitError: Runtime.ImportModuleError: Unable to import module 'missing'";
    assert!(error.message.starts_with(expected), "{error}");
}

#[tokio::test]
async fn an_event_and_a_response_of_megabytes_go_through() {
    let Some(config) = python("app.handler") else {
        return;
    };
    let event = json!({ "text": "x".repeat(5_000_000) });
    let response = invoke(&backend(config), event.clone()).await.unwrap();
    assert_eq!(response["event"], event);
}

#[test]
fn the_runtime_ends_when_the_daemon_is_killed() {
    let Some(config) = python("app.handler") else {
        return;
    };
    kill_the_daemon(
        "awslambdaric::the_runtime_ends_when_the_daemon_is_killed",
        || config,
    );
}
