//! However long a request is, what it is refused with is short.

use http::{HeaderValue, Method};
use serde_json::{Value, json};

use crate::support::{MAPPINGS, Server, mapping};

/// More than any refusal may have: a message, and what JSON puts around it.
const MOST: usize = 9 * 1024;

fn post(body: impl ToString) -> (Method, String, String) {
    (Method::POST, MAPPINGS.to_owned(), body.to_string())
}

#[tokio::test]
async fn a_refusal_is_short_whatever_it_is_about() {
    let server = Server::start().await;
    let uuid = server.created(json!({})).await;
    let (long, longer) = ("x".repeat(20_000), "x".repeat(500_000));
    let many = |item: Value, count: usize| Value::from(vec![item; count]);
    let endpoints = |key: &str, servers: Value| json!({ "Endpoints": { key: servers } });
    let tags = |arn: &str| format!("/2017-03-31/tags/{arn}");
    let requests = [
        post(json!({ longer.as_str(): 1 })),
        post(json!({ "ScalingConfig": { longer.as_str(): 1 } })),
        post(json!({ "BatchSize": longer })),
        post(json!({ "Tags": { longer.as_str(): 1 } })),
        post(mapping(json!({ "Tags": { longer.as_str(): "v" } }))),
        post(mapping(json!({ "Tags": { "k": longer } }))),
        post(mapping(json!({ "FunctionName": longer }))),
        post(mapping(json!({ "EventSourceArn": longer }))),
        post(mapping(json!({ "StartingPosition": longer }))),
        post(mapping(json!({ "Topics": many(json!("t"), 100_000) }))),
        post(mapping(
            json!({ "SourceAccessConfigurations": many(json!({}), 20_000) }),
        )),
        post(mapping(
            json!({ "FunctionResponseTypes": many(json!("x"), 100_000) }),
        )),
        post(mapping(json!({
            "SelfManagedEventSource": endpoints(&longer, many(json!("!"), 60_000)),
        }))),
        post(mapping(
            json!({ "SelfManagedEventSource": endpoints(&longer, json!([[1]])) }),
        )),
        (
            Method::PUT,
            format!("{MAPPINGS}/{uuid}"),
            json!({ "UUID": longer }).to_string(),
        ),
        (Method::GET, format!("/{long}"), String::new()),
        (long.parse().unwrap(), "/status".to_owned(), String::new()),
        (Method::GET, format!("{MAPPINGS}/{long}"), String::new()),
        (Method::GET, format!("{MAPPINGS}?{long}=1"), String::new()),
        (
            Method::GET,
            format!("{MAPPINGS}?MaxItems={long}"),
            String::new(),
        ),
        (
            Method::GET,
            format!("{MAPPINGS}?FunctionName={long}"),
            String::new(),
        ),
        (
            Method::GET,
            format!("/mappings/{uuid}/events?last={long}"),
            String::new(),
        ),
        (
            Method::GET,
            format!("/mappings/{uuid}/events?{long}=1"),
            String::new(),
        ),
        (Method::GET, tags(&long), String::new()),
        (
            Method::GET,
            tags(&format!(
                "arn:aws:lambda:us-east-1:000000000000:layer:{long}"
            )),
            String::new(),
        ),
        (
            Method::DELETE,
            tags(&format!("{}?{long}=1", arn(&uuid))),
            String::new(),
        ),
        (
            Method::DELETE,
            tags(&format!("{}?tagKeys={long}", arn(&uuid))),
            String::new(),
        ),
    ];
    for (method, path, body) in requests {
        let shown = format!("{method:.20} {path:.80} {body:.80}");
        let answer = server.send(server.request(method, &path, body)).await;
        assert!(
            answer.status.is_client_error(),
            "{shown}: {}",
            answer.status
        );
        let text = String::from_utf8_lossy(&answer.body);
        assert!(text.len() < MOST, "{} bytes for {shown}", text.len());
        let told = [" characters)", " items)", " more\""]
            .iter()
            .any(|words| text.contains(words));
        assert!(told, "{shown}: {text}");
        let headers = answer.headers.iter();
        let headers: usize = headers
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum();
        assert!(headers < 3_000, "{headers} bytes of headers for {shown}");
    }
    for name in ["host", "origin"] {
        let mut request = server.request(Method::GET, MAPPINGS, "");
        let value = HeaderValue::try_from(&long).unwrap();
        request.headers_mut().insert(name, value);
        let answer = server.send(request).await;
        assert_eq!(answer.status.as_u16(), 403);
        assert!(answer.body.len() < MOST && answer.body.len() > 400);
    }
    server.stop().await;
}

fn arn(uuid: &str) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:event-source-mapping:{uuid}")
}

#[tokio::test]
async fn ten_violations_are_named_and_the_others_counted() {
    let server = Server::start().await;
    let wrong = vec![json!({ "Type": "BASIC_AUTH", "URI": "" }); 12];
    let answer = server
        .post(
            MAPPINGS,
            mapping(json!({ "SourceAccessConfigurations": wrong })),
        )
        .await;
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("12 validation errors detected: "),
        "{message}"
    );
    assert!(
        message.ends_with("must have length greater than or equal to 1; and 2 more"),
        "{message}"
    );
    assert_eq!(message.matches("failed to satisfy constraint").count(), 10);
    server.stop().await;
}

#[tokio::test]
async fn no_function_is_named_as_a_way_through_folders() {
    let server = Server::start().await;
    for name in [
        ".",
        "..",
        "..:live",
        "function:..",
        "arn:aws:lambda:us-east-1:000000000000:function:.",
    ] {
        let answer = server
            .post(MAPPINGS, mapping(json!({ "FunctionName": name })))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (400, "ValidationException"),
            "{name}"
        );
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(
            message.starts_with("1 validation error detected: Value '"),
            "{message}"
        );
        let list = server.get(&format!("{MAPPINGS}?FunctionName={name}")).await;
        assert_eq!(list.status.as_u16(), 400);
    }
    for name in ["/", "a/b", "%2e%2e", "..%2f", "f?x", "f#x", "f\\..", ""] {
        let answer = server
            .post(MAPPINGS, mapping(json!({ "FunctionName": name })))
            .await;
        assert_eq!(answer.status.as_u16(), 400, "{name}");
    }
    server.stop().await;
}
