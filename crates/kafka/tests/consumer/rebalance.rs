//! One test for each rule of rebalances.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::ports::{
    GroupEvent, OwnedPartition, PartitionOffset, TopicConsumer, TopicFetch,
};
use lambda_esm_kafka::{ClientSettings, KafkaOptions};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::timeout;

use crate::cluster::{Cluster, PATIENCE, numbered};
use crate::worker::Worker;

const TOPIC: &str = "topic";
const GROUP: &str = "group";
const OLDEST: StartingPosition = StartingPosition::TrimHorizon;

/// How often a story begins that needs a machine that is fast enough.
const TRIES: usize = 5;

type Mock = MockCluster<'static, DefaultProducerContext>;

/// Returns a cluster with a topic of so many partitions, of 100 records each.
fn cluster(partitions: i32) -> (Mock, Cluster) {
    let mock = MockCluster::new(1).unwrap();
    mock.create_topic(TOPIC, partitions, 1).unwrap();
    let servers = mock.bootstrap_servers();
    let cluster = Cluster { servers };
    for partition in 0..partitions {
        cluster.produce(TOPIC, partition, &numbered(0..100));
    }
    (mock, cluster)
}

async fn joined(cluster: &Cluster) -> Worker {
    joined_with(cluster, KafkaOptions::default()).await
}

async fn joined_with(cluster: &Cluster, options: KafkaOptions) -> Worker {
    Worker::new(cluster.join(TOPIC, GROUP, OLDEST, options).await)
}

/// Returns the next event of a member without doing anything about it.
async fn event(worker: &Worker) -> GroupEvent {
    timeout(PATIENCE, worker.consumer.next_event())
        .await
        .unwrap()
}

