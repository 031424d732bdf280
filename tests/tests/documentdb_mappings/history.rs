//! History that the server has dropped: the mapping is disabled, says so, stays so, and goes on when it is told to.

use http::Method;
use lambda_esm_tests::scripted::fine;
use lambda_esm_tests::until;
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};

use super::stage::{database, request, stage};
use lambda_esm_tests::documentdb::SecantusDb;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mapping_whose_history_is_lost_is_disabled_with_the_reason_until_it_is_enabled() {
    let Some(server) = SecantusDb::start(&["--oplog-max-entries", "50"]).await else {
        return;
    };
    let mut stage = stage(&server, fine()).await;
    let database = database(&server).await;
    let collection = database.collection::<Document>("c");
    let uuid = stage.post(&request(database.name(), "f", &json!({}))).await;
    collection.insert_one(doc! { "_id": 0 }).await.unwrap();
    until("the first change arrived", async || {
        (stage.functions.records("f") >= 1).then_some(())
    })
    .await;
    stage.stop().await;
    let got = stage.functions.records("f");

    // What is written meanwhile is more than the server keeps.
    collection
        .insert_many((1..200).map(|id| doc! { "_id": id }))
        .await
        .unwrap();
    server.prune().await;
    stage.run().await;
    stage.until_state(uuid, "Disabled").await;
    let reason = stage.mapping(uuid).await["StateTransitionReason"].clone();
    let reason = reason.as_str().unwrap().to_owned();
    assert!(reason.contains("enable the mapping again"), "{reason}");
    let shown = stage.status(uuid).await;
    assert!(
        shown.to_string().contains("no longer has the changes"),
        "{shown}"
    );
    stage.stop().await;
    stage.run().await;
    stage.until_state(uuid, "Disabled").await;
    assert_eq!(
        stage.functions.records("f"),
        got,
        "nothing is read in silence"
    );

    stage.update(uuid, &json!({ "Enabled": true })).await;
    stage.until_state(uuid, "Enabled").await;
    assert_eq!(
        stage.mapping(uuid).await["StateTransitionReason"],
        "User action"
    );
    collection.insert_one(doc! { "_id": 200 }).await.unwrap();
    until("the newest change arrives", async || {
        let calls = stage.functions.calls("f");
        let mut changes = calls.iter().flat_map(|call| &call.records);
        changes
            .any(|change| change.summary().2 == 200)
            .then_some(())
    })
    .await;
    let (status, events) = stage
        .ask(
            Method::GET,
            &format!("/mappings/{uuid}/events"),
            &Value::Null,
        )
        .await;
    assert_eq!(status, 200, "{events}");
    stage.stop().await;
}
