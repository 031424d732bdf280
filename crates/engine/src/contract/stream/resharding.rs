//! What a [`StreamSource`] must do when shards are split, rolled over and merged.

use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;

use lambda_esm_core::record::StreamRecord;
use tokio::time::Instant;

use super::calls::{NO_END, PATIENCE, PAUSE, PLENTY, Place, list};
use super::listing::{each_shard_is_listed_once, open_shards_share_the_hash_keys};
use super::reader::StreamReader;
use super::records::{along_the_shard, same};
use crate::contract::promise::{broken, equal, holds};
use crate::ports::{Shard, ShardId, Start, StreamSource};

/// What a shard holds when it is closed; more than a page of [`FEW`].
const UNREAD: [&str; 5] = ["unread 1", "unread 2", "unread 3", "unread 4", "unread 5"];

/// The most records of a page.
const FEW: usize = 2;

/// Checks what a reader sees of a shard that is closed and followed by one or more children.
///
/// `put` and `text` are those of [`stream_source_contract`](super::stream_source_contract); `split` closes
/// a shard, and returns when that is asked for: the contract waits until it is done. Run it on paused time,
/// unless the source calls a server.
///
/// The promises:
/// - a closed shard is listed as such as long as it holds records, and so are its children, with it as parent;
/// - the children are open, and take just the hash keys of their parents;
/// - a closed shard gives all its records, in pages that follow one another, before it ends; then it ends;
/// - the children that it names at its end are those that are listed;
/// - nothing comes after its last record, and it keeps those that were read;
/// - the records of a key keep their order from the parent to the children, and none is lost or repeated.
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
    let before = list(source).await.shards;
    put("s", "read").await;
    let (parent, last_read) = reader.read(1).await.remove(0);
    for each in UNREAD {
        put("s", each).await;
    }
    split(&parent).await;
    let family = Family::of(source, &[&parent], &before).await;
    for each in ["new 1", "new 2"] {
        put("s", each).await;
    }

    family
        .is_told_at_the_end(source, &parent, &last_read, &text)
        .await;
    let found = reader.read(UNREAD.len() + 2).await;
    let texts: Vec<_> = found.iter().map(|(_, record)| text(record)).collect();
    equal(
        "the records of a key keep their order from parents to children",
        &texts,
        &[&UNREAD[..], &["new 1", "new 2"]].concat(),
    );
    let (child, first) = &found[UNREAD.len()];
    holds(
        "what comes after a shard is closed is in its children",
        ids(&family.children).contains(child),
        format_args!("one of {:?}", ids(&family.children)),
        child,
    );
    let mut place = Place::open(source, child, &Start::TrimHorizon).await;
    let begun = place.read(2, PLENTY).await;
    holds(
        "TrimHorizon begins with the oldest record",
        begun.first() == Some(first),
        format_args!("{first:?}"),
        &begun.first(),
    );
    holds(NO_END, place.next.is_some(), "where to read on", child);
}

/// Checks what a reader sees of two shards that are merged. The stream must have two open shards next to
/// each other.
///
/// `put` and `text` are those of [`stream_source_contract`](super::stream_source_contract); `merge` merges two
/// shards, and returns when that is asked for. Run it on paused time, unless the source calls a server.
///
/// The promises are those of [`split_contract`], and besides: two shards are followed by one, which has both as
/// its parents.
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
    let before = list(source).await.shards;
    let [one, other] = neighbours(&before);
    put_round("before").await;
    merge(&one, &other).await;
    let family = Family::of(source, &[&one, &other], &before).await;
    holds(
        "two shards that are merged are followed by one",
        family.children.len() == 1,
        "one child",
        &family.children,
    );
    equal(
        "a shard that is merged has both as its parents",
        &parents(&family.children[0]),
        &ids(&family.parents),
    );
    put_round("after").await;

    let mut rounds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, record) in reader.read(2 * keys.len()).await {
        let text = text(&record);
        let (key, round) = text.split_once(' ').unwrap_or((&text, ""));
        let of_key = rounds.entry(key.to_owned()).or_default();
        of_key.push(round.to_owned());
    }
    let in_order = keys
        .iter()
        .map(|key| (key.clone(), vec!["before".to_owned(), "after".to_owned()]));
    equal(
        "the records of a key keep their order from parents to children",
        &rounds,
        &in_order.collect::<BTreeMap<_, _>>(),
    );
    for parent in [&one, &other] {
        let mut place = Place::open(source, parent, &Start::TrimHorizon).await;
        let (_, named) = place.read_to_end(PLENTY).await;
        family.has_the_children(&named);
    }
}

/// Shards that were closed, and those that follow them.
struct Family {
    parents: Vec<Shard>,
    children: Vec<Shard>,
}

