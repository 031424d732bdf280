//! Files that an earlier format left behind.

#![expect(clippy::unwrap_used, reason = "a broken promise stops the test")]

mod support;

use lambda_esm_engine::store::{Store as _, StoreError, StoredCheckpoint, StoredMapping};
use lambda_esm_store::RedbStore;
use redb::{Database, TableDefinition};
use serde_json::json;
use support::{Directory, checkpoint, mapping as mapping_of_now};
use uuid::Uuid;

const MAPPING: u128 = 7;

/// Makes a file of format 1 with one mapping and one checkpoint, as that format wrote them.
fn make_format_1(directory: &Directory, checkpoint: &serde_json::Value) -> String {
    drop(RedbStore::open(directory.path()).unwrap());
    let mapping = json!({
        "uuid": Uuid::from_u128(MAPPING),
        "request": { "FunctionName": "f", "BatchSize": 7 },
        "created": 1,
        "last_modified": 2,
        "origin": null,
    });
    let database = Database::open(directory.file()).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(TableDefinition::<(), u64>::new("format"))
        .unwrap()
        .insert((), 1)
        .unwrap();
    write
        .open_table(TableDefinition::<u128, &[u8]>::new("mappings"))
        .unwrap()
        .insert(MAPPING, mapping.to_string().as_bytes())
        .unwrap();
    write
        .open_table(TableDefinition::<(u128, &str), &[u8]>::new("positions"))
        .unwrap()
        .insert((MAPPING, "shard-0"), checkpoint.to_string().as_bytes())
        .unwrap();
    write.commit().unwrap();
    mapping.to_string()
}

#[tokio::test]
async fn a_file_of_format_1_is_brought_up_to_date_once() {
    let directory = Directory::new();
    let mapping = make_format_1(
        &directory,
        &json!({
            "mapping": Uuid::from_u128(MAPPING),
            "partition": "shard-0",
            "position": r#"{"place":{"after":"4959"}}"#,
            "source_identity": "created 5",
            "fence": 3,
        }),
    );
    for _ in 0..2 {
        let later = mapping_of_now(8);
        let store = RedbStore::open(directory.path()).unwrap();
        let uuid = Uuid::from_u128(MAPPING);
        let kept = StoredMapping::new(uuid, mapping.clone());
        assert_eq!(store.load().await.unwrap(), [kept]);
        let record =
            r#"{"position":"{\"place\":{\"after\":\"4959\"}}","source_identity":"created 5"}"#;
        let kept = StoredCheckpoint::new(uuid, "shard-0", record, 3);
        assert_eq!(store.checkpoints(uuid).await.unwrap(), [kept]);
        let stale = store
            .commit(vec![checkpoint(MAPPING, "shard-0", 1, 2)])
            .await;
        assert_eq!(stale, Err(StoreError::Fenced("shard-0".to_owned())));
        store.put(later.clone()).await.unwrap();
        store.remove(later.uuid).await.unwrap();
    }
}

#[test]
fn a_file_of_format_1_that_cannot_be_read_is_refused_and_left_alone() {
    let directory = Directory::new();
    make_format_1(&directory, &json!({ "fence": 3 }));
    let before = std::fs::read(directory.file()).unwrap();
    let error = RedbStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
    assert!(std::fs::read(directory.file()).unwrap() == before);
}
