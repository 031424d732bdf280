//! The DynamoDB source against a server that answers in every way DynamoDB can.

use std::time::Duration;

use lambda_esm_aws::{AwsConfig, DynamoDbProvider, DynamoDbStream};
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::StreamContent;
use lambda_esm_engine::ports::{Cursor, FetchRequest, Page, Shard, ShardId, Start, StreamSource};
use serde_json::{Value, json};

use crate::fake::{Fake, Reply, reply};

const ARN: &str =
    "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-11-25T18:33:43.572";
const LOCAL_ARN: &str =
    "arn:aws:dynamodb:ddblocal:000000000000:table/orders/stream/2026-11-25T18:33:43.572";
const ITERATOR: &str = r#"{"ShardIterator":"i-1"}"#;

async fn stream(url: &str) -> DynamoDbStream {
    let mut config = AwsConfig::default();
    config
        .endpoints
        .services
        .insert("dynamodb".to_owned(), url.parse().unwrap());
    DynamoDbProvider::new(config).open(ARN).await.unwrap()
}

fn refused(status: u16, code: &str, text: &str) -> Reply {
    let code = format!("com.amazonaws.dynamodb.v20120810#{code}");
    reply(
        status,
        &[],
        json!({"__type": code, "message": text}).to_string(),
    )
}

/// Returns the answer to `DescribeStream` with these shards, and the last of them if there are more.
fn described(shards: &Value, last: Option<&str>) -> Reply {
    let description = json!({
        "StreamArn": ARN, "StreamLabel": "2026-11-25T18:33:43.572", "StreamStatus": "ENABLED",
        "StreamViewType": "NEW_IMAGE", "CreationRequestDateTime": 1_795_631_623.572,
        "TableName": "orders", "KeySchema": [], "Shards": shards, "LastEvaluatedShardId": last,
    });
    reply(
        200,
        &[],
        json!({"StreamDescription": description}).to_string(),
    )
}

fn shard() -> ShardId {
    ShardId::new("shardId-00000001795631623592-a2dc1bd9")
}

fn request(limit: usize) -> FetchRequest {
    FetchRequest::new(shard(), Cursor("i-1".to_owned()), limit)
}

async fn fetch(reply: Reply) -> Result<Page, SourceError> {
    let fake = Fake::start([reply]).await;
    let page = stream(&fake.url).await.fetch(request(10)).await;
    assert_eq!(fake.seen().len(), 1, "an adapter makes one attempt");
    page
}

fn operations(fake: &Fake) -> Vec<String> {
    fake.seen()
        .iter()
        .map(|seen| seen.operation().to_owned())
        .collect()
}

