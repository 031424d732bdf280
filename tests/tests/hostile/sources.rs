//! Sources that answer too much, too slowly, too often, or nonsense.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_tests::Sqs;
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use crate::scene::{Scene, within};
use crate::stand_in::{Asked, Part, Reply, StandIn, begun, endless, json as answer, whole};

/// How soon what a source does is shown at its mapping.
const SHOWN_WITHIN: Duration = Duration::from_secs(45);
/// How long one stays whose doings are not shown.
const STAY: Duration = Duration::from_secs(8);

/// A hostile source.
struct Row {
    name: &'static str,
    source: Kind,
    /// What it does; `None` leaves it to the usual answer.
    does: fn(&Asked) -> Option<Reply>,
    /// Words of the problem that its mapping shows; none if nothing is wrong that a mapping can know.
    shown: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Kind {
    Queue,
    Stream,
    Consumer,
    Table,
}

impl Kind {
    fn arn(self, name: &str) -> String {
        let account = "us-east-1:000000000000";
        match self {
            Self::Queue => format!("arn:aws:sqs:{account}:{name}"),
            Self::Stream => format!("arn:aws:kinesis:{account}:stream/{name}"),
            Self::Consumer => {
                format!("arn:aws:kinesis:{account}:stream/{name}/consumer/c:1700000000")
            }
            Self::Table => {
                format!("arn:aws:dynamodb:{account}:table/{name}/stream/2026-01-01T00:00:00.000")
            }
        }
    }

