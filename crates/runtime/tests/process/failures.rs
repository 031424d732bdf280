//! What goes wrong in runtimes, functions and configurations.

use std::time::Duration;

use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use serde_json::json;

use crate::support::{
    Folder, PATIENCE, backend, config, eventually, invoke, is_running, kill, logging_backend, pid,
    pid_in, scripted,
};

#[tokio::test]
async fn a_function_error_shows_its_type_and_message() {
    let backend = backend(scripted(&[]));
    let error = invoke(&backend, json!({"do": "raise", "message": "boom"}))
        .await
        .unwrap_err();
    assert_eq!(error, InvokeError::function("ValueError: boom"));
}

#[tokio::test]
async fn a_timeout_kills_the_process_and_its_children_and_the_next_invocation_starts_anew() {
    let folder = Folder::new();
    let backend = backend(scripted(&[]).with_timeout(Duration::from_secs(1)));
    let event = json!({"do": "hang with child", "file": folder.file("pid")});
    let error = invoke(&backend, event).await.unwrap_err();
    let expected = "Sandbox.Timedout: Task timed out after 1.00 seconds";
    assert_eq!(error, InvokeError::function(expected));
    let child = pid_in(&folder.file("pid")).await;
    eventually("the function's child is gone", || !is_running(child)).await;
    invoke(&backend, json!({})).await.unwrap();
}

#[tokio::test]
async fn an_exit_during_an_invocation_is_a_function_error_with_its_status() {
    let backend = backend(scripted(&[]));
    let error = invoke(&backend, json!({"do": "exit", "code": 7}))
        .await
        .unwrap_err();
    let expected =
        "Runtime.ExitError: runtime exited with status 7; its last error line: about to give up";
    assert_eq!(error, InvokeError::function(expected));
    let error = invoke(&backend, json!({"do": "signal", "number": 9}))
        .await
        .unwrap_err();
    assert_eq!(
        error,
        InvokeError::function("Runtime.ExitError: runtime was ended by signal 9")
    );
    invoke(&backend, json!({})).await.unwrap();
}

#[tokio::test]
async fn a_reported_init_error_is_a_function_error_with_its_words() {
    let backend = backend(scripted(&[("MODE", "init error")]));
    for _ in 0..2 {
        let error = invoke(&backend, json!({})).await.unwrap_err();
        let expected = "Runtime.InitError: Runtime.ImportModuleError: no module app";
        assert_eq!(error, InvokeError::function(expected));
    }
}

#[tokio::test]
async fn an_exit_in_init_is_a_function_error_with_the_last_error_line() {
    let backend = backend(scripted(&[("MODE", "no init")]));
    let error = invoke(&backend, json!({})).await.unwrap_err();
    let expected = "Runtime.InitError: runtime exited with status 3 before it asked for an event; \
                    its last error line: cannot read app.py";
    assert_eq!(error, InvokeError::function(expected));
}

#[tokio::test]
async fn an_environment_whose_init_failed_is_started_again_by_the_next_invocation() {
    let folder = Folder::new();
    let marker = folder.file("tried").display().to_string();
    let backend = backend(scripted(&[("MODE", "fails once"), ("MARKER", &marker)]));
    invoke(&backend, json!({})).await.unwrap_err();
    invoke(&backend, json!({})).await.unwrap();
}

#[tokio::test]
async fn a_runtime_that_exits_after_each_answer_never_fails_an_invocation() {
    let backend = backend(scripted(&[("MODE", "exits after each answer")]));
    for _ in 0..10 {
        invoke(&backend, json!({})).await.unwrap();
    }
}

#[tokio::test]
async fn a_runtime_that_is_slow_to_come_back_is_waited_for_and_not_throttled() {
    let backend = backend(scripted(&[("AFTER", "0.3")]));
    let first = invoke(&backend, json!({})).await.unwrap();
    let second = invoke(&backend, json!({})).await.unwrap();
    assert_eq!(pid(&first), pid(&second));
}

