//! Functions that take longer than the lock of a record lasts.

use std::time::Duration;

use http::Method;
use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::until_within;
use serde_json::json;
use tokio::join;
use tokio::time::{Instant, sleep};

use super::map;
use crate::function::{Reply, Script, pending};
use crate::stage::Stage;

/// The default of brokers.
const LOCK: Duration = Duration::from_secs(30);
/// Three times the lock.
const RUN: Duration = Duration::from_secs(90);
/// How late anything may be noticed.
const LATE: Duration = Duration::from_secs(10);

fn slow() -> Script {
    pending(async |_| {
        sleep(RUN).await;
        Reply::done()
    })
}

/// Both at a time, since they take so long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_of_three_locks_has_its_record_once_if_they_are_renewed_and_else_again() {
    let Some(stage) = Stage::start([("renewed", slow()), ("lapsing", slow())]).await else {
        return;
    };
    join!(
        once_where_locks_are_renewed(&stage),
        again_where_they_are_not(&stage)
    );
}

async fn once_where_locks_are_renewed(stage: &Stage) {
    let kafka = &stage.kafka;
    let topic = kafka.topic("renewed", TopicOptions::partitions(1)).await;
    let group = kafka.share_group(&[]).await;
    topic.fill(0, 1).await;
    let uuid = map(stage, &topic, &group, "renewed", &json!({})).await;
    stage.until_records("renewed", 1).await;
    let begun = Instant::now();
    until_within(RUN + LATE, "it is done", async || {
        let status = stage.status(uuid).await;
        (status["counts"]["DeletedEventCount"] == 1).then_some(())
    })
    .await;
    assert!(begun.elapsed() > RUN - LATE, "{:?}", begun.elapsed());
    // The broker is asked by a tool of Kafka's own, which takes its time to begin.
    kafka.until_shared_out(&group, &topic).await;
    assert_eq!(stage.functions.records("renewed"), 1);
}

async fn again_where_they_are_not(stage: &Stage) {
    let kafka = &stage.kafka;
    let topic = kafka.topic("lapsing", TopicOptions::partitions(1)).await;
    let group = kafka
        .share_group(&["share.renew.acknowledge.enable=false"])
        .await;
    topic.fill(0, 1).await;
    let uuid = map(stage, &topic, &group, "lapsing", &json!({})).await;
    stage.until_records("lapsing", 1).await;
    let begun = Instant::now();
    until_within(LOCK + LATE, "the broker delivers it again", async || {
        (stage.functions.records("lapsing") == 2).then_some(())
    })
    .await;
    assert!(begun.elapsed() > LOCK - LATE, "{:?}", begun.elapsed());
    // Which is noticed when the first run ends.
    let rest = (RUN + LATE).saturating_sub(begun.elapsed());
    until_within(rest, "it is told that the lock was lost", async || {
        let path = format!("/mappings/{uuid}/events");
        let (_, told) = stage.ask(Method::GET, &path, &json!(null)).await;
        told.to_string().contains("locks_lost").then_some(())
    })
    .await;
}
