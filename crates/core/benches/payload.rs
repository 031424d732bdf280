//! How fast events are built, against `serde_json::json!` in the same run.
//!
//! `cargo bench -p lambda-esm-core --bench payload`

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use base64::Engine as _;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batch::{Batcher, CloseReason, Limits};
use lambda_esm_core::event::RECORDS;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::record::{
    AttributeValue, MessageAttribute, QueueContent, QueueMessage, Receipt, SqsMessage,
};
use serde_json::{Map, Value, json};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
const ROUNDS: usize = 7;

fn main() {
    println!(
        "{:<34}{:>12}{:>14}{:>8}",
        "100 records each", "ours", "json!", "ratio"
    );
    let bodies = [
        ("text of 200 bytes", "order accepted, ".repeat(13), false),
        ("JSON of 1 kB", json_body(), false),
        ("JSON of 1 kB, attributes", json_body(), true),
    ];
    let mut product = 1.0;
    for (name, body, attributes) in &bodies {
        let messages: Vec<QueueMessage> = (0..100).map(|n| message(n, body, *attributes)).collect();
        assert_eq!(
            serde_json::from_slice::<Value>(&ours(&messages)).unwrap(),
            serde_json::from_slice::<Value>(&theirs(&messages)).unwrap(),
            "both must build the same event"
        );
        let (mine, other) = (measure(|| ours(&messages)), measure(|| theirs(&messages)));
        let ratio = other.as_secs_f64() / mine.as_secs_f64();
        product *= ratio;
        println!("{name:<34}{mine:>12.1?}{other:>14.1?}{ratio:>7.1}x");
    }
    println!(
        "geometric mean {:.1}x",
        product.powf(1.0 / bodies.len() as f64)
    );
}

fn json_body() -> String {
    let items: Vec<Value> = (0..12)
        .map(|n| json!({ "sku": format!("article-{n}"), "count": n, "note": "a \"quoted\" word" }))
        .collect();
    json!({ "kind": "order", "items": items }).to_string()
}

fn message(n: usize, body: &str, attributes: bool) -> QueueMessage {
    let pair = |name: &'static str, value: &str| (name.into(), value.to_owned());
    let own = |name: &str, data_type: &str, value| {
        (
            name.to_owned(),
            MessageAttribute {
                data_type: data_type.to_owned(),
                value,
            },
        )
    };
    let message_attributes = if attributes {
        vec![
            own("Tenant", "String", AttributeValue::Text("acme".to_owned())),
            own("Priority", "Number", AttributeValue::Text("7".to_owned())),
            own("Signature", "Binary", AttributeValue::Binary(vec![7; 64])),
        ]
    } else {
        Vec::new()
    };
    QueueMessage {
        id: format!("059f36b4-87a3-44ab-83d2-{n:012}"),
        receipt: Receipt("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".repeat(6)),
        group: None,
        content: QueueContent::Sqs(SqsMessage {
            body: body.into(),
            md5_of_body: "e4e68fb7bd0e697a0ae8f1bb342846b3".into(),
            md5_of_message_attributes: attributes
                .then(|| "d25a6aea97eb8f585bfa92d314504a92".to_owned()),
            attributes: vec![
                pair("ApproximateReceiveCount", "1"),
                pair("SentTimestamp", "1545082649183"),
                pair("SenderId", "AIDAIENQZJOLO23YVJ4VO"),
                pair("ApproximateFirstReceiveTimestamp", "1545082649185"),
            ],
            message_attributes,
        }),
    }
}

fn ours(messages: &[QueueMessage]) -> Vec<u8> {
    let encoder = SqsEncoder::new(ARN, "us-east-1", false);
    let limits = Limits {
        count: usize::MAX,
        window: Duration::ZERO,
    };
    let mut batcher = Batcher::new(limits, RECORDS);
    for message in messages {
        let QueueContent::Sqs(sqs) = &message.content;
        let pushed = batcher.push(Timestamp(0), (), |_, out| {
            encoder.write(out, &message.id, &message.receipt, sqs)
        });
        assert!(pushed.is_ok());
    }
    let batch = batcher.close(CloseReason::Available).unwrap();
    Vec::from(batch.payload())
}

fn theirs(messages: &[QueueMessage]) -> Vec<u8> {
    let records: Vec<Value> = messages.iter().map(their_record).collect();
    serde_json::to_vec(&json!({ "Records": records })).unwrap()
}

fn their_record(message: &QueueMessage) -> Value {
    let QueueContent::Sqs(sqs) = &message.content;
    let attributes: Map<String, Value> = sqs
        .attributes
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value)))
        .collect();
    let own = |(name, attribute): &(String, MessageAttribute)| {
        let mut value = json!({
            "stringListValues": [], "binaryListValues": [], "dataType": attribute.data_type,
        });
        match &attribute.value {
            AttributeValue::Text(text) => value["stringValue"] = json!(text),
            AttributeValue::Binary(bytes) => {
                let text = base64::engine::general_purpose::STANDARD.encode(bytes);
                value["binaryValue"] = json!(text);
            }
        }
        (name.clone(), value)
    };
    let message_attributes: Map<String, Value> = sqs.message_attributes.iter().map(own).collect();
    let mut record = json!({
        "messageId": message.id, "receiptHandle": message.receipt.0, "body": &*sqs.body,
        "attributes": attributes, "messageAttributes": message_attributes,
        "md5OfBody": &*sqs.md5_of_body, "eventSource": "aws:sqs", "eventSourceARN": ARN,
        "awsRegion": "us-east-1",
    });
    if let Some(md5) = &sqs.md5_of_message_attributes {
        record["md5OfMessageAttributes"] = json!(md5);
    }
    record
}

/// Returns the time of one call in the fastest of several rounds.
fn measure(mut build: impl FnMut() -> Vec<u8>) -> Duration {
    let round = |build: &mut dyn FnMut() -> Vec<u8>| {
        let start = Instant::now();
        for _ in 0..200 {
            black_box(build());
        }
        start.elapsed() / 200
    };
    (0..ROUNDS)
        .map(|_| round(&mut build))
        .min()
        .unwrap_or_default()
}
