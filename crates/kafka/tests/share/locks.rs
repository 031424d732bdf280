//! Locks, how long they hold, and how often a record is delivered.

use std::cell::Cell;
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::QueueMessage;
use lambda_esm_engine::ports::{QueueSource, SettleVerb};
use tokio::time::Instant;

use crate::member::{Member, count, number};
use crate::world::World;

/// How long a lock lasts in these tests, and its setting.
const LOCK: Duration = Duration::from_secs(2);
const LOCKED: &str = "share.record.lock.duration.ms=2000";

/// Renews the locks of records until something else is over, which may take longer than a lock lasts: who receives for the
/// first time joins its group.
async fn renewed_until<T>(
    member: &Member,
    records: &[QueueMessage],
    other: impl Future<Output = T>,
) -> T {
    let over = Cell::new(false);
    let renewing = async {
        while !over.get() {
            member.settle_all(records, SettleVerb::Renew).await;
            tokio::task::yield_now().await;
        }
    };
    let other = async {
        let output = other.await;
        over.set(true);
        output
    };
    tokio::join!(renewing, other).1
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_group_is_set_to_is_told() {
    let Some(world) = World::real() else {
        return;
    };
    let settings = [
        LOCKED,
        "share.delivery.count.limit=3",
        "share.renew.acknowledge.enable=false",
    ];
    let facts = world
        .shared(1, &settings)
        .await
        .member()
        .describe()
        .await
        .unwrap();
    assert_eq!(facts.visibility_timeout, LOCK);
    assert_eq!((facts.delivery_limit, facts.can_renew), (Some(3), false));
    let facts = world
        .shared(1, &[])
        .await
        .member()
        .describe()
        .await
        .unwrap();
    assert_eq!(facts.visibility_timeout, Duration::from_secs(30));
    assert_eq!((facts.delivery_limit, facts.can_renew), (Some(5), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_ends_brings_the_record_back_and_its_receipt_is_worth_nothing() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[LOCKED]).await;
    shared.produce(1, 0..1).await;
    let (one, two) = (shared.member(), shared.member());
    let first = one.receive_one().await;
    let begin = Instant::now();
    let second = two.receive_one().await;
    let after = begin.elapsed();
    assert!(after > LOCK / 2 && after < LOCK * 4, "after {after:?}");
    assert_eq!((number(&second), count(&second)), (0, 2));
    let late = one.try_settle(&[(&first, SettleVerb::Delete)]).await;
    assert_eq!(late, [Err(SourceErrorKind::Expired)]);
    two.settle_all(&[second], SettleVerb::Delete).await;
    shared.is_done(1).await;
    tokio::join!(one.close(), two.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_renewed_holds() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[LOCKED]).await;
    shared.produce(1, 0..1).await;
    let (one, two) = (shared.member(), shared.member());
    let record = one.receive_one().await;
    renewed_until(&one, std::slice::from_ref(&record), async {
        let begin = Instant::now();
        while begin.elapsed() < LOCK * 3 {
            assert_eq!(two.try_receive(1).await, []);
        }
    })
    .await;
    one.settle_all(&[record], SettleVerb::Delete).await;
    shared.is_done(1).await;
    tokio::join!(one.close(), two.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_ended_spoils_no_other_settlement_of_the_same_call() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[LOCKED]).await;
    shared.produce(1, 0..8).await;
    let (one, two) = (shared.member(), shared.member());
    let records = one.receive_all(8).await;
    let kept: Vec<QueueMessage> = [&records[..3], &records[4..]].concat();
    let lost = renewed_until(&one, &kept, two.receive_one()).await;
    assert_eq!(number(&lost), 3);
    let all: Vec<_> = records
        .iter()
        .map(|record| (record, SettleVerb::Delete))
        .collect();
    let outcomes = one.try_settle(&all).await;
    let failed: Vec<usize> = (0..8).filter(|at| outcomes[*at].is_err()).collect();
    assert_eq!(failed, [3], "{outcomes:?}");
    two.settle_all(&[lost], SettleVerb::Delete).await;
    shared.is_done(1).await;
    tokio::join!(one.close(), two.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_released_as_often_as_the_limit_says_comes_no_more() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &["share.delivery.count.limit=3"]).await;
    shared.produce(1, 0..1).await;
    let member = shared.member();
    for expected in 1..=3 {
        let record = member.receive_one().await;
        assert_eq!(count(&record), expected);
        member.settle_all(&[record], SettleVerb::Release).await;
    }
    shared.is_done(1).await;
    assert_eq!(member.try_receive(1).await, []);
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_before_anybody_asks_keeps_its_lock() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[LOCKED]).await;
    let member = shared.member();
    assert_eq!(member.try_receive(10).await, []);
    // A receive that nobody waits for any more has asked for a record that then comes.
    let asked = tokio::spawn({
        let member = member.clone();
        async move { member.try_receive(5).await }
    });
    shared.produce(1, 0..5).await;
    let mut records = asked.await.unwrap();
    // Whatever came for it or stayed behind, each comes once.
    records.extend(member.receive_all(5 - records.len()).await);
    let mut numbers: Vec<usize> = records.iter().map(number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    assert!(
        records.iter().all(|record| count(record) == 1),
        "{records:?}"
    );
    member.settle_all(&records, SettleVerb::Delete).await;
    shared.is_done(1).await;
    member.close().await;
}
