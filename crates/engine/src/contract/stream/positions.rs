//! Where reading begins: at the oldest record, after the newest, after one that is named.

use lambda_esm_core::fault::SourceErrorKind;
use lambda_esm_core::record::StreamRecord;

use super::calls::{NO_END, PLENTY, Place, list, try_open};
use super::records::{along_the_shard, begins, same};
use crate::contract::promise::{equal, holds};
use crate::ports::{ShardId, Start, StreamSource};

/// Checks all beginnings but those by time. Puts two records more, and returns all of the shard.
pub(super) async fn begin_where_they_say(
    source: &dyn StreamSource,
    shard: &ShardId,
    records: &[StreamRecord],
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) -> Vec<StreamRecord> {
    the_trim_horizon_is_the_oldest_record(source, shard, records).await;
    latest_is_after_the_newest_record(source, shard, put, text).await;
    let newest = after_is_just_after_the_record(source, shard, records, put, text).await;
    [records, &newest].concat()
}

async fn the_trim_horizon_is_the_oldest_record(
    source: &dyn StreamSource,
    shard: &ShardId,
    records: &[StreamRecord],
) {
    let most = list(source).await.facts.fetch_limit;
    for limit in [2, most] {
        let mut place = Place::open(source, shard, &Start::TrimHorizon).await;
        let found = place.read(records.len(), limit).await;
        let oldest = &records[0];
        begins("TrimHorizon begins with the oldest record", &found, oldest);
        same(
            "pages follow one another: they leave nothing out and repeat nothing",
            &found,
            records,
        );
    }
}

async fn latest_is_after_the_newest_record(
    source: &dyn StreamSource,
    shard: &ShardId,
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) {
    let mut place = Place::open(source, shard, &Start::Latest).await;
    put("a", "newest").await;
    let found: Vec<_> = place.read(1, PLENTY).await.iter().map(text).collect();
    equal(
        "Latest begins just after what was the newest record when it was opened",
        &found,
        &["newest"],
    );
}

/// Returns the two records that are newest.
async fn after_is_just_after_the_record(
    source: &dyn StreamSource,
    shard: &ShardId,
    records: &[StreamRecord],
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) -> [StreamRecord; 2] {
    const PROMISE: &str = "After begins just after the record";
    let third = Start::After(records[2].sequence.clone());
    let rest = &records[3..];
    let mut place = Place::open(source, shard, &third).await;
    let found = place.read(rest.len() + 1, PLENTY).await;
    begins(PROMISE, &found, &rest[0]);
    let (known, newest) = found.split_at(rest.len().min(found.len()));
    same(PROMISE, known, rest);
    let texts: Vec<_> = newest.iter().map(text).collect();
    equal(
        "every record that is put is read, and once",
        &texts,
        &["newest"],
    );
    along_the_shard(&found);

    let last = Start::After(newest[0].sequence.clone());
    let mut place = Place::open(source, shard, &last).await;
    let page = place.page(PLENTY).await;
    same("nothing comes after the newest record", &page.records, &[]);
    holds(NO_END, page.next.is_some(), "where to read on", &page);
    put("a", "newer").await;
    let newer = place.read(1, PLENTY).await;
    let texts: Vec<_> = newer.iter().map(text).collect();
    equal(PROMISE, &texts, &["newer"]);
    [newest[0].clone(), newer[0].clone()]
}

pub(super) async fn an_unknown_shard_is_not_found(source: &dyn StreamSource, known: &ShardId) {
    let nines = |letter: char| if letter.is_ascii_digit() { '9' } else { letter };
    let name: String = known.as_str().chars().map(nines).collect();
    let unknown = ShardId::new(if name == known.as_str() {
        format!("{name}-9")
    } else {
        name
    });
    let opened = try_open(source, &unknown, &Start::TrimHorizon).await;
    holds(
        "a shard that the stream never had is not found",
        matches!(&opened, Err(error) if error.kind == SourceErrorKind::NotFound),
        "NotFound",
        &opened,
    );
}
