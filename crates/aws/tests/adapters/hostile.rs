//! Every adapter against servers that send too much, or for too long.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_aws::{AwsDestinations, DynamoDbProvider, KinesisProvider, SqsProvider, SqsQueue};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Arn, AwsDestination};
use lambda_esm_core::record::Receipt;
use lambda_esm_engine::ports::{
    Cursor, DestinationProvider, FailureRecord, FetchRequest, QueueSource, ReceiveRequest,
    SettleVerb, Settlement, ShardId, Start, StreamSource,
};

use crate::credentials::{at, look_up, runs_again};
use crate::stand_in::{Answer, StandIn};

use Answer::{Dribbled, Endless, Whole};
use SourceErrorKind::{Denied, Fatal, Transient};

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
pub(crate) const KINESIS: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/orders";
pub(crate) const CONSUMER: &str =
    "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/app:1525898737";
pub(crate) const DYNAMODB: &str =
    "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-11-25T18:33:43.572";

const MIB: u64 = 1 << 20;
/// What may lie between the server and its reader: the buffers of the sockets, and hyper's own.
const ON_THE_WAY: u64 = 8 * MIB;
/// No call may take longer: ten seconds, and what a busy machine makes of them. Where the clock stands still,
/// what dribbles is timed to the second.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn queue(url: &str) -> SqsQueue {
    SqsProvider::new(at(Some(url))).open(QUEUE).await.unwrap()
}

pub(crate) async fn stream(url: &str, arn: &str) -> Arc<dyn StreamSource> {
    let config = at(Some(url));
    if arn == DYNAMODB {
        return Arc::new(DynamoDbProvider::new(config).open(arn).await.unwrap());
    }
    KinesisProvider::new(config).open(arn).await.unwrap()
}

pub(crate) const ONCE: ReceiveRequest = ReceiveRequest::new(10, Duration::ZERO);

pub(crate) fn shard() -> ShardId {
    ShardId::new("shardId-000000000001")
}

pub(crate) fn fetch(cursor: &str) -> FetchRequest {
    FetchRequest::new(shard(), Cursor(cursor.to_owned()), 1_000).with_wait(Duration::from_secs(5))
}

/// Makes the call of an adapter that is said to make requests of this operation.
async fn call(operation: &str, url: &str) -> Result<(), SourceError> {
    let (operation, arn) = operation.split_once(' ').unwrap_or((operation, ""));
    let arn = match arn {
        "dynamodb" => DYNAMODB,
        "consumer" => CONSUMER,
        _ => KINESIS,
    };
    let settle = |verb| Settlement::new(Receipt("r".to_owned()), verb);
    match operation {
        "GetQueueUrl" | "GetQueueAttributes" => queue(url).await.describe().await.map(drop),
        "ReceiveMessage" => queue(url).await.receive(ONCE).await.map(drop),
        "DeleteMessageBatch" => {
            let settled = queue(url).await.settle(&[settle(SettleVerb::Delete)]).await;
            settled.map(drop)
        }
        "ChangeMessageVisibilityBatch" => {
            let settled = queue(url)
                .await
                .settle(&[settle(SettleVerb::Release)])
                .await;
            settled.map(drop)
        }
        "DescribeStreamSummary" | "ListShards" | "DescribeStream" => {
            stream(url, arn).await.list().await.map(drop)
        }
        "GetShardIterator" => {
            let source = stream(url, arn).await;
            let opened = source.open(&shard(), &Start::TrimHorizon).await;
            opened.map(drop)
        }
        "GetRecords" => stream(url, arn).await.fetch(fetch("i")).await.map(drop),
        "SubscribeToShard" => {
            let fetched = stream(url, arn).await.fetch(fetch("TRIM_HORIZON")).await;
            fetched.map(drop)
        }
        _ => deliver(operation, url).await,
    }
}

/// Makes the call of an on-failure destination.
async fn deliver(operation: &str, url: &str) -> Result<(), SourceError> {
    let arn = |arn| Arn::parse(arn).unwrap();
    let destination = match operation {
        "SendMessage" => AwsDestination::Sqs(arn(QUEUE)),
        "Publish" => AwsDestination::Sns(arn("arn:aws:sns:us-east-1:000000000000:dead")),
        "PutObject" => AwsDestination::S3(arn("arn:aws:s3:::dead")),
        _ => panic!("{operation}"),
    };
    let destinations = AwsDestinations::new(at(Some(url)));
    let found = destinations.destination(&destination).await.unwrap();
    let record = FailureRecord::new(Bytes::from_static(b"{}")).with_object_key("key".to_owned());
    let delivered = found.unwrap().deliver(record).await;
    delivered.map_err(|error| SourceError::new(Fatal, error.message))
}

