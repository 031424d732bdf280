//! A Kinesis consumer against a server that pushes what it is told.

use std::sync::Arc;
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use lambda_esm_aws::{AwsConfig, KinesisProvider};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Page, ShardId, Start, StreamSource};

use crate::fake::{Fake, Reply, pass, reply};
use crate::kinesis_failures::SUMMARY;

const CONSUMER: &str =
    "arn:aws:kinesis:us-east-1:123456789012:stream/orders/consumer/app:1525898737";
const TYPE: [(&str, &str); 1] = [("content-type", "application/vnd.amazon.eventstream")];

/// A message of an event stream with headers.
fn message(headers: &[(&'static str, &str)], payload: &str) -> Vec<u8> {
    let header = |&(name, value): &(&'static str, &str)| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new_from_parts(
        headers.iter().map(header).collect(),
        payload.as_bytes().to_vec(),
    );
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

/// An event with these records, by their sequence numbers, and other members.
fn event(records: &[u32], others: &str) -> Vec<u8> {
    let records: Vec<_> = records
        .iter()
        .map(|sequence| {
            format!(
                r#"{{"SequenceNumber":"{sequence}","ApproximateArrivalTimestamp":1545084650.5,
                "Data":"","PartitionKey":"k"}}"#
            )
        })
        .collect();
    let records = records.join(",");
    let headers = [
        (":message-type", "event"),
        (":event-type", "SubscribeToShardEvent"),
        (":content-type", "application/json"),
    ];
    message(&headers, &format!(r#"{{"Records":[{records}],{others}}}"#))
}

/// An event as they come while the shard is open.
fn open_event(records: &[u32], continuation: u32) -> Vec<u8> {
    let others = format!(
        r#""ContinuationSequenceNumber":"{continuation}","MillisBehindLatest":0,"ChildShards":[]"#
    );
    event(records, &others)
}

/// The last event of a shard: it has no continuation.
fn last_event(records: &[u32]) -> Vec<u8> {
    let others = r#""MillisBehindLatest":0,"ChildShards":[{"ShardId":"shardId-000000000002",
        "ParentShards":["shardId-000000000001"],
        "HashKeyRange":{"StartingHashKey":"0","EndingHashKey":"7"}}]"#;
    event(records, others)
}

fn exception(code: &str) -> Vec<u8> {
    let headers = [
        (":message-type", "exception"),
        (":exception-type", code),
        (":content-type", "application/json"),
    ];
    message(&headers, r#"{"message":"why"}"#)
}

/// A subscription on which these messages come; it ends after them, or goes on in silence.
fn pushes(messages: &[Vec<u8>], ends: bool) -> Reply {
    let initial = [
        (":message-type", "event"),
        (":event-type", "initial-response"),
        (":content-type", "application/json"),
    ];
    let mut body = message(&initial, "{}");
    body.extend(messages.concat());
    match ends {
        true => reply(200, &TYPE, body),
        false => Reply::Endless(TYPE.to_vec(), body),
    }
}

/// Returns a subscription on which one event with this payload comes, and then nothing.
pub(crate) async fn subscription(payload: &str) -> World {
    let headers = [
        (":message-type", "event"),
        (":event-type", "SubscribeToShardEvent"),
        (":content-type", "application/json"),
    ];
    World::of([pushes(&[message(&headers, payload)], false)]).await
}

/// A consumer of a server that gives these replies.
pub(crate) struct World {
    fake: Fake,
    source: Arc<dyn StreamSource>,
}

impl World {
    pub(crate) fn source(&self) -> &dyn StreamSource {
        &*self.source
    }

    async fn of(replies: impl IntoIterator<Item = Reply>) -> Self {
        let fake = Fake::start(replies).await;
        let mut config = AwsConfig::default();
        let url = fake.url.parse().unwrap();
        config.endpoints.services.insert("kinesis".to_owned(), url);
        let source = KinesisProvider::new(config).open(CONSUMER).await.unwrap();
        Self { fake, source }
    }

    async fn open(&self, from: Start) -> Cursor {
        self.source.open(&shard(), &from).await.unwrap()
    }

    async fn try_fetch(&self, cursor: &str, limit: usize) -> Result<Page, SourceError> {
        let request = FetchRequest::new(shard(), Cursor(cursor.to_owned()), limit)
            .with_wait(Duration::from_secs(1));
        self.source.fetch(request).await
    }

    /// Fetches up to `limit` records; returns their sequence numbers and the next cursor.
    async fn fetch(&self, cursor: &str, limit: usize) -> (Vec<u32>, String) {
        let page = self.try_fetch(cursor, limit).await.unwrap();
        (sequences(&page), page.next.unwrap().0)
    }

    /// Returns the starting positions of all subscriptions.
    fn subscribed(&self) -> Vec<String> {
        let seen = self.fake.seen();
        let seen = seen
            .iter()
            .filter(|seen| seen.operation() == "SubscribeToShard");
        seen.map(|seen| {
            let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
            assert_eq!(body["ConsumerARN"], CONSUMER);
            assert_eq!(body["ShardId"], "shardId-000000000001");
            let from = &body["StartingPosition"];
            let kind = from["Type"].as_str().unwrap();
            match from["SequenceNumber"].as_str() {
                Some(sequence) => format!("{kind} {sequence}"),
                None => kind.to_owned(),
            }
        })
        .collect()
    }

    async fn until_gone(&self) {
        let gone = async {
            while !self.fake.seen().iter().any(|seen| seen.line == "gone") {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let bounded = tokio::time::timeout(Duration::from_secs(10), gone).await;
        bounded.expect("nobody hung up");
    }
}

fn shard() -> ShardId {
    ShardId::new("shardId-000000000001")
}

fn sequences(page: &Page) -> Vec<u32> {
    let sequence = |text: &Arc<str>| text.parse().unwrap();
    let records = page.records.iter();
    records.map(|record| sequence(&record.sequence)).collect()
}

#[tokio::test]
async fn an_event_is_returned_in_pages_of_the_limit() {
    let world = World::of([pushes(
        &[open_event(&[1, 2, 3], 3), open_event(&[4], 4)],
        false,
    )])
    .await;
    let cursor = world.open(Start::TrimHorizon).await;
    assert_eq!(cursor.0, "TRIM_HORIZON");
    let (first, cursor) = world.fetch(&cursor.0, 2).await;
    assert_eq!(
        (first, cursor.as_str()),
        (vec![1, 2], "AFTER_SEQUENCE_NUMBER 2")
    );
    // No more than the event in hand.
    let (second, cursor) = world.fetch(&cursor, 2).await;
    assert_eq!(
        (second, cursor.as_str()),
        (vec![3], "AFTER_SEQUENCE_NUMBER 3")
    );
    let (third, cursor) = world.fetch(&cursor, 2).await;
    assert_eq!(
        (third, cursor.as_str()),
        (vec![4], "AFTER_SEQUENCE_NUMBER 4")
    );
    assert_eq!(world.subscribed(), ["TRIM_HORIZON"]);
}

#[tokio::test]
async fn what_is_still_in_hand_lies_behind() {
    let world = World::of([pushes(&[open_event(&[1, 2], 2)], false)]).await;
    let cursor = world.open(Start::TrimHorizon).await;
    let page = world.try_fetch(&cursor.0, 1).await.unwrap();
    assert_eq!(page.behind, Some(Duration::from_millis(1)));
    let page = world.try_fetch(&page.next.unwrap().0, 1).await.unwrap();
    assert_eq!(page.behind, Some(Duration::ZERO));
    let page = world.try_fetch(&page.next.unwrap().0, 1).await.unwrap();
    assert_eq!(page.behind, None, "no event, no news");
}

#[tokio::test]
async fn another_position_is_subscribed_to_anew() {
    let world = World::of([
        pushes(&[open_event(&[1, 2, 3], 3)], false),
        pushes(&[open_event(&[2, 3], 3)], false),
    ])
    .await;
    let start = world.open(Start::After("0".into())).await;
    let (_, early) = world.fetch(&start.0, 1).await;
    let (_, _) = world.fetch(&early, 2).await;
    let (again, _) = world.fetch(&early, 2).await;
    assert_eq!(again, [2, 3]);
    world.until_gone().await;
    assert_eq!(
        world.subscribed(),
        ["AFTER_SEQUENCE_NUMBER 0", "AFTER_SEQUENCE_NUMBER 1"]
    );
}

#[tokio::test]
async fn an_event_without_records_tells_how_far_the_shard_was_read() {
    let world = World::of([pushes(&[open_event(&[], 7)], true)]).await;
    let cursor = world.open(Start::TrimHorizon).await;
    let (records, cursor) = world.fetch(&cursor.0, 10).await;
    assert_eq!(
        (records, cursor.as_str()),
        (vec![], "AFTER_SEQUENCE_NUMBER 7")
    );
}

#[tokio::test]
async fn latest_is_the_moment_of_the_opening() {
    let world = World::of([pushes(&[open_event(&[], 7), open_event(&[8], 8)], false)]).await;
    let cursor = world.open(Start::Latest).await;
    assert_eq!(cursor.0, "AFTER_SEQUENCE_NUMBER 7");
    assert_eq!(world.fetch(&cursor.0, 10).await.0, [8]);
    assert_eq!(world.subscribed(), ["LATEST"]);

    let world = World::of([pushes(&[open_event(&[8, 9], 9)], false)]).await;
    let cursor = world.open(Start::Latest).await;
    assert_eq!(cursor.0, "AT_SEQUENCE_NUMBER 8");
    assert_eq!(world.fetch(&cursor.0, 1).await.0, [8]);
    // The cursor holds even when what came for it is used up.
    assert_eq!(world.fetch(&cursor.0, 10).await.0, [8, 9]);
    assert_eq!(world.subscribed(), ["LATEST", "AT_SEQUENCE_NUMBER 8"]);
}

#[tokio::test]
async fn latest_without_an_event_is_kept_by_the_subscription() {
    let world = World::of([
        pushes(&[], false),
        reply(400, &[], r#"{"__type":"AccessDeniedException"}"#),
    ])
    .await;
    let source = Arc::clone(&world.source);
    let open = tokio::spawn(async move { source.open(&shard(), &Start::Latest).await });
    while world.fake.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    pass(Duration::from_secs(6)).await;
    let cursor = open.await.unwrap().unwrap();
    assert_eq!(cursor.0, "LATEST");
    world.source.list().await.unwrap_err();
    assert_eq!(world.fetch("LATEST", 1).await, (vec![], cursor.0));
    assert_eq!(world.subscribed(), ["LATEST"]);
}

#[tokio::test]
async fn a_subscription_that_ends_is_renewed_where_it_ended() {
    let world = World::of([
        pushes(&[open_event(&[1], 1)], true),
        pushes(&[open_event(&[2], 2)], true),
    ])
    .await;
    let cursor = world.open(Start::TrimHorizon).await;
    let (records, cursor) = world.fetch(&cursor.0, 10).await;
    assert_eq!(records, [1]);
    let (records, cursor) = world.fetch(&cursor, 10).await;
    assert!(records.is_empty(), "the end of the subscription");
    assert_eq!(world.fetch(&cursor, 10).await.0, [2]);
    assert_eq!(
        world.subscribed(),
        ["TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER 1"]
    );
}

#[tokio::test]
async fn a_subscription_that_brings_nothing_at_all_is_a_failure() {
    let world = World::of([pushes(&[], true)]).await;
    let cursor = world.open(Start::TrimHorizon).await;
    let error = world.try_fetch(&cursor.0, 10).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient);
    assert!(error.message.contains("without a single event"), "{error}");
}

#[tokio::test]
async fn a_broken_subscription_is_a_failure_and_then_renewed() {
    let mut half = open_event(&[2], 2);
    half.truncate(30);
    let world = World::of([
        pushes(&[open_event(&[1], 1), half], true),
        pushes(&[open_event(&[2], 2)], true),
    ])
    .await;
    let cursor = world.open(Start::TrimHorizon).await;
    let (_, cursor) = world.fetch(&cursor.0, 10).await;
    let error = world.try_fetch(&cursor, 10).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
    assert_eq!(world.fetch(&cursor, 10).await.0, [2]);
}

#[tokio::test]
async fn each_exception_on_the_way_has_its_kind() {
    use SourceErrorKind::{Denied, NotFound, Throttled, Transient};
    let table = [
        ("ResourceInUseException", Throttled),
        ("ResourceNotFoundException", NotFound),
        ("InternalFailureException", Transient),
        ("KMSThrottlingException", Throttled),
        ("KMSAccessDeniedException", Denied),
    ];
    for (code, kind) in table {
        let world = World::of([pushes(&[open_event(&[1], 1), exception(code)], false)]).await;
        let cursor = world.open(Start::TrimHorizon).await;
        let (_, cursor) = world.fetch(&cursor.0, 10).await;
        let error = world.try_fetch(&cursor, 10).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        let told = error.message.contains(code) && error.message.contains("why");
        assert!(told, "{error}");
    }
}

#[tokio::test]
async fn a_shard_that_another_reader_has_is_throttled() {
    let body = r#"{"__type":"ResourceInUseException","message":"Another active subscription"}"#;
    let world = World::of([reply(400, &[], body)]).await;
    let error = world.source.open(&shard(), &Start::Latest).await;
    assert_eq!(error.unwrap_err().kind, SourceErrorKind::Throttled);
    let error = world.try_fetch("AFTER_SEQUENCE_NUMBER 1", 10).await;
    assert_eq!(error.unwrap_err().kind, SourceErrorKind::Throttled);
    assert_eq!(
        world.subscribed(),
        ["LATEST", "AFTER_SEQUENCE_NUMBER 1"],
        "one attempt each"
    );
}

#[tokio::test]
async fn the_last_page_of_a_shard_names_its_children() {
    let world = World::of([pushes(&[last_event(&[1, 2, 3])], true)]).await;
    let cursor = world.open(Start::TrimHorizon).await;
    let first = world.try_fetch(&cursor.0, 2).await.unwrap();
    assert_eq!((sequences(&first), first.children.len()), (vec![1, 2], 0));
    let next = first.next.unwrap();
    let last = world.try_fetch(&next.0, 2).await.unwrap();
    assert_eq!((sequences(&last), last.next), (vec![3], None));
    assert_eq!(last.children.len(), 1);
    assert_eq!(last.children[0].parents, [shard()]);
}

#[tokio::test]
async fn a_subscription_that_nobody_reads_is_given_up_and_what_is_in_hand_stays() {
    let world = World::of([
        pushes(&[open_event(&[1, 2], 2), open_event(&[3], 3)], false),
        reply(400, &[], r#"{"__type":"ResourceNotFoundException"}"#),
        pushes(&[open_event(&[3], 3)], false),
    ])
    .await;
    let cursor = world.open(Start::TrimHorizon).await;
    let (_, cursor) = world.fetch(&cursor.0, 1).await;
    pass(Duration::from_secs(6)).await;
    // Even a call that fails makes room for the others.
    world.source.list().await.unwrap_err();
    world.until_gone().await;
    let (records, cursor) = world.fetch(&cursor, 10).await;
    assert_eq!(records, [2]);
    assert_eq!(world.fetch(&cursor, 10).await.0, [3]);
}

#[tokio::test]
async fn a_subscription_in_use_is_kept() {
    let world = World::of([
        pushes(&[open_event(&[1], 1), open_event(&[2], 2)], false),
        reply(400, &[], r#"{"__type":"ResourceNotFoundException"}"#),
    ])
    .await;
    let cursor = world.open(Start::TrimHorizon).await;
    let (_, cursor) = world.fetch(&cursor.0, 1).await;
    pass(Duration::from_secs(4)).await;
    let other = ShardId::new("shardId-000000000009");
    let opened = world.source.open(&other, &Start::TrimHorizon).await;
    opened.unwrap_err();
    assert_eq!(world.fetch(&cursor, 1).await.0, [2]);
}

#[tokio::test]
async fn what_is_kept_of_a_shard_goes_with_it() {
    let listed = r#"{"Shards":[{"ShardId":"shardId-000000000001"}]}"#;
    let world = World::of([
        pushes(&[open_event(&[1, 2], 2)], false),
        reply(200, &[], SUMMARY),
        reply(200, &[], listed),
        reply(200, &[], SUMMARY),
        reply(200, &[], r#"{"Shards":[]}"#),
        reply(400, &[], r#"{"__type":"ResourceNotFoundException"}"#),
    ])
    .await;
    let cursor = world.open(Start::TrimHorizon).await;
    let (_, cursor) = world.fetch(&cursor.0, 1).await;
    assert_eq!(world.source.list().await.unwrap().shards.len(), 1);
    assert_eq!(world.fetch(&cursor, 1).await.0, [2]);
    assert_eq!(world.source.list().await.unwrap().shards, []);
    world.until_gone().await;
    let error = world.try_fetch("AFTER_SEQUENCE_NUMBER 2", 1).await;
    assert_eq!(error.unwrap_err().kind, SourceErrorKind::NotFound);
}

#[tokio::test]
async fn a_subscription_that_fell_silent_is_renewed() {
    let world = World::of([
        pushes(&[open_event(&[1], 1)], false),
        pushes(&[open_event(&[2], 2)], false),
    ])
    .await;
    let cursor = world.open(Start::TrimHorizon).await;
    let (_, cursor) = world.fetch(&cursor.0, 1).await;
    assert_eq!(world.fetch(&cursor, 1).await, (vec![], cursor.clone()));
    pass(Duration::from_secs(36)).await;
    assert_eq!(world.fetch(&cursor, 1).await, (vec![], cursor.clone()));
    world.until_gone().await;
    assert_eq!(world.fetch(&cursor, 1).await.0, [2]);
    assert_eq!(
        world.subscribed(),
        ["TRIM_HORIZON", "AFTER_SEQUENCE_NUMBER 1"]
    );
}

#[tokio::test]
async fn a_position_of_another_source_is_expired() {
    let world = World::of([Reply::Hangup]).await;
    let error = world.try_fetch("AAAAAAAAAAE=", 1).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Expired);
}
