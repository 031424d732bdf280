//! How fast events are built, against `serde_json::json!` in the same run.
//!
//! `cargo bench -p lambda-esm-core --bench payload`

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use base64::Engine as _;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::{Batcher, CloseReason, Limits};
use lambda_esm_core::event::RECORDS;
use lambda_esm_core::event::dynamodb::DynamoDbEncoder;
use lambda_esm_core::event::kinesis::KinesisEncoder;
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::record::{
    AttributeValue, DynamoDbRecord, KinesisRecord, MessageAttribute, QueueContent, QueueMessage,
    Receipt, SqsMessage,
};
use lambda_esm_core::stream::ShardId;
use serde_json::{Map, Value, json};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
const TABLE: &str =
    "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2024-06-10T19:26:16.525";
const ROLE: &str = "arn:aws:iam::000000000000:role/orders";
const SHARD: &str = "shardId-000000000006";
const SEQUENCE: &str = "49590338271490256608559692538361571095921575989136588898";
const ARRIVAL: Timestamp = Timestamp(1_545_084_650_987);
const ROUNDS: usize = 7;

fn main() {
    println!(
        "{:<34}{:>12}{:>14}{:>8}",
        "100 records each", "ours", "json!", "ratio"
    );
    let text = "order accepted, ".repeat(13);
    let ratios = [
        sqs("SQS, text of 200 bytes", &text, false),
        sqs("SQS, JSON of 1 kB", &json_body(), false),
        sqs("SQS, JSON of 1 kB, attributes", &json_body(), true),
        kinesis("Kinesis, 200 bytes", text.as_bytes()),
        kinesis("Kinesis, 1 kB", json_body().as_bytes()),
        dynamodb("DynamoDB, insert", false, false),
        dynamodb("DynamoDB, modify", true, false),
        dynamodb("DynamoDB, modify, from values", true, true),
    ];
    let product: f64 = ratios.iter().product();
    println!(
        "geometric mean {:.1}x",
        product.powf(1.0 / ratios.len() as f64)
    );
}

/// Prints how long one event takes us and `json!`, and returns the ratio.
fn row(name: &str, mut ours: impl FnMut() -> Vec<u8>, mut theirs: impl FnMut() -> Vec<u8>) -> f64 {
    assert_eq!(
        serde_json::from_slice::<Value>(&ours()).unwrap(),
        serde_json::from_slice::<Value>(&theirs()).unwrap(),
        "both must build the same event"
    );
    let (mine, other) = (measure(ours), measure(theirs));
    let ratio = other.as_secs_f64() / mine.as_secs_f64();
    println!("{name:<34}{mine:>12.1?}{other:>14.1?}{ratio:>7.1}x");
    ratio
}

/// Returns the event that the batcher makes of these records.
fn event<T>(records: &[T], mut write: impl FnMut(&T, &mut Vec<u8>)) -> Vec<u8> {
    let limits = Limits {
        count: usize::MAX,
        window: Duration::ZERO,
    };
    let mut batcher = Batcher::new(limits, RECORDS);
    for record in records {
        let pushed = batcher.push(Timestamp(0), (), |(), out| write(record, out));
        assert!(pushed.is_ok());
    }
    let batch = batcher.close(CloseReason::Available).unwrap();
    Vec::from(batch.payload())
}

fn sqs(name: &str, body: &str, attributes: bool) -> f64 {
    let messages: Vec<QueueMessage> = (0..100).map(|n| message(n, body, attributes)).collect();
    row(name, || ours(&messages), || theirs(&messages))
}

fn kinesis(name: &str, data: &[u8]) -> f64 {
    let record =
        |n: usize| KinesisRecord::new(format!("customer-{n}"), Bytes::copy_from_slice(data));
    let records: Vec<KinesisRecord> = (0..100).map(record).collect();
    let encoder = KinesisEncoder::new(STREAM, "us-east-1", ROLE);
    let shard = ShardId::new(SHARD);
    let theirs = |record: &KinesisRecord| {
        json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0", "partitionKey": &*record.partition_key,
                "sequenceNumber": SEQUENCE,
                "data": base64::engine::general_purpose::STANDARD.encode(&record.data),
                "approximateArrivalTimestamp": ARRIVAL.millis() as f64 / 1_000.0,
            },
            "eventSource": "aws:kinesis", "eventVersion": "1.0",
            "eventID": format!("{SHARD}:{SEQUENCE}"), "eventName": "aws:kinesis:record",
            "invokeIdentityArn": ROLE, "awsRegion": "us-east-1", "eventSourceARN": STREAM,
        })
    };
    row(
        name,
        || {
            event(&records, |record, out| {
                encoder.write(out, &shard, SEQUENCE, ARRIVAL, record)
            })
        },
        || {
            let records: Vec<Value> = records.iter().map(theirs).collect();
            serde_json::to_vec(&json!({ "Records": records })).unwrap()
        },
    )
}

