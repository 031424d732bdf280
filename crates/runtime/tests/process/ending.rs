//! How environments end: nothing stale is used again, and nothing is left behind.

use std::time::Duration;

use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_engine::ports::InvokeBackend;
use serde_json::json;

use crate::support::{
    Folder, PATIENCE, backend, eventually, invoke, is_running, kill_the_daemon, pid, pid_in,
    request, scripted,
};

#[tokio::test]
async fn a_dropped_invocation_kills_its_environment_and_its_slot_is_free() {
    let folder = Folder::new();
    let backend = backend(scripted(&[]));
    let hang = request(&json!({"do": "hang", "file": folder.file("pid")}));
    let running = tokio::spawn({
        let backend = backend.clone();
        async move { backend.invoke(hang).await }
    });
    let stale = pid_in(&folder.file("pid")).await;
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let response = invoke(&backend, json!({"n": 2})).await.unwrap();
    assert_eq!(response["event"], json!({"n": 2}));
    assert_ne!(pid(&response), stale);
    eventually("the dropped invocation's process is gone", || {
        !is_running(stale)
    })
    .await;
}

#[tokio::test]
async fn shutdown_leaves_no_process_and_later_invocations_are_unavailable() {
    let folder = Folder::new();
    let backend = backend(scripted(&[]).with_concurrency(2));
    let meet = json!({"do": "meet", "folder": folder.path(), "count": 2});
    let (one, two) = tokio::join!(
        invoke(&backend, meet.clone()),
        invoke(&backend, meet.clone())
    );
    let idle = [pid(&one.unwrap()), pid(&two.unwrap())];
    let hang = request(&json!({"do": "hang", "file": folder.file("pid")}));
    let busy = tokio::spawn({
        let backend = backend.clone();
        async move { backend.invoke(hang).await }
    });
    let running = pid_in(&folder.file("pid")).await;
    assert!(idle.contains(&running));
    tokio::time::timeout(PATIENCE, backend.shutdown(Duration::from_secs(10)))
        .await
        .unwrap();
    for pid in idle {
        assert!(!is_running(pid));
    }
    assert_eq!(
        busy.await.unwrap().unwrap_err().kind,
        InvokeErrorKind::Function
    );
    let error = invoke(&backend, json!({})).await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Unavailable);
}

#[tokio::test]
async fn shutdown_kills_what_ignores_the_request_to_end() {
    let script = "trap '' TERM; python3 \"$0\"";
    let runtime = scripted(&[]);
    let mut command = vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
    command.extend(runtime.command.last().cloned());
    let backend = backend(runtime.with_command(command));
    let process = pid(&invoke(&backend, json!({})).await.unwrap());
    tokio::time::timeout(PATIENCE, backend.shutdown(Duration::from_millis(100)))
        .await
        .unwrap();
    eventually("the process is gone", || !is_running(process)).await;
}

#[tokio::test]
async fn dropping_the_backend_ends_its_idle_processes() {
    let backend = backend(scripted(&[]));
    let process = pid(&invoke(&backend, json!({})).await.unwrap());
    assert!(is_running(process));
    drop(backend);
    eventually("the process is gone", || !is_running(process)).await;
}

#[test]
fn a_dropped_tokio_runtime_leaves_no_process() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let backend = backend(scripted(&[]));
    let process = pid(&runtime.block_on(invoke(&backend, json!({}))).unwrap());
    drop(runtime);
    let check = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    check.block_on(eventually("the process is gone", || !is_running(process)));
}

#[test]
fn a_runtime_that_waits_for_work_ends_when_the_daemon_is_killed() {
    kill_the_daemon(
        "ending::a_runtime_that_waits_for_work_ends_when_the_daemon_is_killed",
        || scripted(&[]),
    );
}
