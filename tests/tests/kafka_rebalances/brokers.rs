//! Brokers that go away under load, and come back.

use std::time::Duration;

use lambda_esm_tests::kafka::{Cluster, Kafka};
use lambda_esm_tests::until_within;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep};

use crate::scene::Scene;

/// Within this time all partitions are read again, after the broker is back or another has taken its place.
const GOES_ON: Duration = Duration::from_secs(30);
/// No partition stands still for longer, also while its broker is away.
const PAUSE: Duration = Duration::from_secs(60);
/// How long things are as they should be before the next fault.
const QUIET: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_restarts_and_one_that_is_killed_lose_nothing() {
    let Some(mut cluster) = Cluster::start(1).await else {
        return;
    };
    let scene = Scene::begin(&cluster.kafka(), "restarts", 2, "classic", "eager").await;
    sleep(QUIET).await;
    cluster.terminate(0).await;
    cluster.restart(0).await;
    goes_on(&scene).await;
    sleep(QUIET).await;
    cluster.kill(0).await;
    cluster.restart(0).await;
    goes_on(&scene).await;
    scene.end(PAUSE).await;
}

/// The group has to find another coordinator, and a third of the partitions have another leader.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loss_of_the_coordinator_among_three_brokers_loses_nothing() {
    let Some(mut cluster) = Cluster::start(3).await else {
        return;
    };
    let kafka = cluster.kafka();
    let scene = Scene::begin(&kafka, "lost", 2, "classic", "eager").await;
    sleep(QUIET).await;
    let node = coordinator(&kafka, scene.group()).await;
    cluster.kill(node).await;
    goes_on(&scene).await;
    cluster.restart(node).await;
    goes_on(&scene).await;
    scene.end(PAUSE).await;
}

/// Waits until each partition is read again.
async fn goes_on(scene: &Scene) {
    let since = Instant::now();
    until_within(GOES_ON, "all partitions are read again", async || {
        scene.has_read_all(since).then_some(())
    })
    .await;
    println!("all partitions are read again after {:?}", since.elapsed());
}

/// Returns the node that coordinates a group: the leader of the partition in which its offsets are kept, which Kafka
/// chooses by Java's hash of the group's name.
async fn coordinator(kafka: &Kafka, group: &str) -> usize {
    let hash = group.bytes().fold(0_i32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(i32::from(byte))
    });
    let config = kafka.config();
    let leader = spawn_blocking(move || {
        let consumer: BaseConsumer = config.create().unwrap();
        let metadata = consumer.fetch_metadata(Some("__consumer_offsets"), GOES_ON);
        let metadata = metadata.unwrap();
        let partitions = metadata.topics()[0].partitions();
        let kept = (hash & i32::MAX) % i32::try_from(partitions.len()).unwrap();
        let kept = partitions.iter().find(|partition| partition.id() == kept);
        kept.unwrap().leader()
    })
    .await
    .unwrap();
    // The first node is broker 1.
    usize::try_from(leader - 1).unwrap()
}
