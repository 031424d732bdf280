//! Failures on demand.

use lambda_esm_core::fault::SourceErrorKind::{Denied, NotFound, Throttled, Transient};
use lambda_esm_engine::contract::fetch;
use lambda_esm_engine::memory::{StreamCall, StreamKind};
use lambda_esm_engine::ports::{Start, StreamSource as _};

use crate::support::{kinesis, open, open_refusal, put, refusal, shard, texts};

#[tokio::test(start_paused = true)]
async fn calls_fail_as_often_and_in_the_order_as_they_are_told_to() {
    let stream = kinesis(1);
    let id = shard(&stream, 0);
    let cursor = open(&stream, &id, Start::TrimHorizon).await;
    stream.fail_next(StreamCall::Fetch, 2, Throttled);
    stream.fail_next(StreamCall::Fetch, 1, Transient);
    stream.fail_next(StreamCall::Open, 1, Denied);
    stream.fail_next(StreamCall::List, 1, NotFound);
    let kinds = [
        refusal(&stream, &id, &cursor).await,
        refusal(&stream, &id, &cursor).await,
        refusal(&stream, &id, &cursor).await,
    ];
    let expected = [Throttled, Throttled, Transient];
    assert_eq!(kinds, expected);
    fetch(&stream, &id, &cursor, 1).await;
    let kind = open_refusal(&stream, &id, Start::Latest).await;
    assert_eq!(kind, Denied);
    open(&stream, &id, Start::Latest).await;
    let error = stream.list().await.unwrap_err();
    assert_eq!(error.kind, NotFound);
    stream.list().await.unwrap();
    let calls = [StreamCall::List, StreamCall::Open, StreamCall::Fetch];
    assert_eq!(calls.map(|call| stream.calls(call)), [2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_may_come_before_records() {
    let stream = kinesis(1);
    let id = shard(&stream, 0);
    put(&stream, StreamKind::Kinesis, "a", "x");
    stream.split(&id, None).unwrap();
    let cursor = open(&stream, &id, Start::TrimHorizon).await;
    stream.answer_empty(1);
    let page = fetch(&stream, &id, &cursor, 10).await;
    assert_eq!((page.records.len(), page.children.len()), (0, 0));
    assert!(page.behind.is_some_and(|behind| !behind.is_zero()));
    let page = fetch(&stream, &id, &page.next.unwrap(), 10).await;
    assert_eq!((texts(&page), page.next), (vec!["x".to_owned()], None));
}
