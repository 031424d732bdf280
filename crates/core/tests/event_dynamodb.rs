//! DynamoDB events, against an independent reader and the recorded shapes.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use aws_lambda_events::dynamodb::{Event, StreamViewType};
use base64::Engine as _;
use lambda_esm_core::Timestamp;
use lambda_esm_core::event::dynamodb::{DynamoDbEncoder, size_bytes};
use lambda_esm_core::filter::{Dialect, Filters, Mismatch, Record, Scratch};
use lambda_esm_core::record::{DynamoDbRecord, UserIdentity};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const ARN: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2024-06-10T19:26:16.525";
const CREATED: Timestamp = Timestamp(1_678_831_218_000);

fn encoder() -> DynamoDbEncoder {
    DynamoDbEncoder::new(ARN, "eu-west-1")
}

fn insert(keys: &Value, new_image: &Value) -> DynamoDbRecord {
    let id = "c4ca4238a0b923820dcc509a6f75849b";
    DynamoDbRecord::new(id, "INSERT", keys.to_string())
        .with_new_image(Some(new_image.to_string()))
        .with_size_bytes(size_bytes(&[keys, new_image]))
        .with_stream_view_type("NEW_AND_OLD_IMAGES".into())
}

fn fragment(record: &DynamoDbRecord) -> String {
    let (mut change, mut out) = (Vec::new(), Vec::new());
    encoder().write_change(&mut change, "111", CREATED, record);
    encoder().write(&mut out, record, &change);
    String::from_utf8(out).unwrap()
}

fn read(record: &DynamoDbRecord) -> Event {
    let event = format!("{{\"Records\":[{}]}}", fragment(record));
    serde_json::from_str(&event).unwrap()
}

#[test]
fn an_insert_has_the_recorded_members_in_the_recorded_order_and_no_old_image() {
    let record = insert(&json!({"Id": {"N": "101"}}), &json!({"Id": {"N": "101"}}));
    let expected = concat!(
        r#"{"eventID":"c4ca4238a0b923820dcc509a6f75849b","eventName":"INSERT","#,
        r#""eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1","#,
        r#""dynamodb":{"ApproximateCreationDateTime":1678831218.0,"Keys":{"Id":{"N":"101"}},"#,
        r#""NewImage":{"Id":{"N":"101"}},"SequenceNumber":"111","SizeBytes":10,"#,
        r#""StreamViewType":"NEW_AND_OLD_IMAGES"},"#,
        r#""eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/"#,
        r#"2024-06-10T19:26:16.525"}"#,
    );
    assert_eq!(fragment(&record), expected);
}

#[test]
fn the_new_image_stands_before_the_old_one() {
    let mut record = insert(&json!({"Id": {"N": "1"}}), &json!({"new": {"NULL": true}}));
    record.event_name = "MODIFY".into();
    record.old_image = Some(json!({"old": {"BOOL": false}}).to_string());
    let images =
        r#""NewImage":{"new":{"NULL":true}},"OldImage":{"old":{"BOOL":false}},"SequenceNumber""#;
    assert!(fragment(&record).contains(images), "{}", fragment(&record));
}

#[test]
fn a_view_of_keys_only_has_no_images() {
    let mut record = insert(&json!({"Id": {"N": "1"}}), &json!({}));
    record.new_image = None;
    record.stream_view_type = "KEYS_ONLY".into();
    let text = fragment(&record);
    assert!(!text.contains("Image"), "{text}");
    let change = &read(&record).records[0].change;
    assert_eq!(change.stream_view_type, Some(StreamViewType::KeysOnly));
}

#[test]
fn a_deletion_by_time_to_live_names_the_service_after_the_change() {
    let mut record = insert(&json!({"Id": {"N": "1"}}), &json!({}));
    record.event_name = "REMOVE".into();
    record.user_identity = Some(UserIdentity::new("Service", "dynamodb.amazonaws.com"));
    let expected = concat!(
        r#"},"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},"#,
        r#""eventSourceARN":"#,
    );
    assert!(
        fragment(&record).contains(expected),
        "{}",
        fragment(&record)
    );
    let event = read(&record);
    let identity = event.records[0].user_identity.as_ref().unwrap();
    assert_eq!(identity.type_, "Service");
    assert_eq!(identity.principal_id, "dynamodb.amazonaws.com");
    let mut metadata = Vec::new();
    encoder().write_metadata(&mut metadata, &record);
    let metadata: Value = serde_json::from_slice(&metadata).unwrap();
    assert_eq!(metadata["userIdentity"]["type"], "Service");
}

#[test]
fn the_metadata_are_the_fragment_without_the_change() {
    let record = insert(&json!({"Id": {"N": "1"}}), &json!({"\"": {"S": "\\"}}));
    let mut metadata = Vec::new();
    encoder().write_metadata(&mut metadata, &record);
    let mut expected: Value = serde_json::from_str(&fragment(&record)).unwrap();
    expected
        .as_object_mut()
        .unwrap()
        .remove("dynamodb")
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&metadata).unwrap(),
        expected
    );
}