fn body(fake: &Fake, at: usize) -> Value {
    serde_json::from_slice(&fake.seen()[at].body).unwrap()
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_says_where() {
    use SourceErrorKind::{Denied, Expired, Fatal, NotFound, Throttled, Transient, Trimmed};
    let table = [
        (400, "TrimmedDataAccessException", Trimmed),
        (400, "ExpiredIteratorException", Expired),
        (400, "ResourceNotFoundException", NotFound),
        (400, "LimitExceededException", Throttled),
        (400, "ThrottlingException", Throttled),
        (400, "AccessDeniedException", Denied),
        (400, "ExpiredTokenException", Denied),
        (500, "InternalServerError", Transient),
        (503, "SomethingNew", Transient),
        (400, "ValidationException", Fatal),
    ];
    for (status, code, kind) in table {
        let error = fetch(refused(status, code, "why")).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        let place = "table/orders/stream/2026-11-25T18:33:43.572 (HTTP";
        for part in [code, "why", "GetRecords", place, "http://127.0.0.1"] {
            assert!(error.message.contains(part), "{part} not in: {error}");
        }
    }
    let denied = fetch(refused(400, "AccessDeniedException", "no"))
        .await
        .unwrap_err();
    assert!(
        denied
            .message
            .ends_with("that they allow dynamodb:GetRecords"),
        "{denied}"
    );
}

#[tokio::test]
async fn a_shard_of_which_nothing_is_left_is_over() {
    let text = "Invalid ShardId in ShardIterator";
    let page = fetch(refused(400, "ResourceNotFoundException", text))
        .await
        .unwrap();
    assert_eq!((page.records.len(), page.next), (0, None));
    let other = fetch(refused(
        400,
        "ResourceNotFoundException",
        "Shard does not exist",
    ))
    .await;
    assert_eq!(other.unwrap_err().kind, SourceErrorKind::NotFound);
}

#[tokio::test]
async fn shards_of_all_pages_are_listed_with_their_lineage() {
    let first = json!([
        {"ShardId": "s-1", "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": "9"}},
        {"ShardId": "s-2", "ParentShardId": "s-0",
         "SequenceNumberRange": {"StartingSequenceNumber": "1", "EndingSequenceNumber": "9"}},
    ]);
    let second = json!([
        {"ShardId": "s-3", "ParentShardId": "s-1", "SequenceNumberRange": {"StartingSequenceNumber": "11"}},
    ]);
    let fake = Fake::start([described(&first, Some("s-2")), described(&second, None)]).await;
    let listing = stream(&fake.url).await.list().await.unwrap();
    let listed = |id: &str, parents: &[&str], closed: bool| {
        Shard::new(ShardId::new(id))
            .with_parents(parents.iter().map(|parent| ShardId::new(*parent)).collect())
            .with_closed(closed)
    };
    let expected = [
        listed("s-1", &[], true),
        listed("s-2", &["s-0"], true),
        listed("s-3", &["s-1"], false),
    ];
    assert_eq!(listing.shards, expected);
    assert_eq!(listing.facts.identity, format!("{ARN} 1795631623572"));
    assert_eq!(body(&fake, 0), json!({"StreamArn": ARN, "Limit": 100}));
    let next = json!({"StreamArn": ARN, "Limit": 100, "ExclusiveStartShardId": "s-2"});
    assert_eq!(body(&fake, 1), next);
}

#[tokio::test]
async fn a_listing_that_comes_to_no_end_is_given_up() {
    let page = |number| {
        described(
            &json!([{"ShardId": format!("s-{number}")}]),
            Some(&format!("s-{number}")),
        )
    };
    let fake = Fake::start((0..1_000).map(page)).await;
    let stream = stream(&fake.url).await;
    tokio::time::pause();
    let listing = stream.list();
    tokio::pin!(listing);
    // Each page takes a second.
    let mut pages = 0;
    let result = loop {
        tokio::select! {
            biased;
            result = &mut listing => break result,
            () = tokio::task::yield_now() => {}
        }
        if fake.seen().len() > pages {
            pages += 1;
            tokio::time::advance(Duration::from_secs(1)).await;
        }
    };
    let error = result.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
    let words = "did not answer DescribeStream";
    assert!(
        error.message.contains(words) && error.message.ends_with("within 30 s"),
        "{error}"
    );
}

#[tokio::test]
async fn each_starting_place_is_asked_for_in_dynamodbs_words() {
    let table = [
        (
            Start::TrimHorizon,
            json!({"ShardIteratorType": "TRIM_HORIZON"}),
        ),
        (Start::Latest, json!({"ShardIteratorType": "LATEST"})),
        (
            Start::Timestamp(Timestamp(5)),
            json!({"ShardIteratorType": "TRIM_HORIZON"}),
        ),
        (
            Start::After("42".into()),
            json!({"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": "42"}),
        ),
    ];
    for (from, mut expected) in table {
        let fake = Fake::start([described(&json!([]), None), reply(200, &[], ITERATOR)]).await;
        let stream = stream(&fake.url).await;
        let cursor = stream.open(&shard(), &from).await.unwrap();
        assert_eq!(cursor, Cursor("i-1".to_owned()));
        expected["StreamArn"] = json!(ARN);
        expected["ShardId"] = json!(shard().as_str());
        assert_eq!(body(&fake, 1), expected);
        stream.open(&shard(), &from).await.unwrap();
        let operations = operations(&fake);
        let expected = ["DescribeStream", "GetShardIterator", "GetShardIterator"];
        assert_eq!(operations, expected, "the stream's ARN is asked for once");
    }
}

