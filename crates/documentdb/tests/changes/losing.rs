//! Errors of the server in the middle: those that pass, and history that is lost.

use lambda_esm_core::lifecycle::State;
use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::server::Server;
use crate::stage::{Run, Stage, ids};

#[tokio::test]
async fn errors_that_pass_lose_and_repeat_nothing() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let stage = Stage::on(&server).await;
    let run = stage.run(&json!({})).await;
    stage.insert(0..1).await;
    run.changes(1).await;
    let labelled =
        |code: i32| doc! {"errorCode": code, "errorLabels": ["ResumableChangeStreamError"]};
    let faults = [
        doc! {"errorCode": 43},
        labelled(11_600),
        // One that passes by its label alone.
        labelled(999),
        doc! {"errorCode": 10_107},
        doc! {"errorCode": 6},
        doc! {"closeConnection": true},
    ];
    let mut next = 1;
    for command in ["getMore", "aggregate"] {
        for fault in &faults {
            server.fail(command, 1, fault.clone()).await;
            if command == "aggregate" {
                // So that the stream is begun anew.
                server.fail("getMore", 1, doc! {"errorCode": 43}).await;
            }
            stage.insert(next..next + 10).await;
            next += 10;
            let number = usize::try_from(next).unwrap();
            let changes = run.changes(number).await;
            let all: Vec<i64> = (0..i64::from(next)).collect();
            assert_eq!(ids(&changes), all, "{command} with {fault}");
        }
    }
    assert_eq!(run.engine.status()[0].state, State::Enabled);
    run.engine.shutdown().await;
}

/// Waits until a mapping has been disabled for what is lost, and returns the reason that it shows.
async fn disabled(run: &Run) -> String {
    run.status(|status| status.state == State::Disabled).await;
    run.engine.list().remove(0).state_transition_reason
}

async fn ends(how: Document) {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let stage = Stage::on(&server).await;
    let run = stage.run(&json!({})).await;
    stage.insert(0..1).await;
    run.changes(1).await;
    server.fail("getMore", 1, how.clone()).await;
    let text = disabled(&run).await;
    assert!(text.contains("no longer has the changes"), "{text}");
    assert!(text.contains("enable the mapping again"), "{text}");
    stage.insert(1..2).await;
    run.engine.shutdown().await;
    assert_eq!(
        run.changes(1).await.len(),
        1,
        "with {how} nothing more is read"
    );
}

#[tokio::test]
async fn lost_history_ends_the_mapping() {
    ends(doc! {"errorCode": 286}).await;
}

#[tokio::test]
async fn lost_history_ends_the_mapping_though_the_server_labels_it_as_passing() {
    ends(doc! {"errorCode": 286, "errorLabels": ["ResumableChangeStreamError"]}).await;
}

#[tokio::test]
async fn a_lost_position_of_a_capped_log_ends_the_mapping() {
    ends(doc! {"errorCode": 136}).await;
}

#[tokio::test]
async fn a_token_that_the_server_has_forgotten_ends_the_mapping_and_begun_again_it_reads_the_oldest()
 {
    let options = ["--oplog-max-entries", "200"];
    let Some(server) = Server::start(&options).await else {
        return;
    };
    let stage = Stage::on(&server).await;
    let run = stage.run(&json!({})).await;
    stage.insert(0..1).await;
    run.changes(1).await;
    run.engine.shutdown().await;
    let documents = (1..1_000).map(|number| doc! {"_id": number});
    stage.collection().insert_many(documents).await.unwrap();
    let prune = doc! {"secantusAdmin.pruneOplog": 1};
    stage
        .client
        .database("admin")
        .run_command(prune)
        .await
        .unwrap();

    let run = stage.engine();
    run.engine.start(Vec::new()).await.unwrap();
    disabled(&run).await;
    let enable = serde_json::from_value(json!({"Enabled": true})).unwrap();
    let uuid = run.engine.status()[0].uuid;
    run.engine.update(uuid, enable).await.unwrap();
    run.enabled().await;
    stage.insert(1_000..1_001).await;
    // The first is the oldest that is there, the last that of now.
    let found = run
        .until(|changes| ids(changes).last() == Some(&1_000))
        .await;
    let found = ids(&found);
    let first = found[0];
    assert!(first > 700, "the oldest that is there: {first}");
    assert_eq!(found, (first..=1_000).collect::<Vec<_>>());
    run.engine.shutdown().await;
}
