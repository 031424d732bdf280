//! A record that makes its batches fail, among others that do not.

use lambda_esm_tests::kafka::{Record, TopicOptions};
use lambda_esm_tests::streams::Office;
use serde_json::{Value, json};

use super::function::{Reply, Seen, answering, numbers};
use super::stage::{Stage, provisioned};

const RECORDS: usize = 64;
const POISON: usize = 37;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_split_until_the_failing_record_is_alone() {
    let Some(office) = Office::find() else { return };
    let script = answering(|records: &[Seen]| {
        let is_poison = records.iter().any(|record| record.number() == POISON);
        if is_poison {
            Reply::Fails
        } else {
            Reply::done()
        }
    });
    let Some(stage) = Stage::start([("poison", script)]).await else {
        return;
    };
    let topic = stage
        .kafka
        .topic("poison", TopicOptions::partitions(1))
        .await;
    topic
        .produce((0..RECORDS).map(|n| Record::new(format!("{{\"n\":{n}}}"))))
        .await;
    let mailbox = office.queue().await;
    let members = provisioned(&json!({
        "BatchSize": RECORDS,
        "BisectBatchOnFunctionError": true,
        "MaximumRetryAttempts": 1,
        "DestinationConfig": mailbox.config(),
    }));
    let uuid = stage.map(&topic, "poison", &members).await;
    let letters = mailbox.until(1).await;
    stage.until_committed(uuid, &topic).await;
    let calls = stage.functions.calls("poison");
    let good: Vec<usize> = calls
        .iter()
        .map(numbers)
        .filter(|batch| !batch.contains(&POISON))
        .flatten()
        .collect();
    let expected: Vec<usize> = (0..RECORDS).filter(|n| *n != POISON).collect();
    assert_eq!(good, expected, "each good record once and in order");
    let failed: Vec<usize> = calls
        .iter()
        .filter(|call| numbers(call).contains(&POISON))
        .map(|call| call.records.len())
        .collect();
    assert_eq!(failed, [64, 32, 16, 8, 4, 2, 1, 1]);
    let body: Value = serde_json::from_str(&letters[0].body).unwrap();
    let info = &body["KafkaBatchInfo"];
    assert_eq!(info["batchSize"], 1, "{body}");
    let part = &info["recordsInfo"][format!("{}-0", topic.name())];
    assert_eq!(part["firstRecordOffset"], POISON.to_string(), "{body}");
    assert_eq!(part["lastRecordOffset"], POISON.to_string(), "{body}");
    assert_eq!(
        body["requestContext"]["condition"],
        "RetryAttemptsExhausted"
    );
    assert_eq!(mailbox.letters().await.len(), 1);
}