impl Family {
    /// Waits until all `parents` are listed as closed and have a child. `before` is what was listed before.
    async fn of(source: &dyn StreamSource, parents: &[&ShardId], before: &[Shard]) -> Self {
        let start = Instant::now();
        loop {
            let shards = list(source).await.shards;
            let is_parent = |id: &ShardId| parents.contains(&id);
            let listed: Vec<_> = shards.iter().filter(|each| is_parent(&each.id)).collect();
            let family = Self {
                parents: listed
                    .iter()
                    .copied()
                    .filter(|each| each.closed)
                    .cloned()
                    .collect(),
                children: shards
                    .iter()
                    .filter(|shard| shard.parents.iter().any(is_parent))
                    .cloned()
                    .collect(),
            };
            if family.parents.len() == parents.len() && !family.children.is_empty() {
                family.makes_sense(&shards, before);
                return family;
            }
            if start.elapsed() > PATIENCE {
                let (promise, expected) = if listed.len() < parents.len() {
                    (
                        "a closed shard is listed as long as it holds records",
                        "it among the shards",
                    )
                } else if family.parents.len() < parents.len() {
                    (
                        "a shard that takes no more records is listed as closed",
                        "it as closed",
                    )
                } else {
                    (
                        "the shards that follow a closed one are listed with it as their parent",
                        "its children",
                    )
                };
                broken(promise, format_args!("{expected}: {parents:?}"), &shards);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn makes_sense(&self, shards: &[Shard], before: &[Shard]) {
        each_shard_is_listed_once(shards);
        holds(
            "the children of a shard begin open",
            self.children.iter().all(|child| !child.closed),
            "open shards",
            &self.children,
        );
        holds(
            "the children of a shard are new",
            ids(before).is_disjoint(&ids(&self.children)),
            format_args!("none of {:?}", ids(before)),
            &self.children,
        );
        holds(
            "a shard has just those parents that it came from",
            self.children
                .iter()
                .all(|child| parents(child).is_subset(&ids(&self.parents))),
            format_args!("some of {:?}", ids(&self.parents)),
            &self.children,
        );
        equal(
            "the children take just the hash keys of their parents",
            &hash_keys(&self.children),
            &hash_keys(&self.parents),
        );
        open_shards_share_the_hash_keys(shards);
    }

    /// Reads a parent from the record that was read last.
    async fn is_told_at_the_end(
        &self,
        source: &dyn StreamSource,
        parent: &ShardId,
        last_read: &StreamRecord,
        text: &impl Fn(&StreamRecord) -> String,
    ) {
        let after = Start::After(last_read.sequence.clone());
        let mut place = Place::open(source, parent, &after).await;
        let (found, named) = place.read_to_end(FEW).await;
        let texts: Vec<_> = found.iter().map(text).collect();
        equal(
            "a closed shard gives all its records, in their order, before it ends",
            &texts,
            &UNREAD,
        );
        along_the_shard(&found);
        self.has_the_children(&named);

        let end = Start::After(found[UNREAD.len() - 1].sequence.clone());
        for from in [end, Start::Latest] {
            let mut place = Place::open(source, parent, &from).await;
            let (found, named) = place.read_to_end(PLENTY).await;
            let texts: Vec<_> = found.iter().map(text).collect();
            equal("nothing comes after the end of a shard", &texts, &[""; 0]);
            self.has_the_children(&named);
        }
        let mut place = Place::open(source, parent, &Start::TrimHorizon).await;
        let (all, _) = place.read_to_end(PLENTY).await;
        let since = all.iter().position(|record| record == last_read);
        same(
            "a closed shard keeps its records, be they read or not",
            since.map_or(&all, |since| &all[since..]),
            &[from_ref(last_read), &found].concat(),
        );
    }

    /// Checks the children that a shard names at its end, if it does.
    fn has_the_children(&self, named: &[Shard]) {
        if !named.is_empty() {
            equal(
                "the children named at the end of a shard are those that are listed",
                &in_order(named),
                &in_order(&self.children),
            );
        }
    }
}

/// Returns what is told of shards, whether they are closed aside.
fn in_order(shards: &[Shard]) -> Vec<Shard> {
    let mut shards = shards.to_vec();
    for shard in &mut shards {
        shard.parents.sort();
        shard.closed = false;
    }
    shards.sort_by(|one, other| one.id.cmp(&other.id));
    shards
}

/// Returns the hash keys of shards; adjacent ranges are one.
fn hash_keys(shards: &[Shard]) -> Vec<(u128, u128)> {
    let mut ranges: Vec<_> = shards.iter().filter_map(|shard| shard.hash_keys).collect();
    ranges.sort_unstable();
    ranges.into_iter().fold(Vec::new(), |mut joined, next| {
        match joined.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(next.0) => *last = next.1,
            _ => joined.push(next),
        }
        joined
    })
}

fn neighbours(shards: &[Shard]) -> [ShardId; 2] {
    let mut open: Vec<_> = shards.iter().filter(|shard| !shard.closed).collect();
    open.sort_by_key(|shard| shard.hash_keys);
    assert!(open.len() > 1, "two open shards are needed: {shards:?}");
    [open[0].id.clone(), open[1].id.clone()]
}

fn parents(shard: &Shard) -> BTreeSet<ShardId> {
    shard.parents.iter().cloned().collect()
}

fn ids(shards: &[Shard]) -> BTreeSet<ShardId> {
    shards.iter().map(|shard| shard.id.clone()).collect()
}
