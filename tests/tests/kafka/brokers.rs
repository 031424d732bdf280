//! Brokers that tests kill.

use lambda_esm_tests::kafka::{Cluster, Listener, Record, TopicOptions};
use lambda_esm_tests::until;
use rdkafka::ClientConfig;

use crate::attempt::reach;

#[tokio::test]
async fn a_broker_that_is_killed_and_started_again_has_its_records_and_offsets() {
    let Some(mut cluster) = Cluster::start(1).await else {
        return;
    };
    let kafka = cluster.kafka();
    let topic = kafka.topic("kept", TopicOptions::partitions(3)).await;
    topic.fill(0, 300).await;
    kafka.commit("readers", &topic, &[(0, 100), (2, 7)]).await;
    cluster.kill(0).await;
    cluster.restart(0).await;
    for partition in 0..3 {
        assert_eq!(topic.watermarks(partition).await, (0, 100));
    }
    assert_eq!(
        kafka.committed("readers", &topic).await,
        [(0, 100), (2, 7)].into()
    );
    cluster.terminate(0).await;
    cluster.restart(0).await;
    topic.produce([Record::new("more").partition(1)]).await;
    assert_eq!(topic.read(1).await.len(), 101);

    let mut config = ClientConfig::new();
    config
        .set(
            "bootstrap.servers",
            cluster.bootstrap(Listener::SaslPlaintext),
        )
        .set("security.protocol", "sasl_plaintext")
        .set("sasl.mechanism", "SCRAM-SHA-256")
        .set("sasl.username", "admin")
        .set("sasl.password", "admin-secret");
    reach(&config, None).await.unwrap();
}

#[tokio::test]
async fn three_brokers_lose_one_and_no_record() {
    let Some(mut cluster) = Cluster::start(3).await else {
        return;
    };
    let topic = cluster
        .kafka()
        .topic("held", TopicOptions::partitions(6))
        .await;
    topic.fill(0, 600).await;
    cluster.kill(1).await;
    topic.fill(600, 600).await;
    let mut found = 0;
    for partition in 0..6 {
        found += topic.read(partition).await.len();
    }
    assert_eq!(found, 1200);
    assert_eq!(topic.copies_in_sync().await, 2);
    cluster.restart(1).await;
    until("all copies are in sync", async || {
        (topic.copies_in_sync().await == 3).then_some(())
    })
    .await;
}
