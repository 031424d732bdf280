//! Streams that speak the JSON protocols of Kinesis and DynamoDB Streams: one open shard each, whose records are
//! there from the beginning, and arrived a minute and a half before. Around them, a function and a destination.

use std::sync::{Arc, Mutex};

use lambda_esm::Clock;
use serde_json::{Value, json};

use crate::fake_http::{Request, serve};

/// The number of the record before the first one.
const BASE: usize = 100;

/// Returns when all records arrived, in seconds since the Unix epoch.
fn arrival() -> i64 {
    Clock::system().now().millis() / 1000 - 90
}

/// A stream.
pub(crate) struct FakeStream {
    pub(crate) url: String,
    opened: Arc<Mutex<Vec<String>>>,
}

impl FakeStream {
    /// Starts a Kinesis stream that holds so many records, numbered from 101 on.
    pub(crate) fn kinesis(records: usize) -> Self {
        let arrival = arrival();
        let record = move |number: usize| {
            json!({ "SequenceNumber": number.to_string(), "PartitionKey": "key", "Data": "e30=",
                "ApproximateArrivalTimestamp": arrival })
        };
        Self::start(move |request, opened| match request.operation.as_str() {
            "DescribeStreamSummary" => json!({ "StreamDescriptionSummary": {
                "StreamName": "clicks", "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24,
                "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
                "StreamCreationTimestamp": 1_600_000_000, "EnhancedMonitoring": [], "OpenShardCount": 1 } }),
            "ListShards" => json!({ "Shards": [{ "ShardId": "shardId-000000000000",
                "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": u128::MAX.to_string() },
                "SequenceNumberRange": { "StartingSequenceNumber": "101" } }] }),
            "GetShardIterator" => open(request, "StartingSequenceNumber", records, opened),
            "GetRecords" => page(request, records, &record),
            other => panic!("the stream knows no {other}"),
        })
    }

    /// Starts the stream of a table to which so many items were added; the changes are numbered from 101 on.
    pub(crate) fn dynamodb(records: usize) -> Self {
        let arrival = arrival();
        let record = move |number: usize| {
            let item = json!({ "id": { "S": format!("item-{number}") } });
            json!({ "eventID": format!("event-{number}"), "eventName": "INSERT", "eventVersion": "1.1",
                "eventSource": "aws:dynamodb", "awsRegion": "us-east-1",
                "dynamodb": { "ApproximateCreationDateTime": arrival, "Keys": item, "NewImage": item,
                    "SequenceNumber": number.to_string(), "SizeBytes": 26,
                    "StreamViewType": "NEW_AND_OLD_IMAGES" } })
        };
        Self::start(move |request, opened| match request.operation.as_str() {
            "DescribeStream" => json!({ "StreamDescription": {
                "StreamArn": request.json()["StreamArn"], "StreamStatus": "ENABLED",
                "CreationRequestDateTime": 1_600_000_000,
                "Shards": [{ "ShardId": "shardId-00000000",
                    "SequenceNumberRange": { "StartingSequenceNumber": "101" } }] } }),
            "GetShardIterator" => open(request, "SequenceNumber", records, opened),
            "GetRecords" => page(request, records, &record),
            other => panic!("the stream knows no {other}"),
        })
    }

    fn start(
        answer: impl Fn(&Request, &Mutex<Vec<String>>) -> Value + Send + Sync + 'static,
    ) -> Self {
        let opened = Arc::<Mutex<Vec<String>>>::default();
        let seen = opened.clone();
        let url = serve(move |request| (200, answer(&request, &seen).to_string()));
        Self { url, opened }
    }

    /// Returns where the shard was opened: the type of the iterator, and the sequence number after a space if it
    /// has one.
    pub(crate) fn opened(&self) -> Vec<String> {
        self.opened.lock().unwrap().clone()
    }
}

/// Iterators are the number of the record before them.
fn open(request: &Request, sequence: &str, records: usize, opened: &Mutex<Vec<String>>) -> Value {
    let body = request.json();
    let kind = body["ShardIteratorType"].as_str().unwrap();
    let sequence = body[sequence].as_str();
    let place = [Some(kind), sequence].into_iter().flatten();
    let place = place.collect::<Vec<_>>().join(" ");
    opened.lock().unwrap().push(place);
    let iterator = match (kind, sequence) {
        ("AFTER_SEQUENCE_NUMBER", Some(sequence)) => sequence.to_owned(),
        ("TRIM_HORIZON", None) => BASE.to_string(),
        ("LATEST", None) => (BASE + records).to_string(),
        other => panic!("no test opens a shard at {other:?}"),
    };
    json!({ "ShardIterator": iterator })
}

fn page(request: &Request, records: usize, record: &dyn Fn(usize) -> Value) -> Value {
    let body = request.json();
    let before: usize = body["ShardIterator"].as_str().unwrap().parse().unwrap();
    let limit = usize::try_from(body["Limit"].as_u64().unwrap()).unwrap();
    let last = (BASE + records).min(before + limit);
    let found: Vec<Value> = (before + 1..=last).map(record).collect();
    json!({ "Records": found, "NextShardIterator": last.to_string(), "MillisBehindLatest": 0 })
}

/// A queue of SQS for what is given up.
pub(crate) struct FakeDestination {
    pub(crate) url: String,
    sent: Arc<Mutex<Vec<String>>>,
}

impl FakeDestination {
    pub(crate) fn start() -> Self {
        let sent = Arc::<Mutex<Vec<String>>>::default();
        let told = sent.clone();
        let url = serve(move |request| {
            let answer = match request.operation.as_str() {
                "GetQueueUrl" => json!({ "QueueUrl": "http://queue.test/000000000000/dead" }),
                "SendMessage" => {
                    let request = request.json();
                    let text = request["MessageBody"].as_str().unwrap();
                    told.lock().unwrap().push(text.to_owned());
                    json!({ "MessageId": "id", "MD5OfMessageBody": "" })
                }
                other => panic!("the destination knows no {other}"),
            };
            (200, answer.to_string())
        });
        Self { url, sent }
    }

    /// Returns what it was told, as JSON.
    pub(crate) fn told(&self) -> Vec<Value> {
        let sent = self.sent.lock().unwrap();
        let told = sent.iter().map(|body| serde_json::from_str(body));
        told.collect::<Result<_, _>>().unwrap()
    }
}

/// Returns the URL of an HTTP function that fails with every event in which `poison` occurs.
pub(crate) fn poisoned(poison: &'static str) -> String {
    serve(move |request| {
        let event = String::from_utf8(request.body).unwrap();
        if event.contains(poison) {
            (500, "poison".to_owned())
        } else {
            (200, "null".to_owned())
        }
    })
}
