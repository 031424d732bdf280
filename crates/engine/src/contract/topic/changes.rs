//! What becomes of a topic that changes, as far as the subject can change one.

use lambda_esm_core::mapping::StartingPosition::{Latest, TrimHorizon};
use tokio::time::Instant;

use super::calls::PATIENCE;
use super::group::{Group, NOTHING_LOST, Topic};
use super::pages::watermarks_tell_of_the_logs;
use super::subject::TopicContract;
use crate::contract::promise::holds;

/// A partition that is added belongs to the group, with all of its records.
pub(super) async fn partitions_are_added(subject: &dyn TopicContract) {
    let mut topic = Topic::make(subject, 1).await;
    topic.put(0, 1).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, Latest).await;
    if !subject.add_partition(&topic.name).await {
        return;
    }
    topic.partitions = 2;
    topic.put(1, 2).await;
    group
        .until(
            "a partition that is added to the topic is assigned, too",
            "partition 1 assigned",
            |group| group.members[&one].held.contains_key(&1),
        )
        .await;
    group.share_out(2).await;
    let promise = "a partition that was added begins with its oldest record";
    group.reads(promise, &topic, (one, 1), 0).await;
    topic.put(0, 1).await;
    group.reads(NOTHING_LOST, &topic, (one, 0), 1).await;
}

/// Records that are deleted are passed over.
pub(super) async fn records_are_deleted(subject: &dyn TopicContract) {
    const PROMISE: &str = "where the log no longer holds the committed offset, reading goes on with its oldest record";
    let mut topic = Topic::make(subject, 1).await;
    topic.put(0, 5).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    group.member(one).commit(0, 1).await;
    group.leave(one).await;
    if !subject.delete_records(&topic.name, 0, 3).await {
        return;
    }
    // Also a group for which its place is the newest.
    let two = group.join_alone(&topic, Latest).await;
    group.reads(PROMISE, &topic, (two, 0), 3).await;
    watermarks_tell_of_the_logs(group.member(two), &[(0, 3, 5)]).await;
}

/// A topic that is made anew is read from its beginning.
pub(super) async fn a_topic_is_made_anew(subject: &dyn TopicContract) {
    const PROMISE: &str = "a topic that is made anew is read from its oldest record";
    let mut topic = Topic::make(subject, 1).await;
    topic.put(0, 3).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    group.reads(NOTHING_LOST, &topic, (one, 0), 0).await;
    group.member(one).commit(0, 3).await;
    if !subject.make_anew(&topic.name, 1).await {
        return;
    }
    let record = super::subject::RecordToPut::new(None, Some(b"new"));
    subject.put(&topic.name, 0, record).await;
    let start = Instant::now();
    loop {
        group.hear().await;
        let member = group.member(one);
        // Its partition may be lost meanwhile, and assigned again.
        if member.held.contains_key(&0)
            && let Some(record) = member.first_of_another_log(0).await
        {
            holds(PROMISE, record.offset == 0, "the offset 0", &record);
            return;
        }
        holds(
            PROMISE,
            start.elapsed() < PATIENCE,
            "a record",
            &group.view(),
        );
    }
}
