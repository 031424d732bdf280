//! What every [`FailureDestination`] must do, whatever its server.

use futures::future::join_all;
use lambda_esm_core::on_failure_record::FailureRecord;
use tokio::time::Instant;

use super::bound::{dropped_after, ends};
use super::promise::{broken, equal, succeeds};
use super::same_bytes::same_bytes;
use super::stream::{PATIENCE, PAUSE};
use crate::ports::FailureDestination;

const SUCCEEDS: &str =
    "a delivery succeeds where nothing is in its way, also of the same record again";
const COMES: &str = "a record that was delivered comes, once or more";
const BODY: &str = "a record's body comes byte for byte, and nothing else does";
const KEY: &str = "a record is kept under its own key";

/// How many times a call is polled at most before it is dropped.
const POLLS: usize = 6;

/// Services take 256 KB and more.
const LARGE: usize = 200_000;

/// What is kept under a name holds the whole event, of 6 MB and more.
const LARGEST: usize = 7_000_000;

/// Checks the promises of [`FailureDestination`] on one that is empty.
///
/// `object_keys` tells whether the destination keeps records under names (S3). `read_back` returns what has
/// come to it, since the last call or from the beginning; the object key is empty where there is none. It is called
/// until everything has come, for half a minute at most after a delivery.
///
/// The promises, each of which is named when it is broken:
///
/// * A record comes, once or more, soon after its delivery has succeeded.
/// * Its body comes byte for byte, and nothing comes that was not delivered. It may have 200 kB, where there are
///   names 7 MB.
/// * Where there are names, it is kept under its own, which is used as it is; the same body may have several.
/// * The same record can be delivered again, as after an answer that was lost.
/// * Records delivered at the same time all come.
/// * A delivery that is dropped may come or not, and stops no later one.
/// * Every call ends, within a minute.
///
/// It may run on tokio's paused time if the destination waits for nothing but that; one with a server needs the
/// real time.
///
/// # Panics
/// Panics if a promise is broken.
pub async fn destination_contract(
    destination: &dyn FailureDestination,
    object_keys: bool,
    read_back: impl AsyncFn() -> Vec<FailureRecord>,
) {
    let records = Records { object_keys };
    let mut deliveries = Deliveries {
        destination,
        read_back,
        begun: Vec::new(),
        seen: Vec::new(),
    };
    // One after the other: a service need not keep the order of two that come together.
    for number in 1..=3 {
        deliveries.come(&[records.small(number)]).await;
    }
    // After an answer that was lost, the engine delivers once more.
    deliveries.come(&[records.small(3)]).await;
    let large = records.of_length(4, if object_keys { LARGEST } else { LARGE });
    deliveries.come(&[large]).await;
    if object_keys {
        let (here, mut there) = (records.small(5), records.small(5));
        there.object_key = key("shardId-000000000001", 5);
        deliveries.come(&[here, there]).await;
    }
    let together: Vec<_> = (100..110).map(|number| records.small(number)).collect();
    deliveries.come(&together).await;
    for (polls, number) in (1..=POLLS).zip(200..) {
        deliveries.is_dropped(polls, records.small(number)).await;
        deliveries.come(&[records.small(number + 100)]).await;
    }
}

/// What was delivered, and what came of it.
struct Deliveries<'a, R> {
    destination: &'a dyn FailureDestination,
    read_back: R,
    begun: Vec<FailureRecord>,
    seen: Vec<FailureRecord>,
}

impl<R: AsyncFn() -> Vec<FailureRecord>> Deliveries<'_, R> {
    /// Delivers records at the same time, and waits until they have come, now or before.
    async fn come(&mut self, records: &[FailureRecord]) {
        self.begun.extend_from_slice(records);
        let deliver = |record: &FailureRecord| self.destination.deliver(record.clone());
        let deliveries = records
            .iter()
            .map(|record| ends("deliver", deliver(record)));
        for result in join_all(deliveries).await {
            succeeds(SUCCEEDS, result);
        }
        let start = Instant::now();
        while let Some(awaited) = records.iter().find(|record| !self.seen.contains(record)) {
            let new = ends("read_back", (self.read_back)()).await;
            for record in &new {
                self.was_delivered(record, awaited);
            }
            for record in new {
                if !self.seen.contains(&record) {
                    self.seen.push(record);
                }
            }
            if !self.seen.contains(awaited) {
                if start.elapsed() >= PATIENCE {
                    let expected = format_args!("{} within {PATIENCE:?}", shown(awaited));
                    broken(
                        COMES,
                        expected,
                        &format_args!("{} other records", self.seen.len()),
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Begins a delivery, and drops it.
    async fn is_dropped(&mut self, polls: usize, record: FailureRecord) {
        self.begun.push(record.clone());
        dropped_after(polls, self.destination.deliver(record)).await;
    }

    /// Checks that a record is one of those delivered, of which `awaited` comes next.
    fn was_delivered(&self, record: &FailureRecord, awaited: &FailureRecord) {
        if self.begun.contains(record) {
            return;
        }
        if self.begun.iter().any(|begun| begun.body == record.body) {
            equal(KEY, &record.object_key, &awaited.object_key);
        }
        same_bytes(BODY, &record.body, &awaited.body);
    }
}

/// Makes records, with keys or without.
struct Records {
    object_keys: bool,
}

impl Records {
    fn small(&self, number: u32) -> FailureRecord {
        self.of_length(number, 20)
    }

    /// Returns a record with a text of so many bytes, or a few more.
    fn of_length(&self, number: u32, length: usize) -> FailureRecord {
        let text = "ä€😀 <&>\\\\ \\u00e9 e\u{301} ".repeat(length.div_ceil(27));
        let body = format!(
            "{{\"requestContext\":{{\"condition\":\"RetryAttemptsExhausted\",\
             \"approximateInvokeCount\":{number}}},\"version\":\"1.0\",\"note\":\"{text}\"}}"
        );
        let object_key = if self.object_keys {
            key("shardId-000000000000", number)
        } else {
            String::new()
        };
        FailureRecord::new(body).with_object_key(object_key)
    }
}

/// Returns a key as the engine makes them.
fn key(shard: &str, number: u32) -> String {
    let (mapping, id) = (
        "3f2c0c9e-6d0b-4b59-9e3c-0d5b8a1f7e21",
        uuid::Uuid::from_u128(number.into()),
    );
    format!("aws/lambda/{mapping}/{shard}/2026/11/22/2026-11-22T10.00.00-{id}")
}

fn shown(record: &FailureRecord) -> String {
    const SHOWN: usize = 120;
    let body = String::from_utf8_lossy(&record.body[..record.body.len().min(SHOWN)]);
    format!(
        "{} bytes {body:?} under {:?}",
        record.body.len(),
        record.object_key
    )
}
