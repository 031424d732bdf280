//! Records come as they were put.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::mapping::StartingPosition::TrimHorizon;

use super::calls::SKEW;
use super::group::{Group, NOTHING_LOST, Topic};
use super::subject::{RecordToPut, TopicContract};
use crate::clock::Clock;
use crate::contract::promise::{equal, holds};
use crate::contract::same_bytes::same_bytes;
use lambda_esm_core::record::KafkaRecord;

pub(super) async fn come_as_they_were_put(subject: &dyn TopicContract, clock: Clock) {
    let topic = Topic::make(subject, 1).await;
    let mut group = Group::of(&topic).await;
    let one = group.join_alone(&topic, TrimHorizon).await;
    equal(
        "nothing is committed in a new group",
        &group.member(one).committed(0),
        &None::<i64>,
    );
    let put = samples();
    let before = clock.now();
    for record in &put {
        subject.put(&topic.name, 0, record.clone()).await;
    }
    let after = clock.now();
    let found = group.member(one).read(0, put.len()).await;
    let offsets: Vec<_> = found.iter().map(|record| record.offset).collect();
    let expected: Vec<_> = (0..).take(put.len()).collect::<Vec<i64>>();
    equal(NOTHING_LOST, &offsets, &expected);
    for (record, put) in found.iter().zip(&put) {
        is_as_it_was_put(record, put);
        equal(
            "a record says what its timestamp means",
            &record.timestamp_type,
            &subject.timestamp_type(),
        );
        holds(
            "a record has the time at which it was put",
            record.timestamp + SKEW >= before && record.timestamp <= after + SKEW,
            format_args!("{before:?} to {after:?}"),
            &record.timestamp,
        );
        equal("a record is not decoded", &record.schemas, &None);
    }
}

/// Returns records with whatever may be told apart.
fn samples() -> Vec<RecordToPut> {
    let every: Vec<u8> = (0..=u8::MAX).collect();
    let many: Vec<u8> = every.iter().copied().cycle().take(100_000).collect();
    let headers = [
        ("twice", Some("first")),
        ("once", Some("")),
        ("twice", Some("second")),
        ("null", None),
        ("", Some("no name")),
        ("ä€😀", Some("\u{0}\u{feff}")),
    ];
    let headers = headers.map(|(name, value)| (Arc::from(name), value.map(Bytes::from)));
    let mut with_headers = RecordToPut::new(Some(b"h"), Some(b"with headers"));
    with_headers.headers = headers.to_vec();
    vec![
        RecordToPut::new(None, Some(b"no key")),
        RecordToPut::new(Some(b""), Some(b"an empty key")),
        RecordToPut::new(Some(b"an empty value"), Some(b"")),
        RecordToPut::new(Some(b"a tombstone"), None),
        RecordToPut::new(None, None),
        RecordToPut::new(Some(&every), Some(&every)),
        RecordToPut::new(Some(b" \r\n"), Some(&many)),
        with_headers,
        RecordToPut::new(Some(b"h"), Some(b"without headers")),
    ]
}

fn is_as_it_was_put(record: &KafkaRecord, put: &RecordToPut) {
    for (what, seen, expected) in [
        ("key", &record.key, &put.key),
        ("value", &record.value, &put.value),
    ] {
        equal(
            "a record without a key, or a tombstone, is told from an empty one",
            &(what, seen.is_some()),
            &(what, expected.is_some()),
        );
        same_bytes(
            &format!("a {what} comes byte for byte as it was put"),
            seen.as_deref().unwrap_or_default(),
            expected.as_deref().unwrap_or_default(),
        );
    }
    equal(
        "headers come in their order, with names that repeat and values that are null",
        &record.headers,
        &put.headers,
    );
}

/// How far apart records are put whose times are to differ.
pub(super) const APART: Duration = Duration::from_millis(2100);
