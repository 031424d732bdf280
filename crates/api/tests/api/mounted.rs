//! The API in a server of somebody else's.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Method, Request, StatusCode};
use lambda_esm_api::{handle, routes};
use lambda_esm_engine::Engine;
use serde_json::{Value, json};

use crate::embedder::{ask, ask_directly, engine, request};
use crate::support::{Answer, MAPPINGS, mapping};

/// An emulator that has functions, and an answer of its own to all that it does not know.
fn emulator() -> Router {
    Router::new()
        .route("/2015-03-31/functions", get(|| async { "functions" }))
        .fallback(|| async { (StatusCode::NOT_IMPLEMENTED, "not emulated") })
}

fn creation(region: &str) -> String {
    let source = format!("arn:aws:sqs:{region}:000000000000:orders");
    mapping(json!({ "EventSourceArn": source })).to_string()
}

async fn see(router: &Router, path: &str) -> Answer {
    ask(router, request(Method::GET, path, "")).await
}

fn arns(list: &Answer) -> Vec<String> {
    let list = list.json();
    let mappings = list["EventSourceMappings"].as_array().unwrap().iter();
    mappings
        .map(|mapping| {
            mapping["EventSourceMappingArn"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn routes_and_fallback_of_the_server_stay_its_own() {
    let engine = engine("us-east-1");
    for server in [
        emulator().merge(routes(engine.clone())),
        routes(engine.clone()).merge(emulator()),
    ] {
        assert_eq!(
            see(&server, "/2015-03-31/functions").await.body,
            "functions"
        );
        for path in [
            "/",
            "/metrics",
            "/status",
            "/healthz",
            "/mappings/00000000-0000-4000-8000-000000000000/events",
            "/2015-03-31/event-source-mappings/a/b",
            "/2017-03-31/tags",
        ] {
            let answer = see(&server, path).await;
            assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED, "{path}");
            assert_eq!(answer.body, "not emulated");
            assert!(!answer.headers.contains_key("x-amzn-requestid"), "{path}");
        }
        let list = see(&server, MAPPINGS).await;
        assert_eq!(list.json(), json!({ "EventSourceMappings": [] }));
        assert!(!list.headers["x-amzn-requestid"].is_empty());
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn a_method_that_is_no_operation_is_refused_as_aws_does_whatever_the_server_does() {
    let engine = engine("us-east-1");
    let refuse = || async { (StatusCode::METHOD_NOT_ALLOWED, "no such method") };
    let server = emulator()
        .merge(routes(engine.clone()))
        .method_not_allowed_fallback(refuse);
    let own = request(Method::PUT, "/2015-03-31/functions", "");
    assert_eq!(ask(&server, own).await.body, "no such method");
    let ours = ask(&server, request(Method::PATCH, MAPPINGS, "")).await;
    let text = format!("There is no operation PATCH {MAPPINGS}.");
    ours.refused(404, "UnknownOperationException", json!({ "message": text }));
    engine.shutdown().await;
}

#[tokio::test]
async fn a_server_with_a_state_takes_the_routes_too() {
    let engine = engine("us-east-1");
    let server: Router = Router::<&str>::new()
        .route("/name", get(async |State(name): State<&'static str>| name))
        .merge(routes(engine.clone()).with_state(()))
        .with_state("emulator");
    assert_eq!(see(&server, "/name").await.body, "emulator");
    assert_eq!(see(&server, MAPPINGS).await.status, StatusCode::OK);
    engine.shutdown().await;
}

#[tokio::test]
async fn regions_are_mounted_under_prefixes_and_share_nothing() {
    let (virginia, ireland) = (engine("us-east-1"), engine("eu-west-1"));
    let server = emulator()
        .nest("/us-east-1", routes(virginia.clone()))
        .nest("/eu-west-1", routes(ireland.clone()))
        .nest("/accounts/{account}", routes(ireland.clone()));
    share_nothing(async |region, method, path, body| {
        ask(&server, request(method, &format!("/{region}{path}"), body)).await
    })
    .await;
    let same = see(&server, &format!("/accounts/000000000000{MAPPINGS}/")).await;
    assert_eq!(arns(&same).len(), 1);
    let unknown = see(&server, "/us-east-1/metrics").await;
    assert_eq!(unknown.body, "not emulated");
    virginia.shutdown().await;
    ireland.shutdown().await;
}

/// Returns the Region that a request is signed for.
fn scope(request: &Request<Body>) -> Option<&str> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = header.split_once("Credential=")?;
    credential.split('/').nth(2)
}

async fn by_scope(
    State(engines): State<BTreeMap<&'static str, Engine>>,
    request: Request<Body>,
) -> Response {
    let Some(engine) = scope(&request).and_then(|region| engines.get(region)) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1_000_000).await.unwrap();
    let request = Request::from_parts(parts, body);
    handle(engine, request).await.map(Body::from)
}

#[tokio::test]
async fn regions_are_chosen_by_the_scope_of_the_signature_and_share_nothing() {
    let (virginia, ireland) = (engine("us-east-1"), engine("eu-west-1"));
    let engines = BTreeMap::from([
        ("us-east-1", virginia.clone()),
        ("eu-west-1", ireland.clone()),
    ]);
    let server = Router::new().fallback(by_scope).with_state(engines);
    share_nothing(async |region, method, path, body| {
        let mut request = request(method, path, body);
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/{region}/lambda/aws4_request, \
             SignedHeaders=host, Signature=00"
        );
        let headers = request.headers_mut();
        headers.insert(AUTHORIZATION, signed.parse().unwrap());
        ask(&server, request).await
    })
    .await;
    virginia.shutdown().await;
    ireland.shutdown().await;
}

/// Makes the same mapping in two Regions, and changes one of them.
async fn share_nothing(mut ask: impl AsyncFnMut(&str, Method, &str, String) -> Answer) {
    let mut uuids = Vec::new();
    for region in ["us-east-1", "eu-west-1"] {
        let before = ask(region, Method::GET, MAPPINGS, String::new()).await;
        assert!(arns(&before).is_empty(), "{before:?}");
        let created = ask(region, Method::POST, MAPPINGS, creation(region)).await;
        assert_eq!(created.status, StatusCode::ACCEPTED, "{created:?}");
        let uuid = created.json()["UUID"].as_str().unwrap().to_owned();
        let list = ask(region, Method::GET, MAPPINGS, String::new()).await;
        let arn = format!("arn:aws:lambda:{region}:000000000000:event-source-mapping:{uuid}");
        assert_eq!(arns(&list), [arn.as_str()]);
        let tags = json!({ "Tags": { "in": region } }).to_string();
        let tagged = ask(
            region,
            Method::POST,
            &format!("/2017-03-31/tags/{arn}"),
            tags,
        )
        .await;
        assert_eq!(tagged.status, StatusCode::NO_CONTENT);
        uuids.push(uuid);
    }
    let elsewhere = format!("{MAPPINGS}/{}", uuids[0]);
    let missing = ask("eu-west-1", Method::GET, &elsewhere, String::new()).await;
    assert_eq!(missing.error(), "ResourceNotFoundException");
    let arn = format!(
        "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{}",
        uuids[0]
    );
    let tags = format!("/2017-03-31/tags/{arn}");
    let kept = ask("us-east-1", Method::GET, &tags, String::new()).await;
    assert_eq!(kept.json(), json!({ "Tags": { "in": "us-east-1" } }));
    let missing = ask("eu-west-1", Method::GET, &tags, String::new()).await;
    assert_eq!(missing.error(), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_server_with_tags_of_its_own_hands_on_those_of_mappings() {
    let engine = engine("us-east-1");
    let mappings = engine.clone();
    let tags = any(
        async move |Path(arn): Path<String>, request: Request<Body>| {
            if !arn.contains(":event-source-mapping:") {
                return "tags of a function".into_response();
            }
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, 1_000_000).await.unwrap();
            let answer = handle(&mappings, Request::from_parts(parts, body)).await;
            answer.map(Body::from)
        },
    );
    let server = emulator().route("/2017-03-31/tags/{arn}", tags);
    let function = "/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:f";
    assert_eq!(see(&server, function).await.body, "tags of a function");
    let created = ask_directly(
        &engine,
        request(Method::POST, MAPPINGS, creation("us-east-1")),
    );
    let arn = created.await.json()["EventSourceMappingArn"].clone();
    let path = format!("/2017-03-31/tags/{}", arn.as_str().unwrap());
    assert_eq!(see(&server, &path).await.json(), json!({ "Tags": {} }));
    engine.shutdown().await;
}

#[tokio::test]
async fn hints_for_operators_do_not_reach_the_clients_of_the_server() {
    let engine = engine("us-east-1");
    let server = routes(engine.clone());
    let unknown = |members: Value| request(Method::POST, MAPPINGS, mapping(members).to_string());
    for members in [
        json!({ "FunctionName": "unknown" }),
        json!({ "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:unknown" }),
        json!({ "BatchSize": 100 }),
    ] {
        for answer in [
            ask(&server, unknown(members.clone())).await,
            ask_directly(&engine, unknown(members.clone())).await,
        ] {
            assert_eq!(answer.error(), "InvalidParameterValueException");
            assert!(
                !answer.headers.contains_key("x-lambda-esm-hint"),
                "{answer:?}"
            );
            let text = String::from_utf8_lossy(&answer.body);
            for word in ["feature", "build", "configured"] {
                assert!(!text.contains(word), "{text}");
            }
        }
    }
    engine.shutdown().await;
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let engine = engine("us-east-1");
    let server = routes(engine.clone());
    let chunks =
        futures::stream::repeat_with(|| std::io::Result::Ok(Bytes::from(vec![b' '; 4096])));
    let endless = Request::post(MAPPINGS).body(Body::from_stream(chunks));
    let answer = tower_service::Service::call(&mut server.clone(), endless.unwrap()).await;
    assert_eq!(answer.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    engine.shutdown().await;
}
