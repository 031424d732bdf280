//! What a test can do with a topic.

use lambda_esm_tests::kafka::{Kafka, Record, TopicOptions};
use lambda_esm_tests::until;

use crate::attempt::read_one;

#[tokio::test]
async fn records_go_where_they_are_sent() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let topic = kafka.topic("sent", TopicOptions::partitions(2)).await;
    let record = Record::new("value")
        .key("key")
        .partition(1)
        .timestamp(1_700_000_000_000)
        .header("name", Some(b"text"))
        .header("none", None);
    let tombstone = Record::tombstone("key").partition(0);
    let nothing = Record::default().partition(1);
    let places = topic.produce([record, tombstone, nothing]).await;
    assert_eq!(places, [(1, 0), (0, 0), (1, 1)]);
    assert_eq!(topic.ends().await, [(0, 1), (1, 2)].into());

    topic.add_partitions(4).await;
    assert_eq!(topic.partitions().await, 4);
    topic.delete_records(1, 1).await;
    assert_eq!(topic.watermarks(1).await, (1, 2));
    topic.recreate().await;
    assert_eq!(topic.ends().await, [(0, 0), (1, 0)].into());
}

#[tokio::test]
async fn an_aborted_transaction_leaves_offsets_and_no_records() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let topic = kafka
        .topic("transactions", TopicOptions::partitions(1))
        .await;
    topic
        .transaction(vec![Record::new("a"), Record::new("b")], true)
        .await;
    topic.transaction(vec![Record::new("c")], false).await;
    topic.produce([Record::new("d")]).await;
    // After each transaction there is a marker.
    assert_eq!(topic.read(0).await, [0, 1, 5]);
    assert_eq!(topic.watermarks(0).await, (0, 6));
}

#[tokio::test]
async fn compaction_leaves_the_last_record_of_each_key() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let options = TopicOptions::partitions(1)
        .set("cleanup.policy", "compact")
        .set("segment.ms", 100)
        .set("min.cleanable.dirty.ratio", 0.01)
        .set("max.compaction.lag.ms", 100);
    let topic = kafka.topic("compacted", options).await;
    for n in 0..20 {
        topic
            .produce([Record::new(format!("{n}")).key("key")])
            .await;
    }
    // A segment is closed by the first record that comes too late for it, and only closed ones are compacted.
    until("the older records are gone", async || {
        topic.produce([Record::new("").key("other")]).await;
        (topic.read(0).await[0] == 19).then_some(())
    })
    .await;
    assert!(topic.watermarks(0).await.1 > 20);
}

#[tokio::test]
async fn a_group_commits_and_is_forgotten() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let topic = kafka.topic("committed", TopicOptions::partitions(2)).await;
    assert!(kafka.committed(topic.name(), &topic).await.is_empty());
    kafka.commit(topic.name(), &topic, &[(1, 5)]).await;
    assert_eq!(kafka.committed(topic.name(), &topic).await, [(1, 5)].into());
    assert_eq!(
        kafka.group(topic.name()).await,
        Some((0, "Empty".to_owned()))
    );
    kafka.delete_group(topic.name()).await;
    assert!(kafka.committed(topic.name(), &topic).await.is_empty());
}

#[tokio::test]
async fn a_group_reads_by_either_protocol() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let topic = kafka.topic("read", TopicOptions::partitions(1)).await;
    topic.produce([Record::new("here")]).await;
    for protocol in ["classic", "consumer"] {
        let mut config = kafka.config();
        config.set("group.protocol", protocol);
        let group = format!("{protocol}-{}", topic.name());
        let read = read_one(&config, &group, topic.name()).await;
        assert_eq!(read.unwrap(), b"here", "{protocol}");
    }
}
