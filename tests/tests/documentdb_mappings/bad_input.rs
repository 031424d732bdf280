//! What keeps a change stream from being read is told within ten seconds, by code and in words, and disturbs no other
//! mapping; a server that is down at the start or in the middle is read as soon as it is up.

use std::net::TcpListener;

use lambda_esm_tests::scripted::fine;
use lambda_esm_tests::{until, until_within};
use mongodb::bson::{Document, doc};
use serde_json::{Value, json};
use tokio::time::Duration;

use super::stage::{cluster, daemon, database, request, secret};
use lambda_esm_tests::documentdb::SecantusDb;

const TOLD: Duration = Duration::from_secs(10);
const AT_ONCE: Duration = Duration::from_secs(2);

/// A port that nobody listens at; it was free a moment ago.
fn dead_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_keeps_a_change_stream_from_being_read_is_told_and_disturbs_nobody() {
    let Some(mut server) = SecantusDb::start(&[]).await else {
        return;
    };
    let dead = format!("mongodb://127.0.0.1:{}/?directConnection=true", dead_port());
    let clusters = [
        ("main", json!(server.url())),
        ("dead", json!(dead)),
        (
            "no-host",
            json!("mongodb://no-such-host.invalid/?directConnection=true"),
        ),
        ("tls", json!(format!("{}&tls=true", server.url()))),
    ];
    let functions = ["steady", "f0", "f1", "f2", "f3", "f4"];
    let functions = functions.map(|name| (name.to_owned(), fine()));
    let mut stage = daemon(&clusters, functions.into()).await;
    let database = database(&server).await;
    let collection = database.collection::<Document>("c");
    let steady = stage
        .post(&request(database.name(), "steady", &json!({})))
        .await;
    stage.until_state(steady, "Enabled").await;

    let authentication = "EVENT_SOURCE_AUTHN_ERROR";
    let usual = "User action";
    let wrong: [(Value, &str, &str); 5] = [
        (cluster("dead"), usual, "127.0.0.1"),
        (cluster("no-host"), usual, "no-such-host.invalid"),
        (cluster("tls"), usual, "127.0.0.1"),
        (secret("missing"), usual, "secret:missing"),
        (secret("wrong"), authentication, "user name and password"),
    ];
    let mut made = Vec::new();
    for (index, (members, code, word)) in wrong.into_iter().enumerate() {
        let request = request(database.name(), &format!("f{index}"), &members);
        made.push((stage.post(&request).await, code, word));
    }
    for (uuid, code, word) in made {
        let problem = until_within(TOLD, &format!("{code} with {word}"), async || {
            let status = stage.status(uuid).await;
            let problem = status["problem"].as_str()?.to_owned();
            let reason = stage.mapping(uuid).await["StateTransitionReason"].clone();
            println!("{reason}: {problem}");
            (problem.contains(word) && reason == code).then_some(problem)
        })
        .await;
        assert!(!problem.contains("not-the-password"), "{problem}");
    }
    let before = stage.functions.records("steady");
    collection.insert_one(doc! { "_id": 0 }).await.unwrap();
    until_within(AT_ONCE, "the steady mapping goes on", async || {
        (stage.functions.records("steady") > before).then_some(())
    })
    .await;

    server.kill().await;
    until_within(TOLD, "the server is said to be down", async || {
        let status = stage.status(steady).await;
        status["problem"].as_str().map(str::to_owned)
    })
    .await;
    server.restart(&[]).await;
    let before = stage.functions.records("steady");
    collection.insert_one(doc! { "_id": 1 }).await.unwrap();
    until("the steady mapping goes on", async || {
        (stage.functions.records("steady") > before).then_some(())
    })
    .await;
    stage.stop().await;
}
