//! Members come and go under load, and nothing is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_kafka::{GroupProtocol, KafkaOptions};
use tokio::time::{Instant, timeout};

use crate::cluster::{Cluster, PATIENCE, numbered};
use crate::worker::Worker;

const PARTITIONS: i32 = 6;
/// How many lives each of three members has.
const LIVES: usize = 4;

/// What one member has read: partition and offset of each record, as often as it came.
type Seen = Vec<(i32, i64)>;

/// Is a member some times, ends in turn by leaving and by being dropped, and returns what it has read.
async fn live(cluster: Cluster, topic: String, options: KafkaOptions, number: usize) -> Seen {
    let mut seen = Seen::new();
    for life in 0..LIVES {
        let oldest = StartingPosition::TrimHorizon;
        let consumer = cluster.join(&topic, &topic, oldest, options).await;
        let mut worker = Worker::new(consumer);
        let end = Instant::now() + Duration::from_millis(2000 + 700 * number as u64);
        while Instant::now() < end {
            worker.catch_up().await;
            worker.round(Duration::from_millis(5)).await;
            // What is refused is committed next time, or comes again.
            worker.commit().await.ok();
        }
        if (life + number).is_multiple_of(2) {
            worker.consumer.leave().await;
        }
        for (partition, read) in &worker.read {
            seen.extend(read.iter().map(|(offset, _)| (*partition, *offset)));
        }
    }
    seen
}

async fn loses_nothing(protocol: GroupProtocol) {
    let Some(cluster) = Cluster::real() else {
        return;
    };
    let topic = cluster.topic(PARTITIONS).await;
    let options = KafkaOptions::default().with_group_protocol(protocol);
    let members = (0..3).map(|number| {
        let member = live(cluster.clone(), topic.clone(), options, number);
        tokio::spawn(member)
    });
    let members: Vec<_> = members.collect();
    for begin in (0..3000).step_by(100) {
        for partition in 0..PARTITIONS {
            cluster.produce(&topic, partition, &numbered(begin..begin + 100));
        }
    }
    let mut seen = Seen::new();
    for member in members {
        seen.extend(timeout(2 * PATIENCE, member).await.unwrap().unwrap());
    }
    let oldest = StartingPosition::TrimHorizon;
    let consumer = cluster.join(&topic, &topic, oldest, options).await;
    let mut last = Worker::new(consumer);
    last.owns(PARTITIONS.unsigned_abs() as usize).await;
    let ends = cluster.ends(&topic, PARTITIONS);
    last.read_to(&ends).await;
    assert_eq!(cluster.committed(&topic, &topic, PARTITIONS), ends);
    for (partition, read) in &last.read {
        seen.extend(read.iter().map(|(offset, _)| (*partition, *offset)));
    }
    let all =
        (0..PARTITIONS).flat_map(|partition| (0..3000).map(move |offset| (partition, offset)));
    let each: BTreeSet<(i32, i64)> = seen.iter().copied().collect();
    assert_eq!(each, all.collect());
    println!("{protocol:?}: {} came again", seen.len() - each.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_and_go_lose_nothing_by_the_classic_protocol() {
    loses_nothing(GroupProtocol::Classic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_that_come_and_go_lose_nothing_by_the_consumer_protocol() {
    loses_nothing(GroupProtocol::Consumer).await;
}