/// Both begin with what a source hands over: we with DynamoDB JSON as text, `json!` with values. With
/// `from_values` we are charged for making the text of the same values.
fn dynamodb(name: &str, modified: bool, from_values: bool) -> f64 {
    let keys = json!({"Id": {"N": "101"}, "Tenant": {"S": "acme"}});
    let new = image("accepted");
    let old = modified.then(|| image("open"));
    let event_name = if modified { "MODIFY" } else { "INSERT" };
    let id = "c4ca4238a0b923820dcc509a6f75849b";
    let record = DynamoDbRecord::new(id, event_name, keys.to_string())
        .with_new_image(Some(new.to_string()))
        .with_old_image(old.as_ref().map(Value::to_string))
        .with_size_bytes(1_234)
        .with_stream_view_type("NEW_AND_OLD_IMAGES".into());
    let records = vec![record; 100];
    let encoder = DynamoDbEncoder::new(TABLE, "us-east-1");
    let mut change = Vec::new();
    let theirs = |record: &DynamoDbRecord| {
        let mut event = json!({
            "eventID": record.event_id, "eventName": event_name, "eventVersion": "1.1",
            "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": ARRIVAL.millis() as f64 / 1_000.0, "Keys": keys,
                "NewImage": new, "SequenceNumber": SEQUENCE, "SizeBytes": record.size_bytes,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": TABLE,
        });
        if let Some(old) = &old {
            event["dynamodb"]["OldImage"] = old.clone();
        }
        event
    };
    row(
        name,
        || {
            event(&records, |record, out| {
                change.clear();
                if from_values {
                    let mut record = record.clone();
                    record.keys = keys.to_string();
                    record.new_image = Some(new.to_string());
                    record.old_image = old.as_ref().map(Value::to_string);
                    encoder.write_change(&mut change, SEQUENCE, ARRIVAL, &record);
                } else {
                    encoder.write_change(&mut change, SEQUENCE, ARRIVAL, record);
                }
                encoder.write(out, record, &change);
            })
        },
        || {
            let records: Vec<Value> = records.iter().map(theirs).collect();
            serde_json::to_vec(&json!({ "Records": records })).unwrap()
        },
    )
}

fn image(state: &str) -> Value {
    json!({
        "Id": {"N": "101"}, "Tenant": {"S": "acme"}, "State": {"S": state}, "Paid": {"BOOL": true},
        "Items": {"L": [{"M": {"sku": {"S": "article-1"}, "count": {"N": "3"}}},
                        {"M": {"sku": {"S": "article-2"}, "count": {"N": "1"}}}]},
        "Tags": {"SS": ["new", "gift"]}, "Note": {"S": "leave it with a \"neighbour\""},
    })
}

fn json_body() -> String {
    let items: Vec<Value> = (0..12)
        .map(|n| json!({ "sku": format!("article-{n}"), "count": n, "note": "a \"quoted\" word" }))
        .collect();
    json!({ "kind": "order", "items": items }).to_string()
}

fn message(n: usize, body: &str, attributes: bool) -> QueueMessage {
    let own = |name: &str, data_type: &str, value| {
        (name.to_owned(), MessageAttribute::new(data_type, value))
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
    let content = SqsMessage::new(body)
        .with_message_attributes(message_attributes)
        .with_attribute("ApproximateReceiveCount", "1")
        .with_attribute("SentTimestamp", "1545082649183")
        .with_attribute("SenderId", "AIDAIENQZJOLO23YVJ4VO")
        .with_attribute("ApproximateFirstReceiveTimestamp", "1545082649185");
    QueueMessage::new(
        format!("059f36b4-87a3-44ab-83d2-{n:012}"),
        Receipt("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a".repeat(6)),
        QueueContent::Sqs(content),
    )
}

fn ours(messages: &[QueueMessage]) -> Vec<u8> {
    let encoder = SqsEncoder::new(ARN, "us-east-1", false);
    event(messages, |message, out| {
        let sqs = message.content.sqs().unwrap();
        encoder.write(out, &message.id, &message.receipt, sqs);
    })
}

fn theirs(messages: &[QueueMessage]) -> Vec<u8> {
    let records: Vec<Value> = messages.iter().map(their_record).collect();
    serde_json::to_vec(&json!({ "Records": records })).unwrap()
}

fn their_record(message: &QueueMessage) -> Value {
    let sqs = message.content.sqs().unwrap();
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
            other => unreachable!("{other:?}"),
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
