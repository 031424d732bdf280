//! Refusals, with the texts recorded from the service.

use serde_json::{Value, json};

use crate::support::{MAPPINGS, ORDERS, Server, mapping};

const UNKNOWN: &str = "/2015-03-31/event-source-mappings/00000000-0000-4000-8000-000000000000";
const KINESIS: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const DYNAMODB: &str =
    "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2024-01-01T00:00:00.000";

fn user(message: &str) -> Value {
    json!({ "Type": "User", "message": message })
}

fn framework(message: &str) -> Value {
    json!({ "message": message })
}

async fn invalid(server: &Server, more: Value, message: &str) {
    let answer = server.post(MAPPINGS, mapping(more)).await;
    answer.refused(400, "InvalidParameterValueException", user(message));
}

#[tokio::test]
async fn an_unknown_mapping_is_404_with_a_capital_message() {
    let server = Server::start().await;
    let body = json!({ "Type": "User", "Message": "The resource you requested does not exist." });
    for answer in [
        server.get(UNKNOWN).await,
        server.delete(UNKNOWN).await,
        server.put(UNKNOWN, json!({ "BatchSize": 1 })).await,
        // No UUID, but as long as one.
        server.get(&UNKNOWN.replace('4', "z")).await,
    ] {
        answer.refused(404, "ResourceNotFoundException", body.clone());
    }
    server.stop().await;
}

#[tokio::test]
async fn the_source_is_recognised_before_the_function_is_looked_up() {
    let server = Server::start().await;
    let neither = json!({ "EventSourceArn": null, "FunctionName": "unknown" });
    invalid(&server, neither, "Unrecognized event source.").await;
    let unknown =
        json!({ "EventSourceArn": ORDERS.replace("orders", "missing"), "FunctionName": "unknown" });
    invalid(&server, unknown, "Function does not exist").await;
    let success = json!({
        "FunctionName": "unknown",
        "DestinationConfig": { "OnSuccess": { "Destination": ORDERS } },
    });
    let text = "Unsupported DestinationConfig parameter for given event source mapping type.";
    invalid(&server, success, text).await;
    server.stop().await;
}

#[tokio::test]
async fn a_way_out_travels_beside_the_recorded_text() {
    let server = Server::start().await;
    let request = mapping(json!({ "FunctionName": "unknown" }));
    let answer = server.post(MAPPINGS, request).await;
    let hint = answer.headers["x-lambda-esm-hint"].to_str().unwrap();
    assert!(hint.contains("configured: f, failing, g"), "{hint}");
    server.stop().await;
}

#[tokio::test]
async fn a_missing_queue_is_told_in_the_words_of_its_service() {
    let server = Server::start().await;
    let missing = json!({ "EventSourceArn": ORDERS.replace("orders", "missing") });
    let text = "Error occurred while ReceiveMessage. SQS Error Code: \
        AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does not exist.";
    invalid(&server, missing, text).await;
    server.stop().await;
}

#[tokio::test]
async fn starting_positions_are_checked_in_three_ways() {
    let server = Server::start().await;
    let missing = "1 validation error detected: Value null at 'startingPosition' failed to satisfy \
        constraint: Member must not be null.";
    let wrong = "1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy \
        constraint: Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]";
    for arn in [KINESIS, DYNAMODB] {
        invalid(&server, json!({ "EventSourceArn": arn }), missing).await;
        let request = json!({ "EventSourceArn": arn, "StartingPosition": "invalid" });
        let answer = server.post(MAPPINGS, mapping(request)).await;
        answer.refused(400, "ValidationException", framework(wrong));
    }
    let timed = json!({
        "EventSourceArn": DYNAMODB,
        "StartingPosition": "AT_TIMESTAMP",
        "StartingPositionTimestamp": 1_700_000_000,
    });
    let text = format!("Unsupported starting position for arn type: {DYNAMODB}");
    invalid(&server, timed, &text).await;
    server.stop().await;
}

#[tokio::test]
async fn a_batch_over_ten_needs_a_window() {
    let server = Server::start().await;
    let text = "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater \
        than 10";
    invalid(&server, json!({ "BatchSize": 11 }), text).await;
    let uuid = server.created(json!({})).await;
    let change = json!({ "BatchSize": 11, "MaximumBatchingWindowInSeconds": 0 });
    let answer = server.put(&format!("{MAPPINGS}/{uuid}"), change).await;
    answer.refused(400, "InvalidParameterValueException", user(text));
    server.stop().await;
}

#[tokio::test]
async fn filter_patterns_that_are_none_are_refused() {
    let server = Server::start().await;
    let filters = |pattern: &str| json!({ "Filters": [{ "Pattern": pattern }] });
    for pattern in [
        "null",
        "simple string",
        "{\"eventSource\":\"aws:sqs\"}",
        "{\"eventSource\":[]}",
    ] {
        let request = json!({ "FilterCriteria": filters(pattern) });
        invalid(&server, request, "Invalid filter pattern definition.").await;
    }
    for pattern in ["single-string", "[{\"eventName\": [\"INSERT\"=123}]"] {
        let request = json!({
            "EventSourceArn": DYNAMODB,
            "StartingPosition": "LATEST",
            "FilterCriteria": filters(pattern),
        });
        invalid(&server, request, "Invalid filter pattern definition.").await;
    }
    server.stop().await;
}