/// Reads all that there is.
async fn read_all(worker: &mut Worker, each: i64) {
    let ends: BTreeMap<i32, i64> = worker.owned.keys().map(|one| (*one, each)).collect();
    let reads = async {
        while worker.positions != ends {
            worker.round(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, reads).await.unwrap();
}

fn offsets(partitions: &[OwnedPartition], offset: i64) -> Vec<PartitionOffset> {
    let partitions = partitions.iter();
    partitions
        .map(|owned| PartitionOffset {
            owned: *owned,
            offset,
        })
        .collect()
}

/// Returns the partitions that are asked for.
async fn asked(worker: &Worker) -> Vec<OwnedPartition> {
    match event(worker).await {
        GroupEvent::Revoking(asked) => asked,
        other => panic!("{other:?}"),
    }
}

async fn kind_of_fetch(consumer: &dyn TopicConsumer, owned: OwnedPartition) -> SourceErrorKind {
    let fetch = TopicFetch::new(owned, 10, 1000);
    consumer.fetch(fetch).await.unwrap_err().kind
}

/// Returns two members, of which the first has read all of four partitions and is asked for two; nobody else has them meanwhile.
///
/// A mock coordinator has no answer for a member that is so slow to synchronize that the others have begun, where a real one
/// tells it what it was assigned: such a member joins anew, and commits are refused until the first does so, too. Then
/// it is another story that would be told, and this one begins again.
async fn shared() -> (Mock, Worker, Worker, Vec<OwnedPartition>) {
    for _ in 0..TRIES {
        let (mock, cluster) = cluster(4);
        let mut first = joined(&cluster).await;
        first.owns(4).await;
        read_all(&mut first, 100).await;
        let second = joined(&cluster).await;
        let asked = asked(&first).await;
        // The first one waits for its function.
        let early = timeout(Duration::from_millis(500), second.consumer.next_event());
        if let Ok(event) = early.await {
            assert_eq!(event, GroupEvent::Assigned(Vec::new()));
            return (mock, first, second, asked);
        }
        println!("the second member was too slow");
    }
    panic!("the second member was too slow {TRIES} times")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_is_committed_before_a_partition_goes_to_another_member() {
    let (_mock, first, mut second, asked) = shared().await;
    assert_eq!(asked.len(), 2);
    let settled = offsets(&asked, 60);
    first.consumer.let_go(asked.clone(), settled).await.unwrap();
    assert_eq!(
        kind_of_fetch(&*first.consumer, asked[0]).await,
        SourceErrorKind::Expired
    );

    second.owns(2).await;
    for event in &second.events {
        let GroupEvent::Assigned(assigned) = event else {
            panic!("{event:?}")
        };
        for assignment in assigned {
            assert_eq!(assignment.committed, Some(60));
        }
    }
    read_all(&mut second, 100).await;
    for read in second.read.values() {
        assert_eq!(read[0].0, 60);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_let_go_of_in_time_is_lost_and_the_group_goes_on() {
    let (_mock, cluster) = cluster(4);
    let options = KafkaOptions::default().with_revoke_bound(Duration::from_millis(300));
    let mut first = joined_with(&cluster, options).await;
    first.owns(4).await;
    let mut second = joined(&cluster).await;

    let asked = asked(&first).await;
    assert_eq!(event(&first).await, GroupEvent::Lost(asked.clone()));
    let late = first
        .consumer
        .let_go(asked.clone(), offsets(&asked, 60))
        .await;
    assert_eq!(late.unwrap_err().kind, SourceErrorKind::Expired);
    let late = first.consumer.commit(offsets(&asked, 60)).await;
    assert_eq!(late.unwrap_err().kind, SourceErrorKind::Expired);
    second.owns(2).await;
    assert_eq!(cluster.committed(GROUP, TOPIC, 4), BTreeMap::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_committed_between_the_start_of_a_rebalance_and_its_assignment() {
    let (_mock, cluster) = cluster(4);
    let mut first = joined(&cluster).await;
    first.owns(4).await;
    let mut second = joined(&cluster).await;

    let asked = asked(&first).await;
    let kept = first.owned.keys().map(|partition| first.owned(*partition));
    let kept = kept.filter(|owned| !asked.contains(owned));
    let kept: Vec<OwnedPartition> = kept.collect();
    let refused = first.consumer.commit(offsets(&kept, 10)).await.unwrap_err();
    assert_eq!(refused.kind, SourceErrorKind::Throttled);
    first
        .consumer
        .let_go(asked.clone(), Vec::new())
        .await
        .unwrap();

    second.owns(2).await;
    // The rebalance is over: the assignment brought nothing new, and what was refused is committed.
    assert_eq!(event(&first).await, GroupEvent::Assigned(Vec::new()));
    let commits = async {
        while let Err(error) = first.consumer.commit(offsets(&kept, 10)).await {
            assert_eq!(error.kind, SourceErrorKind::Throttled);
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, commits).await.unwrap();
    let committed = kept.iter().map(|owned| (owned.partition, 10));
    assert_eq!(cluster.committed(GROUP, TOPIC, 4), committed.collect());
    for owned in kept {
        let fetch = TopicFetch::new(owned, 10, 1000).with_wait(PATIENCE);
        let page = first.consumer.fetch(fetch).await.unwrap();
        assert_eq!(
            page.records.len(),
            10,
            "what stays is read on under its epoch"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_refused_for_a_rebalance_is_tried_again_and_ends_nothing() {
    let (mock, cluster) = cluster(1);
    let mut worker = joined(&cluster).await;
    worker.owns(1).await;
    read_all(&mut worker, 100).await;
    let errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS];
    mock.request_errors(RDKafkaApiKey::OffsetCommit, &errors);
    assert_eq!(worker.commit().await, Err(SourceErrorKind::Throttled));
    let commits = async {
        while let Err(kind) = worker.commit().await {
            assert_eq!(kind, SourceErrorKind::Throttled);
        }
    };
    timeout(PATIENCE, commits).await.unwrap();
    assert_eq!(
        cluster.committed(GROUP, TOPIC, 1),
        BTreeMap::from([(0, 100)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_that_is_lost_is_not_committed_and_comes_again_under_a_new_epoch() {
    let (mock, cluster) = cluster(1);
    let mut worker = joined(&cluster).await;
    worker.owns(1).await;
    let old = worker.owned(0);
    read_all(&mut worker, 100).await;
    let errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION];
    mock.request_errors(RDKafkaApiKey::OffsetCommit, &errors);
    assert_eq!(worker.commit().await, Err(SourceErrorKind::Throttled));
    assert_eq!(worker.event().await, GroupEvent::Lost(vec![old]));
    let late = worker.consumer.commit(offsets(&[old], 100)).await;
    assert_eq!(late.unwrap_err().kind, SourceErrorKind::Expired);
    worker.owns(1).await;
    assert!(worker.owned(0).epoch > old.epoch);
    assert_eq!(
        kind_of_fetch(&*worker.consumer, old).await,
        SourceErrorKind::Expired
    );
    worker.read.clear();
    read_all(&mut worker, 100).await;
    assert_eq!(
        worker.read[&0].len(),
        100,
        "what was not committed comes again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_takes_longer_than_the_poll_interval_keeps_its_partitions() {
    let (_mock, cluster) = cluster(1);
    let mut settings = ClientSettings::new(&cluster.servers, "plaintext");
    settings.set("max.poll.interval.ms", "6000");
    let options = KafkaOptions::default();
    let consumer = cluster
        .join_with(settings, TOPIC, GROUP, OLDEST, options)
        .await;
    let mut worker = Worker::new(consumer);
    worker.owns(1).await;
    read_all(&mut worker, 100).await;
    let lost = timeout(Duration::from_secs(8), worker.consumer.next_event()).await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(worker.commit().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_begins_nowhere_else_while_the_committed_offset_is_not_to_be_had() {
    let (mock, cluster) = cluster(1);
    let mut first = joined(&cluster).await;
    first.owns(1).await;
    let page = offsets(&[first.owned(0)], 70);
    first.consumer.commit(page).await.unwrap();
    first.consumer.leave().await;

    let errors = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED; 5];
    mock.request_errors(RDKafkaApiKey::OffsetFetch, &errors);
    let mut second = joined(&cluster).await;
    second.owns(1).await;
    let begun = |event: &GroupEvent| match event {
        GroupEvent::Assigned(assigned) => assigned[0].committed,
        _ => None,
    };
    assert_eq!(second.events.iter().find_map(begun), Some(70));
    read_all(&mut second, 100).await;
    assert_eq!(second.read[&0][0].0, 70);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_dropped_without_leaving_leaves() {
    let (_mock, cluster) = cluster(2);
    let mut first = joined(&cluster).await;
    first.owns(2).await;
    drop(first);
    let mut second = joined(&cluster).await;
    second.owns(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_group_begins_everywhere_at_once() {
    let (_mock, cluster) = cluster(3);
    let latest = StartingPosition::Latest;
    let options = KafkaOptions::default();
    let consumer = cluster.join(TOPIC, GROUP, latest, options).await;
    let mut first = Worker::new(consumer);
    first.owns(3).await;
    let begun = BTreeMap::from([(0, 100), (1, 100), (2, 100)]);
    assert_eq!(
        cluster.committed(GROUP, TOPIC, 3),
        begun,
        "before anything is read"
    );
    drop(first);
    // What comes while nobody is there is not passed over.
    cluster.produce(TOPIC, 1, &numbered(100..110));
    let consumer = cluster.join(TOPIC, GROUP, latest, options).await;
    let mut second = Worker::new(consumer);
    second.owns(3).await;
    second
        .read_to(&BTreeMap::from([(0, 100), (1, 110), (2, 100)]))
        .await;
    assert_eq!(second.values(), numbered(100..110).into_iter().collect());
}
