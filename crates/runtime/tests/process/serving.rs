//! Invocations that go well, and how many at a time.

use std::time::Duration;

use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_engine::contract::{ContractFunctions, backend_contract};
use lambda_esm_engine::functions::Functions;
use lambda_esm_engine::ports::{FunctionFacts, InvokeBackend};
use lambda_esm_runtime::process::LogStream;
use serde_json::json;

use crate::support::{
    Folder, PATIENCE, backend, invoke, logging_backend, pid, pid_in, request, scripted,
};

#[tokio::test]
async fn keeps_the_contract_of_backends() {
    let folder = Folder::new();
    let (mut echo, mut silent) = (scripted(&[("MODE", "echo")]), scripted(&[]));
    echo.concurrency = 3;
    silent.timeout = Duration::from_secs(1);
    let mut functions = Functions::default();
    functions.insert("echo", backend(echo));
    functions.insert("silent", backend(silent));
    let hang = json!({"do": "hang", "file": folder.file("pid")});
    let known = ContractFunctions::new("echo", |event| event)
        .failing("echo", json!({"do": "raise", "message": "no"}).to_string())
        .silent("silent", hang.to_string())
        .unknown("other");
    backend_contract(&functions, &known).await;
}

#[tokio::test]
async fn the_event_reaches_the_function_and_its_response_comes_back() {
    let backend = backend(scripted(&[]));
    let response = invoke(&backend, json!({"Records": [1, "é"]}))
        .await
        .unwrap();
    assert_eq!(response["event"], json!({"Records": [1, "é"]}));
}

#[tokio::test]
async fn an_environment_is_used_again_even_after_a_function_error() {
    let backend = backend(scripted(&[]));
    let first = pid(&invoke(&backend, json!({})).await.unwrap());
    invoke(&backend, json!({"do": "raise", "message": "no"}))
        .await
        .unwrap_err();
    for _ in 0..20 {
        assert_eq!(pid(&invoke(&backend, json!({})).await.unwrap()), first);
    }
}

#[tokio::test]
async fn the_runtime_gets_the_headers_of_the_invocation() {
    let backend = backend(scripted(&[]));
    let headers = invoke(&backend, json!({"do": "headers"})).await.unwrap();
    let header = |name: &str| {
        let headers = headers.as_object().unwrap();
        let found = headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.unwrap().1.as_str().unwrap().to_owned()
    };
    assert_eq!(
        header("Lambda-Runtime-Invoked-Function-Arn"),
        "arn:aws:lambda:us-east-1:000000000000:function:orders"
    );
    uuid::Uuid::parse_str(&header("Lambda-Runtime-Aws-Request-Id")).unwrap();
    assert!(header("Lambda-Runtime-Trace-Id").starts_with("Root=1-"));
    let left = header("Lambda-Runtime-Deadline-Ms").parse::<i64>().unwrap()
        - jiff::Timestamp::now().as_millisecond();
    assert!((0..=60_000).contains(&left), "{left} ms left of 60 s");
}

#[tokio::test]
async fn answers_and_errors_name_the_request_by_which_the_function_knows_them() {
    let backend = backend(scripted(&[]));
    let answer = backend
        .invoke(request(&json!({"do": "headers"})))
        .await
        .unwrap();
    let headers: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
    let id = answer.run.request_id.unwrap();
    let named = |(name, value): (&String, &serde_json::Value)| {
        name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") && *value == *id
    };
    assert!(headers.as_object().unwrap().iter().any(named), "{headers}");
    let raise = request(&json!({"do": "raise", "message": "no"}));
    let error = backend.invoke(raise).await.unwrap_err();
    uuid::Uuid::parse_str(error.run.request_id.as_deref().unwrap()).unwrap();
}

