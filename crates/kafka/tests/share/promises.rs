//! What a share group promises while nothing fails.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::TimestampType;
use lambda_esm_engine::ports::{QueueSource, SettleVerb};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::member::{Member, count, number};
use crate::world::{PATIENCE, World};

const EXPIRED: Result<(), SourceErrorKind> = Err(SourceErrorKind::Expired);

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_accepted_is_done_and_kafka_agrees() {
    let Some(world) = World::real() else {
        return;
    };
    // What Kafka is asked meanwhile takes its time.
    let shared = world
        .shared(1, &["share.record.lock.duration.ms=60000"])
        .await;
    shared.produce(1, 0..3).await;
    let member = shared.member();
    let records = member.receive_all(3).await;
    assert_eq!(records.iter().map(number).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(records[2].id, "0-2");
    let known = shared.known().await;
    assert_eq!((known.state.as_str(), known.members), ("Stable", 1));
    // Brokers tell of a partition once something of it is done.
    member.settle_all(&records[..1], SettleVerb::Delete).await;
    let end = Instant::now() + PATIENCE;
    while member.lags().await.unwrap() != [2] {
        assert!(Instant::now() < end, "{:?}", member.lags().await);
    }
    member.settle_all(&records[1..], SettleVerb::Delete).await;
    shared.is_done(1).await;
    assert_eq!(member.lags().await.unwrap(), [0]);
    member.close().await;
    assert_eq!(shared.known().await.members, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_receives_by_several_members_each_record_goes_to_one() {
    let Some(world) = World::real() else {
        return;
    };
    let (total, partitions) = (6_000, 3);
    let shared = world.shared(partitions, &[]).await;
    shared.produce(partitions, 0..total).await;
    let members: Vec<Member> = (0..3).map(|_| shared.member()).collect();
    let mut tasks = JoinSet::new();
    let left = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(total));
    for index in 0..12 {
        let (member, left) = (members[index % members.len()].clone(), left.clone());
        tasks.spawn(async move {
            let end = Instant::now() + PATIENCE;
            let mut all = Vec::new();
            while left.load(std::sync::atomic::Ordering::Relaxed) > 0 && Instant::now() < end {
                let records = member.try_receive(100).await;
                member.settle_all(&records, SettleVerb::Delete).await;
                left.fetch_sub(records.len(), std::sync::atomic::Ordering::Relaxed);
                all.extend(records.iter().map(|record| (number(record), count(record))));
            }
            all
        });
    }
    let mut seen: BTreeMap<usize, u32> = BTreeMap::new();
    for (number, count) in tasks.join_all().await.into_iter().flatten() {
        assert_eq!(count, 1, "{number} was delivered before");
        assert_eq!(seen.insert(number, count), None, "{number} came twice");
    }
    assert_eq!(seen.len(), total);
    shared.is_done(3).await;
    for member in members {
        member.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_read_one_partition() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[]).await;
    let (one, two) = (shared.member(), shared.member());
    shared.produce(1, 0..1).await;
    let first = one.receive_one().await;
    // What one member has is not another's, and what comes after it is.
    shared.produce(1, 1..2).await;
    let second = two.receive_one().await;
    assert_eq!((number(&first), number(&second)), (0, 1));
    one.settle_all(&[first], SettleVerb::Delete).await;
    two.settle_all(&[second], SettleVerb::Delete).await;
    shared.is_done(1).await;
    tokio::join!(one.close(), two.close());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_works_fast_locks_whole_batches_and_gives_back_what_is_over() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world
        .shared(1, &["share.record.lock.duration.ms=60000"])
        .await;
    // Batches are full before anything is waited for.
    let ten = [("batch.num.messages", "10"), ("linger.ms", "10000")];
    shared.produce_with(&ten, 1, 0..120).await;
    let (fast, other) = (shared.member(), shared.member());
    let first = fast.receive_all(45).await;
    fast.settle_all(&first, SettleVerb::Delete).await;
    // It ends in the middle of a batch, of which three are over.
    let second = fast.receive_all(42).await;
    let mut later = other.receive_all(30).await;
    let numbers: Vec<_> = later.iter().map(number).collect();
    assert_eq!(numbers, (90..120).collect::<Vec<_>>());
    fast.settle_all(&second, SettleVerb::Delete).await;
    fast.close().await;
    let over = other.receive_all(3).await;
    let numbers: Vec<_> = over.iter().map(number).collect();
    assert_eq!(numbers, [87, 88, 89]);
    // Brokers count a delivery, though nobody was handed them.
    assert!(over.iter().all(|record| count(record) == 2), "{over:?}");
    later.extend(over);
    other.settle_all(&later, SettleVerb::Delete).await;
    shared.is_done(1).await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_comes_as_it_was_produced() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[]).await;
    // What is older than a topic keeps its records for is removed at once.
    let begin = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis();
    let begin = i64::try_from(begin).unwrap() - 1_000;
    for (codec, offset) in ["none", "gzip", "snappy", "lz4", "zstd"].iter().zip(0..) {
        let producer: BaseProducer = world
            .config()
            .set("compression.type", *codec)
            .create()
            .unwrap();
        let headers = OwnedHeaders::new()
            .insert(Header {
                key: "a",
                value: Some("1"),
            })
            .insert(Header {
                key: "a",
                value: None::<&str>,
            });
        let value = codec.repeat(200);
        let record = BaseRecord::to(&shared.topic).key("key").payload(&value);
        let record = record
            .partition(0)
            .timestamp(begin + offset)
            .headers(headers);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(PATIENCE).unwrap();
    }
    let producer: BaseProducer = world.config().create().unwrap();
    let tombstone: BaseRecord<'_, str, str> =
        BaseRecord::to(&shared.topic).key("gone").partition(0);
    producer
        .send(tombstone)
        .map_err(|(error, _)| error)
        .unwrap();
    producer.flush(PATIENCE).unwrap();

    let member = shared.member();
    let all = member.receive_all(6).await;
    for (message, (codec, offset)) in all
        .iter()
        .zip(["none", "gzip", "snappy", "lz4", "zstd"].iter().zip(0..))
    {
        let shared = message.content.kafka().unwrap();
        assert_eq!((shared.partition, shared.delivery_count), (0, 1));
        let record = &shared.record;
        assert_eq!(record.offset, offset);
        assert_eq!(record.timestamp, Timestamp(begin + offset));
        assert_eq!(record.timestamp_type, TimestampType::CreateTime);
        assert_eq!(record.key.as_deref(), Some(&b"key"[..]));
        assert_eq!(
            record.value.as_deref(),
            Some(codec.repeat(200).as_bytes()),
            "{codec}"
        );
        let headers: Vec<_> = record
            .headers
            .iter()
            .map(|(name, value)| (&**name, value.as_deref()))
            .collect();
        assert_eq!(headers, [("a", Some(&b"1"[..])), ("a", None)]);
    }
    let tombstone = &all[5].content.kafka().unwrap().record;
    assert_eq!(
        (tombstone.key.as_deref(), tombstone.value.as_deref()),
        (Some(&b"gone"[..]), None)
    );
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_released_is_there_at_once_and_one_that_is_rejected_never_again() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world
        .shared(1, &["share.record.lock.duration.ms=60000"])
        .await;
    shared.produce(1, 0..2).await;
    let member = shared.member();
    let records = member.receive_all(2).await;
    let verbs = [
        (&records[0], SettleVerb::Release),
        (&records[1], SettleVerb::Reject),
    ];
    assert_eq!(member.try_settle(&verbs).await, [Ok(()), Ok(())]);
    let begin = Instant::now();
    let again = member.receive_one().await;
    assert!(
        begin.elapsed() < Duration::from_secs(5),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!((number(&again), count(&again)), (0, 2));
    assert_ne!(again.receipt, records[0].receipt);
    member.settle_all(&[again], SettleVerb::Delete).await;
    shared.is_done(1).await;
    assert_eq!(member.try_receive(10).await, []);
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_good_once() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world.shared(1, &[]).await;
    shared.produce(1, 0..1).await;
    let member = shared.member();
    let first = member.receive_one().await;
    member
        .settle_all(std::slice::from_ref(&first), SettleVerb::Release)
        .await;
    let second = member.receive_one().await;
    // Of an earlier delivery, and of none.
    assert_eq!(
        member.try_settle(&[(&first, SettleVerb::Delete)]).await,
        [EXPIRED]
    );
    assert_eq!(
        member.settle_receipt("nobody's", SettleVerb::Delete).await,
        EXPIRED
    );
    member
        .settle_all(std::slice::from_ref(&second), SettleVerb::Delete)
        .await;
    assert_eq!(
        member.try_settle(&[(&second, SettleVerb::Delete)]).await,
        [EXPIRED]
    );
    assert_eq!(
        member.try_settle(&[(&second, SettleVerb::Renew)]).await,
        [EXPIRED]
    );
    shared.is_done(1).await;
    member.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_transactions_leave_in_the_log_is_no_record_and_holds_nothing_up() {
    let Some(world) = World::real() else {
        return;
    };
    let shared = world
        .shared(1, &["share.isolation.level=read_committed"])
        .await;
    let (config, topic) = (world.config(), shared.topic.clone());
    let produced = tokio::task::spawn_blocking(move || {
        for (values, commits) in [(0..2, true), (2..4, false), (4..6, true)] {
            let id = format!("{topic}-{}", values.start);
            let producer: BaseProducer =
                config.clone().set("transactional.id", id).create().unwrap();
            producer.init_transactions(PATIENCE).unwrap();
            producer.begin_transaction().unwrap();
            for value in values {
                let value = value.to_string();
                let record: BaseRecord<'_, (), str> = BaseRecord::to(&topic);
                let sent = producer.send(record.partition(0).payload(&value));
                sent.map_err(|(error, _)| error).unwrap();
            }
            producer.flush(PATIENCE).unwrap();
            if commits {
                producer.commit_transaction(PATIENCE).unwrap();
            } else {
                producer.abort_transaction(PATIENCE).unwrap();
            }
        }
    });
    produced.await.unwrap();
    let member = shared.member();
    let records = member.receive_all(4).await;
    assert_eq!(records.iter().map(number).collect::<Vec<_>>(), [0, 1, 4, 5]);
    member.settle_all(&records, SettleVerb::Delete).await;
    let request = lambda_esm_engine::ports::ReceiveRequest::new(10, Duration::from_secs(1));
    assert_eq!(member.receive(request).await.unwrap().messages, []);
    shared.is_done(1).await;
    member.close().await;
}