    fn mapping(self, name: &str) -> Value {
        let mut mapping = json!({ "EventSourceArn": self.arn(name), "FunctionName": "any" });
        if !matches!(self, Self::Queue) {
            mapping["StartingPosition"] = json!("TRIM_HORIZON");
        }
        mapping
    }
}

fn rows() -> Vec<Row> {
    use Kind::{Consumer, Queue, Stream, Table};
    let row = |name, source, shown, does| Row {
        name,
        source,
        does,
        shown,
    };
    vec![
        row("endless-receive", Queue, Some("ReceiveMessage"), |asked| {
            on(asked, "ReceiveMessage", || {
                endless(
                    200,
                    r#"{"Messages":[{"MessageId":"m","ReceiptHandle":"r","Body":""#,
                    "x",
                )
            })
        }),
        row("endless-refusal", Queue, Some("ReceiveMessage"), |asked| {
            on(asked, "ReceiveMessage", || {
                endless(400, r#"{"__type":"AccessDenied","message":""#, "no ")
            })
        }),
        row("endless-headers", Queue, Some("ReceiveMessage"), |asked| {
            on(asked, "ReceiveMessage", || {
                begun(
                    200,
                    "A: b\r\n",
                    [Part::Endless("C: d\r\n".repeat(10_000).into())],
                )
            })
        }),
        row("dribbled-receive", Queue, Some("ReceiveMessage"), |asked| {
            on(asked, "ReceiveMessage", || {
                let drop = Part::Dribble(" ".into(), Duration::from_secs(1));
                begun(200, "Content-Length: 1000000\r\n", [drop])
            })
        }),
        row("redirected", Queue, Some("GetQueueUrl"), |_| {
            Some(begun(
                307,
                "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n",
                [],
            ))
        }),
        row("hundred-thousand-messages", Queue, None, |asked| {
            (asked.operation == "ReceiveMessage" && asked.before < 8).then(|| {
                let messages: Vec<Value> = (0..100_000)
                    .map(|id| json!({ "MessageId": id.to_string(), "ReceiptHandle": id.to_string(), "Body": "{}" }))
                    .collect();
                answer(&json!({ "Messages": messages }))
            })
        }),
        row("endless-records", Stream, Some("GetRecords"), |asked| {
            on(asked, "GetRecords", || {
                endless(200, r#"{"Records":[],"NextShardIterator":""#, "x")
            })
        }),
        row(
            "endless-pages",
            Stream,
            Some("more than 100000 shards"),
            |asked| {
                on(asked, "ListShards", || {
                    let page = asked.before;
                    let shards: Vec<Value> = (0..1_000)
                        .map(|at| shard(&format!("shard-{page}-{at}"), &[]))
                        .collect();
                    answer(&json!({ "Shards": shards, "NextToken": format!("token-{page}") }))
                })
            },
        ),
        row("same-page-for-ever", Stream, Some("page again"), |asked| {
            on(asked, "ListShards", || {
                answer(&json!({ "Shards": [shard("shard-0", &[])], "NextToken": "again" }))
            })
        }),
        row("twenty-thousand-shards", Stream, None, |asked| {
            on(asked, "ListShards", || many_shards(asked, 20_000))
        }),
        row("hundred-thousand-children", Stream, None, |asked| {
            (asked.operation == "GetRecords" && asked.before < 12).then(|| {
                let children: Vec<Value> = (0..100_000)
                    .map(|at| {
                        json!({ "ShardId": format!("child-{at}"), "ParentShards": ["shard-0"],
                            "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" } })
                    })
                    .collect();
                answer(&json!({ "Records": [], "MillisBehindLatest": 0, "ChildShards": children }))
            })
        }),
        row("ring-of-parents", Stream, Some("parent"), |asked| {
            on(asked, "ListShards", || {
                let ring = [
                    shard("shard-1", &["shard-2"]),
                    shard("shard-2", &["shard-1"]),
                ];
                answer(&json!({ "Shards": ring }))
            })
        }),
        row(
            "frame-of-four-gigabytes",
            Consumer,
            Some("SubscribeToShard"),
            |asked| {
                on(asked, "SubscribeToShard", || {
                    let headers = "Content-Type: application/vnd.amazon.eventstream\r\nContent-Length: 5000000000\r\n";
                    let body = Part::Endless(Bytes::from(vec![0; 65_536]));
                    begun(
                        200,
                        headers,
                        [Part::Send(prelude(u32::MAX - 1).into()), body],
                    )
                })
            },
        ),
        row(
            "endless-description",
            Table,
            Some("more than 100000 shards"),
            |asked| {
                on(asked, "DescribeStream", || {
                    let page = asked.before;
                    let shards: Vec<Value> = (0..100)
                    .map(|at| json!({ "ShardId": format!("shard-{page}-{at}"), "SequenceNumberRange": {} }))
                    .collect();
                    answer(
                        &json!({ "StreamDescription": { "Shards": shards, "CreationRequestDateTime": 1.7e9,
                    "LastEvaluatedShardId": format!("shard-{page}-99") } }),
                    )
                })
            },
        ),
        row(
            "endless-table-records",
            Table,
            Some("GetRecords"),
            |asked| {
                on(asked, "GetRecords", || {
                    endless(200, r#"{"Records":[{"dynamodb":{"Keys":{"k":{"S":""#, "x")
                })
            },
        ),
        row("garbage", Queue, Some("GetQueueUrl"), |_| {
            Some(vec![Part::Endless(
                "\x00\u{202e}garbage\r\n".repeat(1_000).into(),
            )])
        }),
    ]
}

fn on(asked: &Asked, operation: &str, reply: impl FnOnce() -> Reply) -> Option<Reply> {
    (asked.operation == operation).then(reply)
}

fn shard(id: &str, parents: &[&str]) -> Value {
    let mut shard = json!({
        "ShardId": id,
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "1" },
        "SequenceNumberRange": { "StartingSequenceNumber": "1" },
    });
    for (name, parent) in ["ParentShardId", "AdjacentParentShardId"]
        .iter()
        .zip(parents)
    {
        shard[name] = json!(parent);
    }
    shard
}

/// Pages of a thousand.
fn many_shards(asked: &Asked, count: usize) -> Reply {
    let begun = asked.json()["NextToken"]
        .as_str()
        .and_then(|token| token.parse().ok());
    let first: usize = begun.unwrap_or_default();
    let end = count.min(first + 1_000);
    let shards: Vec<Value> = (first..end)
        .map(|at| shard(&format!("shard-{at}"), &[]))
        .collect();
    let mut page = json!({ "Shards": shards });
    if end < count {
        page["NextToken"] = json!(end.to_string());
    }
    answer(&page)
}

/// The beginning of a frame of an event stream: its length, the length of its headers, and their checksum.
fn prelude(length: u32) -> Vec<u8> {
    let mut bytes = [length.to_be_bytes(), 0_u32.to_be_bytes()].concat();
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 * (sum & 1))
        })
    });
    bytes.extend((!sum).to_be_bytes());
    bytes
}