#[tokio::test]
async fn the_same_mapping_again_is_a_conflict() {
    let server = Server::start().await;
    let uuid = server.create(json!({})).await["UUID"]
        .as_str()
        .unwrap()
        .to_owned();
    let text = format!(
        "An event source mapping with SQS arn (\" {ORDERS} \") and function (\" f \") already exists. \
         Please update or delete the existing mapping with UUID {uuid}"
    );
    for name in [
        "f",
        "function:f",
        "arn:aws:lambda:us-east-1:000000000000:function:f",
    ] {
        let answer = server
            .post(MAPPINGS, mapping(json!({ "FunctionName": name })))
            .await;
        answer.refused(409, "ResourceConflictException", user(&text));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_change_during_a_change_is_refused_with_a_capital_message() {
    let server = Server::start().await;
    let uuid = server.create(json!({})).await["UUID"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("{MAPPINGS}/{uuid}");
    let answer = server.put(&path, json!({ "BatchSize": 2 })).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error()),
        (400, "ResourceInUseException")
    );
    let body = answer.json();
    assert_eq!(body["Type"], "User");
    assert!(
        body["Message"].is_string() && body.get("message").is_none(),
        "{body}"
    );
    server.stop().await;
}

#[tokio::test]
async fn self_managed_kafka_needs_to_know_how_to_reach_the_cluster() {
    let server = Server::start().await;
    let request = json!({
        "EventSourceArn": null,
        "SelfManagedEventSource": { "Endpoints": { "KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"] } },
        "Topics": ["topic"],
        "StartingPosition": "TRIM_HORIZON",
    });
    let text = "Required 'sourceAccessConfigurations' parameter is missing.";
    invalid(&server, request, text).await;
    server.stop().await;
}

#[tokio::test]
async fn members_out_of_range_are_all_named() {
    let server = Server::start().await;
    let request = json!({ "BatchSize": 0, "FunctionName": null });
    let answer = server.post(MAPPINGS, mapping(request)).await;
    let text = "2 validation errors detected: Value null at 'functionName' failed to satisfy constraint: \
        Member must not be null; Value '0' at 'batchSize' failed to satisfy constraint: Member must have \
        value greater than or equal to 1";
    answer.refused(400, "ValidationException", framework(text));
    let empty = server
        .send(server.request(http::Method::POST, MAPPINGS, ""))
        .await;
    assert!(
        empty.json()["message"]
            .as_str()
            .unwrap()
            .contains("'functionName'")
    );
    server.stop().await;
}

#[tokio::test]
async fn a_uuid_has_36_characters() {
    let server = Server::start().await;
    for (uuid, rule) in [("abc", "greater"), (&"a".repeat(37), "less")] {
        let answer = server.get(&format!("{MAPPINGS}/{uuid}")).await;
        let text = format!(
            "1 validation error detected: Value '{uuid}' at 'uUID' failed to satisfy constraint: Member must \
             have length {rule} than or equal to 36"
        );
        answer.refused(400, "ValidationException", framework(&text));
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_that_cannot_be_read_say_where() {
    let server = Server::start().await;
    for (body, words) in [
        (
            "{\"BatchSize\":",
            "EOF while parsing a value at line 1 column 13",
        ),
        ("nonsense", "line 1 column 2"),
        ("[]", "expected an object, found a list"),
        (
            "{\"BatchSize\":\"10\"}",
            "at 'BatchSize': invalid type: string \"10\"",
        ),
        ("{\"BatchSize\":1.5}", "at 'BatchSize'"),
        ("{\"Enabled\":\"yes\"}", "at 'Enabled'"),
        ("{\"BatchSise\":10}", "unknown field `BatchSise`"),
        (
            "{\"ScalingConfig\":{\"Maximum\":2}}",
            "at 'ScalingConfig.Maximum': unknown field `Maximum`",
        ),
        (
            "{\"BatchSize\":1,\"BatchSize\":2}",
            "duplicate field `BatchSize`",
        ),
        ("{\"FunctionName\":\"\u{1}\"}", "control character"),
    ] {
        let answer = server
            .send(server.request(http::Method::POST, MAPPINGS, body))
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (400, "SerializationException")
        );
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(words), "{body}: {message}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_body_may_not_name_another_mapping_than_the_path() {
    let server = Server::start().await;
    let change = json!({ "UUID": "00000000-0000-4000-8000-000000000001" });
    let answer = server.put(UNKNOWN, change).await;
    assert_eq!(
        (answer.status.as_u16(), answer.error()),
        (400, "InvalidParameterValueException")
    );
    server.stop().await;
}

#[tokio::test]
async fn sources_that_are_not_built_yet_are_refused_with_words_that_say_so() {
    let server = Server::start().await;
    let secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-AbCdEf";
    for (request, kind, words) in [
        (
            json!({
                "EventSourceArn": null,
                "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["127.0.0.1:9092"]}},
                "SourceAccessConfigurations": [],
                "Topics": ["clicks"],
                "SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"},
            }),
            "share group",
            "no source is registered",
        ),
        (
            json!({
                "EventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:b:b-1",
                "Queues": ["q"],
                "SourceAccessConfigurations": [{ "Type": "BASIC_AUTH", "URI": secret }],
            }),
            "mq",
            "no source is registered",
        ),
    ] {
        let answer = server.post(MAPPINGS, mapping(request)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (400, "InvalidParameterValueException")
        );
        let message = answer.json()["message"].as_str().unwrap().to_lowercase();
        assert!(message.contains(kind), "{message}");
        assert!(message.contains(words), "{message}");
    }
    server.stop().await;
}

#[tokio::test]
async fn what_is_no_operation_of_this_api_is_404() {
    let server = Server::start().await;
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/2015-03-31/functions"),
        ("PATCH", MAPPINGS),
        ("DELETE", MAPPINGS),
        ("POST", UNKNOWN),
        ("POST", "/status"),
    ] {
        let request = server.request(method.parse().unwrap(), path, "");
        let answer = server.send(request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (404, "UnknownOperationException")
        );
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("{method} {path}.")), "{message}");
    }
    server.stop().await;
}
