//! When records arrive, where a time begins, and how far a page is behind.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::StreamRecord;
use tokio::time::Instant;

use super::calls::{PATIENCE, PAUSE, PLENTY, Place, list};
use super::listing::SKEW;
use super::records::{along_the_shard, same};
use crate::clock::Clock;
use crate::contract::promise::{equal, holds};
use crate::ports::{Listing, Page, ShardId, Start, StreamSource};

/// How far apart the times of listings and of arrivals may be; what cuts one to the second aside.
const OF_ONE_SERVICE: Duration = Duration::from_secs(1);

/// So long that times go on which are whole seconds.
const A_WHILE: Duration = Duration::from_millis(2100);

/// Checks that a record arrived between two moments: what the clock showed, and what was listed then.
pub(super) fn arrived_between(
    record: &StreamRecord,
    before: &(Timestamp, Listing),
    after: &(Timestamp, Listing),
) {
    let arrival = record.arrival;
    let grain = before.1.facts.arrival_grain;
    holds(
        "a record arrives when it is put, cut down to the grain",
        arrival + grain + SKEW >= before.0 && arrival <= after.0 + SKEW,
        format_args!("{:?} to {:?}, cut to {grain:?}", before.0, after.0),
        &arrival,
    );
    if let (Some(before), Some(after)) = (before.1.server_time, after.1.server_time) {
        holds(
            "the server time is what the clock of the arrival times shows",
            arrival + grain + OF_ONE_SERVICE >= before && arrival <= after + SKEW,
            format_args!("{before:?} to {after:?}, cut to {grain:?}"),
            &arrival,
        );
    }
}

/// Checks beginnings by time on a shard that has the records `early`. Puts two more.
pub(super) async fn begin_where_they_say(
    source: &dyn StreamSource,
    shard: &ShardId,
    clock: Clock,
    early: &[StreamRecord],
    put: &impl AsyncFn(&str, &str),
    text: &impl Fn(&StreamRecord) -> String,
) {
    let before = list(source).await;
    tokio::time::sleep(A_WHILE).await;
    let between = early[early.len() - 1].arrival + Duration::from_millis(1);
    let mut from_between = Place::open(source, shard, &Start::Timestamp(between)).await;
    put("a", "late").await;
    put("a", "later").await;

    let all = a_page_tells_how_far_it_is_behind(source, shard, clock, early, text).await;
    along_the_shard(&all);
    times_go_on(&before, &list(source).await, &all[early.len() - 1..]);
    let late = &all[early.len()];
    // Where times are cut to more than we slept, there is no time between.
    if late.arrival >= between {
        first_of_its_time(&mut from_between, between, &all).await;
    }
    let then = Start::Timestamp(late.arrival);
    let mut from_then = Place::open(source, shard, &then).await;
    first_of_its_time(&mut from_then, late.arrival, &all).await;
}

/// Checks the times of listings, and of records, before and after a while.
fn times_go_on(before: &Listing, after: &Listing, records: &[StreamRecord]) {
    if let (Some(before), Some(after)) = (before.server_time, after.server_time) {
        holds(
            "the server time goes on",
            after > before,
            format_args!("more than {before:?} after {A_WHILE:?}"),
            &after,
        );
    }
    let [early, late, ..] = records else {
        return;
    };
    holds(
        "a record that arrives later by more than the grain shows a later time",
        before.facts.arrival_grain >= A_WHILE || late.arrival > early.arrival,
        format_args!("more than {:?} after {A_WHILE:?}", early.arrival),
        &late.arrival,
    );
}

async fn first_of_its_time(place: &mut Place<'_>, time: Timestamp, all: &[StreamRecord]) {
    let found = place.read(1, PLENTY).await;
    let first = all.iter().find(|record| record.arrival >= time);
    holds(
        "Timestamp begins with the first record of this time or later, or with the oldest",
        found.first() == first || found.first() == all.first(),
        format_args!("since {time:?} {first:?}"),
        &found.first(),
    );
}

/// Reads a shard from before its oldest record: those `early`, and two of two seconds later. Returns all.
async fn a_page_tells_how_far_it_is_behind(
    source: &dyn StreamSource,
    shard: &ShardId,
    clock: Clock,
    early: &[StreamRecord],
    text: &impl Fn(&StreamRecord) -> String,
) -> Vec<StreamRecord> {
    let oldest = early[0].arrival;
    let before = Start::Timestamp(Timestamp(oldest.millis() - 1000));
    let mut place = Place::open(source, shard, &before).await;
    let mut all: Vec<StreamRecord> = Vec::new();
    let mut behind = Vec::new();
    let mut heard = Instant::now();
    while all.len() < early.len() + 2 && heard.elapsed() < PATIENCE {
        let limit = if all.is_empty() { 1 } else { PLENTY };
        let page = place.page(limit).await;
        no_further_behind_than_it_is_old(&page, oldest, clock);
        if page.records.is_empty() {
            tokio::time::sleep(PAUSE).await;
        } else {
            heard = Instant::now();
        }
        all.extend(page.records);
        if all.len() <= early.len() {
            behind.push(page.behind);
        }
    }
    same(
        "a Timestamp before the oldest record begins with that",
        &all[..early.len().min(all.len())],
        early,
    );
    let late: Vec<_> = all[early.len()..].iter().map(text).collect();
    equal(
        "every record that is put is read, and once",
        &late,
        &["late", "later"],
    );
    holds(
        "a page is behind by more than zero as long as records follow it",
        !behind.contains(&Some(Duration::ZERO)),
        "more than zero, or None",
        &behind,
    );
    nothing_is_behind_the_end(&mut place).await;
    all
}

fn no_further_behind_than_it_is_old(page: &Page, oldest: Timestamp, clock: Clock) {
    let age = clock.now().since(oldest) + SKEW;
    holds(
        "a page is no further behind than its oldest record is old",
        page.behind.is_none_or(|behind| behind <= age),
        format_args!("at most {age:?}"),
        &page.behind,
    );
}

async fn nothing_is_behind_the_end(place: &mut Place<'_>) {
    let start = Instant::now();
    loop {
        let behind = place.page(PLENTY).await.behind;
        if behind.is_none_or(|behind| behind.is_zero()) {
            return;
        }
        holds(
            "a page that no record follows is behind by zero",
            start.elapsed() < PATIENCE,
            "zero, or None",
            &behind,
        );
        tokio::time::sleep(PAUSE).await;
    }
}
