//! A whole change stream: each change once and in order, of all kinds, over several collections.

use futures::future::join_all;
use lambda_esm_tests::scripted::fine;
use lambda_esm_tests::until_within;
use mongodb::bson::{Document, doc};
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::stage::{database, request, stage};
use lambda_esm_tests::documentdb::SecantusDb;

const COLLECTIONS: usize = 5;
/// Documents of each collection: each is inserted, updated, replaced and deleted.
const DOCUMENTS: i64 = 1_000;
const AT_A_TIME: usize = 250;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_change_of_five_collections_is_handled_once_and_in_order() {
    let Some(server) = SecantusDb::start(&[]).await else {
        return;
    };
    let mut stage = stage(&server, fine()).await;
    let database = database(&server).await;
    let batches = json!({ "BatchSize": 500 });
    let mapping = request(database.name(), "f", &batches);
    let uuid = stage.post(&mapping).await;
    stage.until_state(uuid, "Enabled").await;
    let begun = Instant::now();
    let writers = (0..COLLECTIONS).map(|number| {
        let collection = database.collection::<Document>(&format!("c{number}"));
        async move {
            let ids: Vec<i64> = (0..DOCUMENTS).collect();
            for ids in ids.chunks(AT_A_TIME) {
                let documents = ids.iter().map(|id| doc! { "_id": id, "text": "new" });
                collection.insert_many(documents).await.unwrap();
                let some = doc! { "_id": { "$in": ids } };
                let update = doc! { "$set": { "text": "changed" } };
                collection.update_many(some.clone(), update).await.unwrap();
                for id in ids.iter().step_by(10) {
                    let whole = doc! { "text": "replaced" };
                    collection
                        .replace_one(doc! { "_id": id }, whole)
                        .await
                        .unwrap();
                }
                collection.delete_many(some).await.unwrap();
            }
        }
    });
    join_all(writers).await;
    let expected = COLLECTIONS * usize::try_from(DOCUMENTS).unwrap() * 31 / 10;
    println!("{expected} changes written within {:?}", begun.elapsed());
    until_within(
        Duration::from_secs(300),
        "every change arrived",
        async || (stage.functions.records("f") >= expected).then_some(()),
    )
    .await;
    println!("and handled within {:?}", begun.elapsed());
    stage.stop().await;
    let calls = stage.functions.calls("f");
    let changes: Vec<_> = calls.iter().flat_map(|call| &call.records).collect();
    assert_eq!(changes.len(), expected, "with repeats");
    for number in 0..COLLECTIONS {
        let name = format!("c{number}");
        let own = changes.iter().map(|change| change.summary());
        let mut own = own.filter(|(_, collection, _)| *collection == name);
        let ids: Vec<i64> = (0..DOCUMENTS).collect();
        for ids in ids.chunks(AT_A_TIME) {
            let replaced: Vec<i64> = ids.iter().copied().step_by(10).collect();
            let steps = [
                ("insert", ids),
                ("update", ids),
                ("replace", &replaced),
                ("delete", ids),
            ];
            for (kind, ids) in steps {
                let seen: Vec<_> = own.by_ref().take(ids.len()).collect();
                let kinds = seen.iter().all(|(operation, ..)| operation == kind);
                assert!(kinds, "{name}: {kind} was expected, not {:?}", seen.first());
                assert!(seen.iter().map(|(.., id)| id).eq(ids), "{name}: {kind}");
            }
        }
    }
}
