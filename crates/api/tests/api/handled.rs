//! The same answers with and without axum.

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method};
use lambda_esm_api::{handle, routes};
use lambda_esm_engine::{Clock, Engine};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::embedder::{ask, ask_directly, builder, request};
use crate::support::{Answer, MAPPINGS, mapping};

const TAGS: &str = "/2017-03-31/tags";

/// A request; in its path and body, `UUID` stands for the mapping that was created first.
type Asked = (Method, String, Vec<u8>);

fn get(path: impl Into<String>) -> Asked {
    (Method::GET, path.into(), Vec::new())
}

fn delete(path: impl Into<String>) -> Asked {
    (Method::DELETE, path.into(), Vec::new())
}

fn post(path: impl Into<String>, body: impl ToString) -> Asked {
    (Method::POST, path.into(), body.to_string().into_bytes())
}

fn put(path: impl Into<String>, body: impl ToString) -> Asked {
    (Method::PUT, path.into(), body.to_string().into_bytes())
}

/// One mapping's life, which the two engines lead side by side.
fn life() -> Vec<Asked> {
    let one = format!("{MAPPINGS}/UUID");
    let tags = format!("{TAGS}/arn:aws:lambda:us-east-1:000000000000:event-source-mapping:UUID");
    let encoded = tags.replace(':', "%3A");
    let disabled = |more: Value| {
        let mut members = json!({ "Enabled": false });
        let all = members.as_object_mut().unwrap();
        all.extend(more.as_object().unwrap().clone());
        mapping(members)
    };
    let queue = |n: usize| format!("arn:aws:sqs:us-east-1:000000000000:queue-{n}");
    vec![
        get(MAPPINGS),
        post(MAPPINGS, disabled(json!({ "Tags": { "team": "a" } }))),
        get(&one),
        // While it is being created.
        put(&one, json!({ "BatchSize": 2 })),
        post(MAPPINGS, disabled(json!({}))),
        get(format!("{one}/")),
        put(&one, json!({ "BatchSize": 3 })),
        put(
            format!("{one}/"),
            json!({ "UUID": "UUID", "FunctionName": "g" }),
        ),
        put(
            &one,
            json!({ "UUID": "00000000-0000-4000-8000-000000000000" }),
        ),
        put(&one, json!({ "BatchSize": "three" })),
        get(&tags),
        post(
            &tags,
            json!({ "Tags": { "team": "b", "größe": "ein Wort" } }),
        ),
        get(&encoded),
        delete(format!("{encoded}?tagKeys=team&tagKeys=gr%C3%B6%C3%9Fe")),
        get(format!("{tags}/")),
        delete(&tags),
        delete(format!("{tags}?keys=team")),
        post(&tags, json!({})),
        post(&tags, "{"),
        post(
            format!("{MAPPINGS}/"),
            disabled(json!({ "EventSourceArn": queue(0) })),
        ),
        get(format!("{MAPPINGS}?EventSourceArn={}", queue(0))),
        get(format!("{MAPPINGS}?FunctionName=f&MaxItems=10")),
        delete(&one),
        get(&one),
        get(&tags),
        delete(&one),
    ]
}

