//! What every [`StreamSource`] must do, whatever its server.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::StreamRecord;
use lambda_esm_core::stream::compare_sequences;
use tokio::time::Instant;

use super::reader::{PATIENCE, PAUSE, StreamReader, fetch, read_shard};
use crate::clock::Clock;
use crate::ports::{ShardId, Start, StreamSource};

/// How far apart the clocks of a server and of the test may be; whole seconds included.
const SKEW: Duration = Duration::from_secs(5);

/// How far apart the times of listings and of arrivals may be; what cuts one to the second aside.
const OF_ONE_SERVICE: Duration = Duration::from_secs(1);

/// What the contract puts under one key; some services keep no record of a change that changes nothing, so
/// no two are the same.
const TEXTS: [&str; 5] = [
    "{\"a\": \"ä€😀\", \"n\" : 1.0}\n\t<&>\"\\",
    " ",
    "plain",
    "\u{1F980}",
    "0",
];

/// Checks the promises of [`StreamSource`] on a stream that is open and empty; it leaves records in it.
///
/// `put` puts one record with a key and a text into the stream; `text` returns that text from the record
/// (Kinesis: the data; DynamoDB: an attribute of the new image). `clock` shows the server's time.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn stream_source_contract(
    source: &dyn StreamSource,
    clock: Clock,
    put: impl AsyncFn(&str, &str),
    text: impl Fn(&StreamRecord) -> String,
) {
    facts_are_sane(source).await;
    an_empty_stream_answers_at_once(source).await;
    let (shard, records) = records_arrive_verbatim_and_in_order(source, clock, &put, &text).await;
    a_position_may_be_fetched_again(source, &shard, &records).await;
    the_trim_horizon_is_the_oldest_record(source, &shard, &records).await;
    a_limit_is_respected(source, &shard, &records).await;
    latest_is_after_the_newest_record(source, &put, &text).await;
    after_is_just_after_the_record(source, &shard, &records, &put, &text).await;
    a_time_begins_with_what_arrived_then(source, &shard, &put, &text).await;
    an_unknown_shard_is_not_found(source, &shard).await;
}

async fn facts_are_sane(source: &dyn StreamSource) {
    let listing = source.list().await.unwrap();
    let facts = &listing.facts;
    assert!(!facts.identity.is_empty(), "{facts:?}");
    assert!(facts.fetch_limit >= 10, "{facts:?}");
    assert!(facts.base_interval > Duration::ZERO, "{facts:?}");
    let minute = Duration::from_secs(60);
    let kept = facts.retention.is_none_or(|kept| kept >= minute);
    assert!(kept, "too short to test: {facts:?}");
    let again = source.list().await.unwrap().facts;
    assert_eq!(again, *facts, "a stream stays what it is");

    let ids: BTreeSet<_> = listing.shards.iter().map(|shard| &shard.id).collect();
    assert_eq!(ids.len(), listing.shards.len(), "a shard is listed twice");
    assert!(
        listing.shards.iter().any(|shard| !shard.closed),
        "{listing:?}"
    );
    for shard in &listing.shards {
        assert!(!shard.parents.contains(&shard.id), "{shard:?}");
        assert!(shard.hash_keys.is_none_or(|(first, last)| first <= last));
    }
}

async fn an_empty_stream_answers_at_once(source: &dyn StreamSource) {
    for shard in source.list().await.unwrap().shards {
        let cursor = source.open(&shard.id, &Start::TrimHorizon).await;
        let start = Instant::now();
        let page = fetch(source, &shard.id, &cursor.unwrap(), 10).await;
        assert!(start.elapsed() < SKEW, "took {:?}", start.elapsed());
        assert_eq!(page.records, [], "the contract needs an empty stream");
        assert!(page.next.is_some() || shard.closed, "{shard:?} ended");
    }
}

/// Returns the shard that got the records of the key `a`, and these.
async fn records_arrive_verbatim_and_in_order(
    source: &dyn StreamSource,
    clock: Clock,
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) -> (ShardId, Vec<StreamRecord>) {
    let mut reader = StreamReader::open(source, Start::Latest).await;
    let (before, told) = (clock.now(), source.list().await.unwrap());
    for each in TEXTS {
        put("a", each).await;
    }
    let found = reader.read(TEXTS.len()).await;
    let after = clock.now() + SKEW;
    let told_after = source.list().await.unwrap().server_time;
    let texts: Vec<_> = found.iter().map(|(_, record)| text(record)).collect();
    assert_eq!(texts, TEXTS);
    let shards: BTreeSet<_> = found.iter().map(|(shard, _)| shard.clone()).collect();
    assert_eq!(shards.len(), 1, "a key has more than one shard: {shards:?}");
    for pair in found.windows(2) {
        let (earlier, later) = (&pair[0].1, &pair[1].1);
        assert!(grows(earlier, later), "{earlier:?}, then {later:?}");
        assert!(
            earlier.arrival <= later.arrival,
            "{earlier:?}, then {later:?}"
        );
    }
    for (_, record) in &found {
        let near = record.arrival + SKEW >= before && record.arrival <= after;
        assert!(
            near,
            "{:?} is not within {before:?} to {after:?}",
            record.arrival
        );
    }
    if let (Some(before), Some(after)) = (told.server_time, told_after) {
        let late = told.facts.arrival_grain + OF_ONE_SERVICE;
        for (_, record) in &found {
            let within =
                record.arrival + late >= before && record.arrival <= after + OF_ONE_SERVICE * 2;
            assert!(
                within,
                "listings told {before:?} and {after:?}, a record {:?} in between",
                record.arrival
            );
        }
    }
    let shard = found[0].0.clone();
    (shard, found.into_iter().map(|(_, record)| record).collect())
}