#[tokio::test]
async fn a_runtime_that_never_comes_back_is_replaced_after_its_timeout() {
    let config = scripted(&[("AFTER", "600")]);
    let backend = backend(config.with_timeout(Duration::from_secs(1)));
    let first = pid(&invoke(&backend, json!({})).await.unwrap());
    let second = pid(&invoke(&backend, json!({})).await.unwrap());
    assert_ne!(first, second);
    eventually("the first environment is gone", || !is_running(first)).await;
}

#[tokio::test]
async fn the_largest_response_passes_and_one_byte_more_is_a_function_error() {
    let (backend, mut lines) = logging_backend(scripted(&[]));
    let largest = invoke(&backend, json!({"do": "big", "bytes": 6_291_456}))
        .await
        .unwrap();
    assert_eq!(largest.as_str().unwrap().len(), 6_291_454);
    let error = invoke(&backend, json!({"do": "big", "bytes": 6_291_457}))
        .await
        .unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Function);
    assert!(
        error.message.starts_with("Function.ResponseSizeTooLarge"),
        "{error}"
    );
    let mut posted = Vec::new();
    while posted.len() < 2 {
        let line = tokio::time::timeout(PATIENCE, lines.recv())
            .await
            .unwrap()
            .unwrap();
        posted.push(line.text.split(' ').nth(1).unwrap().to_owned());
    }
    assert_eq!(posted, ["202", "413"]);
}

#[tokio::test]
async fn an_event_over_six_megabytes_is_refused_before_the_function_sees_it() {
    let backend = backend(config(vec!["/nonexistent".to_owned()]));
    let event = json!("x".repeat(6_291_455));
    let error = invoke(&backend, event).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::TOO_LARGE);
}

#[tokio::test]
async fn calls_that_do_not_fit_are_refused_and_the_invocation_goes_on() {
    let backend = backend(scripted(&[]));
    let statuses = invoke(&backend, json!({"do": "misbehave"})).await.unwrap();
    let expected = json!({
        "next while running": 403,
        "unknown id": 400,
        "unknown id, error": 400,
        "init error while running": 403,
        "wrong method": 405,
        "unknown path": 404,
    });
    assert_eq!(statuses, expected);
}

#[tokio::test]
async fn a_missing_command_is_named_with_the_way_out() {
    let backend = backend(config(vec!["/nonexistent/python9".to_owned()]));
    let error = invoke(&backend, json!({})).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::NotFound);
    assert!(error.message.contains("`/nonexistent/python9`"), "{error}");
}

#[tokio::test]
async fn a_missing_working_directory_and_a_file_that_may_not_run_are_told_apart() {
    let folder = Folder::new();
    let missing = folder.file("nowhere");
    let in_missing = scripted(&[]).with_working_dir(Some(missing));
    let error = invoke(&backend(in_missing), json!({})).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::NotFound);
    assert!(error.message.contains("working directory"), "{error}");
    let file = folder.file("plain");
    std::fs::write(&file, "").unwrap();
    let plain = backend(config(vec![file.display().to_string()]));
    let error = invoke(&plain, json!({})).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Denied);
}

#[tokio::test(start_paused = true)]
async fn an_init_that_never_ends_fails_after_its_limit() {
    let backend = backend(config(vec!["sleep".to_owned(), "600".to_owned()]));
    let error = invoke(&backend, json!({})).await.unwrap_err();
    let expected = "Runtime.InitError: runtime did not ask for an event within 10.00 seconds";
    assert_eq!(error, InvokeError::function(expected));
}

#[tokio::test]
async fn an_environment_that_dies_between_invocations_fails_none() {
    let backend = backend(scripted(&[]));
    for _ in 0..5 {
        let process = pid(&invoke(&backend, json!({})).await.unwrap());
        kill(process);
    }
    invoke(&backend, json!({})).await.unwrap();
}