/// Returns the operation that a server is to answer; SNS and S3 name none where it looks.
fn named(operation: &'static str) -> &'static str {
    match operation.split(' ').next().unwrap() {
        "Publish" | "PutObject" => "",
        operation => operation,
    }
}

/// Makes a call that must fail, and returns why and how much was taken by then.
async fn failure(operation: &'static str, answer: Answer) -> (SourceError, u64) {
    let server = StandIn::start(named(operation), answer);
    let start = tokio::time::Instant::now();
    let error = call(operation, &server.url).await.unwrap_err();
    let took = start.elapsed();
    assert!(took <= PATIENCE, "{operation}: {took:?}");
    assert_eq!(
        server.asked(),
        1,
        "{operation}: an adapter makes one attempt"
    );
    (error, server.sent())
}

const OK: &str = "HTTP/1.1 200 OK\r\n\r\n";
const REFUSED: &str = "HTTP/1.1 400 Bad Request\r\n\r\n{\"__type\":\"AccessDenied\",\"message\":\"";
const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\r\n";
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const BROKEN: &str = "HTTP/1.1 500 Oops\r\n\r\n<html>";

/// Every operation, and how many MiB are read of its answer.
const OPERATIONS: [(&str, u64); 17] = [
    ("GetQueueUrl", 1),
    ("GetQueueAttributes", 1),
    ("ReceiveMessage", 64),
    ("DeleteMessageBatch", 1),
    ("ChangeMessageVisibilityBatch", 1),
    ("DescribeStreamSummary", 1),
    ("ListShards", 32),
    ("GetShardIterator", 1),
    ("GetRecords", 32),
    ("DescribeStream dynamodb", 32),
    ("GetShardIterator dynamodb", 1),
    ("GetRecords dynamodb", 32),
    ("DescribeStreamSummary consumer", 1),
    ("ListShards consumer", 32),
    ("SendMessage", 1),
    ("Publish", 1),
    ("PutObject", 1),
];

#[tokio::test]
async fn an_answer_without_end_is_read_to_its_bound() {
    for (operation, bound) in OPERATIONS {
        let endless = Endless(OK, b"{\"Messages\":[],\"Records\":[],");
        let (error, sent) = failure(operation, endless).await;
        assert_eq!(error.kind, Fatal, "{error}");
        let words = format!("it is longer than the {} bytes that are read", bound * MIB);
        assert!(error.message.contains(&words), "{operation}: {error}");
        let name = operation.split(' ').next().unwrap();
        assert!(error.message.contains(name), "{operation}: {error}");
        let bound = bound * MIB + ON_THE_WAY;
        assert!(sent <= bound, "{operation}: {sent} bytes were taken");
    }
}

#[tokio::test]
async fn an_answer_that_announces_too_much_is_not_read() {
    for (operation, bound) in OPERATIONS {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
        let (error, sent) = failure(operation, Endless(head, b"{\"a\":1,")).await;
        assert_eq!(error.kind, Fatal, "{error}");
        let bound = bound * MIB;
        let words = format!("its 1073741824 bytes are more than the {bound} that are read");
        assert!(error.message.contains(&words), "{operation}: {error}");
        assert!(sent <= ON_THE_WAY, "{operation}: {sent} bytes were taken");
    }
}

#[tokio::test]
async fn a_refusal_without_end_is_read_to_a_mebibyte() {
    let subscribe = ("SubscribeToShard consumer", 1);
    for (operation, _) in OPERATIONS.into_iter().chain([subscribe]) {
        let is_delivery = matches!(operation, "SendMessage" | "Publish" | "PutObject");
        for (head, kind) in [(REFUSED, Fatal), (BROKEN, Transient)] {
            let (error, sent) = failure(operation, Endless(head, b"no, ")).await;
            assert!(is_delivery || error.kind == kind, "{operation}: {error}");
            assert!(
                error.message.contains("1048576 bytes"),
                "{operation}: {error}"
            );
            let bound = MIB + ON_THE_WAY;
            assert!(sent <= bound, "{operation}: {sent} bytes were taken");
        }
    }
}

/// The head of an event of 4 GiB, of one that has room for 31 MiB, and of one that is shorter than its head.
const FRAMES: [(&[u8], SourceErrorKind, &str); 3] = [
    (
        &[0xff; 12],
        Fatal,
        "its 4294967295 bytes are more than the 33554432 that are read",
    ),
    (
        &[1, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        Transient,
        "an answer that cannot be read",
    ),
    (&[0; 12], Transient, "an answer that cannot be read"),
];

#[tokio::test]
async fn an_event_is_read_to_its_bound() {
    for (piece, kind, words) in FRAMES {
        let (error, sent) = failure("SubscribeToShard consumer", Endless(EVENTS, piece)).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.message.contains(words), "{error}");
        let announced = if piece[0] == 1 { 31 * MIB } else { 0 };
        let bound = announced + ON_THE_WAY;
        assert!(sent <= bound, "{sent} bytes were taken");
    }
}

#[tokio::test]
async fn a_head_without_end_is_given_up() {
    let many = b"x-header: and another one\r\n";
    for answer in [
        // Ever more headers, one header that goes on, a reason that goes on, and no HTTP at all.
        Endless("HTTP/1.1 200 OK\r\n", many),
        Endless("HTTP/1.1 200 OK\r\nx-header: ", b"and another word, "),
        Endless("HTTP/1.1 200 ", b"and another word "),
        Endless("", b"x"),
    ] {
        let (error, sent) = failure("ReceiveMessage", answer).await;
        assert_eq!(error.kind, Transient, "{error}");
        assert!(sent <= ON_THE_WAY, "{answer:?}: {sent} bytes were taken");
    }
    // That there will be an answer may be said again and again: nothing of it is kept, and time is up.
    let (error, _) = failure("ReceiveMessage", Endless("", GO_ON)).await;
    assert_eq!(error.kind, Transient, "{error}");
}

#[tokio::test]
async fn no_answer_is_inflated_or_looked_for_elsewhere() {
    // 16 MiB of zeros, were they inflated; an answer from elsewhere.
    let zipped = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nzip!";
    let (error, _) = failure("ReceiveMessage", Whole(zipped)).await;
    assert!(
        error.message.contains("cannot be read (HTTP 200)"),
        "{error}"
    );
    for status in ["301", "302", "303", "307", "308"] {
        let other = StandIn::start("", Answer::Body(|_| "{}".to_owned()));
        let head = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
            other.url
        );
        for (operation, _) in OPERATIONS {
            let (error, _) = failure(operation, Whole(head.clone().leak())).await;
            assert!(error.message.contains(&format!("HTTP {status}")), "{error}");
        }
        assert_eq!(other.asked(), 0, "{status} is followed");
    }
}

