//! What a record promises: its text, its key, its place and its time.

use std::collections::BTreeSet;

use lambda_esm_core::record::{DynamoDbRecord, StreamContent, StreamRecord};
use lambda_esm_core::stream::compare_sequences;
use serde_json::Value;

use crate::contract::promise::{broken, equal, holds};

/// Checks that `found` are the records expected, and tells the first that is not.
#[track_caller]
pub(super) fn same(promise: &str, found: &[StreamRecord], expected: &[StreamRecord]) {
    let length = found.len().max(expected.len());
    let differs = (0..length).find(|at| found.get(*at) != expected.get(*at));
    if let Some(at) = differs {
        let expected = match expected.get(at) {
            Some(record) => format!("as record {} of {}: {record:?}", at + 1, expected.len()),
            None => format!("no more than {} records", expected.len()),
        };
        match found.get(at) {
            Some(record) => broken(promise, expected, record),
            None => broken(
                promise,
                expected,
                &format_args!("only {} records", found.len()),
            ),
        }
    }
}

/// Checks that `found` begin with the record expected.
#[track_caller]
pub(super) fn begins(promise: &str, found: &[StreamRecord], expected: &StreamRecord) {
    holds(
        promise,
        found.first() == Some(expected),
        format_args!("first {expected:?}"),
        &found.first(),
    );
}

/// Checks the order of some records of one shard.
#[track_caller]
pub(super) fn along_the_shard(records: &[StreamRecord]) {
    let has_numbers = |record: &&StreamRecord| !matches!(record.content, StreamContent::Change(_));
    for record in records.iter().filter(has_numbers) {
        let digits = record.sequence.bytes().all(|byte| byte.is_ascii_digit());
        holds(
            "a sequence number is decimal digits",
            digits && !record.sequence.is_empty(),
            "decimal digits",
            &record.sequence,
        );
    }
    for pair in records.windows(2) {
        let (earlier, later) = (&pair[0], &pair[1]);
        let (one, other) = (&earlier.sequence, &later.sequence);
        holds(
            "sequence numbers grow along the shard",
            if has_numbers(&earlier) {
                compare_sequences(one, other).is_lt()
            } else {
                // Resume tokens can only be told apart.
                one != other
            },
            format_args!("more than {}", earlier.sequence),
            &later.sequence,
        );
        holds(
            "arrival times do not go back along the shard",
            earlier.arrival <= later.arrival,
            format_args!("{:?} or later", earlier.arrival),
            &later.arrival,
        );
    }
}

/// Checks that a record makes sense to its source.
#[track_caller]
pub(super) fn is_readable(record: &StreamRecord) {
    if let StreamContent::Unreadable(unreadable) = &record.content {
        broken(
            "a record that was put is readable",
            "a record of Kinesis or DynamoDB",
            unreadable,
        );
    }
}

/// Checks that a record tells the key that it was put with.
#[track_caller]
pub(super) fn has_key(record: &StreamRecord, key: &str) {
    const PROMISE: &str = "a record tells the key that it was put with";
    match &record.content {
        StreamContent::Kinesis(record) => equal(PROMISE, &&*record.partition_key, &key),
        StreamContent::DynamoDb(record) => {
            let keys = serde_json::from_str::<Value>(&record.keys).unwrap_or_default();
            let attributes = keys.as_object().into_iter().flat_map(|keys| keys.values());
            let mut values =
                attributes.filter_map(|attribute| attribute.as_object()?.values().next());
            holds(
                PROMISE,
                values.any(|value| value == key),
                format_args!("DynamoDB JSON with {key:?}"),
                &record.keys,
            );
        }
        // Of other kinds no more is known.
        _ => is_readable(record),
    }
}

/// Checks the names of changes, if `records` are some.
#[track_caller]
pub(super) fn changes_are_named<'a>(records: impl IntoIterator<Item = &'a StreamRecord>) {
    let mut ids = BTreeSet::new();
    for record in records {
        let StreamContent::DynamoDb(change) = &record.content else {
            continue;
        };
        let DynamoDbRecord {
            event_id,
            event_name,
            ..
        } = &**change;
        holds(
            "a change has an event ID, which no other one of the stream has",
            !event_id.is_empty() && ids.insert(event_id),
            "an event ID of its own",
            event_id,
        );
        holds(
            "a change is INSERT, MODIFY or REMOVE",
            ["INSERT", "MODIFY", "REMOVE"].contains(&event_name.as_ref()),
            "INSERT, MODIFY or REMOVE",
            event_name,
        );
    }
}
