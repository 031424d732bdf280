//! SQS events, against an independent reader and the recorded shapes.

use std::borrow::Cow;

use aws_lambda_events::sqs::SqsEvent;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::{Batcher, CloseReason, Limits, MAX_PAYLOAD_BYTES};
use lambda_esm_core::event::RECORDS;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::record::{
    AttributeValue, MessageAttribute, QueueContent, QueueMessage, Receipt, SqsMessage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ARN: &str = "arn:aws:sqs:eu-west-1:123456789012:orders";

fn pairs(of: &[(&'static str, &str)]) -> Vec<(Cow<'static, str>, String)> {
    of.iter()
        .map(|&(name, value)| (name.into(), value.to_owned()))
        .collect()
}

fn message(body: &str) -> SqsMessage {
    let mut message = SqsMessage::new(body);
    message.attributes = pairs(&[
        ("ApproximateReceiveCount", "1"),
        ("SentTimestamp", "1545082649183"),
        ("SenderId", "AIDAIENQZJOLO23YVJ4VO"),
        ("ApproximateFirstReceiveTimestamp", "1545082649185"),
    ]);
    message
}

fn encode(messages: &[SqsMessage], window: bool) -> Vec<u8> {
    let encoder = SqsEncoder::new(ARN, "eu-west-1", window);
    let limits = Limits {
        count: usize::MAX,
        window: std::time::Duration::ZERO,
    };
    let mut batcher = Batcher::new(limits, RECORDS);
    for (index, sqs) in messages.iter().enumerate() {
        let receipt = Receipt(format!("receipt \"{index}\""));
        let content = QueueContent::Sqs(sqs.clone());
        let message = QueueMessage::new(format!("id-{index}"), receipt, content);
        let closed = batcher.push(Timestamp(0), index, |_, out| {
            encoder.write(out, &message.id, &message.receipt, sqs)
        });
        assert!(matches!(closed, Ok(None)));
    }
    batcher
        .close(CloseReason::Available)
        .map(|batch| batch.payload().to_vec())
        .unwrap_or_default()
}

#[test]
fn a_standard_message_has_the_recorded_members_in_the_recorded_order() {
    let text = String::from_utf8(encode(&[message("Test message.")], false)).unwrap_or_default();
    let expected = concat!(
        r#"{"Records":[{"messageId":"id-0","receiptHandle":"receipt \"0\"","body":"Test message.","#,
        r#""attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183","#,
        r#""SenderId":"AIDAIENQZJOLO23YVJ4VO","ApproximateFirstReceiveTimestamp":"1545082649185"},"#,
        r#""messageAttributes":{},"md5OfBody":"e4e68fb7bd0e697a0ae8f1bb342846b3","#,
        r#""eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:eu-west-1:123456789012:orders","#,
        r#""awsRegion":"eu-west-1"}]}"#,
    );
    assert_eq!(text, expected);
}

#[test]
fn the_digest_of_absent_attributes_is_absent_without_a_window_and_null_with_one() {
    let read = |window| -> Value {
        serde_json::from_slice(&encode(&[message("x")], window)).unwrap_or_default()
    };
    assert_eq!(
        read(false)["Records"][0].get("md5OfMessageAttributes"),
        None
    );
    assert_eq!(
        read(true)["Records"][0].get("md5OfMessageAttributes"),
        Some(&Value::Null)
    );
}

#[test]
fn attributes_of_every_type_are_read_back_by_an_independent_reader() {
    let attribute = |data_type: &str, value| MessageAttribute::new(data_type, value);
    let mut sqs = message("{\"a\": \"ü\\n\"}");
    sqs.md5_of_message_attributes = Some("d25a6aea97eb8f585bfa92d314504a92".to_owned());
    sqs.message_attributes = vec![
        (
            "Author".to_owned(),
            attribute("String", AttributeValue::Text("John \"G\"".to_owned())),
        ),
        (
            "Weeks".to_owned(),
            attribute("Number", AttributeValue::Text("6".to_owned())),
        ),
        (
            "Raw".to_owned(),
            attribute("Binary.png", AttributeValue::Binary(vec![0, 255, 7])),
        ),
    ];
    let event = encode(&[sqs.clone()], false);
    let value: Value = serde_json::from_slice(&event).unwrap_or_default();
    assert_eq!(
        value["Records"][0]["messageAttributes"],
        json!({
            "Author": {"stringValue": "John \"G\"", "stringListValues": [], "binaryListValues": [],
                       "dataType": "String"},
            "Weeks": {"stringValue": "6", "stringListValues": [], "binaryListValues": [],
                      "dataType": "Number"},
            "Raw": {"binaryValue": "AP8H", "stringListValues": [], "binaryListValues": [],
                    "dataType": "Binary.png"},
        })
    );
    let with_window: Value = serde_json::from_slice(&encode(&[sqs.clone()], true)).unwrap();
    assert_eq!(
        with_window["Records"][0]["messageAttributes"]["Raw"],
        json!({"stringValue": null, "binaryValue": "AP8H", "stringListValues": [],
               "binaryListValues": [], "dataType": "Binary.png"}),
    );
    let with_window = String::from_utf8(encode(&[sqs.clone()], true)).unwrap();
    assert!(
        with_window
            .contains(r#""Weeks":{"stringValue":"6","binaryValue":null,"stringListValues":[],"#),
        "{with_window}"
    );
    let event: SqsEvent = serde_json::from_slice(&event).expect("the reader accepts the event");
    let record = &event.records[0];
    assert_eq!(record.body.as_deref(), Some(&*sqs.body));
    assert_eq!(
        record.md5_of_message_attributes,
        sqs.md5_of_message_attributes
    );
    assert_eq!(record.event_source_arn.as_deref(), Some(ARN));
    assert_eq!(record.message_attributes.len(), 3);
}

#[test]
fn fifo_attributes_pass_through_as_strings() {
    let mut sqs = message("x");
    sqs.attributes.extend(pairs(&[
        ("MessageDeduplicationId", "d"),
        ("MessageGroupId", "g"),
        ("SequenceNumber", "18849496460467696128"),
    ]));
    let value: Value = serde_json::from_slice(&encode(&[sqs], false)).unwrap_or_default();
    assert_eq!(
        value["Records"][0]["attributes"]["SequenceNumber"],
        "18849496460467696128"
    );
    assert_eq!(value["Records"][0]["attributes"]["MessageGroupId"], "g");
}

proptest! {
    #[test]
    fn every_body_survives_the_event(bodies in prop::collection::vec("(?s).{0,60}", 1..8)) {
        let messages: Vec<SqsMessage> = bodies.iter().map(|body| message(body)).collect();
        let event = encode(&messages, true);
        prop_assert!(event.len() <= MAX_PAYLOAD_BYTES);
        let event: SqsEvent = serde_json::from_slice(&event).unwrap();
        let read: Vec<String> =
            event.records.into_iter().map(|record| record.body.unwrap_or_default()).collect();
        prop_assert_eq!(read, bodies);
    }

    #[test]
    fn a_part_of_a_batch_is_the_same_bytes_as_a_batch_of_that_part(
        bodies in prop::collection::vec("[ -~]{0,40}", 1..12), keep in any::<u16>(),
    ) {
        let kept = |index: usize| keep >> index & 1 == 1;
        let limits = Limits { count: usize::MAX, window: std::time::Duration::ZERO };
        let encode = |only: &dyn Fn(usize) -> bool| {
            let mut batcher = Batcher::new(limits, RECORDS);
            for (index, body) in bodies.iter().enumerate().filter(|&(index, _)| only(index)) {
                let write = |_: &usize, out: &mut Vec<u8>| lambda_esm_core::json::write_string(out, body);
                batcher.push(Timestamp(0), index, write).unwrap();
            }
            batcher.close(CloseReason::Count)
        };
        let mut whole = encode(&|_| true).unwrap();
        let removed = whole.retain(|&index| kept(index));
        prop_assert_eq!(removed.len() + whole.items.len(), bodies.len());
        match encode(&kept) {
            Some(part) => prop_assert_eq!(whole.payload(), part.payload()),
            None => prop_assert_eq!(&whole.payload()[..], b"{\"Records\":[]}"),
        }
    }
}
