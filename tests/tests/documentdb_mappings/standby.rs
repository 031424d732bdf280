//! Two daemons with the same mapping: one reads, the other says that it stands by, and takes over.

use lambda_esm_tests::scripted::fine;
use lambda_esm_tests::{until, until_within};
use mongodb::bson::{Document, doc};
use serde_json::json;
use tokio::time::Duration;

use super::stage::{database, request, stage};
use lambda_esm_tests::documentdb::SecantusDb;

const TOLD: Duration = Duration::from_secs(10);
/// The longest wait between two tries, and some.
const TAKEN_OVER: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_stands_by_says_so_and_takes_over_when_the_first_dies() {
    let Some(server) = SecantusDb::start(&[]).await else {
        return;
    };
    let mut first = stage(&server, fine()).await;
    let mut second = stage(&server, fine()).await;
    let database = database(&server).await;
    let collection = database.collection::<Document>("c");
    let mapping = request(database.name(), "f", &json!({}));
    let reading = first.post(&mapping).await;
    first.until_state(reading, "Enabled").await;
    let waiting = second.post(&mapping).await;
    let problem = until_within(TOLD, "the second daemon stands by", async || {
        let status = second.status(waiting).await;
        let problem = status["problem"].as_str()?.to_owned();
        problem.contains("stands by").then_some(problem)
    })
    .await;
    println!("{problem}");
    collection
        .insert_many((0..20).map(|id| doc! { "_id": id }))
        .await
        .unwrap();
    until("the first daemon has the changes", async || {
        (first.functions.records("f") >= 20).then_some(())
    })
    .await;
    assert_eq!(second.functions.records("f"), 0, "delivered twice");
    first.kill().await;
    collection.insert_one(doc! { "_id": 20 }).await.unwrap();
    until_within(TAKEN_OVER, "the second daemon takes over", async || {
        let calls = second.functions.calls("f");
        let mut changes = calls.iter().flat_map(|call| &call.records);
        changes.any(|change| change.summary().2 == 20).then_some(())
    })
    .await;
    second.until_state(waiting, "Enabled").await;
    second.stop().await;
}