/// Whether a record with this name and image passes a filter, as the service recorded it.
fn passes(pattern: &str, event_name: &'static str, new_image: &Value) -> bool {
    let filters = Filters::compile(&[pattern], Dialect::Lambda, Default::default()).unwrap();
    let mut record = insert(&json!({"id": {"S": "id_value"}}), new_image);
    record.event_name = event_name.into();
    let (mut change, mut metadata) = (Vec::new(), Vec::new());
    encoder().write_change(&mut change, "111", CREATED, &record);
    encoder().write_metadata(&mut metadata, &record);
    let record = Record {
        data_key: "dynamodb",
        data: &change,
        metadata: &[&metadata],
        on_mismatch: Mismatch::Drop,
    };
    filters
        .matches_record(&record, &mut Scratch::default())
        .is_some()
}

#[test]
fn filters_see_a_change_as_the_service_lets_them() {
    let with = |value: Value| json!({"id": {"S": "id_value"}, "key": value});
    let (text, number) = (
        with(json!({"S": "us-1-other-suffix"})),
        with(json!({"N": "101"})),
    );
    let without = json!({"id": {"S": "id_value"}});
    for (pattern, event_name, image, expected) in [
        (r#"{"eventName":["INSERT"]}"#, "INSERT", &without, true),
        (r#"{"eventName":["INSERT"]}"#, "MODIFY", &without, false),
        (
            r#"{"eventName":["INSERT"],"eventSource":["aws:dynamodb"]}"#,
            "INSERT",
            &without,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"key":{"S":[{"prefix":"us-1"}]}}}}"#,
            "INSERT",
            &text,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"key":[{"prefix":"us-1"}]}}}"#,
            "INSERT",
            &text,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"key":{"S":[{"exists":true}]}}}}"#,
            "INSERT",
            &without,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"key":[{"exists":false}]}}}"#,
            "INSERT",
            &text,
            true,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"key":{"N":[{"numeric":[">",100]}]}}}}"#,
            "INSERT",
            &number,
            false,
        ),
        (
            r#"{"dynamodb":{"NewImage":{"key":{"N":[{"anything-but":"101"}]}}}}"#,
            "INSERT",
            &number,
            false,
        ),
        (
            r#"{"dynamodb":{"ApproximateCreationDateTime":[{"numeric":[">",0]}]}}"#,
            "INSERT",
            &text,
            true,
        ),
    ] {
        assert_eq!(
            passes(pattern, event_name, image),
            expected,
            "{pattern} on {image}"
        );
    }
}

#[test]
fn the_size_is_what_the_service_recorded() {
    let s = |text: &str| json!({ "S": text });
    let id = json!({"id": s("id_value")});
    let id2 = json!({"id": s("id_value"), "id2": s("id2_value")});
    let id2_new = json!({"id": s("id_value"), "id2": s("id2_new_value")});
    let hello = json!({"my_partition_key": s("hello world")});
    let binary = json!({"my_partition_key": s("hello world"), "binary_key": {"B": "Zm9vYmFy"}});
    let id_1 = json!({"id": s("id_value_1")});
    let present = json!({"id": s("id_value_1"), "presentKey": s("presentValue")});
    let number = json!({"id": s("id_value_1"), "numericFilter": {"N": "42"}});
    let prefix = json!({"id": s("id_value_1"), "prefix": s("us-1-other-suffix")});
    let test = json!({"my_partition_key": s("testId0")});
    let flagged = json!({"my_partition_key": s("testId0"), "should_fail": {"BOOL": true}});
    for (parts, expected) in [
        (&[&id, &id][..], 20),
        (&[&id, &id2], 32),
        (&[&id, &id2_new, &id], 46),
        (&[&hello, &hello], 54),
        (&[&hello, &binary], 70),
        (&[&id_1, &id_1], 24),
        (&[&id_1, &present], 46),
        (&[&id_1, &number], 39),
        (&[&id_1, &prefix], 47),
        (&[&test, &flagged], 58),
    ] {
        assert_eq!(size_bytes(parts), expected, "{parts:?}");
    }
}

#[test]
fn the_size_counts_what_is_in_sets_lists_and_maps() {
    let image = json!({
        "ü": {"NULL": true},
        "ss": {"SS": ["a", "bc"]}, "ns": {"NS": ["-1.5"]}, "bs": {"BS": ["AP8H", "AA=="]},
        "l": {"L": [{"S": "abc"}, {"L": [{"BOOL": false}]}]}, "m": {"M": {"in": {"N": "7"}}},
    });
    assert_eq!(size_bytes(&[&image]), 3 + 5 + 6 + 6 + 5 + 4);
    assert_eq!(
        size_bytes(&[&json!({"a": "no type"}), &json!(7), &json!({"b": {}})]),
        2
    );
}

fn name() -> impl Strategy<Value = String> {
    "(?s).{0,8}"
}

