//! What a [`StreamSource`] must do when shards are split, rolled over and merged.

use std::collections::{BTreeMap, BTreeSet};

use lambda_esm_core::record::StreamRecord;
use tokio::time::Instant;

use super::reader::{PATIENCE, PAUSE, StreamReader, read_shard, read_to_end};
use crate::ports::{Shard, ShardId, Start, StreamSource};

/// Checks what a reader sees of a shard that is closed and followed by one or more children.
///
/// `put` and `text` are those of [`stream_source_contract`](super::stream_source_contract); `split` closes
/// a shard, and returns when that is asked for: the contract waits until it is done.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn split_contract(
    source: &dyn StreamSource,
    put: impl AsyncFn(&str, &str),
    text: impl Fn(&StreamRecord) -> String,
    split: impl AsyncFn(&ShardId),
) {
    let mut reader = StreamReader::open(source, Start::Latest).await;
    put("s", "read").await;
    let (parent, last_read) = reader.read(1).await.remove(0);
    for each in ["unread 1", "unread 2"] {
        put("s", each).await;
    }
    split(&parent).await;
    let (closed, children) = closed_with_children(source, &[&parent]).await;
    for each in ["new 1", "new 2"] {
        put("s", each).await;
    }

    let after = Start::After(last_read.sequence.clone());
    let cursor = source.open(&parent, &after).await.unwrap();
    let (found, named) = read_to_end(source, &parent, cursor).await;
    let texts: Vec<_> = found.iter().map(&text).collect();
    assert_eq!(
        texts,
        ["unread 1", "unread 2"],
        "what the parent still held"
    );
    if !named.is_empty() {
        assert_eq!(ids(&named), ids(&children), "children named at the end");
        let known = |child: &Shard| child.parents.contains(&parent);
        assert!(named.iter().all(known), "{named:?}");
    }
    let end = Start::After(found[1].sequence.clone());
    let cursor = source.open(&parent, &end).await.unwrap();
    let (found, _) = read_to_end(source, &parent, cursor).await;
    assert_eq!(found, [], "nothing comes after the end");

    children_share_the_hash_keys(&closed, &children);
    let found = reader.read(4).await;
    let texts: Vec<_> = found.iter().map(|(_, record)| text(record)).collect();
    assert_eq!(texts, ["unread 1", "unread 2", "new 1", "new 2"]);
    let (child, _) = &found[3];
    assert!(ids(&children).contains(child), "{child} is no child");
    let (found, next) = read_shard(source, child, &Start::TrimHorizon, (2, 100)).await;
    assert_eq!(text(&found[0]), "new 1");
    assert!(next.is_some(), "an open shard does not end");
}

/// Checks what a reader sees of two shards that are merged. The stream must have two open shards next to
/// each other.
///
/// `merge` merges two shards, and returns when that is asked for.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn merge_contract(
    source: &dyn StreamSource,
    put: impl AsyncFn(&str, &str),
    text: impl Fn(&StreamRecord) -> String,
    merge: impl AsyncFn(&ShardId, &ShardId),
) {
    let keys: Vec<_> = (0..20).map(|number| format!("m{number}")).collect();
    let put_round = async |round: &str| {
        for key in &keys {
            put(key, &format!("{key} {round}")).await;
        }
    };
    let mut reader = StreamReader::open(source, Start::Latest).await;
    let shards = source.list().await.unwrap().shards;
    let (one, other) = neighbours(&shards);
    put_round("before").await;
    merge(&one.id, &other.id).await;
    let (closed, children) = closed_with_children(source, &[&one.id, &other.id]).await;
    assert_eq!(children.len(), 1, "two shards become one: {children:?}");
    let parents: BTreeSet<_> = children[0].parents.iter().cloned().collect();
    assert_eq!(parents, ids(&closed), "it has two parents");
    children_share_the_hash_keys(&closed, &children);
    put_round("after").await;

    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, record) in reader.read(2 * keys.len()).await {
        let text = text(&record);
        let (key, round) = text.split_once(' ').unwrap();
        let rounds = texts.entry(key.to_owned()).or_default();
        rounds.push(round.to_owned());
    }
    assert_eq!(texts.len(), keys.len());
    for (key, rounds) in texts {
        assert_eq!(rounds, ["before", "after"], "{key} keeps its order");
    }
}

/// Waits until all `parents` are listed as closed and have a child; returns them and their children.
async fn closed_with_children(
    source: &dyn StreamSource,
    parents: &[&ShardId],
) -> (Vec<Shard>, Vec<Shard>) {
    let start = Instant::now();
    loop {
        let shards = source.list().await.unwrap().shards;
        let is_parent = |id: &ShardId| parents.contains(&id);
        let closed = shards.iter();
        let closed: Vec<_> = closed
            .filter(|shard| shard.closed && is_parent(&shard.id))
            .cloned()
            .collect();
        let children = shards.iter();
        let children: Vec<_> = children
            .filter(|shard| shard.parents.iter().any(is_parent))
            .cloned()
            .collect();
        if closed.len() == parents.len() && !children.is_empty() {
            assert!(children.iter().all(|child| !child.closed), "{children:?}");
            return (closed, children);
        }
        assert!(start.elapsed() < PATIENCE, "{parents:?} in {shards:?}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Where there are hash keys, the children take just those of the parents.
fn children_share_the_hash_keys(parents: &[Shard], children: &[Shard]) {
    let ranges = |shards: &[Shard]| -> Vec<(u128, u128)> {
        let mut ranges: Vec<_> = shards.iter().filter_map(|shard| shard.hash_keys).collect();
        ranges.sort_unstable();
        // Adjacent ranges are one.
        ranges.into_iter().fold(Vec::new(), |mut joined, next| {
            match joined.last_mut() {
                Some((_, last)) if *last + 1 == next.0 => *last = next.1,
                _ => joined.push(next),
            }
            joined
        })
    };
    assert_eq!(
        ranges(parents),
        ranges(children),
        "{parents:?}, {children:?}"
    );
}

fn neighbours(shards: &[Shard]) -> (&Shard, &Shard) {
    let mut open: Vec<_> = shards.iter().filter(|shard| !shard.closed).collect();
    open.sort_by_key(|shard| shard.hash_keys);
    assert!(open.len() > 1, "two open shards are needed: {shards:?}");
    (open[0], open[1])
}

fn ids(shards: &[Shard]) -> BTreeSet<ShardId> {
    shards.iter().map(|shard| shard.id.clone()).collect()
}
