//! Functions that take longer than the lock of a record lasts.

use std::time::Duration;

use lambda_esm_tests::kafka::{Topic, TopicOptions};
use lambda_esm_tests::until;
use serde_json::json;
use tokio::time::sleep;
use uuid::Uuid;

use super::map;
use crate::function::{Reply, pending};
use crate::stage::Stage;

/// Three times the lock.
const RUN: Duration = Duration::from_secs(30);
const LOCK: &str = "share.record.lock.duration.ms=10000";

/// Begins a mapping of one record with a function that takes so long, and returns what it is about.
async fn slow(settings: &[&str]) -> Option<(Stage, Topic, String, Uuid)> {
    let slow = pending(async |_| {
        sleep(RUN).await;
        Reply::done()
    });
    let stage = Stage::start([("slow", slow)]).await?;
    let kafka = &stage.kafka;
    let topic = kafka.topic("slow", TopicOptions::partitions(1)).await;
    let group = kafka.share_group(settings).await;
    topic.fill(0, 1).await;
    let uuid = map(&stage, &topic, &group, "slow", &json!({})).await;
    Some((stage, topic, group, uuid))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_renewed_while_the_function_runs() {
    let Some((stage, topic, group, _)) = slow(&[LOCK]).await else {
        return;
    };
    stage.until_records("slow", 1).await;
    stage.kafka.until_shared_out(&group, &topic).await;
    assert_eq!(stage.functions.records("slow"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_locks_cannot_be_renewed_the_broker_delivers_again_and_that_is_told() {
    let settings = [LOCK, "share.renew.acknowledge.enable=false"];
    let Some((stage, _, _, uuid)) = slow(&settings).await else {
        return;
    };
    stage.until_records("slow", 2).await;
    until("it is told that the lock was lost", async || {
        let path = format!("/mappings/{uuid}/events");
        let (_, told) = stage.ask(http::Method::GET, &path, &json!(null)).await;
        told.to_string().contains("lost").then_some(())
    })
    .await;
}
