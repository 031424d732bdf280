//! What the daemon itself lacks, and when it is stopped: neither is an error of the function.

use std::fs::File;
use std::path::Path;
use std::process::Child;
use std::time::Duration;

use lambda_esm_core::fault::InvokeErrorKind;
use lambda_esm_engine::ports::InvokeBackend;
use lambda_esm_runtime::http::{HttpBackend, HttpConfig};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::json;
use tokio::time::Instant;

use crate::support::{
    Folder, PATIENCE, backend, eventually, in_a_daemon, invoke, request, scripted,
};

/// Takes all descriptors that this process may have but `spare`, also those that connections give back for a while.
/// They are free again when this is dropped.
async fn all_descriptors_but(spare: usize) -> Vec<File> {
    let mut taken = Vec::new();
    for _ in 0..50 {
        taken.extend(std::iter::from_fn(|| File::open("/dev/null").ok()));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    taken.truncate(taken.len() - spare);
    taken
}

#[test]
fn a_lack_of_descriptors_is_no_error_of_the_function() {
    let daemon = async |folder: &Path| {
        let limit = Rlimit {
            current: Some(200),
            ..getrlimit(Resource::Nofile)
        };
        setrlimit(Resource::Nofile, limit).unwrap();
        let config = scripted(&[]).with_timeout(Duration::from_secs(2));
        let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        let http = HttpBackend::new(HttpConfig::new(url)).unwrap();
        // With none left, a connection cannot be accepted; with one, it cannot be seen whose it is.
        for spare in [0, 1] {
            let backend = backend(config.clone());
            invoke(&backend, json!({})).await.unwrap();
            let (begun, until) = (
                folder.join(format!("begun {spare}")),
                folder.join(format!("until {spare}")),
            );
            let event = json!({"do": "wait", "begun": begun, "until": until});
            let (unheard, taken) = tokio::join!(invoke(&backend, event), async {
                eventually("the function has the event", || begun.exists()).await;
                let taken = all_descriptors_but(spare).await;
                // That takes no descriptor. Now the function answers, and cannot be heard.
                std::fs::create_dir(&until).unwrap();
                taken
            });
            let unheard = unheard.unwrap_err();
            // Its environment is gone, and another one cannot be made.
            let unmade = invoke(&backend, json!({})).await.unwrap_err();
            // Nor can a server be called.
            let last = File::open("/dev/null").ok();
            let unsent = http.invoke(request(&json!({}))).await.unwrap_err();
            drop((taken, last));
            for error in [unheard, unmade, unsent] {
                assert_eq!(error.kind, InvokeErrorKind::Unavailable, "{error}");
                assert!(error.message.contains("Too many open files"), "{error}");
            }
            invoke(&backend, json!({})).await.unwrap();
        }
    };
    let name = "resource_exhaustion::a_lack_of_descriptors_is_no_error_of_the_function";
    in_a_daemon(name, daemon, |_, _| {});
}

/// Waits for a file that the daemon or its function makes.
fn wait_for(file: &Path) {
    let begun = Instant::now();
    while !file.exists() {
        assert!(begun.elapsed() < PATIENCE, "there is no {}", file.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_answer_that_came_while_the_daemon_was_stopped_is_in_time() {
    const TIMEOUT: Duration = Duration::from_secs(2);
    let daemon = async |folder: &Path| {
        let file = |name| folder.join(name).display().to_string();
        let backend = backend(scripted(&[]).with_timeout(TIMEOUT));
        let event = json!({"do": "wait", "begun": file("begun"), "until": file("until")});
        let response = invoke(&backend, event.clone()).await.unwrap();
        assert_eq!(response["event"], event);
    };
    let name = "resource_exhaustion::an_answer_that_came_while_the_daemon_was_stopped_is_in_time";
    let meanwhile = |daemon: &Child, folder: &Folder| {
        wait_for(&folder.file("begun"));
        let begun = Instant::now();
        let daemon = Pid::from_child(daemon);
        kill_process(daemon, Signal::STOP).unwrap();
        File::create(folder.file("until")).unwrap();
        // It must be stopped until after its timer: that cannot be had sooner.
        std::thread::sleep((TIMEOUT + Duration::from_secs(1)).saturating_sub(begun.elapsed()));
        kill_process(daemon, Signal::CONT).unwrap();
    };
    in_a_daemon(name, daemon, meanwhile);
}
