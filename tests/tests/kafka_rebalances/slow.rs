//! Functions that take longer than a group waits.

use std::time::Duration;

use lambda_esm_tests::kafka::{Kafka, Record, Topic, TopicOptions};
use lambda_esm_tests::{until, until_within};
use tokio::time::Instant;

use crate::deliveries::{Delivery, Member};
use crate::function::Function;
use crate::members::{Group, Members};

/// Longer than three sessions of 6 s, and than the 5 s that the group waits for a partition.
const LONG: Duration = Duration::from_secs(20);

const FIRST: Member = Member(0);

/// The first records take the first member long.
fn slowness(delivery: &Delivery) -> Option<Duration> {
    let of_first = delivery.records.iter().any(|&(_, offset)| offset == 0);
    (of_first && delivery.member == FIRST).then_some(LONG)
}

async fn begin(kafka: &Kafka, what: &str) -> (Topic, Function, Members, String) {
    let topic = kafka.topic(what, TopicOptions::partitions(2)).await;
    for partition in 0..2 {
        topic
            .produce([Record::new("first").partition(partition)])
            .await;
    }
    let function = Function::slow(slowness).await;
    let group = Group {
        id: format!("group-of-{}", topic.name()),
        protocol: "classic",
        pacing: "eager",
    };
    let id = group.id.clone();
    let mut members = Members::new(group, topic.name(), kafka.bootstrap());
    members.start(&function);
    until("both partitions are with the function", async || {
        (records(&function).len() == 2).then_some(())
    })
    .await;
    (topic, function, members, id)
}

/// Returns all records that were delivered, with who had them.
fn records(function: &Function) -> Vec<(Member, i32, i64)> {
    let deliveries = function.deliveries();
    let each = deliveries.iter().flat_map(|delivery| {
        let records = delivery.records.iter();
        records.map(|&(partition, offset)| (delivery.member, partition, offset))
    });
    each.collect()
}

async fn until_committed(kafka: &Kafka, group: &str, topic: &Topic) {
    let ends = topic.ends().await;
    until_within(2 * LONG, "all is committed", async || {
        (kafka.committed(group, topic).await == ends).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_outlasts_the_session_keeps_its_partitions() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let began = Instant::now();
    let (topic, function, mut members, group) = begin(&kafka, "outlasts").await;
    until_committed(&kafka, &group, &topic).await;
    assert!(began.elapsed() >= LONG);
    for partition in 0..2 {
        topic
            .produce([Record::new("second").partition(partition)])
            .await;
    }
    until_committed(&kafka, &group, &topic).await;
    members.stop_all().await;
    assert_eq!(members.assigned(), 2);
    let mut records = records(&function);
    records.sort_unstable();
    let each = |(partition, offset)| (FIRST, partition, offset);
    assert_eq!(records, [(0, 0), (0, 1), (1, 0), (1, 1)].map(each));
}

/// The partition is given up after the bound, and its record is another member's: what the function answers about it later
/// changes nothing, while the other partition of its batch is settled by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partition_moves_though_its_batch_goes_on_and_the_late_answer_changes_nothing() {
    let Some(kafka) = Kafka::shared() else {
        return;
    };
    let (topic, function, mut members, group) = begin(&kafka, "moves").await;
    let second = members.start(&function);
    let moved = until("a record is delivered again", async || {
        let records = records(&function);
        let again = records.iter().find(|(member, ..)| *member == second);
        again.map(|&(_, partition, _)| partition)
    })
    .await;
    let began = function.deliveries()[0].at;
    let took = function.deliveries().last().unwrap().at - began;
    assert!(took < LONG, "{took:?}");
    until_committed(&kafka, &group, &topic).await;
    assert!(began.elapsed() >= LONG);
    for partition in 0..2 {
        topic
            .produce([Record::new("second").partition(partition)])
            .await;
    }
    until_committed(&kafka, &group, &topic).await;
    members.stop_all().await;
    let mut records = records(&function);
    records.sort_unstable();
    let stays = 1 - moved;
    let mut expected = [
        (FIRST, 0, 0),
        (FIRST, 1, 0),
        (FIRST, stays, 1),
        (second, moved, 0),
        (second, moved, 1),
    ];
    expected.sort_unstable();
    assert_eq!(records, expected);
}
