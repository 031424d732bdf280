//! What passes away: records, shards, positions, streams.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_engine::contract::fetch;
use lambda_esm_engine::memory::{MemoryStreamOptions, StreamKind};
use lambda_esm_engine::ports::{Start, StreamSource as _};
use tokio::time::sleep;

use crate::support::{
    dynamo_db, kinesis, open, open_refusal, put, read, refusal, shard, stream, texts,
};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn records_are_trimmed_at_the_age_of_the_retention() {
    let stream = kinesis(1);
    let id = shard(&stream, 0);
    put(&stream, StreamKind::Kinesis, "a", "old");
    sleep(HOUR).await;
    put(&stream, StreamKind::Kinesis, "a", "new");
    sleep(23 * HOUR - Duration::from_millis(1)).await;
    let page = read(&stream, &id, Start::TrimHorizon).await;
    assert_eq!(texts(&page), ["old", "new"]);
    sleep(Duration::from_millis(1)).await;
    let page = read(&stream, &id, Start::TrimHorizon).await;
    assert_eq!(texts(&page), ["new"]);
    sleep(HOUR).await;
    let page = read(&stream, &id, Start::TrimHorizon).await;
    assert_eq!((page.records.len(), page.next.is_some()), (0, true));
}

#[tokio::test(start_paused = true)]
async fn trimmed_records_take_no_memory_even_if_nobody_reads() {
    let stream = kinesis(1);
    let data = Bytes::from(vec![1, 2, 3]);
    for list in [false, true] {
        stream.put("a", data.clone()).unwrap();
        sleep(24 * HOUR).await;
        assert!(!data.is_unique());
        if list {
            assert_eq!(stream.shards().len(), 1);
        } else {
            stream.put("a", "next").unwrap();
        }
        assert!(data.is_unique());
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_trimmed_only_if_records_after_it_were_lost() {
    let stream = kinesis(1);
    let id = shard(&stream, 0);
    let old: Vec<_> = ["1", "2", "3"]
        .map(|each| put(&stream, StreamKind::Kinesis, "a", each).sequence)
        .into();
    sleep(HOUR).await;
    put(&stream, StreamKind::Kinesis, "a", "new");
    sleep(23 * HOUR).await;
    for lost in &old[..2] {
        let kind = open_refusal(&stream, &id, Start::After(lost.clone())).await;
        assert_eq!(kind, SourceErrorKind::Trimmed);
    }
    let page = read(&stream, &id, Start::After(old[2].clone())).await;
    assert_eq!(texts(&page), ["new"], "nothing was lost after it");
    sleep(HOUR).await;
    let kind = open_refusal(&stream, &id, Start::After(old[2].clone())).await;
    assert_eq!(
        kind,
        SourceErrorKind::Trimmed,
        "the shard is empty, but there was one"
    );
}

#[tokio::test(start_paused = true)]
async fn a_position_before_the_oldest_record_is_trimmed() {
    let stream = stream(MemoryStreamOptions::kinesis().with_retention(Duration::from_secs(60)));
    let id = shard(&stream, 0);
    put(&stream, StreamKind::Kinesis, "a", "x");
    let oldest = open(&stream, &id, Start::TrimHorizon).await;
    let latest = open(&stream, &id, Start::Latest).await;
    sleep(Duration::from_secs(60)).await;
    assert_eq!(
        refusal(&stream, &id, &oldest).await,
        SourceErrorKind::Trimmed
    );
    assert_eq!(fetch(&stream, &id, &latest, 10).await.records, []);
}

#[tokio::test(start_paused = true)]
async fn a_closed_shard_is_listed_until_its_records_are_trimmed() {
    let stream = kinesis(1);
    let parent = shard(&stream, 0);
    put(&stream, StreamKind::Kinesis, "a", "x");
    sleep(HOUR).await;
    let [lower, upper] = stream.split(&parent, None).unwrap();
    sleep(24 * HOUR - Duration::from_millis(1)).await;
    assert_eq!(stream.shards().len(), 3);
    let page = read(&stream, &parent, Start::TrimHorizon).await;
    assert_eq!((page.records.len(), page.next), (0, None));
    let cursor = open(&stream, &parent, Start::TrimHorizon).await;
    sleep(Duration::from_millis(1)).await;
    let kind = open_refusal(&stream, &parent, Start::TrimHorizon).await;
    assert_eq!(kind, SourceErrorKind::NotFound);
    assert_eq!(
        refusal(&stream, &parent, &cursor).await,
        SourceErrorKind::NotFound
    );
    let left: Vec<_> = stream.shards().into_iter().map(|shard| shard.id).collect();
    assert_eq!(left, [lower.clone(), upper], "open shards stay");
    assert_eq!(stream.shards()[0].parents, [parent]);
    stream.split(&lower, None).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_position_expires_and_a_new_one_goes_on() {
    for (stream, minutes) in [(kinesis(1), 5), (dynamo_db(1), 15)] {
        let id = shard(&stream, 0);
        let cursor = open(&stream, &id, Start::TrimHorizon).await;
        sleep(Duration::from_secs(minutes * 60) - Duration::from_millis(1)).await;
        let page = fetch(&stream, &id, &cursor, 10).await;
        sleep(Duration::from_millis(1)).await;
        assert_eq!(
            refusal(&stream, &id, &cursor).await,
            SourceErrorKind::Expired
        );
        fetch(&stream, &id, &page.next.unwrap(), 10).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_recreated_kinesis_stream_has_the_old_names_and_nothing_else() {
    let stream = kinesis(2);
    let placed = put(&stream, StreamKind::Kinesis, "a", "old");
    let cursor = open(&stream, &placed.shard, Start::TrimHorizon).await;
    let before = stream.list().await.unwrap();
    stream.recreate();
    let after = stream.list().await.unwrap();
    assert_ne!(after.facts.identity, before.facts.identity);
    assert_eq!(after.shards, before.shards);
    assert_eq!(
        refusal(&stream, &placed.shard, &cursor).await,
        SourceErrorKind::Expired
    );
    let old = Start::After(placed.sequence.clone());
    let kind = open_refusal(&stream, &placed.shard, old.clone()).await;
    assert_eq!(kind, SourceErrorKind::Fatal);
    put(&stream, StreamKind::Kinesis, "a", "new");
    let page = read(&stream, &placed.shard, Start::TrimHorizon).await;
    assert_eq!(texts(&page), ["new"]);
    assert_eq!(
        open_refusal(&stream, &placed.shard, old).await,
        SourceErrorKind::Fatal
    );
    stream.recreate();
    let again = stream.list().await.unwrap().facts.identity;
    assert_ne!(again, after.facts.identity);
    assert_ne!(again, before.facts.identity);
}

#[tokio::test(start_paused = true)]
async fn a_recreated_dynamo_db_stream_has_new_names() {
    let stream = dynamo_db(2);
    let before = stream.shards();
    let cursor = open(&stream, &before[0].id, Start::Latest).await;
    stream.recreate();
    let after = stream.shards();
    assert_eq!(after.len(), 2);
    assert!(
        after.iter().all(|shard| !before.contains(shard)),
        "{after:?}"
    );
    let kind = refusal(&stream, &before[0].id, &cursor).await;
    assert_eq!(kind, SourceErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn records_that_are_dropped_are_gone_as_if_they_were_too_old() {
    let stream = kinesis(1);
    let id = shard(&stream, 0);
    for text in ["1", "2", "3"] {
        put(&stream, StreamKind::Kinesis, "a", text);
    }
    let first = open(&stream, &id, Start::TrimHorizon).await;
    stream.drop_before(&id, 2);
    let page = read(&stream, &id, Start::TrimHorizon).await;
    assert_eq!(texts(&page), ["3"]);
    assert_eq!(
        refusal(&stream, &id, &first).await,
        SourceErrorKind::Trimmed
    );
    stream.drop_before(&id, 99);
    let next = put(&stream, StreamKind::Kinesis, "a", "4");
    assert!(next.sequence.ends_with("3"), "{}", next.sequence);
}
