//! The contract of share groups finds what breaks it: one in memory keeps it, and none of these does.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

mod fault;
mod faulty;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use lambda_esm_core::Timestamp;
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{ShareGroupContract, SharedRecordToPut, share_group_contract};
use lambda_esm_engine::memory::{MemoryShareGroup, MemoryShareGroupOptions, NewRecord};

use fault::Fault;
use faulty::Faulty;

fn group(can_renew: bool) -> (MemoryShareGroup, Clock) {
    let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
    let options = MemoryShareGroupOptions::default()
        .with_partitions(3)
        .with_can_renew(can_renew)
        .with_lock_duration(Duration::from_secs(15));
    (MemoryShareGroup::new(clock, "orders", options), clock)
}

async fn put(group: &MemoryShareGroup, record: SharedRecordToPut) {
    let headers = record.headers.into_iter();
    let headers = headers.map(|(name, value)| (Arc::from(name), value));
    let record = NewRecord::default()
        .with_key(record.key)
        .with_value(record.value)
        .with_headers(headers.collect());
    group.put(record).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_group_in_memory_keeps_the_contract() {
    for can_renew in [true, false] {
        let (group, clock) = group(can_renew);
        let (source, other) = (group.member(), group.member());
        let subject = ShareGroupContract::new(&source, &other, clock);
        share_group_contract(subject, |record| put(&group, record)).await;
        let counts = group.counts();
        assert_eq!((counts.available, counts.acquired), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn every_planted_fault_is_found() {
    let mut wrong = Vec::new();
    for fault in Fault::ALL {
        let (group, clock) = group(true);
        let source = Faulty::new(group.member(), fault);
        let other = Faulty::new(group.member(), fault);
        let subject = ShareGroupContract::new(&source, &other, clock);
        let contract = share_group_contract(subject, |record| put(&group, record));
        let outcome = AssertUnwindSafe(contract).catch_unwind().await;
        let text = match &outcome {
            Ok(()) => "it was not found",
            Err(panic) => panic.downcast_ref::<String>().map_or("", String::as_str),
        };
        let words = fault.breaks();
        if !text.starts_with("broken promise: ") || !text.contains(words) {
            wrong.push(format!("{fault:?} breaks {words:?}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
