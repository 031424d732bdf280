//! What every [`StreamSource`] must do, whatever its server.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::future::{join, join_all};
use lambda_esm_core::record::StreamRecord;
use tokio::time::Instant;

use super::calls::{NO_END, PATIENCE, PAUSE, PLENTY, Place, fetch, list, open, try_fetch};
use super::listing::{SKEW, a_listing_makes_sense, facts_stay};
use super::reader::StreamReader;
use super::records::{along_the_shard, changes_are_named, has_key, is_readable, same};
use super::{positions, times, waits};
use crate::clock::Clock;
use crate::contract::promise::{equal, holds};
use crate::patience::within;
use crate::ports::{Cursor, ShardId, Start, StreamFacts, StreamSource};

/// What the contract puts under one key; some services keep no record of a change that changes nothing, so
/// no two are the same.
const TEXTS: [&str; 8] = [
    "{\"a\": \"ä€😀\", \"n\" : 1.0}\n\t<&>\"\\",
    " ",
    "plain",
    "",
    "\u{1F980}",
    "\r\n  between \u{0} white space\n",
    "0",
    "\u{FEFF}e\u{301}",
];

/// What it puts records under besides, one each: keys of several shards, and such as are easily altered.
const KEYS: [&str; 8] = ["b", "c", "d", "e", "A", " ä€😀 ", "\"quoted\" \\", "00"];

/// Checks the promises of [`StreamSource`] on a stream that is open and empty; it leaves records in it.
///
/// `put` puts one record with a key and a text into the stream; `text` returns that text from the record
/// (Kinesis: the data; DynamoDB: an attribute of the new image). `clock` shows the server's time. Run it on
/// paused time (`#[tokio::test(start_paused = true)]`), unless the source calls a server. A record may take half a
/// minute until it is there; meanwhile pages are empty.
///
/// What the stream must be helped with has contracts of its own: [`bytes_contract`](super::bytes_contract),
/// [`split_contract`](super::split_contract), [`merge_contract`](super::merge_contract),
/// [`expiry_contract`](super::expiry_contract), [`retention_contract`](super::retention_contract) and
/// [`recreation_contract`](super::recreation_contract).
///
/// The promises:
/// - a listing has each shard once, with the same facts each time, and these make sense;
/// - the open shards share all hash keys, if there are any;
/// - the server time is what the clock shows, or a few seconds less, and goes on;
/// - every call is answered, whatever other calls are under way; a fetch at once, if only with an empty page,
///   or after the wait that it is asked to make;
/// - a page has at most as many records as were asked for; pages leave nothing out and repeat nothing;
/// - an open shard has no end;
/// - every record that is put is read, and once, as it was put: text and key;
/// - the records of a key are in one shard, in the order in which they were put;
/// - sequence numbers are decimal digits that grow along the shard, those of a change stream differ;
/// - a record has arrived when it was put, by the clock, cut down to the grain; times do not go back;
/// - a change has an event ID of its own, and is `INSERT`, `MODIFY` or `REMOVE`;
/// - the same position may be fetched again, and gives the same records, whatever positions there are besides, and
///   also after a fetch that was dropped;
/// - each [`Start`] begins where it says;
/// - a page is not further behind than its oldest record is old, and behind by zero just at the end;
/// - a shard that the stream never had is not found.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn stream_source_contract(
    source: &dyn StreamSource,
    clock: Clock,
    put: impl AsyncFn(&str, &str),
    text: impl Fn(&StreamRecord) -> String,
) {
    let listing = a_listing_makes_sense(source, clock).await;
    let oldest = an_empty_stream_answers_at_once(source, &listing.facts).await;
    let (shard, shards) =
        records_arrive_as_they_were_put(source, clock, &oldest, &put, &text).await;
    let records = &shards[&shard];
    for _ in 0..2 {
        the_same_position_gives_the_same(source, &shard, &oldest[&shard], records).await;
    }
    shards_are_read_side_by_side(source, &oldest, &shards).await;
    let wait = listing.facts.longest_wait;
    let other = shards.keys().find(|other| **other != shard);
    if let Some(other) = other.filter(|_| wait > SKEW) {
        waits::hold_up_no_other_shard(source, (&shard, &oldest[&shard]), other, wait).await;
    }

    let records = positions::begin_where_they_say(source, &shard, records, &put, &text).await;
    times::begin_where_they_say(source, &shard, clock, &records, &put, &text).await;
    positions::an_unknown_shard_is_not_found(source, &shard).await;
    facts_stay(source, &listing.facts).await;
}

/// Returns where the oldest record of each shard will be.
async fn an_empty_stream_answers_at_once(
    source: &dyn StreamSource,
    facts: &StreamFacts,
) -> BTreeMap<ShardId, Cursor> {
    let mut oldest = BTreeMap::new();
    for shard in list(source).await.shards {
        let cursor = open(source, &shard.id, &Start::TrimHorizon).await;
        let start = Instant::now();
        let page = fetch(source, &shard.id, &cursor, 10).await;
        holds(
            "a fetch answers at once, if only with an empty page",
            start.elapsed() < SKEW,
            format_args!("an answer within {SKEW:?}"),
            &start.elapsed(),
        );
        same("a stream without records shows none", &page.records, &[]);
        holds(
            NO_END,
            page.next.is_some() || shard.closed,
            "where to read on",
            &page,
        );
        oldest.insert(shard.id, cursor);
    }
    if let Some((shard, cursor)) = oldest.iter().next()
        && !facts.longest_wait.is_zero()
    {
        waits::end(source, shard, cursor, facts.longest_wait).await;
    }
    oldest
}

