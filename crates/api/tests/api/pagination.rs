//! Lists and their pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{MAPPINGS, ORDERS, Server};

fn uuids(page: &Value) -> Vec<String> {
    let mappings = page["EventSourceMappings"].as_array().unwrap();
    mappings
        .iter()
        .map(|mapping| mapping["UUID"].as_str().unwrap().to_owned())
        .collect()
}

async fn make(server: &Server, n: usize) -> String {
    let source = format!("arn:aws:sqs:us-east-1:000000000000:queue-{n}");
    let request = json!({ "EventSourceArn": source, "Enabled": false });
    server.create(request).await["UUID"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn page(server: &Server, query: &str, marker: Option<&str>) -> Value {
    let marker = marker.map_or(String::new(), |marker| format!("&Marker={marker}"));
    let answer = server.get(&format!("{MAPPINGS}/?{query}{marker}")).await;
    assert_eq!(answer.status.as_u16(), 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn a_page_holds_at_most_a_hundred_and_a_marker_leads_on_only_if_there_is_more() {
    let server = Server::start().await;
    let mut made = BTreeSet::new();
    for n in 0..105 {
        made.insert(make(&server, n).await);
    }
    let first = page(&server, "MaxItems=10000", None).await;
    assert_eq!(uuids(&first).len(), 100);
    let second = page(&server, "", first["NextMarker"].as_str()).await;
    assert!(second.get("NextMarker").is_none());
    let all: BTreeSet<_> = uuids(&first).into_iter().chain(uuids(&second)).collect();
    assert_eq!(all, made);
    let exact = page(&server, "MaxItems=5", first["NextMarker"].as_str()).await;
    assert!(exact.get("NextMarker").is_none() && uuids(&exact) == uuids(&second));
    server.stop().await;
}

#[tokio::test]
async fn pages_stay_complete_while_mappings_come_and_go() {
    let server = Server::start().await;
    let mut kept = BTreeSet::new();
    for n in 0..30 {
        kept.insert(make(&server, n).await);
    }
    let (mut seen, mut marker, mut next) = (Vec::new(), None::<String>, 30);
    loop {
        let page = page(&server, "MaxItems=4", marker.as_deref()).await;
        seen.extend(uuids(&page));
        let Some(on) = page["NextMarker"].as_str() else {
            break;
        };
        marker = Some(on.to_owned());
        // The last of the page goes, which the marker points at, and one comes wherever it falls.
        let last = seen.last().unwrap();
        assert_eq!(
            server
                .delete(&format!("{MAPPINGS}/{last}"))
                .await
                .status
                .as_u16(),
            202
        );
        if next < 120 {
            make(&server, next).await;
            next += 1;
        }
    }
    let distinct: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(distinct.len(), seen.len(), "a mapping was listed twice");
    assert!(distinct.is_superset(&kept), "a mapping was left out");
    server.stop().await;
}

#[tokio::test]
async fn lists_are_cut_down_to_a_source_and_a_function_in_any_spelling() {
    let server = Server::start().await;
    let whole = server.create(json!({})).await["UUID"].clone();
    let live = server.create(json!({ "FunctionName": "f:live" })).await["UUID"].clone();
    let other = make(&server, 1).await;
    let g = server.create(json!({ "FunctionName": "g" })).await["UUID"].clone();
    let text = |uuid: &Value| uuid.as_str().unwrap().to_owned();
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    for (query, expected) in [
        (
            format!("EventSourceArn={ORDERS}"),
            vec![text(&whole), text(&live), text(&g)],
        ),
        ("FunctionName=g".to_owned(), vec![text(&g)]),
        (
            "FunctionName=f".to_owned(),
            vec![text(&whole), text(&live), other.clone()],
        ),
        (
            format!("FunctionName={arn}"),
            vec![text(&whole), text(&live), other],
        ),
        (
            "FunctionName=000000000000:function:f:live".to_owned(),
            vec![text(&live)],
        ),
        (format!("FunctionName={arn}:live"), vec![text(&live)]),
        (
            format!("FunctionName=g&EventSourceArn={ORDERS}"),
            vec![text(&g)],
        ),
        ("FunctionName=unknown".to_owned(), Vec::new()),
        (
            "EventSourceArn=arn:aws:sqs:us-east-1:000000000000:unknown".to_owned(),
            Vec::new(),
        ),
    ] {
        let found: BTreeSet<_> = uuids(&page(&server, &query, None).await)
            .into_iter()
            .collect();
        assert_eq!(found, expected.into_iter().collect(), "{query}");
    }
    server.stop().await;
}

#[tokio::test]
async fn members_of_the_query_are_held_to_their_constraints() {
    let server = Server::start().await;
    let refused = async |query: &str| {
        let answer = server.get(&format!("{MAPPINGS}?{query}")).await;
        assert_eq!(answer.status.as_u16(), 400, "{query}");
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        (answer.error().to_owned(), message)
    };
    for (items, rule) in [
        ("0", "greater than or equal to 1"),
        ("10001", "less than or equal to 10000"),
    ] {
        let text = format!(
            "1 validation error detected: Value '{items}' at 'maxItems' failed to satisfy constraint: Member \
             must have value {rule}"
        );
        assert_eq!(
            refused(&format!("MaxItems={items}")).await,
            ("ValidationException".to_owned(), text)
        );
    }
    assert_eq!(refused("MaxItems=many").await.0, "SerializationException");
    assert_eq!(
        refused("Marker=nonsense").await.0,
        "InvalidParameterValueException"
    );
    let (error, text) = refused("FunctionName=a%20b").await;
    assert!(
        error == "ValidationException" && text.contains("Value 'a b' at 'functionName'"),
        "{text}"
    );
    let (error, text) = refused("EventSourceArn=orders").await;
    assert!(
        error == "ValidationException" && text.contains("at 'eventSourceArn'"),
        "{text}"
    );
    let (error, text) = refused("Function=f").await;
    assert!(
        error == "SerializationException" && text.contains("'Function'"),
        "{text}"
    );
    server.stop().await;
}

#[tokio::test]
async fn a_list_shows_no_filters_that_a_key_encrypts() {
    let server = Server::start().await;
    let filters = json!({ "Filters": [{ "Pattern": r#"{"body":{"a":[1]}}"# }] });
    let key = "arn:aws:kms:us-east-1:000000000000:key/k";
    let encrypted = json!({ "FilterCriteria": filters, "KMSKeyArn": key, "Enabled": false });
    let encrypted = server.create(encrypted).await;
    let open = json!({ "FilterCriteria": filters, "FunctionName": "g", "Enabled": false });
    server.create(open).await;
    let uuid = encrypted["UUID"].as_str().unwrap();
    let shown = server.get(&format!("{MAPPINGS}/{uuid}")).await.json();
    assert_eq!(shown["FilterCriteria"], filters);
    let listed = page(&server, "", None).await;
    for mapping in listed["EventSourceMappings"].as_array().unwrap() {
        let expected = (mapping["UUID"] != uuid).then_some(&filters);
        assert_eq!(mapping.get("FilterCriteria"), expected, "{mapping}");
    }
    server.stop().await;
}
