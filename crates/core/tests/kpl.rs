//! Aggregated records, from an independent producer, written by hand, and hostile.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use bytes::Bytes;
use lambda_esm_core::kpl::{UserRecord, deaggregate, hash_key};
use md5::{Digest as _, Md5};
use proptest::prelude::*;

/// What the PyPI package `aws_kinesis_agg` 1.2.3 makes of four user records: `customer-1` twice, the
/// second time with the greatest explicit hash key, `customer-2`, and `kü` with the explicit hash key 7.
const FROM_AGGREGATOR: &str = concat!(
    "f3899ac20a0a637573746f6d65722d310a0a637573746f6d65722d320a036bc3bc12273334303238323336363932303933",
    "383436333436333337343630373433313736383231313435351201371a0908001a0566697273741a0b08011a076772c3b6",
    "c39f651a06080010001a001a09080210011a0300ff89c774158a1146a21a9f819b8d4c913d56",
);

/// Two records with tags and without explicit hash keys, encoded by that package's `messages_pb2`.
const WITH_TAGS: &str = concat!(
    "f3899ac20a01610a01621a1108011a036f6e6522080a037461671201761a1108001a0374776f22080a03746167120176",
    "8612dd05d787041b35a03fe104295ce4",
);

fn hex(text: &str) -> Bytes {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn user(partition_key: &str, hash_key: u128, data: &[u8]) -> UserRecord {
    UserRecord {
        partition_key: partition_key.into(),
        hash_key,
        data: Bytes::copy_from_slice(data),
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a length-delimited field.
fn field(out: &mut Vec<u8>, tag: u64, bytes: &[u8]) {
    varint(out, tag << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Returns the wire form of one record in an aggregate; what is `None` is left out.
fn inner(key: Option<u64>, explicit: Option<u64>, data: Option<&[u8]>) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, index) in [(1, key), (2, explicit)] {
        if let Some(index) = index {
            varint(&mut out, tag << 3);
            varint(&mut out, index);
        }
    }
    if let Some(data) = data {
        field(&mut out, 3, data);
    }
    out
}

fn message(keys: &[&[u8]], explicit: &[&[u8]], records: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    keys.iter().for_each(|key| field(&mut out, 1, key));
    explicit.iter().for_each(|key| field(&mut out, 2, key));
    records.iter().for_each(|record| field(&mut out, 3, record));
    out
}

/// Returns an aggregated record around a message.
fn sealed(message: &[u8]) -> Bytes {
    let digest = Md5::digest(message);
    [&b"\xf3\x89\x9a\xc2"[..], message, &digest[..]]
        .concat()
        .into()
}

#[test]
fn what_an_independent_producer_aggregated_comes_apart_again() {
    assert_eq!(
        deaggregate(&hex(FROM_AGGREGATOR)),
        Some(vec![
            user(
                "customer-1",
                206_123_531_217_924_687_484_981_189_258_678_458_385,
                b"first"
            ),
            user(
                "customer-2",
                212_355_002_865_798_546_818_991_354_054_017_694_540,
                "größe".as_bytes()
            ),
            user("customer-1", u128::MAX, b""),
            user("kü", 7, b"\x00\xff\x89"),
        ])
    );
}

#[test]
fn tags_are_passed_over() {
    assert_eq!(
        deaggregate(&hex(WITH_TAGS)),
        Some(vec![
            user("b", hash_key("b"), b"one"),
            user("a", hash_key("a"), b"two")
        ])
    );
}

#[test]
fn a_hash_key_is_the_md5_of_the_partition_key_as_a_number() {
    assert_eq!(hash_key(""), 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
    assert_eq!(
        hash_key("kü"),
        86_896_674_687_252_025_579_463_517_654_923_145_452
    );
}

#[test]
fn the_data_share_the_memory_of_the_aggregated_record() {
    let data = hex(FROM_AGGREGATOR);
    let whole = data.as_ptr_range();
    let records = deaggregate(&data).unwrap();
    for record in records.iter().filter(|record| !record.data.is_empty()) {
        assert!(whole.contains(&record.data.as_ptr()), "{record:?}");
    }
    assert!(std::sync::Arc::ptr_eq(
        &records[0].partition_key,
        &records[2].partition_key
    ));
}

#[test]
fn what_is_no_aggregate_stands_for_itself() {
    let valid = hex(FROM_AGGREGATOR);
    let changed = |at: usize| {
        let mut bytes = valid.to_vec();
        bytes[at] ^= 1;
        Bytes::from(bytes)
    };
    for (what, data) in [
        ("nothing", Bytes::new()),
        (
            "text",
            Bytes::from_static(b"{\"an\":\"ordinary record of more than twenty bytes\"}"),
        ),
        ("the magic alone", valid.slice(..4)),
        ("no room for the digest", valid.slice(..19)),
        ("the digest instead of the message", valid.slice(..20)),
        ("another magic", changed(3)),
        ("a changed message", changed(10)),
        ("a changed digest", changed(valid.len() - 1)),
        ("a cut message", valid.slice(..valid.len() - 1)),
        ("something behind it", [&valid[..], b"x"].concat().into()),
    ] {
        assert_eq!(deaggregate(&data), None, "{what}");
    }
}

#[test]
fn what_is_damaged_inside_stands_for_itself() {
    let good = inner(Some(0), None, Some(b"x"));
    assert!(deaggregate(&sealed(&message(&[b"k"], &[], std::slice::from_ref(&good)))).is_some());
    let with = |record: Vec<u8>| message(&[b"k"], &[b"7"], &[good.clone(), record]);
    for (what, message) in [
        ("no message", Vec::new()),
        ("no records", message(&[b"k"], &[], &[])),
        (
            "a key beyond the table",
            with(inner(Some(1), None, Some(b"x"))),
        ),
        (
            "a key far beyond the table",
            with(inner(Some(u64::MAX), None, Some(b"x"))),
        ),
        ("no key", with(inner(None, None, Some(b"x")))),
        ("no data", with(inner(Some(0), None, None))),
        (
            "an explicit hash key beyond the table",
            with(inner(Some(0), Some(1), Some(b"x"))),
        ),
        ("a record cut off", with(b"\x08".to_vec())),
        (
            "a key that is no UTF-8",
            message(&[b"\xff"], &[], std::slice::from_ref(&good)),
        ),
        (
            "a field cut off",
            [
                message(&[b"k"], &[], std::slice::from_ref(&good)),
                vec![0x1a, 9],
            ]
            .concat(),
        ),
    ] {
        assert_eq!(deaggregate(&sealed(&message)), None, "{what}");
    }
    for explicit in [
        "",
        "x",
        "-1",
        "1.0",
        "340282366920938463463374607431768211456",
    ] {
        let record = inner(Some(0), Some(0), Some(b"x"));
        let message = message(&[b"k"], &[explicit.as_bytes()], &[record]);
        assert_eq!(
            deaggregate(&sealed(&message)),
            None,
            "explicit hash key {explicit:?}"
        );
    }
}

#[test]
fn a_megabyte_of_empty_records_is_refused_at_the_first() {
    let message = vec![[0x1a, 0]; 500_000].concat();
    assert_eq!(deaggregate(&sealed(&message)), None);
}

#[test]
fn groups_nested_without_end_are_refused() {
    assert_eq!(deaggregate(&sealed(&vec![0x23; 1_000_000])), None);
    assert_eq!(
        deaggregate(&sealed(&message(&[b"k"], &[], &[vec![0x23; 1_000_000]]))),
        None
    );
}

proptest! {
    #[test]
    fn what_is_aggregated_comes_apart_in_order(
        keys in prop::collection::vec("(?s).{0,12}", 1..5),
        explicit in prop::collection::vec(any::<u128>(), 1..4),
        records in prop::collection::vec(
            (any::<prop::sample::Index>(), proptest::option::of(any::<prop::sample::Index>()),
             prop::collection::vec(any::<u8>(), 0..40)),
            1..20,
        ),
    ) {
        let texts: Vec<String> = explicit.iter().map(u128::to_string).collect();
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        for (key, by, data) in &records {
            let (key, by) = (key.index(keys.len()), by.map(|by| by.index(explicit.len())));
            wire.push(inner(Some(key as u64), by.map(|by| by as u64), Some(data)));
            let hash = by.map_or_else(|| hash_key(&keys[key]), |by| explicit[by]);
            expected.push(user(&keys[key], hash, data));
        }
        let keys: Vec<&[u8]> = keys.iter().map(|key| key.as_bytes()).collect();
        let texts: Vec<&[u8]> = texts.iter().map(|text| text.as_bytes()).collect();
        prop_assert_eq!(deaggregate(&sealed(&message(&keys, &texts, &wire))), Some(expected));
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(deaggregate(&bytes.clone().into()), None);
        bounded(&sealed(&bytes));
    }

    #[test]
    fn any_change_of_a_message_is_taken_without_a_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..6),
        tags in any::<bool>(),
    ) {
        let valid = hex(if tags { WITH_TAGS } else { FROM_AGGREGATOR });
        let mut message = valid[4..valid.len() - 16].to_vec();
        for (at, byte, how) in changes {
            if message.is_empty() {
                break;
            }
            let at = at.index(message.len());
            match how {
                0 => message[at] = byte,
                1 => message.insert(at, byte),
                _ => drop(message.remove(at)),
            }
        }
        bounded(&sealed(&message));
    }
}

/// Takes an aggregate apart that may be damaged: what comes out is never more than what went in.
fn bounded(data: &Bytes) {
    let records = deaggregate(data).unwrap_or_default();
    let bytes: usize = records.iter().map(|record| record.data.len()).sum();
    assert!(bytes <= data.len() && records.len() <= data.len() / 6);
}
