//! Who may ask the daemon, with boto3 as the one who asks.

use std::fs;

use lambda_esm_tests::{Daemon, Recording, binary, variable};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::installed;

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/control_plane/signatures.py"
);
const KEY: &str = "AKIDEXAMPLE";
const SECRET: &str = "a-secret-of-the-test";

async fn ask(endpoint: &str, key: &str, secret: &str, how: &str) -> Option<Value> {
    ask_with(endpoint, key, secret, how, &[]).await
}

/// Asks with further variables in the environment.
async fn ask_with(
    endpoint: &str,
    key: &str,
    secret: &str,
    how: &str,
    variables: &[(&str, &str)],
) -> Option<Value> {
    let mut command = installed("python")?;
    command.args([SCRIPT, endpoint, how]);
    command.envs(variables.iter().copied());
    command
        .env("AWS_ACCESS_KEY_ID", key)
        .env("AWS_SECRET_ACCESS_KEY", secret);
    let done = command.output().await.unwrap();
    let messages = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{messages}");
    Some(serde_json::from_slice(&done.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_answers_only_those_who_sign_with_its_keys() {
    let folder = Recording::default();
    let daemon = Daemon::start(
        folder.folder(),
        &json!({ "api": { "listen": "127.0.0.1:0", "auth": { "sigv4": { KEY: SECRET } } } }),
    );
    let endpoint = daemon.api().await;
    for (key, secret, how, status, error) in [
        (KEY, SECRET, "signed", 200, None),
        (
            KEY,
            "another",
            "signed",
            403,
            Some("InvalidSignatureException"),
        ),
        (
            "AKIDOTHER",
            SECRET,
            "signed",
            403,
            Some("UnrecognizedClientException"),
        ),
        (
            KEY,
            SECRET,
            "unsigned",
            403,
            Some("MissingAuthenticationTokenException"),
        ),
    ] {
        let Some(answer) = ask(&endpoint, key, secret, how).await else {
            return;
        };
        let expected = json!({ "status": status, "error": error });
        assert_eq!(answer, expected, "{key} {secret} {how}");
    }
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_daemon_goes_by_the_time_of_the_system_also_when_that_is_set() {
    let Some(library) = variable("LAMBDA_ESM_TEST_FAKETIME") else {
        return;
    };
    let folder = Recording::default();
    let offset = folder.folder().join("offset");
    fs::write(&offset, "+0").unwrap();
    let daemon = Daemon::start_with(
        folder.folder(),
        &json!({ "api": { "listen": "127.0.0.1:0", "auth": { "sigv4": { KEY: SECRET } } } }),
        &[
            ("LD_PRELOAD", &library),
            ("FAKETIME_TIMESTAMP_FILE", offset.to_str().unwrap()),
            ("FAKETIME_NO_CACHE", "1"),
            // Only the time of day is set.
            ("DONT_FAKE_MONOTONIC", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ],
    );
    let endpoint = daemon.api().await;
    for set in ["+0", "+2h", "-2h", "+0"] {
        fs::write(&offset, set).unwrap();
        for signed in ["+0", "+2h", "-2h"] {
            let variables = [("LD_PRELOAD", library.as_str()), ("FAKETIME", signed)];
            let answer = ask_with(&endpoint, KEY, SECRET, "signed", &variables).await;
            let Some(answer) = answer else {
                return;
            };
            let status = if set == signed { 200 } else { 403 };
            assert_eq!(answer["status"], status, "signed at {signed}, set to {set}");
        }
    }
    let (status, _) = daemon.stop().await;
    assert_eq!(status.code(), Some(0), "{status}");
}

/// Runs the daemon with an API, and returns its exit code and messages, if it ends by itself.
async fn refusal(api: Value) -> (Option<i32>, String) {
    let folder = Recording::default();
    let file = folder.folder().join("lambda-esm.yaml");
    fs::write(&file, json!({ "api": api }).to_string()).unwrap();
    let mut command = Command::new(binary());
    command.arg("run").arg(&file).kill_on_drop(true);
    let done = tokio::time::timeout(lambda_esm_tests::PATIENCE, command.output()).await;
    let done = done.unwrap().unwrap();
    let messages = String::from_utf8_lossy(&done.stderr).into_owned();
    (done.status.code(), messages)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_api_open_to_others_without_authentication_does_not_start() {
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:9560"] {
        let (code, messages) = refusal(json!({ "listen": listen })).await;
        assert_eq!(code, Some(78), "{messages}");
        assert!(messages.contains("api.auth"), "{messages}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authentication_without_keys_does_not_start_and_shows_no_secret() {
    let auth = json!({ "sigv4": { "": SECRET } });
    let (code, messages) = refusal(json!({ "listen": "127.0.0.1:0", "auth": auth })).await;
    assert_eq!(code, Some(78), "{messages}");
    assert!(!messages.contains(SECRET), "{messages}");
}