/// Puts records, and returns the shard that has those of the key `a`, and the records of each shard.
async fn records_arrive_as_they_were_put(
    source: &dyn StreamSource,
    clock: Clock,
    oldest: &BTreeMap<ShardId, Cursor>,
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) -> (ShardId, BTreeMap<ShardId, Vec<StreamRecord>>) {
    let mut reader = StreamReader::open(source, Start::Latest).await;
    let before = (clock.now(), list(source).await);
    for (each, key) in TEXTS.into_iter().zip(KEYS) {
        put("a", each).await;
        put(key, &format!("{each} of {key}")).await;
    }
    let mut found = reader.read(TEXTS.len() + KEYS.len()).await;
    found.extend(reader.round().await);
    let after = (clock.now(), list(source).await);
    for (_, record) in &found {
        is_readable(record);
    }
    let shard = texts_and_keys_are_right(&found, text);
    changes_are_named(found.iter().map(|(_, record)| record));
    for (_, record) in &found {
        times::arrived_between(record, &before, &after);
    }

    let listed: BTreeSet<_> = after.1.shards.iter().map(|each| &each.id).collect();
    holds(
        "a shard is listed as long as it is open",
        oldest.keys().all(|each| listed.contains(each)),
        format_args!("{:?}", oldest.keys()),
        &listed,
    );
    let mut of_shards: BTreeMap<ShardId, Vec<StreamRecord>> = BTreeMap::new();
    for each in oldest.keys() {
        let records = found.iter().filter(|(found_in, _)| found_in == each);
        let records: Vec<_> = records.map(|(_, record)| record.clone()).collect();
        along_the_shard(&records);
        of_shards.insert(each.clone(), records);
    }
    (shard, of_shards)
}

/// Returns the shard that has the records of the key `a`.
fn texts_and_keys_are_right(
    found: &[(ShardId, StreamRecord)],
    text: &impl Fn(&StreamRecord) -> String,
) -> ShardId {
    let others = TEXTS.into_iter().zip(KEYS);
    let others = others.map(|(each, key)| (key, format!("{each} of {key}")));
    let under_a = TEXTS.into_iter().map(|each| ("a", each.to_owned()));
    let put: BTreeMap<String, &str> = under_a
        .chain(others)
        .map(|(key, each)| (each, key))
        .collect();
    let texts: BTreeSet<String> = found.iter().map(|(_, record)| text(record)).collect();
    let altered: Vec<_> = texts
        .iter()
        .filter(|text| !put.contains_key(*text))
        .collect();
    let missing: Vec<_> = put.keys().filter(|text| !texts.contains(*text)).collect();
    equal("a record comes as it was put", &altered, &missing);
    holds(
        "every record that is put is read, and once",
        found.len() == put.len(),
        format_args!("{} records", put.len()),
        &found
            .iter()
            .map(|(_, record)| text(record))
            .collect::<Vec<_>>(),
    );
    for (_, record) in found {
        has_key(record, put[&text(record)]);
    }

    let of_a = found.iter().filter(|(_, record)| put[&text(record)] == "a");
    let shards: BTreeSet<_> = of_a.clone().map(|(shard, _)| shard).collect();
    holds(
        "the records of a key are in one shard",
        shards.len() == 1,
        "one shard",
        &shards,
    );
    let texts: Vec<_> = of_a.clone().map(|(_, record)| text(record)).collect();
    equal(
        "the records of a key keep the order in which they were put",
        &texts,
        &TEXTS,
    );
    shards.into_iter().next().unwrap().clone()
}

/// Reads all shards at the same time, from positions that were given out when they were empty.
async fn shards_are_read_side_by_side(
    source: &dyn StreamSource,
    oldest: &BTreeMap<ShardId, Cursor>,
    shards: &BTreeMap<ShardId, Vec<StreamRecord>>,
) {
    let readings = oldest.iter().map(async |(shard, cursor)| {
        let mut place = Place::at(source, shard.clone(), cursor.clone());
        let mut found = place.page(PLENTY).await.records;
        let missing = shards[shard].len().saturating_sub(found.len());
        found.extend(place.read(missing, PLENTY).await);
        (shard, found, place.next.is_some())
    });
    let (read, _) = join(join_all(readings), list(source)).await;
    for (shard, found, goes_on) in read {
        same(
            "shards that are read at the same time give their own records each",
            &found,
            &shards[shard],
        );
        holds(NO_END, goes_on, "where to read on", shard);
    }
}

/// Fetches from where all `records` were read before.
async fn the_same_position_gives_the_same(
    source: &dyn StreamSource,
    shard: &ShardId,
    cursor: &Cursor,
    records: &[StreamRecord],
) {
    const PROMISE: &str = "the same position may be fetched again, and gives the same records";
    // Nor does it matter that a fetch is dropped on its way.
    let dropped = try_fetch(source, shard, cursor, 2);
    within(Duration::ZERO, dropped).await;
    let start = Instant::now();
    // An empty page says nothing: a server may look at a part of the shard at a time.
    let found = loop {
        let page = fetch(source, shard, cursor, 2).await;
        if !page.records.is_empty() || start.elapsed() > PATIENCE {
            break page.records;
        }
        tokio::time::sleep(PAUSE).await;
    };
    holds(
        PROMISE,
        !found.is_empty(),
        format_args!("{:?}", records[0]),
        &"none",
    );
    same(PROMISE, &found, &records[..found.len()]);
}