/// Any attribute value, and its size by the recorded formula.
fn attribute() -> impl Strategy<Value = (Value, u64)> {
    let text = || "(?s).{0,12}";
    let number = || "-?[1-9][0-9]{0,20}(\\.[0-9]{1,10})?";
    let bytes = || prop::collection::vec(any::<u8>(), 0..9);
    let encode = |bytes: &Vec<u8>| base64::engine::general_purpose::STANDARD.encode(bytes);
    let sum = |texts: &[String]| texts.iter().map(|text| text.len() as u64).sum::<u64>();
    let leaf = prop_oneof![
        text().prop_map(|text| (json!({ "S": text }), text.len() as u64)),
        number().prop_map(|text| (json!({ "N": text }), text.len() as u64)),
        bytes().prop_map(move |bytes| (json!({ "B": encode(&bytes) }), bytes.len() as u64)),
        any::<bool>().prop_map(|flag| (json!({ "BOOL": flag }), 1)),
        Just((json!({ "NULL": true }), 1)),
        prop::collection::vec(text(), 1..4).prop_map(move |set| (json!({ "SS": set }), sum(&set))),
        prop::collection::vec(number(), 1..4)
            .prop_map(move |set| (json!({ "NS": set }), sum(&set))),
        prop::collection::vec(bytes(), 1..4).prop_map(move |set| {
            let texts: Vec<String> = set.iter().map(encode).collect();
            (
                json!({ "BS": texts }),
                set.iter().map(|bytes| bytes.len() as u64).sum(),
            )
        }),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| {
                let size = list.iter().map(|(_, size)| size).sum();
                let values: Vec<Value> = list.into_iter().map(|(value, _)| value).collect();
                (json!({ "L": values }), size)
            }),
            prop::collection::btree_map(name(), inner, 0..4).prop_map(|map| {
                let (map, size) = item(map);
                (json!({ "M": map }), size)
            }),
        ]
    })
}

fn item(members: std::collections::BTreeMap<String, (Value, u64)>) -> (Value, u64) {
    let size = members
        .iter()
        .map(|(name, (_, size))| name.len() as u64 + size)
        .sum();
    let values: Map<String, Value> = members
        .into_iter()
        .map(|(name, (value, _))| (name, value))
        .collect();
    (Value::Object(values), size)
}

fn items() -> impl Strategy<Value = (Value, u64)> {
    prop::collection::btree_map(name(), attribute(), 0..4).prop_map(item)
}

proptest! {
    #[test]
    fn every_attribute_value_is_read_back_by_an_independent_reader(
        keys in items(), new in items(), old in items(), sequence in "[0-9]{1,40}",
        seconds in 0i64..4_000_000_000, event_id in "(?s).{0,32}",
    ) {
        let record = DynamoDbRecord::new(&event_id, "MODIFY", keys.0.to_string())
            .with_new_image(Some(new.0.to_string()))
            .with_old_image(Some(old.0.to_string()))
            .with_size_bytes(size_bytes(&[&keys.0, &new.0, &old.0]))
            .with_stream_view_type("NEW_AND_OLD_IMAGES".into());
        let (mut change, mut out) = (Vec::new(), b"{\"Records\":[".to_vec());
        encoder().write_change(&mut change, &sequence, Timestamp(seconds * 1_000), &record);
        encoder().write(&mut out, &record, &change);
        out.extend_from_slice(b"]}");
        let value: Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&value["Records"][0]["dynamodb"]["NewImage"], &new.0);

        let event: Event = serde_json::from_slice(&out).unwrap();
        let read = &event.records[0];
        prop_assert_eq!(&read.event_id, &event_id);
        prop_assert_eq!(read.event_version.as_deref(), Some("1.1"));
        prop_assert_eq!(read.event_source_arn.as_deref(), Some(ARN));
        prop_assert_eq!(read.change.sequence_number.as_deref(), Some(sequence.as_str()));
        prop_assert_eq!(read.change.approximate_creation_date_time.timestamp(), seconds);
        prop_assert_eq!(read.change.size_bytes as u64, keys.1 + new.1 + old.1);
        prop_assert_eq!(serde_json::to_value(&read.change.keys).unwrap(), keys.0);
        prop_assert_eq!(serde_json::to_value(&read.change.new_image).unwrap(), new.0);
        prop_assert_eq!(serde_json::to_value(&read.change.old_image).unwrap(), old.0);
    }

    #[test]
    fn hostile_names_stay_strings(
        arn in "(?s).{0,40}", region in "(?s).{0,20}", view in "(?s).{0,20}", who in "(?s).{0,20}",
    ) {
        let mut record = insert(&json!({}), &json!({}));
        record.stream_view_type = view.clone().into();
        record.user_identity = Some(UserIdentity::new(&who, &who));
        let (mut change, mut out) = (Vec::new(), Vec::new());
        let encoder = DynamoDbEncoder::new(&arn, &region);
        encoder.write_change(&mut change, "1", CREATED, &record);
        encoder.write(&mut out, &record, &change);
        let read: Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&read["eventSourceARN"], &json!(arn));
        prop_assert_eq!(&read["awsRegion"], &json!(region));
        prop_assert_eq!(&read["dynamodb"]["StreamViewType"], &json!(view));
        prop_assert_eq!(&read["userIdentity"], &json!({"type": who, "principalId": who}));
    }
}
