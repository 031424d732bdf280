//! Nothing that a client sends brings the server down, or leaves the client without a word.

use http::Method;
use lambda_esm_api::{ApiLimits, Auth};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Answer, MAPPINGS, ORDERS, Server, mapping};

/// A request in which no string has a bracket, quote or comma.
fn whole() -> Value {
    mapping(json!({
        "EventSourceArn": ORDERS,
        "BatchSize": 10,
        "Enabled": true,
        "ScalingConfig": { "MaximumConcurrency": 2 },
        "FilterCriteria": { "Filters": [{ "Pattern": "none" }] },
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": { "OnFailure": { "Destination": "none" } },
        "Tags": { "team": "orders" },
        "SourceAccessConfigurations": [{ "Type": "BASIC_AUTH", "URI": "secret" }],
        "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": ["a:1"] } },
    }))
}

/// Breaks a request in one place.
fn broken(random: &mut fastrand::Rng) -> Vec<u8> {
    let whole = whole();
    let mut text = whole.to_string().into_bytes();
    match random.u8(0..6) {
        0 => text.truncate(random.usize(1..text.len())),
        1 => text.insert(random.usize(0..text.len()), 0x01),
        2 => text.insert(random.usize(0..text.len()), 0xff),
        3 => {
            let marks: Vec<_> = (0..text.len())
                .filter(|&at| b"{}[],\"".contains(&text[at]))
                .collect();
            text.remove(marks[random.usize(0..marks.len())]);
        }
        4 => {
            let mut value = whole;
            let members = value.as_object_mut().unwrap();
            let names: Vec<_> = members.keys().cloned().collect();
            let name = &names[random.usize(0..names.len())];
            let wrong = match &members[name] {
                Value::String(_) => json!(random.i64(..)),
                Value::Object(_) => {
                    [json!([]), json!("x"), json!([[1]])][random.usize(0..3)].clone()
                }
                Value::Array(_) => {
                    [json!({}), json!(true), json!([[]])][random.usize(0..3)].clone()
                }
                _ => [json!("1"), json!(1.5), json!({})][random.usize(0..3)].clone(),
            };
            members[name] = wrong;
            text = value.to_string().into_bytes();
        }
        _ => {
            let name: String = (0..random.usize(1..20))
                .map(|_| random.alphabetic())
                .collect();
            let mut value = whole;
            let nested = ["ScalingConfig", "FilterCriteria", "DestinationConfig", ""];
            let place = match nested[random.usize(0..4)] {
                "" => &mut value,
                inside => &mut value[inside],
            };
            place[format!("x{name}")] = json!(1);
            text = value.to_string().into_bytes();
        }
    }
    text
}

/// Returns the words of a refusal.
fn words(answer: &Answer) -> String {
    let body = answer.json();
    let words = body.get("message").or_else(|| body.get("Message"));
    words.and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn ten_thousand_broken_bodies_each_get_a_4xx_with_a_message() {
    let server = Server::start().await;
    let seed = 20_260_101;
    let tenth = async |part: u64| {
        let mut random = fastrand::Rng::with_seed(seed + part);
        for _ in 0..1000 {
            let body = broken(&mut random);
            let shown = String::from_utf8_lossy(&body).into_owned();
            let answer = server
                .send(server.request(Method::POST, MAPPINGS, body))
                .await;
            assert!(
                answer.status.is_client_error(),
                "{} for {shown}",
                answer.status
            );
            assert!(
                !words(&answer).is_empty() && !answer.error().is_empty(),
                "{shown}"
            );
        }
    };
    futures::future::join_all((0..10).map(tenth)).await;
    assert_eq!(server.engine.list().len(), 0);
    assert_eq!(server.get("/healthz").await.status.as_u16(), 200);
    server.stop().await;
}

/// A value of any JSON type, often one that is legal somewhere.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..12_000).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(?s).{0,30}".prop_map(Value::from),
        prop::sample::select(vec![
            "f",
            "g",
            ORDERS,
            "LATEST",
            "ReportBatchItemFailures",
            "topic",
            "a:1"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(name(), inner, 0..3)
                .prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    let known = [
        "FunctionName",
        "EventSourceArn",
        "BatchSize",
        "Enabled",
        "FilterCriteria",
        "Filters",
        "Pattern",
        "ScalingConfig",
        "MaximumConcurrency",
        "Tags",
        "StartingPosition",
        "StartingPositionTimestamp",
        "Topics",
        "SelfManagedEventSource",
        "Endpoints",
        "KAFKA_BOOTSTRAP_SERVERS",
        "SelfManagedKafkaEventSourceConfig",
        "ConsumptionMode",
        "ProvisionedPollerConfig",
        "DestinationConfig",
        "OnFailure",
        "Destination",
        "MaximumBatchingWindowInSeconds",
        "UUID",
    ];
    prop_oneof![
        9 => prop::sample::select(known.to_vec()).prop_map(str::to_owned),
        1 => "(?s).{0,8}",
    ]
}

fn request() -> impl Strategy<Value = (Method, String, String)> {
    let methods = vec![
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::PATCH,
    ];
    let word = prop_oneof![
        Just("00000000-0000-4000-8000-000000000000".to_owned()),
        Just("arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af".to_owned()),
        prop::collection::vec(any::<u8>(), 0..12)
            .prop_map(|bytes| bytes.iter().map(|byte| format!("%{byte:02x}")).collect()),
        "[a-zA-Z0-9.~_/%-]{0,40}",
    ];
    let path = prop_oneof![
        Just(MAPPINGS.to_owned()),
        word.clone().prop_map(|word| format!("{MAPPINGS}/{word}")),
        word.clone()
            .prop_map(|word| format!("/2017-03-31/tags/{word}")),
        word.clone()
            .prop_map(|word| format!("/mappings/{word}/events")),
        word.clone().prop_map(|word| format!("/{word}")),
    ];
    let key = prop::sample::select(vec![
        "MaxItems",
        "Marker",
        "FunctionName",
        "tagKeys",
        "last",
        "x",
    ]);
    let query = prop::collection::vec((key, word), 0..3).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(key, word)| format!("{key}={word}"))
            .collect();
        pairs.join("&")
    });
    let object = prop::collection::btree_map(name(), value(), 0..6)
        .prop_map(|members| Value::from_iter(members).to_string());
    let likely = prop::collection::btree_map(name(), value(), 0..3)
        .prop_map(|members| mapping(Value::from_iter(members)).to_string());
    let body = prop_oneof![
        object,
        likely,
        value().prop_map(|value| value.to_string()),
        "(?s).{0,40}"
    ];
    (prop::sample::select(methods), path, query, body)
        .prop_map(|(method, path, query, body)| (method, format!("{path}?{query}"), body))
}

#[test]
fn no_request_is_answered_with_a_5xx() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::with(Auth::None, ApiLimits::default()));
    let config = Config {
        cases: 2000,
        failure_persistence: None,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&request(), |(method, path, body)| {
        let head = method == Method::HEAD;
        let answer = runtime.block_on(server.send(server.request(method, &path, body)));
        prop_assert!(!answer.status.is_server_error(), "{answer:?}");
        prop_assert!(!answer.headers["x-amzn-requestid"].is_empty());
        if answer.status.is_client_error() && !head {
            prop_assert!(
                !words(&answer).is_empty() && !answer.error().is_empty(),
                "{answer:?}"
            );
        }
        Ok(())
    });
    outcome.unwrap();
    runtime.block_on(server.stop());
}
