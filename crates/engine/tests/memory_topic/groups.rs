//! Groups share the partitions of a topic.

use std::collections::BTreeMap;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::memory::MemoryTopicOptions;
use lambda_esm_engine::ports::{GroupEvent, PartitionOffset};

use crate::world::{Member, SECOND, START, put, topic, with};

#[tokio::test(start_paused = true)]
async fn a_member_that_joins_gets_its_share_once_the_others_let_go() {
    let topic = topic(4);
    let mut one = Member::join(&topic, "g").await;
    assert_eq!(one.owned.len(), 4);
    let mut two = Member::join(&topic, "g").await;
    assert_eq!(two.owned, []);
    assert!(two.hears_nothing_for(SECOND).await);
    assert_eq!(one.gives_way().await, [2, 3]);
    assert_eq!(two.is_assigned().await, [2, 3]);
    assert!(two.partition(2).epoch > one.partition(1).epoch);
    assert!(one.hears_nothing_for(SECOND).await && two.hears_nothing_for(SECOND).await);
}

#[tokio::test(start_paused = true)]
async fn a_partition_on_its_way_is_read_and_owned_until_it_is_let_go() {
    let topic = topic(2);
    put(&topic, 1, "a");
    put(&topic, 1, "b");
    let one = Member::join(&topic, "g").await;
    let mut two = Member::join(&topic, "g").await;
    let moving = one.partition(1);
    assert_eq!(one.is_asked().await, [moving]);
    assert_eq!(one.reads(1).await, ["a", "b"]);
    let refused = one.commits(moving, 1).await;
    assert_eq!(refused, Err(SourceErrorKind::Throttled));
    assert_eq!(one.commits(one.partition(0), 0).await, Ok(()));
    let settled = PartitionOffset {
        owned: moving,
        offset: 1,
    };
    one.consumer
        .let_go(vec![moving], vec![settled])
        .await
        .unwrap();
    assert_eq!(two.is_assigned().await, [1]);
    assert_eq!(two.reads(1).await, ["b"]);
    let late = one.commits(moving, 2).await;
    assert_eq!(late, Err(SourceErrorKind::Expired));
    let late = one.fetch(moving).await.map_err(|error| error.kind);
    assert_eq!(late, Err(SourceErrorKind::Expired));
    assert_eq!(topic.committed("g"), BTreeMap::from([(0, 0), (1, 1)]));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_let_go_within_the_bound_is_lost() {
    let options = MemoryTopicOptions::default().with_partitions(2);
    let topic = with(options.with_revoke_bound(10 * SECOND));
    let mut one = Member::join(&topic, "g").await;
    let mut two = Member::join(&topic, "g").await;
    let moving = one.is_asked().await;
    let asked = tokio::time::Instant::now();
    // Nobody asks meanwhile: the bound itself wakes whoever waits.
    assert_eq!(two.is_assigned().await, [1]);
    assert_eq!(asked.elapsed(), 10 * SECOND);
    assert_eq!(one.loses().await, moving);
    let late = one.consumer.let_go(moving.clone(), Vec::new()).await;
    assert_eq!(late.unwrap_err().kind, SourceErrorKind::Expired);
    assert_eq!(topic.members("g")[1].partitions, [1]);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_leaves_or_is_dropped_leaves_its_partitions_to_the_others() {
    let topic = topic(3);
    let mut one = Member::join(&topic, "g").await;
    let mut two = Member::join(&topic, "g").await;
    one.gives_way().await;
    two.is_assigned().await;
    let mut three = Member::join(&topic, "g").await;
    one.gives_way().await;
    three.is_assigned().await;
    let left = two.partition(2);
    two.consumer.leave().await;
    assert_eq!(one.is_assigned().await, [2]);
    let late = two.fetch(left).await.map_err(|error| error.kind);
    assert_eq!(late, Err(SourceErrorKind::Expired));
    assert!(two.hears_nothing_for(SECOND).await);
    drop(two);
    drop(three);
    assert_eq!(one.is_assigned().await, [1]);
    assert_eq!(topic.members("g").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_expelled_member_loses_all_without_being_asked_and_comes_back() {
    let topic = topic(2);
    let mut one = Member::join(&topic, "g").await;
    let mut two = Member::join(&topic, "g").await;
    one.gives_way().await;
    two.is_assigned().await;
    let (before, id) = (one.partition(0), topic.members("g")[0].id);
    assert!(topic.expel("g", id) && !topic.expel("g", 99));
    assert_eq!(one.loses().await, [before]);
    assert_eq!(one.is_assigned().await, [0; 0]);
    assert_eq!(one.commits(before, 5).await, Err(SourceErrorKind::Expired));
    assert_eq!(two.is_assigned().await, [0]);
    let moved = two.gives_way().await;
    assert_eq!(one.is_assigned().await, moved);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_waits_ends_when_its_partition_is_lost() {
    let topic = topic(1);
    let one = Member::join(&topic, "g").await;
    let request = lambda_esm_engine::ports::TopicFetch::new(one.partition(0), 10, 1000);
    let waiting = one.consumer.clone();
    let waiting =
        tokio::spawn(async move { waiting.fetch(request.with_wait(3600 * SECOND)).await });
    tokio::task::yield_now().await;
    topic.expel("g", topic.members("g")[0].id);
    let answer = waiting.await.unwrap().map_err(|error| error.kind);
    assert_eq!(answer, Err(SourceErrorKind::Expired));
}

#[tokio::test(start_paused = true)]
async fn a_new_group_begins_where_it_is_told_and_keeps_that() {
    let topic = topic(2);
    put(&topic, 0, "old");
    tokio::time::sleep(10 * SECOND).await;
    put(&topic, 1, "newer");
    let latest = Member::starting(&topic, "latest", StartingPosition::Latest).await;
    assert_eq!(topic.committed("latest"), BTreeMap::from([(0, 1), (1, 1)]));
    put(&topic, 0, "newest");
    drop(latest);
    let latest = Member::starting(&topic, "latest", StartingPosition::Latest).await;
    assert_eq!(latest.reads(0).await, ["newest"]);
    let time = StartingPosition::AtTimestamp(START + 5 * SECOND);
    let timed = Member::starting(&topic, "timed", time).await;
    assert_eq!(timed.reads(0).await, ["newest"]);
    assert_eq!(timed.reads(1).await, ["newer"]);
    let all = Member::join(&topic, "all").await;
    assert_eq!(all.reads(0).await, ["old", "newest"]);
    assert_eq!(topic.committed("all"), BTreeMap::new());
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_added_begins_with_its_oldest_record() {
    let topic = topic(1);
    let mut one = Member::starting(&topic, "g", StartingPosition::Latest).await;
    topic.add_partitions(1);
    put(&topic, 1, "first");
    assert_eq!(one.is_assigned().await, [1]);
    assert_eq!(one.reads(1).await, ["first"]);
}

#[tokio::test(start_paused = true)]
async fn a_problem_is_told_to_members_old_and_new_until_it_is_over() {
    let topic = topic(1);
    let one = Member::join(&topic, "g").await;
    let problem = SourceError::new(SourceErrorKind::Transient, "no broker answers");
    topic.set_problem(Some(problem.clone()));
    assert_eq!(one.event().await, GroupEvent::Problem(problem.clone()));
    assert_eq!(one.fetch(one.partition(0)).await, Err(problem));
    topic.set_problem(None);
    assert_eq!(one.event().await, GroupEvent::Recovered);
    assert_eq!(one.reads(0).await, [""; 0]);
}
