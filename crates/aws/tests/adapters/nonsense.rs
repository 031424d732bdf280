//! Sources whose answers hold too much, or what cannot be: the rest of them counts.

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::StreamContent;
use lambda_esm_engine::ports::{QueueSource, Start};

use crate::hostile::{CONSUMER, DYNAMODB, KINESIS, ONCE, fetch, queue, shard, stream};
use crate::kinesis_consumer::subscription;
use crate::stand_in::{Answer, StandIn};

use Answer::Body;
use SourceErrorKind::{Fatal, Transient};

/// Returns the JSON of a message with these members beside those that it must have.
fn message(number: usize, members: &str) -> String {
    format!(r#"{{"MessageId":"m-{number}","ReceiptHandle":"r-{number}"{members}}}"#)
}

#[tokio::test]
async fn one_message_that_makes_no_sense_does_not_spoil_its_receive() {
    let server = StandIn::start(
        "ReceiveMessage",
        Body(|_| {
            let hello = r#","Body":"hello","MD5OfBody":"5d41402abc4b2a76b9719d911017c592""#;
            let messages = [
                message(0, hello),
                r#"{"ReceiptHandle":"r","Body":"no id"}"#.to_owned(),
                r#"{"MessageId":"m-2","ReceiptHandle":null}"#.to_owned(),
                message(3, &hello.replace("hello", "hallo")),
                message(4, r#","Body":7"#),
                "null".to_owned(),
                message(6, r#","Attributes":{"ApproximateReceiveCount":3}"#),
                message(7, r#","Body":"half a \ud83d","MD5OfBody":"""#),
            ];
            format!(r#"{{"Messages":[{}]}}"#, messages.join(","))
        }),
    );
    let received = queue(&server.url).await.receive(ONCE).await.unwrap();
    let ids = received.messages.iter().map(|message| message.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["m-0", "m-6", "m-7"]);
    let lost = received.unreadable.iter();
    let lost: Vec<_> = lost
        .map(|lost| (lost.id.as_str(), lost.because.as_str()))
        .collect();
    let expected = [
        ("", "it has no MessageId"),
        ("m-2", "it has no ReceiptHandle"),
        ("m-3", "its MD5OfBody is 5d41402abc4b2a76b9719d911017c592"),
        ("m-4", "invalid type: integer `7`"),
        ("", "invalid type: null"),
    ];
    assert_eq!(lost.len(), expected.len(), "{lost:?}");
    for ((id, because), (expected_id, words)) in lost.into_iter().zip(expected) {
        assert_eq!(id, expected_id);
        assert!(because.contains(words), "{because}");
    }
}

#[tokio::test]
async fn no_more_messages_are_taken_than_a_receive_brings() {
    let server = StandIn::start(
        "ReceiveMessage",
        Body(|_| {
            let messages: Vec<_> = (0..100_000).map(|number| message(number, "")).collect();
            format!(r#"{{"Messages":[{}]}}"#, messages.join(","))
        }),
    );
    let received = queue(&server.url).await.receive(ONCE).await.unwrap();
    assert_eq!(received.messages.len(), 10);
    let [lost] = received.unreadable.as_slice() else {
        panic!("{:?}", received.unreadable)
    };
    assert_eq!(lost.because, "99990 are beyond the 10 of one receive");
}

/// What an operation answers, and what is said of it.
struct Row {
    operation: &'static str,
    arn: &'static str,
    body: fn(usize) -> String,
    kind: SourceErrorKind,
    says: &'static str,
    /// How often the operation is asked for before that is said, at most.
    asked: usize,
}

/// Returns a record of Kinesis.
fn kinesis_record(number: usize) -> String {
    format!(
        r#"{{"SequenceNumber":"{number}","ApproximateArrivalTimestamp":1,"Data":"","PartitionKey":"k"}}"#
    )
}

fn records(number: usize, others: &str) -> String {
    let records: Vec<_> = (0..number).map(kinesis_record).collect();
    format!(r#"{{"Records":[{}]{others}}}"#, records.join(","))
}

/// Returns a page of a Kinesis listing with so many shards.
fn shards(page: usize, number: usize, token: &str) -> String {
    let shard = |number| format!(r#"{{"ShardId":"shardId-{page}-{number}"}}"#);
    let shards: Vec<_> = (0..number).map(shard).collect();
    format!(
        r#"{{"Shards":[{}],"NextToken":"{token}"}}"#,
        shards.join(",")
    )
}

/// Returns a page of a DynamoDB listing.
fn described(page: usize, number: usize, last: &str) -> String {
    let shard = |number| format!(r#"{{"ShardId":"shardId-{page}-{number}"}}"#);
    let shards: Vec<_> = (0..number).map(shard).collect();
    let shards = shards.join(",");
    format!(r#"{{"StreamDescription":{{"Shards":[{shards}],"LastEvaluatedShardId":"{last}"}}}}"#)
}

const LISTINGS: [Row; 7] = [
    Row {
        operation: "ListShards",
        arn: KINESIS,
        body: |page| shards(page, 0, "more"),
        kind: Fatal,
        says: "names the page again that was just read",
        asked: 2,
    },
    Row {
        operation: "ListShards",
        arn: CONSUMER,
        body: |page| shards(page, 10_000, &page.to_string()),
        kind: Fatal,
        says: "more than 100000 shards",
        asked: 11,
    },
    Row {
        operation: "ListShards",
        arn: KINESIS,
        body: |page| shards(page, 0, &page.to_string()),
        kind: Fatal,
        says: "10 pages in a row hold no new shard",
        asked: 10,
    },
    Row {
        operation: "ListShards",
        arn: KINESIS,
        body: |page| shards(page, 100_001, ""),
        kind: Fatal,
        says: "100001 values where there can be 100000",
        asked: 1,
    },
    Row {
        operation: "DescribeStream",
        arn: DYNAMODB,
        body: |page| described(page, 1, "more"),
        kind: Fatal,
        says: "names the page again that was just read",
        asked: 2,
    },
    Row {
        operation: "DescribeStream",
        arn: DYNAMODB,
        body: |page| described(page, 20_000, &page.to_string()),
        kind: Fatal,
        says: "more than 100000 shards",
        asked: 6,
    },
    Row {
        operation: "DescribeStream",
        arn: DYNAMODB,
        body: |page| described(page, 1, &"x".repeat(300)),
        kind: Fatal,
        says: "a text of 300 bytes where it has 256 at most",
        asked: 1,
    },
];

const PAGES: [Row; 6] = [
    Row {
        operation: "GetRecords",
        arn: KINESIS,
        body: |_| records(100_000, ""),
        kind: Fatal,
        says: "100000 values where there can be 10000",
        asked: 1,
    },
    Row {
        operation: "GetRecords",
        arn: DYNAMODB,
        body: |_| records(100_000, ""),
        kind: Fatal,
        says: "100000 values where there can be 1000",
        asked: 1,
    },
    Row {
        operation: "GetRecords",
        arn: KINESIS,
        body: |_| records(2, r#","NextShardIterator":"i""#),
        kind: Fatal,
        says: "its NextShardIterator is the one that led to its 2 records",
        asked: 1,
    },
    Row {
        operation: "GetRecords",
        arn: KINESIS,
        body: |_| {
            records(
                0,
                &format!(r#","NextShardIterator":"{}""#, "x".repeat(70_000)),
            )
        },
        kind: Fatal,
        says: "a text of 70000 bytes where it has 65536 at most",
        asked: 1,
    },
    Row {
        operation: "GetRecords",
        arn: KINESIS,
        body: |_| {
            let child = r#"{"ShardId":"c","ParentShards":["p"]},"#.repeat(100_000);
            records(
                0,
                &format!(r#","ChildShards":[{}]"#, child.trim_end_matches(',')),
            )
        },
        kind: Fatal,
        says: "100000 values where there can be 100",
        asked: 1,
    },
    Row {
        operation: "GetRecords",
        arn: DYNAMODB,
        body: |_| r#"{"Records":[{"dynamodb":{"SequenceNumber":""}}]}"#.to_owned(),
        kind: Transient,
        says: "without the SequenceNumber of a record",
        asked: 1,
    },
];

#[tokio::test]
async fn a_listing_without_end_is_no_listing() {
    for row in LISTINGS {
        let server = StandIn::start(row.operation, Body(row.body));
        let listed = stream(&server.url, row.arn).await.list().await;
        row.check(&listed.unwrap_err(), &server);
    }
}

#[tokio::test]
async fn a_page_that_cannot_be_is_not_taken() {
    for row in PAGES {
        let server = StandIn::start(row.operation, Body(row.body));
        let page = stream(&server.url, row.arn).await.fetch(fetch("i")).await;
        row.check(&page.unwrap_err(), &server);
    }
}

impl Row {
    fn check(&self, error: &SourceError, server: &StandIn) {
        assert_eq!(error.kind, self.kind, "{error}");
        assert!(error.message.contains(self.says), "{error}");
        assert_eq!(server.asked(), self.asked, "{error}");
    }
}

/// What records say of themselves that cannot be, and what becomes of them: they keep their places, and are
/// read as far as they can be.
#[tokio::test]
async fn odd_values_leave_a_page_readable() {
    let table = [
        (r#""ApproximateArrivalTimestamp":1e308"#, "1e308 is no time"),
        (r#""ApproximateArrivalTimestamp":-1e15"#, "is no time"),
        (r#""ApproximateArrivalTimestamp":"1""#, "expected f64"),
        (r#""ApproximateArrivalTimestamp":1e400"#, "out of range"),
        (r#""ApproximateArrivalTimestamp":NaN"#, ""),
        (
            r#""ApproximateArrivalTimestamp":2,"Data":7"#,
            "expected a string",
        ),
    ];
    for (members, because) in table {
        let record = format!(r#"{{"SequenceNumber":"2",{members}}}"#);
        let good = [kinesis_record(3), kinesis_record(1), kinesis_record(3)].join(",");
        let page = format!(
            r#"{{"Records":[{record},{good}],"MillisBehindLatest":-7,"NextShardIterator":"j"}}"#
        );
        let page: &'static str = page.leak();
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{page}",
            page.len()
        );
        let server = StandIn::start("GetRecords", Answer::Whole(whole.leak()));
        let source = stream(&server.url, KINESIS).await;
        let fetched = source.fetch(fetch("i")).await;
        if because.is_empty() {
            // No JSON at all.
            assert_eq!(fetched.unwrap_err().kind, Fatal);
            continue;
        }
        let page = fetched.unwrap();
        let StreamContent::Unreadable(unreadable) = &page.records[0].content else {
            panic!("{page:?}")
        };
        assert!(unreadable.because.contains(because), "{unreadable:?}");
        // Numbers that go back or come again are the core's business.
        let numbers = page.records.iter().map(|record| &*record.sequence);
        assert_eq!(numbers.collect::<Vec<_>>(), ["2", "3", "1", "3"]);
        assert_eq!(page.behind.unwrap().as_millis(), 0);
    }
    for behind in ["9223372036854775807", "1e308", "\"7\"", "{}", "null"] {
        let page =
            format!(r#"{{"Records":[],"MillisBehindLatest":{behind},"NextShardIterator":"i"}}"#);
        let whole = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{page}",
            page.len()
        );
        let server = StandIn::start("GetRecords", Answer::Whole(whole.leak()));
        let page = stream(&server.url, KINESIS)
            .await
            .fetch(fetch("i"))
            .await
            .unwrap();
        assert!(page.records.is_empty() && page.next.is_some(), "{page:?}");
    }
}

#[tokio::test]
async fn a_stream_that_says_odd_things_of_itself_is_listed() {
    let server = StandIn::start(
        "DescribeStreamSummary",
        Body(|_| {
            r#"{"StreamDescriptionSummary":{"StreamCreationTimestamp":1e308,
                "RetentionPeriodHours":18446744073709551615}}"#
                .to_owned()
        }),
    );
    let facts = stream(&server.url, KINESIS)
        .await
        .list()
        .await
        .unwrap()
        .facts;
    assert_eq!(facts.retention.unwrap().as_secs(), 365 * 86_400);
}

#[tokio::test]
async fn a_queue_that_says_odd_things_of_itself_is_described() {
    let server = StandIn::start(
        "GetQueueAttributes",
        Body(|_| {
            r#"{"Attributes":{"VisibilityTimeout":"18446744073709551615","RedrivePolicy":"{"}}"#
                .to_owned()
        }),
    );
    let facts = queue(&server.url).await.describe().await.unwrap();
    assert_eq!(facts.visibility_timeout.as_secs(), 43_200);
}

#[tokio::test]
async fn one_record_that_makes_no_sense_does_not_end_a_subscription() {
    let events = r#"{"SequenceNumber":"1","ApproximateArrivalTimestamp":1,"Data":"eA==","PartitionKey":"k"},
        {"SequenceNumber":"2","ApproximateArrivalTimestamp":2,"Data":"not base64!","PartitionKey":"k"},
        {"SequenceNumber":"3","Data":"eA==","PartitionKey":"k"},
        {"SequenceNumber":"4","ApproximateArrivalTimestamp":4,"Data":"eA==","PartitionKey":"\ud83d"}"#;
    let world = subscription(&format!(
        r#"{{"Records":[{events}],"MillisBehindLatest":0}}"#
    ))
    .await;
    let source = world.source();
    let cursor = source.open(&shard(), &Start::TrimHorizon).await.unwrap();
    let page = source.fetch(fetch(&cursor.0)).await.unwrap();
    let unreadable: Vec<_> = page
        .records
        .iter()
        .map(|record| matches!(record.content, StreamContent::Unreadable(_)))
        .collect();
    assert_eq!(unreadable, [false, true, true, false]);
    assert_eq!(page.next.unwrap().0, "AFTER_SEQUENCE_NUMBER 4");
}