/// Requests that change nothing.
fn questions() -> Vec<Asked> {
    let unknown = format!("{MAPPINGS}/00000000-0000-4000-8000-000000000000");
    let padded = |length: usize| {
        let body = mapping(json!({ "FunctionName": "x" })).to_string();
        let blanks = " ".repeat(length - body.len());
        body + &blanks
    };
    vec![
        get(MAPPINGS),
        get(format!("{MAPPINGS}/")),
        get(format!("{MAPPINGS}?MaxItems=1")),
        get(format!("{MAPPINGS}?MaxItems=1&Marker=AAAA")),
        get(format!("{MAPPINGS}?MaxItems=0")),
        get(format!("{MAPPINGS}?MaxItems=many")),
        get(format!("{MAPPINGS}?Max%49tems=1&EventSourceArn=+a%20b%ff")),
        get(format!("{MAPPINGS}?Unknown=1")),
        get(format!("{MAPPINGS}?=&&")),
        get(format!("{MAPPINGS}?FunctionName=..")),
        get(&unknown),
        get(unknown.replace("-4000", "%2D4000")),
        get(format!("{MAPPINGS}/short")),
        get(format!("{MAPPINGS}//")),
        get(format!("{MAPPINGS}/%ff%fe")),
        get(format!("{MAPPINGS}/%")),
        get(format!("{MAPPINGS}/a%2Fb")),
        get(format!("{TAGS}/%ff")),
        get(format!(
            "{TAGS}/arn:aws:lambda:us-east-1:000000000000:function:f"
        )),
        get(format!("{TAGS}/arn:aws:s3:::bucket")),
        delete(&unknown),
        put(&unknown, json!({ "BatchSize": 1 })),
        post(MAPPINGS, ""),
        post(MAPPINGS, "{"),
        post(MAPPINGS, "[]"),
        post(MAPPINGS, json!({ "Unknown": 1 })),
        (Method::POST, MAPPINGS.to_owned(), vec![b'"', 0xff, b'"']),
        post(MAPPINGS, padded(20_000)),
        post(MAPPINGS, padded(1024 * 1024)),
        post(MAPPINGS, padded(1024 * 1024 + 1)),
        (Method::PATCH, unknown.clone(), vec![b' '; 1024 * 1024 + 1]),
        post(MAPPINGS, mapping(json!({ "FunctionName": "unknown" }))),
        post(
            MAPPINGS,
            mapping(json!({ "BatchSize": 0, "FunctionName": "!" })),
        ),
        post(&unknown, "{}"),
        (Method::PATCH, MAPPINGS.to_owned(), Vec::new()),
        (Method::OPTIONS, MAPPINGS.to_owned(), Vec::new()),
        put(MAPPINGS, "{}"),
        (Method::PATCH, format!("{TAGS}/arn"), Vec::new()),
        (Method::HEAD, MAPPINGS.to_owned(), Vec::new()),
        (Method::HEAD, unknown, Vec::new()),
    ]
}

/// The first mapping's UUID, as far as there is one.
fn first(answer: &Answer, known: &mut Option<String>) {
    if known.is_none() && answer.status == 202 {
        *known = answer.json()["UUID"].as_str().map(str::to_owned);
    }
}

fn asked(of: &Asked, uuid: Option<&String>) -> http::Request<bytes::Bytes> {
    let uuid = uuid.map_or("UUID", String::as_str);
    let (method, path, body) = of;
    let path = path.replace("UUID", uuid);
    let body = match String::from_utf8(body.clone()) {
        Ok(text) => text
            .replace(":\"UUID\"", &format!(":\"{uuid}\""))
            .into_bytes(),
        Err(bytes) => bytes.into_bytes(),
    };
    request(method.clone(), &path, body)
}

/// Returns all of an answer that must be the same: without its id, with the length that axum adds checked, and with
/// names in place of UUIDs, of which each engine has its own.
fn same(mut answer: Answer, of: &Asked, list: &Engine, uuid: Option<&String>) -> String {
    let id = answer.headers.remove("x-amzn-requestid");
    assert!(id.is_some(), "{answer:?} to {} {}", of.0, of.1);
    if of.0 != Method::HEAD
        && let Some(length) = answer.headers.remove(CONTENT_LENGTH)
    {
        assert_eq!(length, HeaderValue::from(answer.body.len()));
    }
    let mut text = format!("{answer:?}");
    if let Some(uuid) = uuid {
        text = text.replace(uuid, "UUID");
    }
    for mapping in list.list() {
        text = text.replace(&mapping.uuid, "ANOTHER-UUID");
    }
    text
}