#[tokio::test]
async fn lambda_variables_are_set_and_configured_ones_win() {
    let backend = backend(scripted(&[("STAGE", "test"), ("TZ", "Europe/Berlin")]));
    let env = invoke(&backend, json!({"do": "environment"}))
        .await
        .unwrap();
    assert_eq!(env["AWS_LAMBDA_FUNCTION_NAME"], "orders");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_VERSION"], "$LATEST");
    assert_eq!(env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], "128");
    assert_eq!(env["AWS_LAMBDA_LOG_GROUP_NAME"], "/aws/lambda/orders");
    assert_eq!(env["AWS_REGION"], "us-east-1");
    assert!(env["_HANDLER"].as_str().unwrap().ends_with(".py"), "{env}");
    let execution = env["AWS_EXECUTION_ENV"].as_str().unwrap();
    assert!(execution.starts_with("AWS_Lambda_python"), "{execution}");
    assert_eq!(env["STAGE"], "test");
    assert_eq!(env["TZ"], "Europe/Berlin");
    assert!(
        env["PATH"].is_string(),
        "the daemon's own environment is inherited"
    );
}

/// The daemon is this test program once more, with a token in its environment.
#[test]
fn the_daemons_own_settings_are_not_inherited() {
    const TOKEN: &str = "LAMBDA_ESM_TOKEN";
    const NAME: &str = "serving::the_daemons_own_settings_are_not_inherited";
    if std::env::var_os(TOKEN).is_none() {
        let daemon = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(TOKEN, "s3cret")
            .status();
        assert!(daemon.unwrap().success());
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let env = runtime.block_on(async {
        let backend = backend(scripted(&[("LAMBDA_ESM_STAGE", "test")]));
        invoke(&backend, json!({"do": "environment"}))
            .await
            .unwrap()
    });
    let of_ours = |(name, _): &(&String, _)| name.starts_with("LAMBDA_ESM_");
    let seen: Vec<_> = env.as_object().unwrap().iter().filter(of_ours).collect();
    assert_eq!(seen, [(&"LAMBDA_ESM_STAGE".to_owned(), &json!("test"))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn as_many_invocations_run_at_once_as_the_concurrency_allows() {
    let folder = Folder::new();
    let backend = backend(scripted(&[]).with_concurrency(3));
    let event = json!({"do": "meet", "folder": folder.path(), "count": 3});
    let calls = (0..3).map(|_| {
        let (backend, event) = (backend.clone(), event.clone());
        tokio::spawn(async move { invoke(&backend, event).await })
    });
    // None of them answers before all three are running.
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn an_invocation_over_the_concurrency_is_throttled_and_never_queued() {
    let folder = Folder::new();
    let backend = backend(scripted(&[]));
    let hang = json!({"do": "hang", "file": folder.file("pid")});
    let busy = tokio::spawn({
        let backend = backend.clone();
        async move { backend.invoke(request(&hang)).await }
    });
    pid_in(&folder.file("pid")).await;
    let error = invoke(&backend, json!({})).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::throttled(None));
    assert!(
        error
            .message
            .contains("ReservedFunctionConcurrentInvocationLimitExceeded"),
        "{error}"
    );
    busy.abort();
}

#[tokio::test]
async fn what_the_function_prints_reaches_the_sink_line_by_line() {
    let (backend, mut lines) = logging_backend(scripted(&[]));
    let event = json!({"do": "print", "out": "hello", "err": "careful"});
    let response = invoke(&backend, event).await.unwrap();
    let (mut out, mut err) = (None, None);
    while out.is_none() || err.is_none() {
        let line = tokio::time::timeout(PATIENCE, lines.recv())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (&*line.function, u64::from(line.process_id)),
            ("orders", pid(&response))
        );
        match line.stream {
            LogStream::Stdout => out.get_or_insert(line.text),
            _ => err.get_or_insert(line.text),
        };
    }
    assert_eq!(
        (out.as_deref(), err.as_deref()),
        (Some("hello"), Some("careful"))
    );
}

#[tokio::test]
async fn output_that_never_ends_a_line_does_not_block_the_function() {
    let backend = backend(scripted(&[]));
    let event = json!({"do": "print", "out": "x".repeat(1_000_000), "err": ""});
    invoke(&backend, event).await.unwrap();
}

#[tokio::test]
async fn describe_tells_timeout_and_concurrency() {
    let backend = backend(scripted(&[]).with_concurrency(4));
    let facts = backend
        .describe(&request(&json!({})).function)
        .await
        .unwrap();
    let expected = FunctionFacts::default()
        .with_timeout(Some(Duration::from_secs(60)))
        .with_concurrency(Some(4));
    assert_eq!(facts, expected);
}
