//! The Lambda backend against servers that answer all there is to answer.

use std::sync::Arc;
use std::time::Duration;

use crate::fake::{Fake, Reply, reply};
use bytes::Bytes;
use lambda_esm_aws::{AwsConfig, LambdaApi, LambdaOptions};
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind};
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{FunctionFacts, InvokeBackend, InvokeRequest, Run};

fn api(url: &str) -> LambdaApi {
    let mut config = AwsConfig::default();
    config
        .endpoints
        .services
        .insert("lambda".to_owned(), url.parse().unwrap());
    LambdaApi::new(&config, LambdaOptions::default()).unwrap()
}

fn function(text: &str) -> FunctionRef {
    FunctionRef::parse(text).unwrap()
}

async fn invoke(api: &LambdaApi, name: &str) -> Result<Bytes, InvokeError> {
    let payload = Bytes::from_static(br#"{"Records":[]}"#);
    api.invoke(InvokeRequest::new(Arc::new(function(name)), payload))
        .await
        .map(|answer| answer.payload)
}

/// Returns the error for one reply.
async fn refusal(reply: Reply) -> InvokeError {
    let fake = Fake::start([reply]).await;
    let error = invoke(&api(&fake.url), "orders").await.unwrap_err();
    assert_eq!(fake.seen().len(), 1, "an adapter makes one attempt");
    error
}

const THROTTLED: InvokeErrorKind = InvokeErrorKind::throttled(None);

#[tokio::test]
async fn an_invocation_is_a_signed_post_of_the_payload() {
    let fake = Fake::start([reply(200, &[("x-amz-executed-version", "$LATEST")], "{}")]).await;
    assert_eq!(invoke(&api(&fake.url), "orders:live").await.unwrap(), "{}");
    let seen = fake.seen().remove(0);
    assert_eq!(
        seen.line,
        "POST /2015-03-31/functions/orders/invocations?Qualifier=live HTTP/1.1"
    );
    assert_eq!(seen.body, br#"{"Records":[]}"#);
    assert_eq!(
        seen.header("x-amz-invocation-type"),
        Some("RequestResponse")
    );
    assert_eq!(seen.header("x-amz-log-type"), Some("None"));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    let authorization = seen.header("authorization").unwrap();
    assert!(
        authorization.starts_with("AWS4-HMAC-SHA256 Credential="),
        "{authorization}"
    );
    assert!(
        authorization.contains("/us-east-1/lambda/aws4_request"),
        "{authorization}"
    );
    for signed in ["host", "x-amz-date", "x-amz-invocation-type"] {
        assert!(
            authorization.contains(signed),
            "{signed} not signed: {authorization}"
        );
    }
    assert!(seen.header("x-amz-date").is_some());
}

#[tokio::test]
async fn answers_and_errors_say_which_run_they_are_of() {
    let run = Run::default()
        .with_request_id(Some("5b1fdf9c-0001".to_owned()))
        .with_executed_version(Some("7".to_owned()));
    let headers = [
        ("x-amzn-requestid", "5b1fdf9c-0001"),
        ("x-amz-executed-version", "7"),
        ("x-amz-function-error", "Unhandled"),
    ];
    let fake = Fake::start([reply(200, &headers[..2], "{}"), reply(200, &headers, "{}")]).await;
    let request =
        || InvokeRequest::new(Arc::new(function("orders:live")), Bytes::from_static(b"{}"));
    let api = api(&fake.url);
    assert_eq!(api.invoke(request()).await.unwrap().run, run);
    assert_eq!(api.invoke(request()).await.unwrap_err().run, run);
}

#[tokio::test]
async fn a_foreign_function_goes_by_its_encoded_arn() {
    let fake = Fake::start([reply(200, &[], "null")]).await;
    let arn = "arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST";
    assert_eq!(invoke(&api(&fake.url), arn).await.unwrap(), "null");
    assert_eq!(
        fake.seen()[0].line,
        "POST /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction\
         %3Aorders/invocations HTTP/1.1"
    );
}

#[tokio::test]
async fn a_function_that_failed_says_why() {
    let header = [("x-amz-function-error", "Unhandled")];
    let payload = r#"{"errorMessage":"no stock\nline 2","errorType":"ValueError","stackTrace":[]}"#;
    let error = refusal(reply(200, &header, payload)).await;
    assert_eq!(error, InvokeError::function("ValueError: no stock"));
    let error = refusal(reply(200, &header, r#"{"errorMessage":"2 s passed"}"#)).await;
    assert_eq!(error, InvokeError::function("2 s passed"));
    let error = refusal(reply(200, &header, "")).await;
    assert_eq!(
        error,
        InvokeError::function("unhandled error without a payload")
    );
    let long = format!(r#"{{"errorMessage":"{}"}}"#, "x".repeat(100_000));
    assert!(refusal(reply(200, &header, long)).await.message.len() < 1_000);
}

#[tokio::test]
async fn a_runtime_interface_emulator_needs_no_header_to_report_an_error() {
    let payload = r#"{"errorType":"Error","errorMessage":"boom","trace":["Error: boom"]}"#;
    assert_eq!(
        refusal(reply(200, &[], payload)).await,
        InvokeError::function("Error: boom")
    );
    assert_eq!(
        refusal(reply(502, &[], payload)).await,
        InvokeError::function("Error: boom")
    );
    let late = refusal(reply(200, &[], "Task timed out after 3.00 seconds")).await;
    assert_eq!(late.kind, InvokeErrorKind::Function);
    let busy = InvokeErrorKind::refused(400, true);
    assert_eq!(refusal(reply(400, &[], "")).await.kind, busy);

    let marked = [("x-amz-executed-version", "$LATEST")];
    let fake = Fake::start([reply(200, &marked, payload)]).await;
    assert_eq!(
        invoke(&api(&fake.url), "orders").await.unwrap(),
        payload,
        "a returned object"
    );
}

#[tokio::test]
async fn a_runtime_that_ended_is_told_from_a_proxy_before_a_container_that_starts() {
    use InvokeErrorKind::{Function, Unavailable};
    const PAGE: &str = "<html><h1>502 Bad Gateway</h1></html>";
    let table = [
        (502, vec![], "", Function),
        (500, vec![], "", Function),
        (504, vec![], "", Function),
        (504, vec![("server", "nginx")], PAGE, Function),
        (502, vec![("server", "nginx")], PAGE, Unavailable),
        (502, vec![], PAGE, Unavailable),
        (502, vec![("server", "Caddy")], "", Unavailable),
        (502, vec![("via", "1.1 proxy")], "", Unavailable),
        (503, vec![], "", Unavailable),
        (503, vec![], "upstream connect error", Unavailable),
        (
            500,
            vec![("x-amzn-errortype", "ServiceException")],
            "",
            Unavailable,
        ),
    ];
    for (status, headers, body, kind) in table {
        let error = refusal(reply(status, &headers, body)).await;
        assert_eq!(error.kind, kind, "{status} {headers:?} {body:?}: {error}");
    }
    let ended = refusal(reply(502, &[], "")).await;
    assert!(ended.message.starts_with("Runtime.ExitError: "), "{ended}");
}

#[tokio::test]
async fn a_qualifier_is_sent_only_where_it_says_something_and_named_where_it_is_refused() {
    let body = r#"{"Type":"User","Message":"Query Parameters are not supported"}"#;
    let code = [("x-amzn-errortype", "InvalidRequestContentException")];
    let fake = Fake::start([reply(200, &[], "null"), reply(400, &code, body)]).await;
    let api = api(&fake.url);
    invoke(&api, "orders:$LATEST").await.unwrap();
    let error = invoke(&api, "orders:live").await.unwrap_err();
    let path = "POST /2015-03-31/functions/orders/invocations";
    let lines: Vec<String> = fake.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            format!("{path} HTTP/1.1"),
            format!("{path}?Qualifier=live HTTP/1.1")
        ]
    );
    for part in [
        "Query Parameters are not supported",
        "qualifier :live",
        "as orders",
    ] {
        assert!(error.message.contains(part), "{part} not in: {error}");
    }
}

#[tokio::test]
async fn a_function_of_another_region_is_signed_for_that_region() {
    let fake = Fake::start([reply(200, &[], "null")]).await;
    let there = "arn:aws:lambda:eu-west-1:000000000000:function:orders";
    invoke(&api(&fake.url), there).await.unwrap();
    let seen = fake.seen().remove(0);
    let authorization = seen.header("authorization").unwrap();
    assert!(
        authorization.contains("/eu-west-1/lambda/"),
        "{authorization}"
    );
}

/// Returns a backend for the one function of an emulator.
fn emulator(url: &str, timeout: Duration, concurrency: Option<usize>) -> LambdaApi {
    let url = format!("{url}/2015-03-31/functions/function/invocations");
    let options = LambdaOptions::default()
        .with_endpoint(Some(url.parse().unwrap()))
        .with_timeout(Some(timeout))
        .with_concurrency(concurrency);
    LambdaApi::new(&AwsConfig::default(), options).unwrap()
}

#[tokio::test]
async fn an_emulator_has_one_call_open_whatever_the_function_is_called_here() {
    let fake = Fake::start([Reply::Silence]).await;
    let api = emulator(&fake.url, Duration::from_millis(300), None);
    let facts = api.describe(&function("orders")).await.unwrap();
    let timeout = Some(Duration::from_millis(300));
    let concurrency = Some(1);
    assert_eq!(
        facts,
        FunctionFacts::default()
            .with_timeout(timeout)
            .with_concurrency(concurrency)
    );
    let late = invoke(&api, "orders").await.unwrap_err();
    assert_eq!(late.kind, InvokeErrorKind::Function);
    // It is over for us, but not there.
    for name in ["orders", "payments"] {
        assert_eq!(invoke(&api, name).await.unwrap_err().kind, THROTTLED);
    }
    assert_eq!(fake.seen().len(), 1);

    let more = emulator(&fake.url, Duration::from_millis(300), Some(3));
    let mut calls = tokio::task::JoinSet::new();
    let more = Arc::new(more);
    for _ in 0..10 {
        let more = Arc::clone(&more);
        calls.spawn(async move { invoke(&more, "orders").await.unwrap_err().kind });
    }
    let kinds = calls.join_all().await;
    let throttled = kinds.iter().filter(|kind| **kind == THROTTLED).count();
    assert_eq!((throttled, fake.seen().len()), (7, 4));
}

#[tokio::test]
async fn throttling_names_its_reason_and_the_wait() {
    let body = r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#;
    let headers = [
        ("x-amzn-errortype", "TooManyRequestsException"),
        ("retry-after", "7"),
    ];
    let error = refusal(reply(429, &headers, body)).await;
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(error.kind, InvokeErrorKind::throttled(retry_after));
    for part in [
        "TooManyRequestsException",
        "ReservedFunctionConcurrentInvocationLimitExceeded",
        "Rate Exceeded.",
        "orders",
    ] {
        assert!(error.message.contains(part), "{error}");
    }
    let in_body = r#"{"retryAfterSeconds":"0.5","__type":"TooManyRequestsException"}"#;
    let retry_after = Some(Duration::from_millis(500));
    let error = refusal(reply(429, &[], in_body)).await;
    assert_eq!(error.kind, InvokeErrorKind::throttled(retry_after));
    let date = [("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")];
    assert_eq!(refusal(reply(429, &date, "")).await.kind, THROTTLED);
    assert_eq!(
        refusal(reply(429, &[("retry-after", "-1")], "")).await.kind,
        THROTTLED
    );
    let ec2 = [("x-amzn-errortype", "EC2ThrottledException")];
    assert_eq!(refusal(reply(502, &ec2, "")).await.kind, THROTTLED);
}

#[tokio::test]
async fn each_status_has_its_kind() {
    use InvokeErrorKind::Unavailable;
    const TOO_LARGE: InvokeErrorKind = InvokeErrorKind::TOO_LARGE;
    let for_good = |status| InvokeErrorKind::refused(status, false);
    let may_pass = |status| InvokeErrorKind::refused(status, true);
    let table = [
        (413, "RequestTooLargeException", TOO_LARGE),
        (
            404,
            "ResourceNotFoundException:http://internal.amazon.com/x",
            may_pass(404),
        ),
        (404, "", may_pass(404)),
        (403, "AccessDeniedException", may_pass(403)),
        (401, "", may_pass(401)),
        (403, "ExpiredTokenException", may_pass(403)),
        (400, "UnrecognizedClientException", may_pass(400)),
        (409, "ResourceConflictException", may_pass(409)),
        (307, "", may_pass(307)),
        (400, "InvalidRequestContentException", for_good(400)),
        (405, "", for_good(405)),
        (415, "UnsupportedMediaTypeException", for_good(415)),
        (422, "", for_good(422)),
        (500, "ServiceException", Unavailable),
        (502, "InvalidRuntimeException", Unavailable),
        (502, "KMSAccessDeniedException", Unavailable),
        (503, "", Unavailable),
    ];
    for (status, code, kind) in table {
        let error = refusal(reply(
            status,
            &[("x-amzn-errortype", code)],
            r#"{"Message":"why"}"#,
        ))
        .await;
        assert_eq!(error.kind, kind, "{status} {code}");
        let shown = code.split(':').next().unwrap();
        for part in [
            shown,
            "why",
            &status.to_string(),
            "http://127.0.0.1",
            "orders",
        ] {
            assert!(error.message.contains(part), "{part} not in: {error}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable_by_name() {
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", closed.local_addr().unwrap());
    drop(closed);
    let error = invoke(&api(&url), "orders").await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Unavailable);
    assert!(
        error.message.contains(&url) && error.message.contains("refused"),
        "{error}"
    );

    let fake = Fake::start([Reply::Hangup]).await;
    let error = invoke(&api(&fake.url), "orders").await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Function, "it may have run");
    assert!(error.message.contains(&fake.url), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_given_up_after_the_timeout() {
    let fake = Fake::start([Reply::Silence]).await;
    let options = LambdaOptions::default()
        .with_endpoint(Some(fake.url.parse().unwrap()))
        .with_timeout(Some(Duration::from_millis(200)));
    let api = LambdaApi::new(&AwsConfig::default(), options).unwrap();
    let start = tokio::time::Instant::now();
    let error = invoke(&api, "orders").await.unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Function, "it may have run");
    assert!(error.message.contains("within 0.2 s"), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn a_response_is_bounded() {
    let most = vec![b' '; 6 * 1024 * 1024];
    let fake = Fake::start([reply(200, &[], most.clone())]).await;
    assert_eq!(
        invoke(&api(&fake.url), "orders").await.unwrap().len(),
        most.len()
    );
    let error = refusal(reply(200, &[], vec![b' '; 7 * 1024 * 1024])).await;
    assert_eq!(error.kind, InvokeErrorKind::Function);
    assert!(error.message.contains("6 MB"), "{error}");
}

#[tokio::test]
async fn a_function_is_described_by_its_timeout() {
    let fake = Fake::start([reply(200, &[], r#"{"FunctionName":"orders","Timeout":30}"#)]).await;
    let facts = api(&fake.url)
        .describe(&function("orders:live"))
        .await
        .unwrap();
    assert_eq!(
        facts,
        FunctionFacts::default().with_timeout(Some(Duration::from_secs(30)))
    );
    let seen = fake.seen().remove(0);
    assert_eq!(
        seen.line,
        "GET /2015-03-31/functions/orders/configuration?Qualifier=live HTTP/1.1"
    );
    assert!(seen.header("authorization").is_some());
}

#[tokio::test]
async fn only_lambdas_own_words_say_that_a_function_is_missing() {
    let code = [("x-amzn-errortype", "ResourceNotFoundException")];
    let fake = Fake::start([reply(
        404,
        &code,
        r#"{"Type":"User","Message":"Function not found"}"#,
    )])
    .await;
    let error = api(&fake.url)
        .describe(&function("orders"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::NotFound);
    assert!(error.message.contains("Function not found"), "{error}");

    for ignorance in [
        reply(404, &[], "404 page not found\n"),
        reply(405, &[], ""),
        reply(501, &[("x-amzn-errortype", "InternalFailure")], ""),
        reply(200, &[], "<html>"),
    ] {
        let fake = Fake::start([ignorance.clone()]).await;
        let facts = api(&fake.url).describe(&function("orders")).await.unwrap();
        assert_eq!(facts, FunctionFacts::default(), "{ignorance:?}");
    }

    let fake = Fake::start([reply(403, &[], r#"{"message":"no"}"#)]).await;
    let error = api(&fake.url)
        .describe(&function("orders"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Denied);
    let fake = Fake::start([Reply::Hangup]).await;
    let error = api(&fake.url)
        .describe(&function("orders"))
        .await
        .unwrap_err();
    assert_eq!(error.kind, InvokeErrorKind::Unavailable);
}

#[tokio::test]
async fn many_calls_at_once_are_all_answered() {
    let fake = Fake::start([reply(200, &[], "{}")]).await;
    let api = Arc::new(api(&fake.url));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let api = Arc::clone(&api);
        calls.spawn(async move { invoke(&api, "orders").await.unwrap() });
    }
    assert_eq!(calls.join_all().await.len(), 200);
    assert_eq!(fake.seen().len(), 200);
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let fake = Fake::start([reply(200, &[], "{}")]).await;
    let api = api(&fake.url);
    invoke(&api, "orders").await.unwrap();
    let shown = format!("{api:?}");
    assert!(shown.contains("us-east-1"), "{shown}");
    assert!(
        !shown.to_lowercase().contains("secret") && !shown.contains("Credentials"),
        "{shown}"
    );
}
