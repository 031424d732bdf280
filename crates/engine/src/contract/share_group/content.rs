//! What is delivered.

use std::collections::BTreeSet;

use bytes::Bytes;

use super::trial::{SharedRecordToPut, Trial, shared};
use crate::contract::promise::{equal, holds};
use crate::ports::SettleVerb::{Delete, Release};

const AS_PUT: &str = "key, value and headers are delivered as they were put";

/// Every kind of content, on each delivery.
pub(super) async fn records_are_delivered_as_they_were_put(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    let all: Vec<u8> = (0..=255).collect();
    let records = [
        SharedRecordToPut::new("plain"),
        SharedRecordToPut {
            key: Some(Bytes::from_static(b"key")),
            value: Some(Bytes::from(all)),
            headers: vec![
                ("a".to_owned(), Some(Bytes::from_static(b"\x00\xff"))),
                ("a".to_owned(), None),
            ],
        },
        SharedRecordToPut {
            key: Some(Bytes::from_static(b"gone")),
            ..SharedRecordToPut::default()
        },
    ];
    for expected in records {
        put(expected.clone()).await;
        let mut names = BTreeSet::new();
        let mut receipts = BTreeSet::new();
        for delivery in 1..=2 {
            let message = trial
                .one("a record that is put is delivered", trial.source)
                .await;
            let record = shared(&message);
            let headers = record.record.headers.iter();
            let seen = SharedRecordToPut {
                key: record.record.key.clone(),
                value: record.record.value.clone(),
                headers: headers
                    .map(|(name, value)| (name.to_string(), value.clone()))
                    .collect(),
            };
            equal(AS_PUT, &seen, &expected);
            let promise = "the delivery count is 1 at first, and grows by 1 with each delivery";
            equal(promise, &record.delivery_count, &delivery);
            let promise = "a message's id names partition and offset";
            equal(promise, &message.id, &record.id());
            names.insert(message.id.clone());
            let is_new = receipts.insert(message.receipt.clone());
            holds(
                "each delivery has a receipt of its own",
                is_new,
                "a new one",
                &message.receipt,
            );
            let verb = if delivery == 1 { Release } else { Delete };
            trial.settle_ok(trial.source, verb, &message).await;
        }
        equal(
            "a record has the same id on each delivery",
            &names.len(),
            &1,
        );
    }
}

/// No two records have a name in common, and none is left out.
pub(super) async fn every_record_is_delivered_to_one_member(
    trial: &Trial<'_>,
    put: &impl AsyncFn(SharedRecordToPut),
) {
    const RECORDS: usize = 40;
    for number in 0..RECORDS {
        put(SharedRecordToPut::new(&number.to_string())).await;
    }
    let promise = "every record is delivered, to one member";
    let ours = trial.expect(promise, trial.source, RECORDS / 2).await;
    let theirs = trial
        .expect(promise, trial.other, RECORDS - RECORDS / 2)
        .await;
    let all = ours.iter().chain(&theirs);
    let values: BTreeSet<_> = all
        .clone()
        .filter_map(|message| shared(message).record.value.clone())
        .collect();
    equal(promise, &values.len(), &RECORDS);
    let names: BTreeSet<_> = all.map(|message| message.id.clone()).collect();
    equal("no two records have the same id", &names.len(), &RECORDS);
    trial.expect_none(promise, trial.source).await;
    for (member, messages) in [(trial.source, ours), (trial.other, theirs)] {
        for some in messages.chunks(trial.facts.settle_limit.clamp(1, RECORDS)) {
            let deeds: Vec<_> = some.iter().map(|message| (Delete, message)).collect();
            let results = trial.settle(member, &deeds).await;
            let promise = "up to settle_limit deliveries are settled in one call";
            equal(promise, &results, &vec![Ok(()); deeds.len()]);
        }
    }
}