#[tokio::test(start_paused = true)]
async fn a_mapping_leads_the_same_life_with_and_without_a_router() {
    let clock = Clock::system();
    let one = builder(clock, "us-east-1").build();
    let other = builder(clock, "us-east-1").build();
    let router = routes(one.clone());
    let (mut of_one, mut of_other) = (None, None);
    let mut statuses = Vec::new();
    for step in life() {
        let routed = ask(&router, asked(&step, of_one.as_ref())).await;
        let handled = ask_directly(&other, asked(&step, of_other.as_ref())).await;
        first(&routed, &mut of_one);
        first(&handled, &mut of_other);
        statuses.push(routed.status.as_u16());
        assert_eq!(
            same(routed, &step, &one, of_one.as_ref()),
            same(handled, &step, &other, of_other.as_ref()),
            "{} {}",
            step.0,
            step.1
        );
        if step.0 != Method::GET {
            sleep(Duration::from_secs(1)).await;
        }
    }
    assert_eq!(
        statuses,
        [
            200, 202, 200, 202, 409, 200, 202, 202, 400, 400, 200, 204, 200, 204, 200, 400, 400,
            400, 400, 202, 200, 200, 202, 404, 404, 404
        ]
    );
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn every_question_has_the_same_answer_with_and_without_a_router() {
    let engine = builder(Clock::system(), "us-east-1").build();
    let router = routes(engine.clone());
    for n in 0..3 {
        let source = format!("arn:aws:sqs:us-east-1:000000000000:queue-{n}");
        let body = mapping(json!({ "EventSourceArn": source, "Enabled": false }));
        let created = request(Method::POST, MAPPINGS, body.to_string());
        assert_eq!(handle(&engine, created).await.status(), 202);
    }
    sleep(Duration::from_secs(1)).await;
    for question in questions() {
        let routed = ask(&router, asked(&question, None)).await;
        let handled = ask_directly(&engine, asked(&question, None)).await;
        assert!(!routed.status.is_server_error(), "{routed:?}");
        assert_eq!(
            same(routed, &question, &engine, None),
            same(handled, &question, &engine, None),
            "{} {}",
            question.0,
            question.1
        );
    }
    assert_eq!(engine.list().len(), 3);
    engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn pages_lead_on_without_a_router() {
    let engine = builder(Clock::system(), "us-east-1").build();
    for function in ["f", "g"] {
        let body = mapping(json!({ "FunctionName": function, "Enabled": false }));
        let created = request(Method::POST, MAPPINGS, body.to_string());
        assert_eq!(handle(&engine, created).await.status(), 202);
    }
    let first = format!("{MAPPINGS}?MaxItems=1");
    let first = ask_directly(&engine, request(Method::GET, &first, "")).await;
    let marker = first.json()["NextMarker"].as_str().unwrap().to_owned();
    let second = format!("{MAPPINGS}?MaxItems=1&Marker={marker}");
    let second = ask_directly(&engine, request(Method::GET, &second, "")).await;
    let uuid = |page: &Answer| page.json()["EventSourceMappings"][0]["UUID"].clone();
    assert_ne!(uuid(&first), uuid(&second));
    assert!(second.json()["NextMarker"].is_null());
    engine.shutdown().await;
}

/// A path of the API's, or nearly so.
fn path() -> impl Strategy<Value = String> {
    let pieces = [
        "/",
        "/",
        "a",
        ".",
        "%2F",
        "%ff",
        "%",
        "?",
        "arn:aws:lambda",
        MAPPINGS,
        TAGS,
    ];
    let rest = prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..4);
    (prop::sample::select(vec![MAPPINGS, TAGS, "/"]), rest)
        .prop_map(|(begin, rest)| format!("{begin}{}", rest.concat()))
}

#[test]
fn a_path_leads_to_the_same_operation_with_and_without_a_router() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _guard = runtime.enter();
    let engine = builder(Clock::system(), "us-east-1").build();
    let router = routes(engine.clone());
    let methods = vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
    ];
    let config = Config {
        cases: 2000,
        failure_persistence: None,
        ..Config::default()
    };
    let asked = (prop::sample::select(methods), path());
    let outcome = TestRunner::new(config).run(&asked, |(method, path)| {
        let asked = (method, path, Vec::new());
        let ask = || request(asked.0.clone(), &asked.1, "");
        let routed = runtime.block_on(crate::embedder::ask(&router, ask()));
        let handled = runtime.block_on(ask_directly(&engine, ask()));
        if routed.headers.contains_key("x-amzn-requestid") {
            let routed = same(routed, &asked, &engine, None);
            prop_assert_eq!(routed, same(handled, &asked, &engine, None));
        } else {
            prop_assert_eq!(handled.error(), "UnknownOperationException");
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(engine.shutdown());
}

#[tokio::test]
async fn a_path_that_is_none_of_the_apis_is_refused_as_aws_does() {
    let engine = builder(Clock::system(), "us-east-1").build();
    for path in [
        "/",
        "/2015-03-31/functions",
        "/metrics",
        "/2017-03-31/tags",
        "/2017-03-31/tags/a/b",
    ] {
        let answer = ask_directly(&engine, request(Method::GET, path, "")).await;
        let text = format!("There is no operation GET {path}.");
        answer.refused(404, "UnknownOperationException", json!({ "message": text }));
    }
    // As hyper has it if the client's target is an asterisk.
    let answer = ask_directly(&engine, request(Method::OPTIONS, "*", "")).await;
    assert_eq!(answer.error(), "UnknownOperationException");
    engine.shutdown().await;
}
