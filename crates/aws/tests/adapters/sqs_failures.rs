//! The SQS source against a server that fails in every way SQS can.

use std::time::Duration;

use crate::fake::{Fake, Reply, reply};
use lambda_esm_aws::{AwsConfig, SqsProvider, SqsQueue};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::Receipt;
use lambda_esm_engine::ports::{QueueSource, ReceiveRequest, Received, SettleVerb, Settlement};

const ARN: &str = "arn:aws:sqs:us-east-1:000000000000:orders";
const FOUND: &str =
    r#"{"QueueUrl":"http://sqs.us-east-1.elsewhere.invalid:4566/000000000000/orders"}"#;
const ONCE: ReceiveRequest = ReceiveRequest::new(10, Duration::ZERO);

fn found() -> Reply {
    reply(200, &[], FOUND)
}

fn refused(status: u16, code: &str, text: &str) -> Reply {
    reply(
        status,
        &[],
        format!(r#"{{"__type":"com.amazonaws.sqs#{code}","message":"{text}"}}"#),
    )
}

async fn open(url: &str, arn: &str) -> SqsQueue {
    let mut config = AwsConfig::default();
    config
        .endpoints
        .services
        .insert("sqs".to_owned(), url.parse().unwrap());
    SqsProvider::new(config).open(arn).await.unwrap()
}

/// Receives once from a queue that is found and then answers with `reply`.
async fn receive(reply: Reply) -> SourceError {
    let fake = Fake::start([found(), reply]).await;
    let error = open(&fake.url, ARN).await.receive(ONCE).await.unwrap_err();
    assert_eq!(fake.seen().len(), 2, "an adapter makes one attempt");
    error
}

fn settlements(verbs: &[SettleVerb]) -> Vec<Settlement> {
    let receipt = |at| Receipt(format!("r-{at}"));
    verbs
        .iter()
        .enumerate()
        .map(|(at, verb)| Settlement::new(receipt(at), *verb))
        .collect()
}

#[tokio::test]
async fn each_refusal_has_its_kind_and_says_where() {
    use SourceErrorKind::{Denied, Fatal, NotFound, Throttled, Transient};
    let table = [
        (400, "QueueDoesNotExist", NotFound),
        (403, "AccessDeniedException", Denied),
        (403, "InvalidClientTokenId", Denied),
        (403, "ExpiredTokenException", Denied),
        (403, "SignatureDoesNotMatch", Denied),
        (400, "RequestThrottled", Throttled),
        (403, "OverLimit", Throttled),
        (429, "SomethingNew", Throttled),
        (500, "InternalError", Transient),
        (503, "ServiceUnavailable", Transient),
        (400, "InvalidAttributeName", Fatal),
    ];
    for (status, code, kind) in table {
        let error = receive(refused(status, code, "why")).await;
        assert_eq!(error.kind, kind, "{error}");
        for part in [code, "why", "ReceiveMessage", "orders", "http://127.0.0.1"] {
            assert!(error.message.contains(part), "{part} not in: {error}");
        }
    }
}

#[tokio::test]
async fn a_code_of_the_query_protocol_is_understood() {
    let code = [(
        "x-amzn-query-error",
        "AWS.SimpleQueueService.NonExistentQueue;Sender",
    )];
    let body = r#"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}"#;
    let error = receive(reply(400, &code, body)).await;
    assert_eq!(error.kind, SourceErrorKind::NotFound);
    assert!(
        error
            .message
            .contains("The specified queue does not exist."),
        "{error}"
    );
}

#[tokio::test]
async fn a_signature_error_does_not_show_the_signed_request() {
    let text = r"The signature does not match.\n\nx-amz-security-token:hunter2";
    let error = receive(refused(403, "SignatureDoesNotMatch", text)).await;
    assert!(error.message.contains("does not match."), "{error}");
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_sqs_is_told_apart() {
    let error = receive(reply(200, &[], "<html>hello</html>")).await;
    assert_eq!(error.kind, SourceErrorKind::Fatal, "{error}");
    assert!(
        error.message.contains("is the endpoint really SQS?"),
        "{error}"
    );
    let error = receive(reply(200, &[], r#"{"Messages":{}}"#)).await;
    assert!(!error.message.contains("really"), "{error}");
    let error = receive(reply(502, &[], "<html>bad gateway</html>")).await;
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_transient_by_name() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = open(&url, ARN).await.receive(ONCE).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
    assert!(
        error.message.contains(&url) && error.message.contains("refused"),
        "{error}"
    );

    let error = receive(Reply::Hangup).await;
    assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_the_wait_and_ten_seconds() {
    let fake = Fake::start([found(), Reply::Silence]).await;
    let queue = open(&fake.url, ARN).await;
    let request = ReceiveRequest::new(10, Duration::from_secs(3));
    let call = queue.receive(request);
    tokio::pin!(call);
    // The request is on its way before the clock is stopped, for stopped time flies while I/O waits.
    while fake.seen().len() < 2 {
        assert!(futures_poll(call.as_mut()).await.is_none());
    }
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let error = call.await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Transient);
    assert!(
        error.message.contains("did not answer ReceiveMessage"),
        "{error}"
    );
    assert!(error.message.contains("within 13 s"), "{error}");
    assert!(
        start.elapsed() <= Duration::from_secs(14),
        "{:?}",
        start.elapsed()
    );
}

/// Polls once, and lets others run.
async fn futures_poll<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        output = &mut future => Some(output),
        () = tokio::task::yield_now() => None,
    }
}

#[tokio::test]
async fn the_queue_url_is_asked_once_and_forgotten_when_the_queue_is_gone() {
    let nothing = reply(200, &[], "{}");
    let gone = refused(400, "QueueDoesNotExist", "gone");
    let fake = Fake::start([
        found(),
        nothing.clone(),
        nothing.clone(),
        gone,
        found(),
        nothing,
    ])
    .await;
    let queue = open(&fake.url, ARN).await;
    for _ in 0..2 {
        assert_eq!(queue.receive(ONCE).await.unwrap(), Received::default());
    }
    assert_eq!(
        queue.receive(ONCE).await.unwrap_err().kind,
        SourceErrorKind::NotFound
    );
    assert_eq!(queue.receive(ONCE).await.unwrap(), Received::default());
    let operations: Vec<_> = fake
        .seen()
        .iter()
        .map(|seen| {
            seen.header("x-amz-target")
                .unwrap()
                .trim_start_matches("AmazonSQS.")
                .to_owned()
        })
        .collect();
    let (lookup, receive) = ("GetQueueUrl", "ReceiveMessage");
    assert_eq!(
        operations,
        [lookup, receive, receive, receive, lookup, receive]
    );
    assert!(!String::from_utf8_lossy(&fake.seen()[0].body).contains("QueueOwnerAWSAccountId"));
}

#[tokio::test]
async fn a_queue_of_another_account_is_looked_up_by_its_owner() {
    let fake = Fake::start([found(), reply(200, &[], "{}")]).await;
    let queue = open(&fake.url, "arn:aws:sqs:us-east-1:123456789012:orders").await;
    queue.receive(ONCE).await.unwrap();
    let body = String::from_utf8(fake.seen().remove(0).body).unwrap();
    assert!(
        body.contains(r#""QueueOwnerAWSAccountId":"123456789012""#),
        "{body}"
    );
}

#[tokio::test]
async fn a_receive_asks_for_everything_and_clamps_what_it_is_asked() {
    let fake = Fake::start([found(), reply(200, &[], "{}")]).await;
    let queue = open(&fake.url, ARN).await;
    let long = ReceiveRequest::new(10_000, Duration::from_secs(300))
        .with_visibility_timeout(Some(Duration::from_millis(1_500)));
    queue.receive(long).await.unwrap();
    let short = ReceiveRequest::new(0, Duration::from_millis(999));
    queue.receive(short).await.unwrap();
    let seen = fake.seen();
    let body = |at: usize| String::from_utf8_lossy(&seen[at].body).into_owned();
    for part in [
        r#""MaxNumberOfMessages":10"#,
        r#""WaitTimeSeconds":20"#,
        r#""VisibilityTimeout":2"#,
        r#""MessageSystemAttributeNames":["All"]"#,
        // The name of old, which is all that some servers know.
        r#""AttributeNames":["All"]"#,
        r#""MessageAttributeNames":["All"]"#,
        r#""QueueUrl":"http://sqs.us-east-1.elsewhere.invalid:4566/000000000000/orders""#,
    ] {
        assert!(body(1).contains(part), "{part} not in {}", body(1));
    }
    assert!(
        body(2).contains(r#""MaxNumberOfMessages":1,"#),
        "{}",
        body(2)
    );
    assert!(body(2).contains(r#""WaitTimeSeconds":0"#), "{}", body(2));
    assert!(!body(2).contains("VisibilityTimeout"), "{}", body(2));
}

#[tokio::test]
async fn each_settlement_has_its_own_result() {
    let answer = r#"{"Successful":[{"Id":"2"}],"Failed":[
        {"Id":"0","Code":"ReceiptHandleIsInvalid","SenderFault":true,"Message":"old"},
        {"Id":"1","Code":"InternalError","SenderFault":false}]}"#;
    let fake = Fake::start([found(), reply(200, &[], answer)]).await;
    let queue = open(&fake.url, ARN).await;
    let results = queue
        .settle(&settlements(&[SettleVerb::Delete; 4]))
        .await
        .unwrap();
    let kinds: Vec<_> = results
        .iter()
        .map(|each| each.as_ref().map_err(|error| error.kind))
        .collect();
    use SourceErrorKind::{Expired, Transient};
    assert_eq!(
        kinds,
        [Err(Expired), Err(Transient), Ok(&()), Err(Transient)]
    );
    assert!(
        results[3]
            .as_ref()
            .unwrap_err()
            .message
            .contains("a result for every entry")
    );
}

#[tokio::test]
async fn a_delete_names_the_receipt_and_a_release_ends_the_visibility() {
    let fake = Fake::start([found(), reply(200, &[], r#"{"Successful":[{"Id":"0"}]}"#)]).await;
    let queue = open(&fake.url, ARN).await;
    for (verb, operation, entry) in [
        (
            SettleVerb::Delete,
            "DeleteMessageBatch",
            r#"{"Id":"0","ReceiptHandle":"r-0"}"#,
        ),
        (
            SettleVerb::Release,
            "ChangeMessageVisibilityBatch",
            r#"{"Id":"0","ReceiptHandle":"r-0","VisibilityTimeout":0}"#,
        ),
    ] {
        assert_eq!(queue.settle(&settlements(&[verb])).await.unwrap(), [Ok(())]);
        let seen = fake.seen().pop().unwrap();
        assert!(
            seen.header("x-amz-target").unwrap().ends_with(operation),
            "{seen:?}"
        );
        let body = String::from_utf8(seen.body).unwrap();
        assert!(body.contains(entry), "{body}");
    }
}

#[tokio::test]
async fn what_only_a_share_group_knows_is_refused_in_words_and_the_rest_is_settled() {
    let fake = Fake::start([found(), reply(200, &[], r#"{"Successful":[{"Id":"1"}]}"#)]).await;
    let queue = open(&fake.url, ARN).await;
    let verbs = [SettleVerb::Reject, SettleVerb::Delete, SettleVerb::Renew];
    let results = queue.settle(&settlements(&verbs)).await.unwrap();
    assert_eq!(results[1], Ok(()));
    for (at, verb) in [(0, "Reject"), (2, "Renew")] {
        let error = results[at].as_ref().unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Fatal);
        assert!(
            error.message.ends_with(&format!("knows no {verb}")),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_settle_that_fails_as_a_whole_fails_once() {
    let fake = Fake::start([found(), refused(500, "InternalError", "again")]).await;
    let queue = open(&fake.url, ARN).await;
    for verbs in [
        &[SettleVerb::Delete, SettleVerb::Delete][..],
        &[SettleVerb::Release],
        &[SettleVerb::Delete, SettleVerb::Release],
    ] {
        let error = queue.settle(&settlements(verbs)).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Transient, "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_lacks_its_point_is_no_success() {
    let fake = Fake::start([reply(200, &[], "{}")]).await;
    let error = open(&fake.url, ARN).await.receive(ONCE).await.unwrap_err();
    assert!(error.message.contains("without a QueueUrl"), "{error}");
    let odd = reply(200, &[], r#"{"Attributes":{"VisibilityTimeout":"soon"}}"#);
    let fake = Fake::start([found(), odd]).await;
    let error = open(&fake.url, ARN).await.describe().await.unwrap_err();
    assert!(
        error.message.contains("without a VisibilityTimeout"),
        "{error}"
    );
}

#[tokio::test]
async fn an_arn_of_something_else_is_refused_in_words() {
    let provider = SqsProvider::new(AwsConfig::default());
    let error = provider
        .open("arn:aws:sns:us-east-1:000000000000:orders")
        .await
        .unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Fatal);
    assert!(
        error.message.contains("arn:aws:sqs:REGION:ACCOUNT:NAME"),
        "{error}"
    );
}
