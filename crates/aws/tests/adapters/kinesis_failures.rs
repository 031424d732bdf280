//! The Kinesis source against a server that answers as it is told, and fails in every way Kinesis can.

use std::sync::Arc;
use std::time::Duration;

use crate::fake::{Fake, Reply, pass, reply};
use lambda_esm_aws::{AwsConfig, KinesisProvider};
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::mapping::{Context, Mapping};
use lambda_esm_core::record::{KinesisRecord, StreamContent};
use lambda_esm_engine::ports::{
    Cursor, FetchRequest, ShardId, SourceProvider, Start, StreamSource,
};

const ARN: &str = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
const CONSUMER: &str =
    "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/app:1525898737";
pub(crate) const SUMMARY: &str = r#"{"StreamDescriptionSummary":{"StreamName":"orders",
    "StreamARN":"arn:aws:kinesis:us-east-1:123456789012:stream/orders","StreamStatus":"ACTIVE",
    "RetentionPeriodHours":24,"StreamCreationTimestamp":1795631844.803,"EnhancedMonitoring":[],
    "OpenShardCount":1}}"#;

fn ok(body: impl Into<Vec<u8>>) -> Reply {
    reply(200, &[], body)
}

fn refused(status: u16, code: &str, text: &str) -> Reply {
    let body = format!(r#"{{"__type":"{code}","message":"{text}"}}"#);
    reply(status, &[], body)
}

async fn open(url: &str) -> Arc<dyn StreamSource> {
    let mut config = AwsConfig::default();
    let url = url.parse().unwrap();
    config.endpoints.services.insert("kinesis".to_owned(), url);
    KinesisProvider::new(config).open(ARN).await.unwrap()
}

fn shard() -> ShardId {
    ShardId::new("shardId-000000000001")
}

fn at(cursor: &str) -> FetchRequest {
    FetchRequest::new(shard(), Cursor(cursor.to_owned()), 100)
}

/// Fetches once from a stream that answers with `reply`.
async fn fetch(reply: Reply) -> SourceError {
    let fake = Fake::start([reply]).await;
    let error = open(&fake.url).await.fetch(at("i")).await.unwrap_err();
    assert_eq!(fake.seen().len(), 1, "an adapter makes one attempt");
    error
}

fn body(fake: &Fake, at: usize) -> String {
    String::from_utf8(fake.seen()[at].body.clone()).unwrap()
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_says_where() {
    use SourceErrorKind::{Denied, Expired, Fatal, NotFound, Throttled, Transient};
    let table = [
        (400, "ExpiredIteratorException", Expired),
        (400, "ProvisionedThroughputExceededException", Throttled),
        (400, "LimitExceededException", Throttled),
        (400, "KMSThrottlingException", Throttled),
        (400, "ThrottlingException", Throttled),
        (429, "SomethingNew", Throttled),
        (400, "ResourceNotFoundException", NotFound),
        (400, "AccessDeniedException", Denied),
        (400, "KMSAccessDeniedException", Denied),
        (400, "UnrecognizedClientException", Denied),
        (400, "ExpiredTokenException", Denied),
        (403, "SomethingNew", Denied),
        (500, "InternalFailure", Transient),
        (500, "InternalFailureException", Transient),
        (503, "ServiceUnavailable", Transient),
        (400, "InvalidArgumentException", Fatal),
    ];
    for (status, code, kind) in table {
        let error = fetch(refused(status, code, "why")).await;
        assert_eq!(error.kind, kind, "{error}");
        for part in [code, "why", "GetRecords", "orders", "http://127.0.0.1"] {
            assert!(error.message.contains(part), "{part} not in: {error}");
        }
    }
}

#[tokio::test]
async fn a_denied_call_names_its_permission() {
    let error = fetch(refused(400, "AccessDeniedException", "no")).await;
    assert!(
        error.message.contains("allow kinesis:GetRecords"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_is_not_kinesis_is_told_apart() {
    let error = fetch(ok("<html>hello</html>")).await;
    assert_eq!(error.kind, SourceErrorKind::Fatal, "{error}");
    let asks = "is the endpoint really Kinesis?";
    assert!(error.message.contains(asks), "{error}");
    // kinesis-local answers so to an iterator that it cannot read.
    let error = fetch(reply(500, &[], "Internal Server Error")).await;
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
    assert!(!error.message.contains("really"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_transient_by_name() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = open(&url).await.list().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
    let told = error.message.contains(&url) && error.message.contains("refused");
    assert!(told, "{error}");
    let error = fetch(Reply::Hangup).await;
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_ten_seconds() {
    let fake = Fake::start([Reply::Silence]).await;
    let source = open(&fake.url).await;
    let call = source.fetch(at("i"));
    tokio::pin!(call);
    // The request is on its way before the clock is stopped, for stopped time flies while I/O waits.
    while fake.seen().is_empty() {
        tokio::select! {
            biased;
            answer = &mut call => panic!("{answer:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let error = call.await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient);
    let told = "did not answer GetRecords on stream orders within 10 s";
    assert!(error.message.contains(told), "{error}");
    let took = start.elapsed();
    assert!(took <= Duration::from_secs(11), "{took:?}");
}

#[tokio::test]
async fn a_listing_is_read_to_its_last_page() {
    let first = r#"{"NextToken":"more","Shards":[
        {"ShardId":"shardId-000000000000","HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"99"},
         "SequenceNumberRange":{"StartingSequenceNumber":"1","EndingSequenceNumber":"9"}},
        {"ShardId":"shardId-000000000001","HashKeyRange":{"StartingHashKey":"100",
         "EndingHashKey":"340282366920938463463374607431768211455"},
         "SequenceNumberRange":{"StartingSequenceNumber":"1"}}]}"#;
    let second = r#"{"Shards":[{"ShardId":"shardId-000000000002","ParentShardId":"shardId-000000000000",
         "AdjacentParentShardId":"shardId-000000000001",
         "HashKeyRange":{"StartingHashKey":"?","EndingHashKey":"1"},
         "SequenceNumberRange":{"StartingSequenceNumber":"10"}}]}"#;
    let fake = Fake::start([ok(SUMMARY), ok(first), ok(second)]).await;
    let listing = open(&fake.url).await.list().await.unwrap();

    assert_eq!(listing.facts.identity, "created 2026-11-25T18:37:24.803Z");
    let seen: Vec<_> = fake.seen();
    let operations: Vec<_> = seen.iter().map(|seen| seen.operation()).collect();
    assert_eq!(
        operations,
        ["DescribeStreamSummary", "ListShards", "ListShards"]
    );
    for request in 0..2 {
        let names = format!(r#""StreamName":"orders","StreamARN":"{ARN}""#);
        let sent = body(&fake, request);
        assert!(names.split(',').all(|name| sent.contains(name)), "{sent}");
    }
    assert_eq!(body(&fake, 2), r#"{"NextToken":"more"}"#);

    let ids: Vec<_> = listing.shards.iter().map(|each| each.id.as_str()).collect();
    let id = |number: usize| format!("shardId-00000000000{number}");
    assert_eq!(ids, [id(0), id(1), id(2)]);
    let closed: Vec<_> = listing.shards.iter().map(|each| each.closed).collect();
    assert_eq!(closed, [true, false, false]);
    let parents = &listing.shards[2].parents;
    assert_eq!(*parents, [ShardId::new(id(0)), ShardId::new(id(1))]);
    let keys: Vec<_> = listing.shards.iter().map(|each| each.hash_keys).collect();
    assert_eq!(keys, [Some((0, 99)), Some((100, u128::MAX)), None]);
}

#[tokio::test]
async fn a_listing_without_end_is_given_up_after_half_a_minute() {
    let page = |number| {
        ok(format!(
            r#"{{"NextToken":"{number}","Shards":[{{"ShardId":"s-{number}"}}]}}"#
        ))
    };
    let fake = Fake::start([ok(SUMMARY)].into_iter().chain((0..100_000).map(page))).await;
    let source = open(&fake.url).await;
    let listing = tokio::spawn(async move { source.list().await });
    // Each page comes in time, but there are always more.
    for _ in 0..4 {
        let pages = fake.seen().len();
        while fake.seen().len() < pages + 2 && !listing.is_finished() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        pass(Duration::from_secs(9)).await;
    }
    let bounded = tokio::time::timeout(Duration::from_secs(10), listing).await;
    let error = bounded.expect("a listing has no end").unwrap().unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient);
    assert!(error.message.contains("within 30 s"), "{error}");
}

#[tokio::test]
async fn a_shard_is_opened_where_it_is_asked() {
    let fake = Fake::start([ok(r#"{"ShardIterator":"i-1"}"#)]).await;
    let source = open(&fake.url).await;
    let table = [
        (Start::TrimHorizon, r#""ShardIteratorType":"TRIM_HORIZON""#),
        (Start::Latest, r#""ShardIteratorType":"LATEST""#),
        (
            Start::Timestamp(Timestamp(1_545_084_650_987)),
            r#""ShardIteratorType":"AT_TIMESTAMP","Timestamp":1545084650.987"#,
        ),
        (
            Start::After("0049".into()),
            r#""ShardIteratorType":"AFTER_SEQUENCE_NUMBER","StartingSequenceNumber":"0049""#,
        ),
    ];
    for (request, (from, parts)) in table.into_iter().enumerate() {
        let cursor = source.open(&shard(), &from).await.unwrap();
        assert_eq!(cursor, Cursor("i-1".to_owned()));
        let sent = body(&fake, request);
        let stream = r#""StreamName":"orders","ShardId":"shardId-000000000001""#;
        for part in parts.split(',').chain(stream.split(',')).chain([ARN]) {
            assert!(sent.contains(part), "{part} not in {sent}");
        }
    }
}

#[tokio::test]
async fn a_page_carries_records_and_where_to_read_on() {
    let page = r#"{"NextShardIterator":"i-2","MillisBehindLatest":1500,"Records":[
        {"SequenceNumber":"0049","ApproximateArrivalTimestamp":1545084650.987,"Data":"SGVsbG8=",
         "PartitionKey":"ä"},
        {"SequenceNumber":"0050","ApproximateArrivalTimestamp":1.545084651E9,"Data":"",
         "PartitionKey":"b","EncryptionType":"KMS"}]}"#;
    let fake = Fake::start([ok(page)]).await;
    let page = open(&fake.url).await.fetch(at("i-1")).await.unwrap();
    let sent = body(&fake, 0);
    let parts = [r#""ShardIterator":"i-1""#, r#""Limit":100"#, ARN];
    assert!(parts.iter().all(|part| sent.contains(part)), "{sent}");

    assert_eq!(page.next, Some(Cursor("i-2".to_owned())));
    assert_eq!(page.behind, Some(Duration::from_millis(1500)));
    let [first, second] = page.records.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(&*first.sequence, "0049");
    assert_eq!(first.arrival, Timestamp(1_545_084_650_987));
    let content = StreamContent::Kinesis(KinesisRecord::new("ä", "Hello"));
    assert_eq!(first.content, content);
    assert_eq!(second.arrival, Timestamp(1_545_084_651_000));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_leaves_the_others_of_its_page_alone() {
    let page = r#"{"Records":[
        {"SequenceNumber":"1","ApproximateArrivalTimestamp":1,"Data":"eA==","PartitionKey":"k"},
        {"SequenceNumber":"2","ApproximateArrivalTimestamp":2,"Data":"not base64!","PartitionKey":"k"},
        {"SequenceNumber":"3","Data":"eA==","PartitionKey":"k"},
        {"SequenceNumber":"4","ApproximateArrivalTimestamp":4,"Data":"eA==","PartitionKey":"\ud83d"}
        ],"NextShardIterator":"i-2"}"#;
    let answer = reply(200, &[("Date", "Wed, 25 Nov 2026 18:33:50 GMT")], page);
    let fake = Fake::start([answer]).await;
    let page = open(&fake.url).await.fetch(at("i-1")).await.unwrap();
    assert_eq!(page.next, Some(Cursor("i-2".to_owned())));
    let [first, second, third, fourth] = page.records.as_slice() else {
        panic!("{page:?}")
    };
    assert!(matches!(first.content, StreamContent::Kinesis(_)));
    for (lost, sequence, because) in [
        (second, "2", "Data: "),
        (third, "3", "missing field `ApproximateArrivalTimestamp`"),
    ] {
        assert_eq!(&*lost.sequence, sequence);
        assert_eq!(lost.arrival, Timestamp(1_795_631_630_000));
        let StreamContent::Unreadable(unreadable) = &lost.content else {
            panic!("{lost:?}")
        };
        assert!(unreadable.because.contains(because), "{unreadable:?}");
    }
    let content = StreamContent::Kinesis(KinesisRecord::new("\u{fffd}", "x"));
    assert_eq!(fourth.content, content);
}

#[tokio::test]
async fn a_listing_tells_the_time_of_the_server() {
    let date = ("Date", "Wed, 25 Nov 2026 18:33:50 GMT");
    let summary = reply(200, &[date], SUMMARY);
    let fake = Fake::start([summary, ok(r#"{"Shards":[]}"#)]).await;
    let listing = open(&fake.url).await.list().await.unwrap();
    assert_eq!(listing.server_time, Some(Timestamp(1_795_631_630_000)));
}

#[tokio::test]
async fn a_fetch_asks_for_no_more_than_kinesis_gives() {
    let fake = Fake::start([ok(r#"{"Records":[],"NextShardIterator":"i"}"#)]).await;
    let source = open(&fake.url).await;
    for (request, (limit, sent)) in [(0, 1), (1, 1), (10_001, 10_000), (usize::MAX, 10_000)]
        .into_iter()
        .enumerate()
    {
        let mut fetch = at("i");
        fetch.limit = limit;
        source.fetch(fetch).await.unwrap();
        let limit = format!(r#""Limit":{sent},"#);
        let sent = body(&fake, request).replace('}', ",");
        assert!(sent.contains(&limit), "{sent}");
    }
}

#[tokio::test]
async fn a_closed_shard_ends_with_its_children() {
    let end = r#"{"Records":[],"MillisBehindLatest":0,"ChildShards":[{"ShardId":"shardId-000000000002",
        "ParentShards":["shardId-000000000000","shardId-000000000001"],
        "HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"7"}}]}"#;
    let fake = Fake::start([ok(end)]).await;
    let page = open(&fake.url).await.fetch(at("i-1")).await.unwrap();
    assert_eq!((page.next, page.children.len()), (None, 1));
    let child = &page.children[0];
    assert_eq!(child.id.as_str(), "shardId-000000000002");
    assert_eq!(child.parents[1], shard());
    assert_eq!((child.closed, child.hash_keys), (false, Some((0, 7))));
}

#[tokio::test]
async fn an_answer_that_lacks_its_point_is_no_success() {
    let fake = Fake::start([ok("{}")]).await;
    let source = open(&fake.url).await;
    let error = source.list().await.unwrap_err();
    let part = "without a StreamCreationTimestamp";
    assert!(error.message.contains(part), "{error}");
    let error = source.open(&shard(), &Start::Latest).await.unwrap_err();
    assert!(error.message.contains("without a ShardIterator"), "{error}");
    let nameless =
        r#"{"Records":[{"ApproximateArrivalTimestamp":1,"Data":"","PartitionKey":"k"}]}"#;
    let error = fetch(ok(nameless)).await;
    assert!(
        error.message.contains("without a SequenceNumber"),
        "{error}"
    );
}

#[tokio::test]
async fn the_most_specific_endpoint_serves_a_consumer() {
    let shards = ok(r#"{"Shards":[]}"#);
    let mut fakes = Vec::new();
    for _ in 0..3 {
        fakes.push(Fake::start([ok(SUMMARY), shards.clone(), ok(SUMMARY), shards.clone()]).await);
    }
    let url = |at: usize| fakes[at].url.parse().unwrap();
    let mut config = AwsConfig::default();
    let endpoints = &mut config.endpoints;
    endpoints.services.insert("kinesis".to_owned(), url(0));
    let mut calls = vec![0; 3];
    for (serves, arn) in [(0, None), (1, Some(ARN)), (2, Some(CONSUMER))] {
        if let Some(arn) = arn {
            config.endpoints.arns.insert(arn.to_owned(), url(serves));
        }
        let provider = KinesisProvider::new(config.clone());
        let consumer = provider.open(CONSUMER).await.unwrap();
        consumer.list().await.unwrap();
        calls[serves] += 2;
        let seen: Vec<_> = fakes.iter().map(|fake| fake.seen().len()).collect();
        assert_eq!(seen, calls);
        let sent = body(&fakes[serves], 0);
        assert!(sent.contains(&format!(r#"{ARN}""#)), "{sent}");
    }
}

#[tokio::test]
async fn a_mapping_finds_its_stream() {
    let provider = KinesisProvider::new(AwsConfig::default());
    let context = Context {
        region: "us-east-1".to_owned(),
        account_id: "123456789012".to_owned(),
        uuid: Default::default(),
        now: Timestamp(1_704_067_200_250),
        filter_limits: Default::default(),
        dialect: Default::default(),
    };
    for (arn, served) in [
        (ARN, true),
        (CONSUMER, true),
        ("arn:aws:sqs:us-east-1:123456789012:orders", false),
    ] {
        let start = if served {
            r#","StartingPosition":"LATEST""#
        } else {
            ""
        };
        let request = format!(r#"{{"FunctionName":"f","EventSourceArn":"{arn}"{start}}}"#);
        let request = serde_json::from_str(&request).unwrap();
        let mapping = Mapping::create(request, &context).unwrap();
        let stream = provider.stream(&mapping).await.unwrap();
        assert_eq!(stream.is_some(), served, "{arn}");
    }
}

#[tokio::test]
async fn an_arn_of_something_else_is_refused_in_words() {
    let provider = KinesisProvider::new(AwsConfig::default());
    let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
    let error = provider.open(arn).await.err().unwrap();
    assert_eq!(error.kind, SourceErrorKind::Fatal);
    let form = "arn:aws:kinesis:REGION:ACCOUNT:stream/NAME";
    assert!(error.message.contains(form), "{error}");
}
