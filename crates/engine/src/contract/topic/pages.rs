//! How much a fetch returns, and how far it has come.

use lambda_esm_core::mapping::StartingPosition::TrimHorizon;
use tokio::time::Instant;

use super::calls::{A_WHILE, MANY_BYTES, PATIENCE};
use super::group::{Group, NOTHING_LOST, Topic};
use super::member::Member;
use super::subject::{RecordToPut, TopicContract};
use crate::contract::promise::{equal, holds, succeeds};
use crate::ports::{TopicFetch, Watermarks};

pub(super) async fn keep_to_their_limits(subject: &dyn TopicContract) {
    const SIZE: usize = 1000;
    const BYTES: usize = 2500;
    let mut topic = Topic::make(subject, 2).await;
    topic.put(0, 10).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;

    let member = group.member(one);
    let request = TopicFetch::new(member.owned(0), 3, MANY_BYTES).with_wait(A_WHILE);
    let offsets = read_in_pages(member, request, 10).await;
    equal(NOTHING_LOST, &offsets, &(0..10).collect::<Vec<i64>>());

    for _ in 0..6 {
        let record = RecordToPut::new(None, Some(&[b'x'; SIZE]));
        subject.put(&topic.name, 1, record).await;
    }
    let request = TopicFetch::new(member.owned(1), 100, BYTES).with_wait(A_WHILE);
    let mut found = 0;
    let start = Instant::now();
    while found < 4 && start.elapsed() < PATIENCE {
        let page = member.page(request).await;
        found += page.records.len();
        holds(
            "a page goes beyond its bytes by one record at most",
            page.records.len() <= BYTES.div_ceil(SIZE),
            format_args!("about {BYTES} bytes"),
            &format_args!("{} records of {SIZE} bytes", page.records.len()),
        );
    }
    let request = TopicFetch::new(member.owned(1), 100, 1).with_wait(A_WHILE);
    let rest = read_in_pages(member, request, 6 - found).await;
    equal(
        "a record that is larger than a page comes alone",
        &rest.len(),
        &(6 - found),
    );
    watermarks_tell_of_the_logs(member, &[(0, 0, 10), (1, 0, 6)]).await;
}

async fn read_in_pages(member: &mut Member, request: TopicFetch, number: usize) -> Vec<i64> {
    let start = Instant::now();
    let mut offsets = Vec::new();
    while offsets.len() < number && start.elapsed() < PATIENCE {
        let page = member.page(request).await;
        offsets.extend(page.records.iter().map(|record| record.offset));
    }
    offsets
}

/// Checks the marks of the partitions that a member owns, each with its number: what they are soon.
pub(super) async fn watermarks_tell_of_the_logs(member: &Member, expected: &[(i32, i64, i64)]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(partition, low, high)| Watermarks {
            partition: *partition,
            low: *low,
            high: *high,
        })
        .collect();
    let start = Instant::now();
    loop {
        let marks = crate::contract::bound::ends("watermarks", member.consumer.watermarks()).await;
        let mut marks = succeeds("the watermarks of owned partitions are told", marks);
        marks.sort_by_key(|marks| marks.partition);
        if marks == expected {
            return;
        }
        holds(
            "watermarks tell what the logs of the owned partitions hold",
            start.elapsed() < PATIENCE,
            format_args!("{expected:?}"),
            &marks,
        );
        tokio::time::sleep(A_WHILE).await;
    }
}

/// Checks what lies beyond the last record, if the subject can put that there.
pub(super) async fn pass_over_what_no_consumer_sees(subject: &dyn TopicContract) {
    let mut topic = Topic::make(subject, 1).await;
    topic.put(0, 2).await;
    if !subject.append_unseen(&topic.name, 0).await {
        return;
    }
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    let member = group.member(one);
    let mut found = Vec::new();
    let mut position = None;
    let start = Instant::now();
    loop {
        let page = member.page(member.request(0)).await;
        found.extend(page.records.iter().map(|record| record.offset));
        position = page.position.or(position);
        let told = position.is_none_or(|position| position > 2);
        if found.len() >= 2 && told {
            break;
        }
        holds(
            "the position passes over what no consumer sees",
            start.elapsed() < PATIENCE,
            "more than 2 after the records 0 and 1",
            &(&found, position),
        );
    }
    equal(NOTHING_LOST, &found, &[0, 1]);
    let settled = position.unwrap_or(2);
    member.commit(0, settled).await;
    group.leave(one).await;
    topic.put(0, 1).await;
    let two = group.join_alone(&topic, TrimHorizon).await;
    let member = group.member(two);
    equal(COMMITTED, &member.committed(0), &Some(settled));
    let found = member.read(0, 1).await;
    holds(
        NOTHING_LOST,
        found.len() == 1 && found[0].offset >= settled,
        format_args!("a record at {settled} or later"),
        &found,
    );
}

/// The promise of commits.
pub(super) const COMMITTED: &str = "an assignment tells the offset that the group has committed";
