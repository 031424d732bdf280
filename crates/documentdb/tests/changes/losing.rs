//! Errors of the server in the middle: those that pass, and history that is lost.

use lambda_esm_core::decision::Decision;
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
    assert!(run.engine.status()[0].activity.halted.is_none());
    run.engine.shutdown().await;
}

/// Waits until a mapping has ended with what is lost.
async fn halted(run: &Run) -> String {
    let status = run.status(|status| told(run) && status.activity.halted.is_some());
    status.await.activity.halted.unwrap()
}

fn told(run: &Run) -> bool {
    let uuid = run.engine.status()[0].uuid;
    let recent = run.engine.recent(uuid).unwrap();
    recent
        .iter()
        .any(|event| matches!(event.decision, Decision::HistoryLost { .. }))
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
    let text = halted(&run).await;
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
    halted(&run).await;
    // As the mapping is disabled then.
    run.engine.shutdown().await;
    let run = stage.engine();
    run.engine.start(Vec::new()).await.unwrap();
    run.changes(100).await;
    stage.insert(1_000..1_001).await;
    let last = run
        .status(|status| status.activity.gathering == 0 && status.activity.running == 0)
        .await;
    assert_eq!(last.activity.halted, None);
    let found = ids(&run.changes(150).await);
    let first = found[0];
    assert!(first > 700, "the oldest that is there: {first}");
    let all: Vec<i64> = (first..=found[found.len() - 1]).collect();
    assert_eq!(found, all);
    run.engine.shutdown().await;
}
