//! Readers of the daemon's own output that stop reading, or go away.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use lambda_esm_tests::{Recording, Sqs, binary, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Map, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::scene::{Steady, alone};

/// How long nobody reads: long enough to fill a pipe many times.
const STALL: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
enum Reader {
    /// Keeps the pipe, and reads nothing.
    Stalls,
    /// Closes it.
    Leaves,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_nobody_reads_stops_neither_deliveries_nor_the_api() {
    unread(Reader::Stalls).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_reader_goes_away_stops_neither_deliveries_nor_the_api() {
    unread(Reader::Leaves).await;
}

async fn unread(reader: Reader) {
    let Some(sqs) = Sqs::elasticmq() else {
        return;
    };
    let _alone = alone().await;
    let recording = Recording::default();
    let steady = Steady::new(&sqs).await;
    // Its log is not read, so the address is chosen here.
    let address = {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        free.local_addr().unwrap()
    };
    let mut configuration = steady.configuration(&sqs, Map::new(), Map::new());
    configuration["api"]["listen"] = json!(address.to_string());
    let file = recording.folder().join("lambda-esm.yaml");
    fs::write(&file, configuration.to_string()).unwrap();
    let mut daemon = Command::new(binary())
        .args(["run", "-vv"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pipe = daemon.stderr.take().unwrap();
    let kept = match reader {
        Reader::Stalls => Some(pipe),
        Reader::Leaves => {
            drop(pipe);
            None
        }
    };
    until("the API listens", async || {
        TcpStream::connect(address).await.ok()
    })
    .await;
    let pid = daemon.id().unwrap();
    let watched = steady.watched(pid, address);
    watched
        .during(&format!("log, reader {reader:?}"), sleep(STALL))
        .await;
    kill_process(
        Pid::from_raw(pid.try_into().unwrap()).unwrap(),
        Signal::TERM,
    )
    .unwrap();
    let ended = timeout(Duration::from_secs(15), daemon.wait()).await;
    let status = ended.expect("stops within 15 seconds of SIGTERM").unwrap();
    assert_eq!(status.code(), Some(0), "{status}");
    drop(kept);
    watched.finish();
}
