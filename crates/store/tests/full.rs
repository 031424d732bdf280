//! A disk that is full for a while.

#![cfg(unix)]
mod support;

use std::process::{Command, Stdio};

use lambda_esm_engine::store::{Store, StoreError};
use lambda_esm_store::RedbStore;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{Directory, checkpoint, mapping};

/// Set for the process that the test below starts from this binary.
const DIRECTORY: &str = "LAMBDA_ESM_STORE_TEST_FULL";

/// A limit on the size of files stands for the full disk: writes fail in the same place.
#[test]
fn the_store_goes_on_when_the_disk_has_room_again() {
    let directory = Directory::new();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -S -f 300; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "other_process", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let named = format!("cannot use {}: ", directory.file().display());
    assert!(said.contains(&named), "{said} {output:?}");
    assert!(said.contains("went on"), "{said} {output:?}");
    assert!(output.status.success(), "{said} {output:?}");
}

/// Not a test: what the other process does.
#[tokio::test]
async fn other_process() {
    let Ok(directory) = std::env::var(DIRECTORY) else {
        return;
    };
    let store = RedbStore::open(directory.as_ref()).unwrap();
    store.commit(vec![checkpoint(0, "a", 1, 1)]).await.unwrap();
    let mut kept = 0;
    let error = loop {
        match store.put(mapping(kept)).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(kept > 10, "{kept} {error}");
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    println!("{error}");
    // A few that are small enough may pass, and none harms what is there.
    for number in kept..kept + 5 {
        drop(store.put(mapping(number)).await);
    }

    let limit = getrlimit(Resource::Fsize);
    let unlimited = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Fsize, unlimited).unwrap();
    for number in kept..kept + 100 {
        store.put(mapping(number)).await.unwrap();
    }
    let expected: Vec<_> = (0..kept + 100).map(mapping).collect();
    assert!(store.load().await.unwrap() == expected);
    drop(store);
    let store = RedbStore::open(directory.as_ref()).unwrap();
    assert!(store.load().await.unwrap() == expected);
    let checkpoints = store.checkpoints(uuid::Uuid::nil()).await.unwrap();
    assert_eq!(checkpoints, [checkpoint(0, "a", 1, 1)]);
    println!("went on");
}
