//! Tags of mappings.

use serde_json::json;

use crate::support::{MAPPINGS, Server};

const UNKNOWN: &str = "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:00000000-0000-4000-8000-000000000000";

fn tags(arn: &str) -> String {
    format!("/2017-03-31/tags/{}", arn.replace(':', "%3A"))
}

#[tokio::test]
async fn tags_merge_overwrite_and_go() {
    let server = Server::start().await;
    let created = server
        .create(json!({ "Tags": { "a": "1", "b": "2" } }))
        .await;
    let path = tags(created["EventSourceMappingArn"].as_str().unwrap());
    let listed = async || server.get(&path).await.json();
    assert_eq!(listed().await, json!({ "Tags": { "a": "1", "b": "2" } }));
    let tagged = server
        .post(&path, json!({ "Tags": { "b": "3", "c": "" } }))
        .await;
    assert_eq!((tagged.status.as_u16(), tagged.body.len()), (204, 0));
    assert_eq!(
        listed().await,
        json!({ "Tags": { "a": "1", "b": "3", "c": "" } })
    );
    let untagged = server
        .delete(&format!("{path}?tagKeys=a&tagKeys=unknown"))
        .await;
    assert_eq!((untagged.status.as_u16(), untagged.body.len()), (204, 0));
    assert!(!untagged.headers["x-amzn-requestid"].is_empty());
    assert_eq!(listed().await, json!({ "Tags": { "b": "3", "c": "" } }));
    server.delete(&format!("{path}?tagKeys=b&tagKeys=c")).await;
    assert_eq!(listed().await, json!({ "Tags": {} }));
    server.stop().await;
}

#[tokio::test]
async fn tags_of_an_unknown_mapping_are_404_with_its_arn() {
    let server = Server::start().await;
    let created = server.create(json!({})).await;
    let arn = created["EventSourceMappingArn"].as_str().unwrap();
    for arn in [UNKNOWN, &arn.replace("us-east-1", "eu-west-1")] {
        let text = format!("Event source mapping not found: {arn}");
        let body = json!({ "Type": "User", "Message": text });
        let path = tags(arn);
        for answer in [
            server.get(&path).await,
            server.post(&path, json!({ "Tags": { "a": "b" } })).await,
            server.delete(&format!("{path}?tagKeys=a")).await,
        ] {
            answer.refused(404, "ResourceNotFoundException", body.clone());
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_resource_is_refused_with_the_pattern() {
    let server = Server::start().await;
    for arn in [
        format!("{UNKNOWN}:alias"),
        "arn:aws:lambda:us-east-1:000000000000:queue:orders".to_owned(),
        "orders".to_owned(),
        "a b/ü".to_owned(),
    ] {
        let path = tags(&arn).replace(' ', "%20").replace("/ü", "%2F%C3%BC");
        let text = format!(
            "1 validation error detected: Value '{arn}' at 'resource' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: {}",
            r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"
        );
        let answer = server.get(&path).await;
        answer.refused(400, "ValidationException", json!({ "message": text }));
    }
    server.stop().await;
}

#[tokio::test]
async fn tag_requests_are_held_to_their_constraints() {
    let server = Server::start().await;
    let created = server.create(json!({})).await;
    let path = tags(created["EventSourceMappingArn"].as_str().unwrap());
    let many: serde_json::Map<_, _> = (0..51).map(|n| (n.to_string(), json!(""))).collect();
    for (body, error, words) in [
        (json!({}), "ValidationException", "Value null at 'tags'"),
        (
            json!({ "Tags": { "": "x" } }),
            "ValidationException",
            "greater than or equal to 1",
        ),
        (
            json!({ "Tags": { "k".repeat(129): "x" } }),
            "ValidationException",
            "less than or equal to 128",
        ),
        (
            json!({ "Tags": { "a|b": "x" } }),
            "ValidationException",
            r"at 'tags.key' failed to satisfy constraint: Member must satisfy regular expression pattern: ([\p{L}",
        ),
        (
            json!({ "Tags": { "a": "<b>" } }),
            "ValidationException",
            "Value '<b>' at 'tags.value'",
        ),
        (
            json!({ "Tags": { "k": "v".repeat(257) } }),
            "ValidationException",
            "less than or equal to 256",
        ),
        (
            json!({ "Tags": many }),
            "InvalidParameterValueException",
            "50",
        ),
        (
            json!({ "Tags": { "k": 1 } }),
            "SerializationException",
            "at 'Tags.k'",
        ),
        (
            json!({ "Tag": {} }),
            "SerializationException",
            "unknown field `Tag`",
        ),
    ] {
        let answer = server.post(&path, body).await;
        assert_eq!((answer.status.as_u16(), answer.error()), (400, error));
        assert!(
            answer.json()["message"].as_str().unwrap().contains(words),
            "{answer:?}"
        );
    }
    let answer = server.delete(&path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error()),
        (400, "ValidationException")
    );
    let uuid = created["UUID"].as_str().unwrap();
    let mapping = server.settled(uuid).await;
    assert_eq!(
        mapping,
        server.get(&format!("{MAPPINGS}/{uuid}")).await.json()
    );
    server.stop().await;
}