fn grows(earlier: &StreamRecord, later: &StreamRecord) -> bool {
    let digits = |record: &StreamRecord| record.sequence.bytes().all(|byte| byte.is_ascii_digit());
    let order = compare_sequences(&earlier.sequence, &later.sequence);
    digits(earlier) && digits(later) && order.is_lt()
}

async fn a_position_may_be_fetched_again(
    source: &dyn StreamSource,
    shard: &ShardId,
    records: &[StreamRecord],
) {
    let after = Start::After(records[0].sequence.clone());
    let cursor = source.open(shard, &after).await.unwrap();
    let start = Instant::now();
    // An empty page says nothing: a server may look at a part of the shard at a time.
    let mut pages = Vec::new();
    while pages.len() < 2 {
        let page = fetch(source, shard, &cursor, 2).await;
        if page.records.is_empty() {
            assert!(start.elapsed() < PATIENCE, "no records at {cursor:?}");
            tokio::time::sleep(PAUSE).await;
        } else {
            pages.push(page.records);
        }
    }
    let common = pages[0].len().min(pages[1].len());
    assert_eq!(pages[0][..common], pages[1][..common]);
    assert_eq!(pages[0][0], records[1]);
}

async fn the_trim_horizon_is_the_oldest_record(
    source: &dyn StreamSource,
    shard: &ShardId,
    records: &[StreamRecord],
) {
    let all = (records.len(), 100);
    let (found, _) = read_shard(source, shard, &Start::TrimHorizon, all).await;
    assert_eq!(found, records);
}

async fn a_limit_is_respected(
    source: &dyn StreamSource,
    shard: &ShardId,
    records: &[StreamRecord],
) {
    let by_two = (records.len(), 2);
    let (found, _) = read_shard(source, shard, &Start::TrimHorizon, by_two).await;
    assert_eq!(found, records, "pages of 2 leave out or repeat something");
    let most = source.list().await.unwrap().facts.fetch_limit;
    let most = (records.len(), most);
    let (found, _) = read_shard(source, shard, &Start::TrimHorizon, most).await;
    assert_eq!(found, records);
}

async fn latest_is_after_the_newest_record(
    source: &dyn StreamSource,
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) {
    let mut reader = StreamReader::open(source, Start::Latest).await;
    assert_eq!(reader.round().await, []);
    put("a", "newest").await;
    let found = reader.read(1).await;
    assert_eq!(text(&found[0].1), "newest");
}

async fn after_is_just_after_the_record(
    source: &dyn StreamSource,
    shard: &ShardId,
    records: &[StreamRecord],
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) {
    let third = Start::After(records[2].sequence.clone());
    let (found, _) = read_shard(source, shard, &third, (records.len() - 2, 100)).await;
    assert_eq!(found[..2], records[3..]);
    let newest = &found[2];
    assert_eq!(text(newest), "newest");
    assert!(grows(&records[4], newest));

    let after = Start::After(newest.sequence.clone());
    let cursor = source.open(shard, &after).await.unwrap();
    let page = fetch(source, shard, &cursor, 100).await;
    assert_eq!(page.records, [], "nothing comes after the newest record");
    put("a", "newer").await;
    let (found, _) = read_shard(source, shard, &after, (1, 100)).await;
    assert_eq!(text(&found[0]), "newer");
}

async fn a_time_begins_with_what_arrived_then(
    source: &dyn StreamSource,
    shard: &ShardId,
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) {
    // Arrival times may be whole seconds.
    tokio::time::sleep(Duration::from_millis(2100)).await;
    put("a", "late").await;
    let all = (TEXTS.len() + 3, 100);
    let (oldest, _) = read_shard(source, shard, &Start::TrimHorizon, all).await;
    let late = oldest.last().unwrap();
    assert_eq!(text(late), "late");
    let then = Start::Timestamp(late.arrival);
    let (found, _) = read_shard(source, shard, &then, (1, 100)).await;
    // A source that cannot look up a time begins with its oldest record.
    let begins = found[0] == *late || found[0] == oldest[0];
    assert!(
        begins,
        "{late:?} is the first of its time, not {:?}",
        found[0]
    );

    let early = Start::Timestamp(oldest[0].arrival);
    let (found, _) = read_shard(source, shard, &early, all).await;
    assert_eq!(found, oldest);
}

async fn an_unknown_shard_is_not_found(source: &dyn StreamSource, known: &ShardId) {
    let nines = |letter: char| if letter.is_ascii_digit() { '9' } else { letter };
    let unknown = ShardId::new(known.as_str().chars().map(nines).collect::<String>());
    assert_ne!(unknown, *known);
    let error = source.open(&unknown, &Start::TrimHorizon).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
}