/// What a well-behaved source answers.
fn usual(asked: &Asked) -> Reply {
    let record = json!({ "Data": STANDARD.encode("{}"), "PartitionKey": "k", "SequenceNumber": "1",
        "ApproximateArrivalTimestamp": 1.7e9 });
    let value = match asked.operation.as_str() {
        "GetQueueUrl" => json!({ "QueueUrl": format!("{}/000000000000/queue", asked.url) }),
        "GetQueueAttributes" => json!({ "Attributes": { "VisibilityTimeout": "30" } }),
        "ReceiveMessage" => {
            return begun(200, "Content-Length: 2\r\n", [Part::Silence]);
        }
        "DescribeStreamSummary" => json!({ "StreamDescriptionSummary": {
            "StreamName": "s", "StreamARN": "a", "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24,
            "StreamCreationTimestamp": 1.7e9, "EnhancedMonitoring": [], "OpenShardCount": 1 } }),
        "DescribeStream" => {
            json!({ "StreamDescription": { "CreationRequestDateTime": 1.7e9, "Shards": [
            { "ShardId": "shard-0", "SequenceNumberRange": { "StartingSequenceNumber": "1" } }] } })
        }
        "ListShards" => json!({ "Shards": [shard("shard-0", &[])] }),
        "GetShardIterator" => json!({ "ShardIterator": "iterator" }),
        "GetRecords" => {
            let records = if asked.before.is_multiple_of(8) {
                vec![record]
            } else {
                Vec::new()
            };
            json!({ "Records": records, "NextShardIterator": "iterator", "MillisBehindLatest": 0 })
        }
        "DeleteMessageBatch" | "ChangeMessageVisibilityBatch" => {
            let ids: Vec<Value> = asked.json()["Entries"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|entry| json!({ "Id": entry["Id"] }))
                .collect();
            json!({ "Successful": ids, "Failed": [] })
        }
        _ => return whole(400, r#"{"__type":"UnknownOperationException"}"#),
    };
    answer(&value)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_source_takes_memory_or_time_from_another_mapping() {
    let Some(sqs) = Sqs::elasticmq() else {
        return;
    };
    let mut stand_ins = Vec::new();
    let mut arns = Map::new();
    for row in rows() {
        let does = row.does;
        let answering = move |asked: &Asked| does(asked).unwrap_or_else(|| usual(asked));
        let stand_in = StandIn::start(Arc::new(answering)).await;
        arns.insert(row.source.arn(row.name), json!(stand_in.url()));
        stand_ins.push(stand_in);
    }
    let functions = Map::from_iter([("any".to_owned(), json!({ "backend": "simulated" }))]);
    let scene = Scene::start(&sqs, functions, arns).await;
    for row in rows() {
        let attack = async {
            let uuid = scene
                .create(row.name, &row.source.mapping(row.name))
                .await?;
            if let Some(words) = row.shown {
                let problem = async || {
                    let status = scene.status(&uuid).await?;
                    status["problem"].as_str().map(str::to_owned)
                };
                match within(SHOWN_WITHIN, problem).await {
                    None => scene.wrong(row.name, "no problem is shown"),
                    Some(shown) if is_fit(&shown) && shown.contains(words) => {}
                    Some(shown) => scene.wrong(row.name, format!("is shown as {shown:?}")),
                }
            } else {
                sleep(STAY).await;
            }
            Some(uuid)
        };
        if let Some(uuid) = scene.during(row.name, attack).await {
            scene.delete(row.name, &uuid).await;
        }
    }
    scene.stop().await;
    drop(stand_ins);
}

/// Tells whether a text may be shown to a person.
fn is_fit(shown: &str) -> bool {
    shown.len() < 2_000 && !shown.contains(|char: char| char.is_control() || char == '\u{202e}')
}
