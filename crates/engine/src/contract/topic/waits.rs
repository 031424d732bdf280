//! How long a fetch waits.

use std::time::Duration;

use futures::future::join;
use lambda_esm_core::mapping::StartingPosition::TrimHorizon;
use tokio::time::{Instant, sleep};

use super::calls::{SKEW, passes, try_fetch};
use super::group::{Group, NOTHING_LOST, Topic};
use super::subject::TopicContract;
use crate::contract::promise::{equal, holds, succeeds};

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_secs(2);

/// How soon a fetch is made again that came back with nothing.
const AGAIN: Duration = Duration::from_millis(50);

pub(super) async fn end_with_a_record_or_in_time(subject: &dyn TopicContract) {
    let mut topic = Topic::make(subject, 2).await;
    topic.put(1, 1).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    let member = group.member(one);
    let consumer = member.consumer.clone();

    // Some clients tell of the end of a log once, before they wait.
    let mut longest = Duration::ZERO;
    for _ in 0..3 {
        let start = Instant::now();
        let page = member.page(member.request(0).with_wait(SHORT)).await;
        equal(
            "a page is empty if there is no record",
            &page.records.len(),
            &0,
        );
        longest = longest.max(start.elapsed());
        holds(
            "a fetch waits no longer than it is asked to",
            start.elapsed() < SHORT + SKEW,
            format_args!("a page after {SHORT:?}"),
            &start.elapsed(),
        );
    }
    holds(
        "a fetch waits for a record",
        longest > SHORT / 2,
        format_args!("one of three pages after {SHORT:?}"),
        &longest,
    );
    let start = Instant::now();
    member
        .page(member.request(0).with_wait(Duration::ZERO))
        .await;
    holds(
        "a fetch that is not to wait answers at once",
        start.elapsed() < SHORT,
        "a page at once",
        &start.elapsed(),
    );

    let waiting = member.request(0).with_wait(LONG);
    let waits = async {
        let start = Instant::now();
        loop {
            let records = match try_fetch(&*consumer, waiting).await {
                Err(error) if passes(&error) => 0,
                page => succeeds("a partition is read by its owner", page)
                    .records
                    .len(),
            };
            if records > 0 || start.elapsed() >= LONG {
                return (records, start.elapsed());
            }
            sleep(AGAIN).await;
        }
    };
    let meanwhile = async {
        let found = member.read(1, 1).await;
        equal(NOTHING_LOST, &found.len(), &1);
        sleep(SHORT / 2).await;
        topic.put(0, 1).await;
        Instant::now()
    };
    let begun = Instant::now();
    let ((records, took), put) = join(waits, meanwhile).await;
    holds(
        "a fetch that waits holds up no other partition",
        put.duration_since(begun) < LONG / 2,
        format_args!("less than {:?}", LONG / 2),
        &put.duration_since(begun),
    );
    holds(
        "a fetch that waits answers as soon as a record is put",
        records == 1 && took < LONG / 2 + SKEW,
        "one record, at once",
        &(records, took),
    );
}