#[tokio::test]
async fn a_stream_of_dynamodb_local_is_found_by_its_own_arn() {
    let fake = Fake::start([
        refused(400, "ResourceNotFoundException", "not here"),
        described(&json!([]), None),
        reply(200, &[], ITERATOR),
        described(&json!([]), None),
    ])
    .await;
    let stream = stream(&fake.url).await;
    let identity = stream.list().await.unwrap().facts.identity;
    assert!(identity.starts_with(LOCAL_ARN), "{identity}");
    stream.open(&shard(), &Start::Latest).await.unwrap();
    stream.list().await.unwrap();
    let asked: Vec<_> = (0..4)
        .map(|at| body(&fake, at)["StreamArn"].clone())
        .collect();
    assert_eq!(asked, [ARN, LOCAL_ARN, LOCAL_ARN, LOCAL_ARN]);
}

#[tokio::test]
async fn a_stream_that_is_nowhere_is_told_by_the_name_it_was_asked_for() {
    let fake = Fake::start([
        refused(400, "ResourceNotFoundException", "first"),
        refused(400, "ResourceNotFoundException", "second"),
    ])
    .await;
    let error = stream(&fake.url).await.list().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound);
    let way_out =
        "create the stream, or correct region, account, table and label in EventSourceArn";
    assert!(
        error.message.contains("first") && error.message.ends_with(way_out),
        "{error}"
    );
}

#[tokio::test]
async fn a_stream_that_cannot_be_asked_for_by_its_other_name_is_not_missing() {
    let missing = refused(400, "ResourceNotFoundException", "first");
    let fake = Fake::start([missing, Reply::Hangup]).await;
    let error = stream(&fake.url).await.list().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
}

#[tokio::test]
async fn a_fetch_asks_for_no_more_than_the_service_gives() {
    let page = json!({"Records": [], "NextShardIterator": "i-2"}).to_string();
    let fake = Fake::start([reply(200, &[], page)]).await;
    let stream = stream(&fake.url).await;
    for (limit, asked) in [(0, 1), (7, 7), (1_000, 1_000), (usize::MAX, 1_000)] {
        let page = stream.fetch(request(limit)).await.unwrap();
        assert_eq!(page.next, Some(Cursor("i-2".to_owned())));
        let last = fake.seen().len() - 1;
        assert_eq!(
            body(&fake, last),
            json!({"ShardIterator": "i-1", "Limit": asked})
        );
    }
}

fn record(image: &Value) -> Reply {
    let record = json!({
        "eventID": "7d", "eventName": "REMOVE", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_631_623, "Keys": {"id": {"S": "a"}},
            "OldImage": image, "SequenceNumber": "42", "SizeBytes": 9, "StreamViewType": "OLD_IMAGE",
        },
        "userIdentity": {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"},
    });
    reply(200, &[], json!({"Records": [record]}).to_string())
}

