//! What a page holds, and where reading begins.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::StreamContent;
use lambda_esm_engine::contract::fetch;
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, StreamKind};
use lambda_esm_engine::ports::{Cursor, Start, StreamSource as _};
use tokio::time::sleep;

use crate::support::{
    START, dynamo_db, kinesis, open, open_refusal, put, read, record, refusal, shard, stream, text,
    texts,
};

#[tokio::test(start_paused = true)]
async fn each_kind_tells_the_facts_of_its_service() {
    let facts = kinesis(1).list().await.unwrap().facts;
    assert_eq!(facts.identity, "1700000000123");
    assert_eq!(facts.retention, Some(Duration::from_secs(86_400)));
    assert_eq!(facts.fetch_limit, 10_000);
    assert_eq!(facts.base_interval, Duration::from_secs(1));
    assert_eq!(facts.reads_per_second.map(u32::from), Some(5));
    assert_eq!(facts.longest_wait, Duration::ZERO);

    let facts = dynamo_db(1).list().await.unwrap().facts;
    assert_eq!(facts.retention, Some(Duration::from_secs(86_400)));
    assert_eq!(facts.fetch_limit, 1_000);
    assert_eq!(facts.base_interval, Duration::from_millis(250));
    assert_eq!(facts.reads_per_second, None);
}

