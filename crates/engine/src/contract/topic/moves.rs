//! What happens when members come and go.

use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::mapping::StartingPosition::TrimHorizon;

use super::calls::{is, is_nothing_of};
use super::group::{Group, NOTHING_LOST, Topic};
use super::pages::{COMMITTED, watermarks_tell_of_the_logs};
use super::subject::TopicContract;
use crate::contract::bound::ends;
use crate::contract::promise::{equal, holds};

const PARTITIONS: i32 = 4;

/// So long a partition that is asked for is kept, to see whether anybody else gets it.
const KEPT: Duration = Duration::from_secs(5);

pub(super) async fn lose_nothing(subject: &dyn TopicContract) {
    let mut topic = Topic::make(subject, PARTITIONS).await;
    for partition in 0..PARTITIONS {
        topic.put(partition, 6).await;
    }
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    // What is read is not settled: each partition is at another place when it moves.
    for partition in 0..PARTITIONS {
        group.reads(NOTHING_LOST, &topic, (one, partition), 0).await;
        if partition % 2 == 0 {
            group.member(one).commit(partition, 2).await;
        }
    }
    let mut settled = (0..PARTITIONS)
        .map(|each| (each % 2 == 0).then_some(2))
        .collect::<Vec<_>>();

    let two = group.join(TrimHorizon).await;
    group
        .until(
            "a member that joins gets its share",
            "a partition asked for",
            |group| group.members[&one].held.values().any(|held| held.asked),
        )
        .await;
    let asked = group.asked(one);
    group.listen(KEPT).await;
    // All but the first with an offset: that one goes on where it was committed.
    let offsets: Vec<_> = asked
        .iter()
        .skip(1)
        .map(|owned| (owned.partition, 4))
        .collect();
    group.give_way(one, &offsets).await;
    for (partition, offset) in &offsets {
        settled[partition.unsigned_abs() as usize] = Some(*offset);
    }
    group.share_out(PARTITIONS).await;
    go_on_where_they_were_settled(&mut group, &topic, two, &settled).await;
    let member = group.member(one);
    for owned in asked {
        is_nothing_of(&*member.consumer, owned, "which was let go of").await;
    }

    // They go back when the member leaves, and when one is dropped.
    watermarks_are_of_owned_partitions(&mut group, two).await;
    let moved = group.some_partition(two);
    group.member(two).commit(moved, 5).await;
    settled[moved.unsigned_abs() as usize] = Some(5);
    group.leave(two).await;
    group.share_out(PARTITIONS).await;
    go_on_where_they_were_settled(&mut group, &topic, one, &settled).await;

    let three = group.join(TrimHorizon).await;
    group.share_out(PARTITIONS).await;
    go_on_where_they_were_settled(&mut group, &topic, three, &settled).await;
    let before: Vec<_> = group.members[&one].let_go.iter().copied().collect();
    group.drop(three);
    group.share_out(PARTITIONS).await;
    go_on_where_they_were_settled(&mut group, &topic, one, &settled).await;
    let member = group.member(one);
    for owned in before {
        is_nothing_of(&*member.consumer, owned, "an epoch before").await;
    }
    group.leave(one).await;
    let last = group.join_alone(&topic, TrimHorizon).await;
    go_on_where_they_were_settled(&mut group, &topic, last, &settled).await;
}

/// Checks the partitions that a member has got, and reads them to their end.
async fn go_on_where_they_were_settled(
    group: &mut Group,
    topic: &Topic<'_>,
    member: usize,
    settled: &[Option<i64>],
) {
    let held = group.member(member).held.keys();
    for partition in held.copied().collect::<Vec<_>>() {
        let settled = settled[partition.unsigned_abs() as usize];
        if group.member(member).is_fresh(partition) {
            let committed = group.member(member).committed(partition);
            equal(COMMITTED, &committed, &settled);
            let from = settled.unwrap_or(0);
            group
                .reads(NOTHING_LOST, topic, (member, partition), from)
                .await;
        }
    }
}

async fn watermarks_are_of_owned_partitions(group: &mut Group, member: usize) {
    let held: Vec<_> = group.member(member).held.keys().copied().collect();
    let marks: Vec<_> = held.iter().map(|partition| (*partition, 0, 6)).collect();
    watermarks_tell_of_the_logs(group.member(member), &marks).await;
}

/// Checks a group with more members than partitions.
pub(super) async fn leave_some_without(subject: &dyn TopicContract) {
    let mut topic = Topic::make(subject, 1).await;
    topic.put(0, 3).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    let two = group.join(TrimHorizon).await;
    group
        .until(
            "a member hears that it is one, also if it gets no partition",
            "to be assigned none",
            |group| group.members[&two].is_in,
        )
        .await;
    group.share_out(1).await;
    let (owner, idle) = if group.members[&one].held.is_empty() {
        (two, one)
    } else {
        (one, two)
    };
    group.member(owner).commit(0, 1).await;
    group.leave(owner).await;
    group.share_out(1).await;
    group.reads(NOTHING_LOST, &topic, (idle, 0), 1).await;
}

/// Checks what becomes of a partition that nobody lets go of, if that is to be waited for.
pub(super) async fn do_not_wait_for_ever(subject: &dyn TopicContract) {
    let Some(bound) = subject.revoke_bound() else {
        return;
    };
    let mut topic = Topic::make(subject, 2).await;
    topic.put(0, 2).await;
    topic.put(1, 2).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    let two = group.join(TrimHorizon).await;
    group
        .until(
            "a member that joins gets its share",
            "a partition asked for",
            |group| group.members[&one].held.values().any(|held| held.asked),
        )
        .await;
    let kept = group.asked(one);
    group.listen(bound).await;
    group
        .until(
            "what is not let go of within the group's bound is lost, with an event",
            "a partition lost, and assigned to the other",
            |group| {
                let has = |member, partition| group.members[member].held.contains_key(partition);
                kept.iter()
                    .all(|owned| !has(&one, &owned.partition) && has(&two, &owned.partition))
            },
        )
        .await;
    let member = group.member(one);
    for owned in kept {
        is_nothing_of(&*member.consumer, owned, "which was lost").await;
        let late = ends(
            "letting go",
            member.consumer.let_go(vec![owned], Vec::new()),
        )
        .await;
        holds(
            "what is lost cannot be let go of",
            is(&late, SourceErrorKind::Expired),
            format_args!("Expired for {owned:?}"),
            &late,
        );
    }
    group.share_out(2).await;
    let partition = group.some_partition(two);
    group.reads(NOTHING_LOST, &topic, (two, partition), 0).await;
}