#[tokio::test]
async fn a_deletion_by_time_to_live_comes_with_who_made_it() {
    let page = fetch(record(&json!({"id": {"S": "a"}}))).await.unwrap();
    assert_eq!(page.next, None, "the end of a closed shard");
    let [record] = page.records.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(
        (&*record.sequence, record.arrival),
        ("42", Timestamp(1_795_631_623_000))
    );
    let StreamContent::DynamoDb(content) = &record.content else {
        panic!("{record:?}")
    };
    assert_eq!(content.old_image.as_deref(), Some(r#"{"id":{"S":"a"}}"#));
    let identity = content.user_identity.as_ref().unwrap();
    assert_eq!(identity.principal_id, "dynamodb.amazonaws.com");
    assert_eq!(identity.kind, "Service");
}

#[tokio::test]
async fn a_value_of_an_unknown_kind_is_passed_on_as_it_came() {
    for image in [
        json!({"id": {"DATE": "2026"}}),
        json!({"id": {"L": [{"M": {"deep": {"DATE": "2026"}}}]}}),
        json!({"id": {"B": "not base64!"}}),
    ] {
        let page = fetch(record(&image)).await.unwrap();
        let StreamContent::DynamoDb(content) = &page.records[0].content else {
            panic!("{page:?}")
        };
        assert_eq!(content.old_image.as_ref(), Some(&image.to_string()));
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_read_leaves_the_others_of_its_page_alone() {
    let record = |number: usize, image: Value| {
        json!({
            "eventID": "7d", "eventName": "INSERT",
            "dynamodb": {
                "ApproximateCreationDateTime": 1_795_631_623, "Keys": {"id": {"S": "a"}},
                "NewImage": image, "SequenceNumber": number.to_string(),
            },
        })
    };
    let records = [
        record(1, json!({"id": {"S": "a"}})),
        record(2, json!("no image")),
        record(3, json!({"id": {"S": "a"}})),
    ];
    let page = json!({"Records": records, "NextShardIterator": "i-2"}).to_string();
    let answer = reply(200, &[("Date", "Wed, 25 Nov 2026 18:33:50 GMT")], page);
    let page = fetch(answer).await.unwrap();
    assert_eq!(page.next, Some(Cursor("i-2".to_owned())));
    let read: Vec<_> = page
        .records
        .iter()
        .map(|record| matches!(record.content, StreamContent::DynamoDb(_)))
        .collect();
    assert_eq!(read, [true, false, true]);
    let lost = &page.records[1];
    assert_eq!(
        (&*lost.sequence, lost.arrival),
        ("2", Timestamp(1_795_631_630_000)),
        "it arrived before the answer was given"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_or_is_without_records_is_no_page() {
    let error = fetch(reply(200, &[], r#"{"NextShardIterator":"i-2"}"#)).await;
    let error = error.unwrap_err();
    assert!(error.message.contains("missing field `Records`"), "{error}");
    let half = reply(200, &[("content-length", "1000")], r#"{"Records":["#);
    let error = fetch(half).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_dynamodb_is_told_apart() {
    let error = fetch(reply(200, &[], "<html>hello</html>"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Fatal, "{error}");
    let question = "is the endpoint really DynamoDB Streams?";
    assert!(error.message.contains(question), "{error}");
    let empty = Fake::start([reply(200, &[], "{}")]).await;
    let stream = stream(&empty.url).await;
    for error in [
        stream.list().await.unwrap_err(),
        stream.open(&shard(), &Start::Latest).await.unwrap_err(),
    ] {
        assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
        assert!(
            error.message.contains("without a StreamDescription"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_ten_seconds() {
    let fake = Fake::start([Reply::Silence]).await;
    let stream = stream(&fake.url).await;
    let call = stream.fetch(request(1));
    tokio::pin!(call);
    // The request is on its way before the clock is stopped, for stopped time flies while I/O waits.
    while fake.seen().is_empty() {
        tokio::select! {
            biased;
            page = &mut call => panic!("{page:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    tokio::time::pause();
    let error = call.await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient);
    assert!(
        error.message.contains("did not answer GetRecords"),
        "{error}"
    );
    assert!(error.message.contains("within 10 s"), "{error}");
}

#[tokio::test]
async fn the_endpoint_of_the_streams_wins_over_that_of_the_tables() {
    let page = || reply(200, &[], r#"{"Records":[]}"#);
    let (streams, tables, all) = (
        Fake::start([page()]).await,
        Fake::start([page()]).await,
        Fake::start([page()]).await,
    );
    let mut config = AwsConfig::default();
    let mut ask = async |service: &str, url: &str| {
        config
            .endpoints
            .services
            .insert(service.to_owned(), url.parse().unwrap());
        config.endpoints.aws = Some(all.url.parse().unwrap());
        let stream = DynamoDbProvider::new(config.clone())
            .open(ARN)
            .await
            .unwrap();
        stream.fetch(request(1)).await.unwrap();
    };
    ask("sqs", "http://127.0.0.1:1").await;
    ask("dynamodb", &tables.url).await;
    ask("dynamodbstreams", &streams.url).await;
    let asked = [&all, &tables, &streams].map(|fake| fake.seen().len());
    assert_eq!(asked, [1, 1, 1]);
}

#[tokio::test]
async fn what_is_no_stream_of_a_table_is_refused_in_words() {
    for wrong in [
        "orders",
        "arn:aws:dynamodb:eu-west-1:123456789012:table/orders",
        "arn:aws:kinesis:eu-west-1:123456789012:stream/orders",
    ] {
        let error = DynamoDbProvider::new(AwsConfig::default())
            .open(wrong)
            .await
            .unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Fatal);
        assert!(
            error.message.contains(wrong) && error.message.contains("LatestStreamArn"),
            "{error}"
        );
    }
}
