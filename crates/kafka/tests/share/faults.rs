//! Members and brokers that go: nothing is lost, and what was held comes again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_engine::ports::{QueueSource, ReceiveRequest, SettleVerb};
use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::brokers::{Brokers, More};
use crate::member::{Member, count, number};
use crate::world::{PATIENCE, Shared, World};

/// A lock that no test waits out.
const LONG_LOCK: &str = "share.record.lock.duration.ms=60000";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_that_leaves_has_goes_to_others_at_once() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[LONG_LOCK]).await;
    shared.produce(1, 0..10).await;
    let (one, two) = (shared.member(), shared.member());
    let records = one.receive_all(10).await;
    one.settle_all(&records[..5], SettleVerb::Delete).await;
    one.close().await;
    let begin = Instant::now();
    let again = two.receive_all(5).await;
    assert!(
        begin.elapsed() < Duration::from_secs(15),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(
        again.iter().map(number).collect::<Vec<_>>(),
        [5, 6, 7, 8, 9]
    );
    two.settle_all(&again, SettleVerb::Delete).await;
    shared.is_done(1).await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_has_whose_process_ends_goes_to_others_before_its_lock_ends() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[LONG_LOCK]).await;
    shared.produce(1, 0..3).await;
    // All its connections end with its runtime, and nothing is said.
    let lost = shared.clone();
    let process = std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let member = lost.member();
        let records = runtime.block_on(member.receive_all(3));
        runtime.shutdown_background();
        records.len()
    });
    assert_eq!(process.join().unwrap(), 3);
    let begin = Instant::now();
    let two = shared.member();
    let again = two.receive_all(3).await;
    assert!(
        begin.elapsed() < Duration::from_secs(30),
        "{:?}",
        begin.elapsed()
    );
    two.settle_all(&again, SettleVerb::Delete).await;
    shared.is_done(1).await;
    two.close().await;
}

/// Receives and accepts until each of these records has come and Kafka says that nothing is left, and tells how often each
/// came. What is accepted while a broker goes may have been written down though its answer did not come.
async fn work_off(
    member: &Member,
    shared: &Shared,
    expected: BTreeSet<usize>,
) -> BTreeMap<usize, u32> {
    let end = Instant::now() + PATIENCE * 2;
    let mut seen: BTreeMap<usize, u32> = BTreeMap::new();
    let mut left = expected;
    while !left.is_empty() || shared.known().await.lag.values().sum::<i64>() > 0 {
        assert!(Instant::now() < end, "{} did not come", left.len());
        let request = ReceiveRequest::new(50, Duration::from_secs(1));
        let Ok(received) = member.receive(request).await else {
            // As long as no broker is there; asked again as an engine does.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let all = received.messages;
        for record in &all {
            *seen.entry(number(record)).or_default() += 1;
            left.remove(&number(record));
        }
        let verbs: Vec<_> = all
            .iter()
            .map(|record| (record, SettleVerb::Delete))
            .collect();
        for outcome in member.try_settle(&verbs).await {
            assert!(
                outcome.is_ok() || outcome == Err(SourceErrorKind::Expired),
                "{outcome:?}"
            );
        }
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_and_comes_back_loses_nothing() {
    let Some(mut brokers) = Brokers::start(1, More::default()).await else {
        return;
    };
    let (world, total) = (brokers.world(), 500);
    let shared = world.shared(3, &[LONG_LOCK]).await;
    shared.produce(3, 0..total).await;
    let member = shared.member();
    let held = member.receive_all(100).await;
    member.settle_all(&held[..20], SettleVerb::Delete).await;
    let done: Vec<usize> = held[..20].iter().map(number).collect();
    brokers.kill(0);
    let late = member.try_settle(&[(&held[20], SettleVerb::Delete)]).await;
    assert_eq!(late, [Err(SourceErrorKind::Expired)]);
    brokers.restart(0).await;
    let back = Instant::now();
    let expected = (0..total).filter(|number| !done.contains(number));
    let seen = work_off(&member, &shared, expected.collect()).await;
    println!("after {:?}", back.elapsed());
    assert!(done.iter().all(|number| !seen.contains_key(number)));
    shared.is_done(3).await;
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_whose_leader_is_killed_are_read_from_the_next_one() {
    let Some(mut brokers) = Brokers::start(3, More::default()).await else {
        return;
    };
    let (world, total) = (brokers.world(), 600);
    let shared: Shared = world.shared(3, &[LONG_LOCK]).await;
    shared.produce(3, 0..total).await;
    let member = shared.member();
    let held = member.receive_all(90).await;
    let leader = brokers.leader(&shared.topic, 0).await;
    brokers.kill(leader);
    let begin = Instant::now();
    // What the others have acquired is still the member's.
    let verbs: Vec<_> = held
        .iter()
        .map(|record| (record, SettleVerb::Delete))
        .collect();
    let outcomes = member.try_settle(&verbs).await;
    let settled = held
        .iter()
        .zip(&outcomes)
        .filter(|(_, outcome)| outcome.is_ok());
    let settled: BTreeSet<usize> = settled.map(|(record, _)| number(record)).collect();
    let had: BTreeSet<usize> = held.iter().map(number).collect();
    let expected = (0..total).filter(|number| !had.contains(number));
    let seen = work_off(&member, &shared, expected.collect()).await;
    let again = had
        .iter()
        .filter(|number| seen.contains_key(number))
        .count();
    let twice = seen.values().filter(|times| **times > 1).count();
    println!(
        "{} of 90 were settled, {again} came again; {twice} others came twice; {:?}",
        settled.len(),
        begin.elapsed()
    );
    assert!(settled.iter().all(|number| !seen.contains_key(number)));
    // What was under way, of each broker.
    assert!(twice <= 300, "{twice}");
    brokers.restart(leader).await;
    shared.is_done(3).await;
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn records_that_are_held_are_settled_though_partitions_are_assigned_anew() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(3, &[LONG_LOCK]).await;
    shared.produce(3, 0..30).await;
    let one = shared.member();
    let records = one.receive_all(30).await;
    // More members than one have each fewer partitions.
    let others: Vec<Member> = (0..5).map(|_| shared.member()).collect();
    for other in &others {
        assert_eq!(other.try_receive(10).await, []);
    }
    let end = Instant::now() + PATIENCE;
    while shared.known().await.members < 6 {
        assert!(Instant::now() < end);
    }
    for other in &others {
        assert_eq!(other.try_receive(10).await, []);
    }
    one.settle_all(&records, SettleVerb::Delete).await;
    assert!(records.iter().all(|record| count(record) == 1));
    shared.is_done(3).await;
    for other in others {
        other.close().await;
    }
    one.close().await;
}
