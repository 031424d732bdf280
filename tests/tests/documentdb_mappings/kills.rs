//! A daemon that is killed again and again in the middle of its batches goes on without a gap.

use lambda_esm_tests::scripted::{Reply, pending};
use lambda_esm_tests::until;
use mongodb::bson::{Document, doc};
use serde_json::json;
use tokio::time::{Duration, sleep};

use super::seen::Change;
use super::stage::{database, request, stage};
use lambda_esm_tests::documentdb::SecantusDb;

const KILLS: i64 = 20;
const BATCH: usize = 10;
/// Changes between two kills.
const CHANGES: i64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_leave_no_gap_and_repeat_a_batch_each_at_most() {
    let Some(server) = SecantusDb::start(&[]).await else {
        return;
    };
    let slow = pending(async |_: Vec<Change>| {
        sleep(Duration::from_millis(30)).await;
        Reply::done()
    });
    let mut random = fastrand::Rng::with_seed(7);
    let mut stage = stage(&server, slow).await;
    let database = database(&server).await;
    let collection = database.collection::<Document>("c");
    let one_by_one = json!({
        "BatchSize": BATCH,
        "DocumentDBEventSourceConfig": { "DatabaseName": database.name(), "CollectionName": "c" },
    });
    stage
        .post(&request(database.name(), "f", &one_by_one))
        .await;
    for kill in 0..KILLS {
        let before = stage.functions.records("f");
        let ids = kill * CHANGES..(kill + 1) * CHANGES;
        collection
            .insert_many(ids.map(|id| doc! { "_id": id }))
            .await
            .unwrap();
        until("the function is called", async || {
            (stage.functions.records("f") > before).then_some(())
        })
        .await;
        sleep(Duration::from_millis(random.u64(0..200))).await;
        stage.kill().await;
        stage.run().await;
    }
    let ids = || -> Vec<i64> {
        let calls = stage.functions.calls("f");
        let changes = calls.iter().flat_map(|call| &call.records);
        changes.map(|change| change.summary().2).collect()
    };
    let last = KILLS * CHANGES - 1;
    until("the last change arrived", async || {
        (ids().last() == Some(&last)).then_some(())
    })
    .await;
    let seen = ids();
    // Each change comes after the one before it, or a kill has thrown the stream back by a batch at most.
    let mut furthest = -1;
    for id in &seen {
        assert!(*id <= furthest + 1, "{id} came after {furthest}: a gap");
        furthest = furthest.max(*id);
    }
    let again = seen.len() - usize::try_from(KILLS * CHANGES).unwrap();
    let most = usize::try_from(KILLS).unwrap() * BATCH;
    println!("{again} changes again after {KILLS} kills, at most {most}");
    assert!(again <= most, "{again} changes again, more than {most}");
    stage.stop().await;
}
