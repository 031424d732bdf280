//! What a listing promises: the facts of the stream, its shards and the server's time.

use std::collections::BTreeSet;
use std::time::Duration;

use lambda_esm_core::Timestamp;

use super::calls::list;
use crate::clock::Clock;
use crate::contract::promise::{equal, holds};
use crate::ports::{Listing, Shard, StreamFacts, StreamSource};

/// How far apart the clocks of a server and of the test may be; whole seconds included.
pub(super) const SKEW: Duration = Duration::from_secs(5);

/// The least retention with which a contract can be run.
const MINUTE: Duration = Duration::from_secs(60);

/// What nobody cuts times down to, and no fetch waits for.
const HOUR: Duration = Duration::from_secs(3600);

/// Lists the stream twice, checks what the listings say, and returns the first.
pub(super) async fn a_listing_makes_sense(source: &dyn StreamSource, clock: Clock) -> Listing {
    let before = clock.now();
    let listing = list(source).await;
    the_server_time_is_right(&listing, before, clock.now());
    facts_make_sense(&listing.facts);
    facts_stay(source, &listing.facts).await;
    each_shard_is_listed_once(&listing.shards);
    holds(
        "a stream has an open shard",
        listing.shards.iter().any(|shard| !shard.closed),
        "an open shard",
        &listing.shards,
    );
    open_shards_share_the_hash_keys(&listing.shards);
    listing
}

/// Checks that the stream says of itself what it said before.
pub(super) async fn facts_stay(source: &dyn StreamSource, before: &StreamFacts) {
    let again = list(source).await.facts;
    equal(
        "the identity of a stream stays the same",
        &again.identity,
        &before.identity,
    );
    equal("the facts about a stream stay the same", &again, before);
}

fn facts_make_sense(facts: &StreamFacts) {
    holds(
        "a stream has an identity",
        !facts.identity.is_empty(),
        "a text that is not empty",
        &facts.identity,
    );
    holds(
        "the fetch limit is at least 1",
        facts.fetch_limit >= 1,
        "1 or more",
        &facts.fetch_limit,
    );
    holds(
        "the base interval is more than zero",
        facts.base_interval > Duration::ZERO,
        "more than zero",
        &facts.base_interval,
    );
    holds(
        "the retention is at least a minute",
        facts.retention.is_none_or(|kept| kept >= MINUTE),
        "a minute or more",
        &facts.retention,
    );
    holds(
        "arrival times are cut to an hour at most",
        facts.arrival_grain <= HOUR,
        "an hour or less",
        &facts.arrival_grain,
    );
    holds(
        "a fetch waits for an hour at most",
        facts.longest_wait <= HOUR,
        "an hour or less",
        &facts.longest_wait,
    );
}

fn the_server_time_is_right(listing: &Listing, before: Timestamp, after: Timestamp) {
    if let Some(told) = listing.server_time {
        holds(
            "the server time is what the stream's clock shows, or a few seconds less",
            told + SKEW >= before && told <= after + SKEW,
            format_args!("{before:?} to {after:?}, give or take {SKEW:?}"),
            &told,
        );
    }
}

pub(super) fn each_shard_is_listed_once(shards: &[Shard]) {
    let mut ids = BTreeSet::new();
    for shard in shards {
        holds(
            "a listing has each shard once",
            ids.insert(&shard.id),
            "each shard once",
            &shards,
        );
        let parents: BTreeSet<_> = shard.parents.iter().collect();
        holds(
            "the parents of a shard are other shards, each named once",
            parents.len() == shard.parents.len() && !parents.contains(&shard.id),
            "other shards, each once",
            shard,
        );
    }
}

/// Checks that there is one open shard for each hash key, where there are hash keys.
pub(super) fn open_shards_share_the_hash_keys(shards: &[Shard]) {
    let open: Vec<_> = shards.iter().filter(|shard| !shard.closed).collect();
    let mut keys: Vec<_> = open.iter().filter_map(|shard| shard.hash_keys).collect();
    keys.sort_unstable();
    let ends: Vec<_> = keys.iter().map(|(_, last)| last.checked_add(1)).collect();
    // Each range begins where the one before has ended.
    let mut begins: Vec<_> = keys.iter().map(|(first, _)| Some(*first)).collect();
    begins.push(None);
    let shared = begins[0] == Some(0) && begins[1..] == ends && keys.len() == open.len();
    holds(
        "the open shards share all hash keys, and no two have the same",
        keys.is_empty() || shared,
        format_args!("0 to {}, without gap or overlap", u128::MAX),
        &open,
    );
}
