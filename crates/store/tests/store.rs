//! What the store keeps, and whom it refuses.

mod support;

use std::{sync::Arc, time::Duration};

use lambda_esm_engine::contract::store_contract;
use lambda_esm_engine::store::{Store, StoreError};
use lambda_esm_store::RedbStore;
use support::{Directory, checkpoint, mapping};
use uuid::Uuid;

#[tokio::test]
async fn keeps_the_promises_of_its_port() {
    let directory = Directory::new();
    let store = RedbStore::open(directory.path()).unwrap();
    store_contract(store, async |store| {
        drop(store);
        RedbStore::open(directory.path()).unwrap()
    })
    .await;
}

/// The contract lets a store pass that forgets nothing.
#[tokio::test]
async fn the_checkpoints_of_partitions_that_are_gone_take_no_place() {
    let directory = Directory::new();
    let store = RedbStore::open(directory.path()).unwrap();
    let kept = ["a", "b"].map(|partition| checkpoint(1, partition, 1, 1));
    store.commit(kept.into()).await.unwrap();
    let gone = vec!["a".to_owned()];
    store.forget(Uuid::from_u128(1), gone).await.unwrap();
    let left = store.checkpoints(Uuid::from_u128(1)).await.unwrap();
    assert_eq!(left, [checkpoint(1, "b", 1, 1)]);
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let directory = Directory::new();
    let store = RedbStore::open(directory.path()).unwrap();
    for number in 0..50 {
        store.put(mapping(number)).await.unwrap();
        store
            .commit(vec![
                checkpoint(number, "a", 1, 1),
                checkpoint(number, "b", 2, 1),
            ])
            .await
            .unwrap();
    }
    store.remove(Uuid::from_u128(7)).await.unwrap();
    for _ in 0..2 {
        let before = (
            store.load().await.unwrap(),
            store.checkpoints(Uuid::from_u128(8)).await,
        );
        assert_eq!(before.0.len(), 49);
        assert_eq!(before.0[8], mapping(9));
        assert_eq!(
            before.1.unwrap(),
            [checkpoint(8, "a", 1, 1), checkpoint(8, "b", 2, 1)]
        );
        assert_eq!(store.checkpoints(Uuid::from_u128(7)).await.unwrap(), []);
    }
    drop(store);
    let store = RedbStore::open(directory.path()).unwrap();
    let expected: Vec<_> = (0..50).filter(|n| *n != 7).map(mapping).collect();
    assert_eq!(store.load().await.unwrap(), expected);
    for number in (0..50).filter(|n| *n != 7) {
        assert_eq!(
            store.checkpoints(Uuid::from_u128(number)).await.unwrap(),
            [checkpoint(number, "a", 1, 1), checkpoint(number, "b", 2, 1)]
        );
    }
    assert_eq!(store.checkpoints(Uuid::from_u128(7)).await.unwrap(), []);
}

#[tokio::test]
async fn one_fenced_request_spoils_no_other_of_its_group() {
    let directory = Directory::new();
    let store = Arc::new(RedbStore::open(directory.path()).unwrap());
    store.commit(vec![checkpoint(1, "a", 1, 9)]).await.unwrap();
    let late = {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.commit(vec![checkpoint(1, "a", 2, 8)]).await })
    };
    let others: Vec<_> = (2..30)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(vec![checkpoint(number, "a", 2, 8)]).await })
        })
        .collect();
    assert!(matches!(late.await.unwrap(), Err(StoreError::Fenced(_))));
    for other in others {
        other.await.unwrap().unwrap();
    }
    for number in 2..30 {
        assert_eq!(
            store.checkpoints(Uuid::from_u128(number)).await.unwrap(),
            [checkpoint(number, "a", 2, 8)]
        );
    }
}

#[tokio::test]
async fn a_second_handle_is_refused_until_the_first_is_gone() {
    let directory = Directory::new();
    let first = RedbStore::open(directory.path()).unwrap();
    let error = RedbStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains(&directory.file().display().to_string()),
        "{text}"
    );
    assert!(text.contains("in use by another lambda-esm"), "{text}");
    first.put(mapping(1)).await.unwrap();
    drop(first);
    let second = RedbStore::open(directory.path()).unwrap();
    assert_eq!(second.load().await.unwrap(), [mapping(1)]);
}

/// Callers that gave up do not take their changes with them, and the file is free when the drop is
/// over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_in_the_middle_of_work_writes_what_waits() {
    let directory = Directory::new();
    for round in 0..5_u128 {
        let store = Arc::new(RedbStore::open(directory.path()).unwrap());
        let tasks: Vec<_> = (0..200)
            .map(|number| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.put(mapping(round * 1000 + number)).await })
            })
            .collect();
        let reader = {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.load().await })
        };
        drop(store);
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        reader.await.unwrap().unwrap();
        let kept = RedbStore::open(directory.path())
            .unwrap()
            .load()
            .await
            .unwrap();
        assert_eq!(kept.len() as u128, (round + 1) * 200);
    }
}

#[tokio::test]
async fn a_caller_that_gives_up_does_not_stop_the_store() {
    let directory = Directory::new();
    let store = RedbStore::open(directory.path()).unwrap();
    for number in 0..20 {
        // Elapses before the flush is over, or not: either is fine.
        drop(tokio::time::timeout(Duration::ZERO, store.put(mapping(number))).await);
    }
    store.put(mapping(99)).await.unwrap();
    drop(store);
    let store = RedbStore::open(directory.path()).unwrap();
    assert_eq!(store.load().await.unwrap().last(), Some(&mapping(99)));
}

#[cfg(unix)]
#[test]
fn directory_and_file_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let directory = Directory::new();
    drop(RedbStore::open(&directory.path().join("deeper")).unwrap());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory.path().join("deeper")), 0o700);
    assert_eq!(
        mode(&directory.path().join("deeper/lambda-esm.redb")),
        0o600
    );
    let names: Vec<_> = std::fs::read_dir(directory.path().join("deeper"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        names,
        ["lambda-esm.redb"],
        "one file, and nothing left over"
    );
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = Directory::new();
    std::fs::create_dir_all(directory.path()).unwrap();
    std::fs::write(directory.path().join("file"), "").unwrap();
    let error = RedbStore::open(&directory.path().join("file/state")).unwrap_err();
    assert!(matches!(error, StoreError::Io(_)), "{error:?}");
    assert!(error.to_string().contains("file/state"), "{error}");
}
