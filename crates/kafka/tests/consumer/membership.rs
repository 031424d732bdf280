//! Joining, reading, committing, leaving.

use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_kafka::{GroupProtocol, KafkaOptions};
use rdkafka::mocking::MockCluster;

use crate::cluster::{Cluster, numbered};
use crate::worker::Worker;

/// What both protocols and both kinds of brokers must do.
async fn reads_all_once_and_goes_on_where_it_was(
    cluster: Cluster,
    topic: &str,
    options: KafkaOptions,
) {
    for partition in 0..3_i32 {
        let begin = usize::try_from(partition).unwrap() * 1000;
        cluster.produce(topic, partition, &numbered(begin..begin + 1000));
    }
    let start = StartingPosition::TrimHorizon;
    let mut first = Worker::new(cluster.join(topic, "group", start, options).await);
    first.owns(3).await;
    first.read_to(&cluster.ends(topic, 3)).await;
    assert_eq!(first.values(), numbered(0..3000).into_iter().collect());
    for (partition, read) in &first.read {
        let offsets: Vec<i64> = read.iter().map(|(offset, _)| *offset).collect();
        assert_eq!(offsets, (0..1000).collect::<Vec<i64>>(), "{partition}");
    }
    assert_eq!(cluster.committed("group", topic, 3), cluster.ends(topic, 3));
    first.consumer.leave().await;

    cluster.produce(topic, 1, &numbered(3000..3010));
    let mut second = Worker::new(cluster.join(topic, "group", start, options).await);
    second.owns(3).await;
    second.read_to(&cluster.ends(topic, 3)).await;
    assert_eq!(second.values(), numbered(3000..3010).into_iter().collect());
    second.consumer.leave().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_reads_all_once_and_the_next_goes_on_behind_it() {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic("topic", 3, 1).unwrap();
    let servers = mock.bootstrap_servers();
    reads_all_once_and_goes_on_where_it_was(Cluster { servers }, "topic", KafkaOptions::default())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_kafka_reads_all_once_and_the_next_goes_on_behind_it() {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    for protocol in [GroupProtocol::Classic, GroupProtocol::Consumer] {
        let topic = cluster.topic(3).await;
        let options = KafkaOptions::default().with_group_protocol(protocol);
        reads_all_once_and_goes_on_where_it_was(cluster.clone(), &topic, options).await;
    }
}
