//! Where groups begin.

use std::time::Duration;

use lambda_esm_core::mapping::StartingPosition::{self, AtTimestamp, Latest, TrimHorizon};

use super::group::{Group, Topic};
use super::records::APART;
use super::subject::TopicContract;
use crate::contract::promise::{equal, holds};

const LATEST: &str = "Latest begins after the newest record, as of the time when the group was new";
const EARLIEST: &str =
    "TrimHorizon begins with the oldest record, whatever other groups have committed";
const TIMESTAMP: &str = "AtTimestamp begins with the first record that is not older";
const COMMITTED_WINS: &str = "what the group has committed wins over the starting position";

pub(super) async fn begin_where_they_say(subject: &dyn TopicContract) {
    let mut topic = Topic::make(subject, 2).await;
    topic.put(0, 3).await;
    latest_is_kept(&mut topic).await;
    let end = topic.end(0);
    tokio::time::sleep(APART).await;
    topic.put(0, 2).await;

    let mut all = Group::of(&topic).await;
    let one = all.join_alone(&topic, TrimHorizon).await;
    let found = all
        .member(one)
        .read(0, usize::try_from(topic.end(0)).unwrap())
        .await;
    holds(
        EARLIEST,
        found.first().is_some_and(|first| first.offset == 0),
        "0",
        &found.first(),
    );
    holds(EARLIEST, found.len() >= 5, "all records", &found.len());
    let late = found.iter().find(|record| record.offset == end);
    let late = late.map(|record| record.timestamp).unwrap();

    for (time, from) in [
        (late, end),
        (lambda_esm_core::Timestamp(late.0 - 1000), end),
        (late + Duration::from_secs(3600), topic.end(0)),
    ] {
        begins(&topic, AtTimestamp(time), from).await;
    }
    what_is_committed_wins(&mut topic).await;
}

/// Checks that a new group begins at the place that it found, also when nobody has read or committed yet.
async fn latest_is_kept(topic: &mut Topic<'_>) {
    let mut group = Group::of(topic).await;
    let one = group.join_alone(topic, Latest).await;
    let began = topic.end(0);
    equal(LATEST, &group.member(one).committed(0), &Some(began));
    topic.put(0, 2).await;
    group.drop(one);
    topic.put(1, 1).await;
    let two = group.join_alone(topic, Latest).await;
    group.reads(LATEST, topic, (two, 0), began).await;
    group.reads(LATEST, topic, (two, 1), 0).await;
}

/// Checks where a new group begins in the first partition, and that it stays so after a restart.
async fn begins(topic: &Topic<'_>, start: StartingPosition, from: i64) {
    let mut group = Group::of(topic).await;
    let one = group.join_alone(topic, start).await;
    group.reads(TIMESTAMP, topic, (one, 0), from).await;
    equal(TIMESTAMP, &group.member(one).committed(0), &Some(from));
}

async fn what_is_committed_wins(topic: &mut Topic<'_>) {
    let mut group = Group::of(topic).await;
    let one = group.join_alone(topic, TrimHorizon).await;
    group.member(one).commit(0, 2).await;
    group.leave(one).await;
    for start in [Latest, TrimHorizon] {
        let next = group.join_alone(topic, start).await;
        equal(COMMITTED_WINS, &group.member(next).committed(0), &Some(2));
        group.reads(COMMITTED_WINS, topic, (next, 0), 2).await;
        // Nothing was committed here, and yet the group is not new.
        let promise = "a partition without a committed offset begins with its oldest record, if the group is not new";
        group.reads(promise, topic, (next, 1), 0).await;
        group.leave(next).await;
    }
}
