//! Records with which the function fails each time: how often they are tried, and where they end.

use futures::future::join_all;
use lambda_esm_tests::kafka::TopicOptions;
use lambda_esm_tests::streams::Office;
use serde_json::{Value, json};

use super::{map, times};
use crate::function::{Reply, Seen, answering};
use crate::stage::{Stage, provisioned};

const RECORDS: usize = 12;
const POISON: [usize; 2] = [3, 7];
const RETRIES: usize = 3;

/// Runs a topic for each delivery limit, and checks that each poison record is tried as often as `predicted` says.
async fn poison(policy: &str, predicted: impl Fn(usize) -> usize) {
    let Some(office) = Office::find() else { return };
    let script = || {
        answering(|records: &[Seen]| {
            let poison = records
                .iter()
                .any(|record| POISON.contains(&record.number()));
            if poison { Reply::Fails } else { Reply::done() }
        })
    };
    let limits = [2, 5, 10];
    let scripts = limits.map(|limit| (format!("limit-{limit}"), script()));
    let options = json!({ "share_group_retries": policy });
    let Some(stage) = Stage::start_with(scripts.into(), &options).await else {
        return;
    };
    let runs = limits.map(async |limit| {
        let kafka = &stage.kafka;
        let function = format!("limit-{limit}");
        let topic = kafka.topic(&function, TopicOptions::partitions(1)).await;
        let setting = format!("share.delivery.count.limit={limit}");
        let group = kafka.share_group(&[&setting]).await;
        topic.fill(0, RECORDS).await;
        let mailbox = office.queue().await;
        let members = provisioned(&json!({
            "BatchSize": 1,
            "MaximumRetryAttempts": RETRIES,
            "DestinationConfig": mailbox.config(),
        }));
        map(&stage, &topic, &group, &function, &members).await;
        mailbox.until(POISON.len()).await;
        kafka.until_shared_out(&group, &topic).await;
        let times = times(&stage.functions.calls(&function));
        for number in 0..RECORDS {
            let expected = if POISON.contains(&number) {
                predicted(limit)
            } else {
                1
            };
            assert_eq!(times[&number], expected, "{policy} {limit}: {number}");
        }
        let letters = mailbox.letters().await;
        assert_eq!(letters.len(), POISON.len(), "{policy} {limit}");
        for letter in letters {
            let body: Value = serde_json::from_str(&letter.body).unwrap();
            let condition = &body["requestContext"]["condition"];
            assert_eq!(condition, "RetryAttemptsExhausted", "{body}");
        }
    });
    join_all(runs).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_in_the_poller_are_made_with_each_delivery() {
    poison("in_poller", |limit| limit * (1 + RETRIES)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries_in_all_end_deliveries_before_the_groups_limit() {
    poison("total", |limit| limit.min(1 + RETRIES)).await;
}