/// Time flies here while nobody has anything to do, so that an hour is soon over.
#[tokio::test]
async fn an_answer_that_dribbles_is_given_up_in_time() {
    for (operation, _) in OPERATIONS {
        for head in [OK, REFUSED, "HTTP/1.1 200 OK\r\nx-header: "] {
            let server = StandIn::start(named(operation), Dribbled(head, b"            "));
            let url = server.url.clone();
            let call = call(operation, &url);
            tokio::pin!(call);
            while server.asked() == 0 {
                tokio::select! {
                    biased;
                    answer = &mut call => panic!("{operation}: {answer:?}"),
                    () = tokio::task::yield_now() => {}
                }
            }
            tokio::time::pause();
            let start = tokio::time::Instant::now();
            let error = call.await.unwrap_err();
            let took = start.elapsed();
            tokio::time::resume();
            let limit = if operation == "PutObject" { 31 } else { 11 };
            assert!(took <= Duration::from_secs(limit), "{operation}: {took:?}");
            assert!(
                error.message.contains("did not answer"),
                "{operation}: {error}"
            );
        }
    }
}

// The child is waited for by a thread of its own.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_credentials_is_not_read_without_end() {
    let server = StandIn::start("", Endless(OK, b"{\"AccessKeyId\":\"a\",  "));
    let uri = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.url.as_str());
    let test = "whoever_has_credentials_is_not_read_without_end";
    if runs_again("hostile", test, &[uri]) {
        let error = look_up(None).await.unwrap_err();
        assert_eq!(error.kind, Denied, "{error}");
        let words = "it is longer than the 1048576 bytes that are read";
        assert!(error.message.contains(words), "{error}");
    } else {
        let (asked, sent) = (server.asked() as u64, server.sent());
        assert!((1..=4).contains(&asked), "{asked} requests");
        let bound = asked * (MIB + ON_THE_WAY);
        assert!(sent <= bound, "{sent} bytes were taken");
    }
}