#[tokio::test(start_paused = true)]
async fn the_digest_of_the_partition_key_decides_the_shard() {
    let stream = kinesis(2);
    let (lower, upper) = (shard(&stream, 0), shard(&stream, 1));
    assert_eq!(lower.as_str(), "shardId-000000000000");
    // MD5: a = 0cc175b9…, b = 92eb5ffe…, user-42 = 7631bc07….
    let expected = [("a", &lower), ("b", &upper), ("user-42", &lower)];
    for (key, shard) in expected {
        assert_eq!(stream.put(key, "x").unwrap().shard, *shard, "{key}");
    }
    let middle = 1u128 << 127;
    for (hash_key, shard) in [
        (0, &lower),
        (middle - 1, &lower),
        (middle, &upper),
        (u128::MAX, &upper),
    ] {
        let placed = stream.put_at(hash_key, "a", "x").unwrap();
        assert_eq!(placed.shard, *shard, "{hash_key}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_shards_share_all_hash_keys() {
    for number in [1, 2, 3, 4, 7, 1000] {
        let stream = kinesis(number);
        let mut next = Some(0);
        for shard in stream.shards() {
            let (first, last) = shard.hash_keys.unwrap();
            assert_eq!(Some(first), next, "{number} shards");
            next = last.checked_add(1);
        }
        assert_eq!((stream.shards().len(), next), (number, None));
    }
    assert_eq!(kinesis(0).shards().len(), 1);
    assert_eq!(dynamo_db(2).shards()[0].hash_keys, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_takes_only_records_of_its_kind() {
    let change = record(StreamKind::DynamoDb, "a", "x");
    let error = kinesis(1).put_record(change).unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Fatal);
    let mixed = ["DynamoDb", "Kinesis", "DynamoDb"].map(|kind| match kind {
        "Kinesis" => record(StreamKind::Kinesis, "a", kind),
        _ => record(StreamKind::DynamoDb, "a", kind),
    });
    let stream = dynamo_db(1);
    stream.put_many(mixed).unwrap_err();
    let page = read(&stream, &shard(&stream, 0), Start::TrimHorizon).await;
    assert_eq!(texts(&page), ["DynamoDb"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_without_an_event_id_gets_one_of_its_own() {
    let stream = dynamo_db(2);
    let mut named = record(StreamKind::DynamoDb, "a", "x");
    if let StreamContent::DynamoDb(change) = &mut named {
        change.event_id = "mine".to_owned();
    }
    stream.put_record(named).unwrap();
    for number in 0..20 {
        put(&stream, StreamKind::DynamoDb, &number.to_string(), "x");
    }
    let mut ids = BTreeSet::new();
    for shard in stream.shards() {
        let page = read(&stream, &shard.id, Start::TrimHorizon).await;
        ids.extend(page.records.into_iter().map(|record| match record.content {
            StreamContent::DynamoDb(change) => change.event_id,
            other => unreachable!("it is a DynamoDB stream: {other:?}"),
        }));
    }
    assert_eq!(ids.len(), 21);
    assert!(ids.remove("mine"));
    assert!(ids.iter().all(|id| id.len() == 32), "{ids:?}");
}

#[tokio::test(start_paused = true)]
async fn arrival_times_are_as_precise_as_the_services() {
    let (log, table) = (kinesis(1), dynamo_db(1));
    sleep(Duration::from_millis(1_900)).await;
    put(&log, StreamKind::Kinesis, "a", "x");
    put(&table, StreamKind::DynamoDb, "a", "x");
    let page = read(&log, &shard(&log, 0), Start::TrimHorizon).await;
    assert_eq!(page.records[0].arrival, Timestamp(1_700_000_002_023));
    let page = read(&table, &shard(&table, 0), Start::TrimHorizon).await;
    assert_eq!(page.records[0].arrival, Timestamp(1_700_000_002_000));
}

#[tokio::test(start_paused = true)]
async fn a_time_begins_with_the_first_record_that_arrived_then_or_later() {
    let stream = kinesis(1);
    for each in ["0 ms", "10 ms", "20 ms"] {
        put(&stream, StreamKind::Kinesis, "a", each);
        put(&stream, StreamKind::Kinesis, "a", each);
        sleep(Duration::from_millis(10)).await;
    }
    let id = shard(&stream, 0);
    for (after, first, number) in [(0, "0 ms", 6), (10, "10 ms", 4), (11, "20 ms", 2)] {
        let time = START + Duration::from_millis(after);
        let page = read(&stream, &id, Start::Timestamp(time)).await;
        assert_eq!(
            (text(&page.records[0]).as_str(), page.records.len()),
            (first, number)
        );
    }
    let time = Start::Timestamp(START + Duration::from_secs(60));
    let cursor = open(&stream, &id, time).await;
    put(&stream, StreamKind::Kinesis, "a", "next");
    assert_eq!(texts(&fetch(&stream, &id, &cursor, 10).await), ["next"]);
}

#[tokio::test(start_paused = true)]
async fn a_dynamo_db_stream_looks_up_no_times() {
    let stream = dynamo_db(1);
    put(&stream, StreamKind::DynamoDb, "a", "early");
    sleep(Duration::from_secs(60)).await;
    let now = Start::Timestamp(START + Duration::from_secs(60));
    let page = read(&stream, &shard(&stream, 0), now).await;
    assert_eq!(texts(&page), ["early"]);
}

#[tokio::test(start_paused = true)]
async fn a_page_is_bounded_by_the_services_number_of_records() {
    let stream = dynamo_db(1);
    let records = (0..1_500).map(|number| record(StreamKind::DynamoDb, "a", &number.to_string()));
    stream.put_many(records).unwrap();
    let id = shard(&stream, 0);
    let first = read(&stream, &id, Start::TrimHorizon).await;
    assert_eq!(
        (first.records.len(), text(&first.records[999])),
        (1_000, "999".to_owned())
    );
    let second = fetch(&stream, &id, &first.next.unwrap(), 10_000).await;
    assert_eq!(
        (second.records.len(), text(&second.records[0])),
        (500, "1000".to_owned())
    );
}

#[tokio::test(start_paused = true)]
async fn a_page_is_bounded_by_the_services_number_of_bytes() {
    let stream = stream(MemoryStreamOptions::kinesis().with_fetch_bytes(100));
    for length in [48, 50, 1, 98, 200, 0] {
        put(&stream, StreamKind::Kinesis, "k", &"x".repeat(length));
    }
    let id = shard(&stream, 0);
    let mut next = Some(open(&stream, &id, Start::TrimHorizon).await);
    let mut pages = Vec::new();
    for _ in 0..4 {
        let page = fetch(&stream, &id, &next.unwrap(), 100).await;
        let lengths: Vec<_> = page.records.iter().map(|each| text(each).len()).collect();
        pages.push(lengths);
        next = page.next;
    }
    // Keys count too; a record that is larger than a page comes alone.
    assert_eq!(pages, [vec![48, 50], vec![1], vec![98], vec![200]]);
    let images = dynamo_db(1);
    for _ in 0..3 {
        put(&images, StreamKind::DynamoDb, "k", &"x".repeat(500 * 1024));
    }
    let page = read(&images, &shard(&images, 0), Start::TrimHorizon).await;
    assert_eq!(page.records.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_page_tells_how_long_the_next_record_has_waited() {
    let stream = kinesis(1);
    let id = shard(&stream, 0);
    let empty = read(&stream, &id, Start::TrimHorizon).await;
    assert_eq!(empty.behind, Some(Duration::ZERO));
    put(&stream, StreamKind::Kinesis, "a", "one");
    put(&stream, StreamKind::Kinesis, "a", "two");
    let cursor = open(&stream, &id, Start::TrimHorizon).await;
    let page = fetch(&stream, &id, &cursor, 1).await;
    assert_eq!(
        page.behind,
        Some(Duration::from_millis(1)),
        "zero means caught up"
    );
    sleep(Duration::from_secs(7)).await;
    let page = fetch(&stream, &id, &cursor, 1).await;
    assert_eq!(page.behind, Some(Duration::from_secs(7)));
    let page = fetch(&stream, &id, &cursor, 2).await;
    assert_eq!(page.behind, Some(Duration::ZERO));

    let table = dynamo_db(1);
    let page = read(&table, &shard(&table, 0), Start::TrimHorizon).await;
    assert_eq!(page.behind, None);
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_stream() {
    let stream = kinesis(1);
    put(&stream.clone(), StreamKind::Kinesis, "a", "x");
    let page = read(&stream, &shard(&stream, 0), Start::TrimHorizon).await;
    assert_eq!(texts(&page), ["x"]);
}

#[tokio::test(start_paused = true)]
async fn places_that_the_stream_never_gave_out_are_refused() {
    let stream = kinesis(2);
    let (lower, upper) = (shard(&stream, 0), shard(&stream, 1));
    let placed = put(&stream, StreamKind::Kinesis, "a", "x");
    assert_eq!(placed.shard, lower);
    let bogus = Cursor("bogus".to_owned());
    assert_eq!(
        refusal(&stream, &lower, &bogus).await,
        SourceErrorKind::Fatal
    );
    let cursor = open(&stream, &lower, Start::Latest).await;
    assert_eq!(
        refusal(&stream, &upper, &cursor).await,
        SourceErrorKind::Fatal
    );
    let ahead = placed.sequence.strip_suffix('0').unwrap().to_owned() + "1";
    for (shard, sequence) in [
        (&upper, &*placed.sequence),
        (&lower, &*ahead),
        (&lower, "49"),
    ] {
        let after = Start::After(sequence.into());
        let kind = open_refusal(&stream, shard, after).await;
        assert_eq!(kind, SourceErrorKind::Fatal, "{sequence}");
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_are_put_later_have_the_time_they_came() {
    let stream = kinesis(2);
    sleep(Duration::from_secs(10)).await;
    let times = [1, 5, 60].map(|second| START + Duration::from_secs(second));
    let records = times.map(|time| (time, Some(0), record(StreamKind::Kinesis, "a", "text")));
    let mut placed = Vec::new();
    let put = stream.put_many_at(records, |shard, time| placed.push((shard, time)));
    put.unwrap();
    let first = shard(&stream, 0);
    let page = read(&stream, &first, Start::TrimHorizon).await;
    let arrivals = [0, 1, 2].map(|place| page.records[place].arrival);
    // None comes after now.
    let now = START + Duration::from_secs(10);
    assert_eq!(arrivals, [times[0], times[1], now]);
    assert_eq!(placed, arrivals.map(|time| (0, time)));
    let late = read(&stream, &first, Start::Timestamp(times[1])).await;
    assert_eq!(late.records.len(), 2);
}

#[test]
fn a_hash_key_is_the_digest_of_the_partition_key() {
    // The MD5 digest of "a".
    assert_eq!(
        MemoryStream::hash_key("a"),
        0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661
    );
}
