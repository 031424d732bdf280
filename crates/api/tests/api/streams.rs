//! Mappings of streams over HTTP.

use serde_json::{Value, json};

use crate::support::{MAPPINGS, Server, mapping, until};

const CLICKS: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
const USERS: &str =
    "arn:aws:dynamodb:us-east-1:000000000000:table/users/stream/2024-01-01T00:00:00.000";
const DEAD: &str = "arn:aws:sqs:us-east-1:000000000000:dead";

/// A mapping of `clicks` that gives up what fails, with these members besides or instead.
fn of_clicks(more: Value) -> Value {
    let mut members = json!({
        "EventSourceArn": CLICKS, "StartingPosition": "TRIM_HORIZON", "MaximumRetryAttempts": 0,
        "BisectBatchOnFunctionError": true,
    });
    let own = members.as_object_mut().unwrap();
    own.extend(more.as_object().unwrap().clone());
    members
}

async fn status(server: &Server, uuid: &str) -> Value {
    let status = server.get("/status").await.json();
    let mappings = status["mappings"].as_array().unwrap();
    let mut mappings = mappings.iter();
    mappings
        .find(|mapping| mapping["uuid"] == uuid)
        .unwrap()
        .clone()
}

#[tokio::test]
async fn both_kinds_of_stream_are_created_and_echoed_with_their_settings() {
    let server = Server::start().await;
    for arn in [CLICKS, USERS] {
        let settings = json!({
            "EventSourceArn": arn, "StartingPosition": "LATEST", "BatchSize": 50, "ParallelizationFactor": 2,
            "MaximumRecordAgeInSeconds": 3600, "MaximumRetryAttempts": 3, "BisectBatchOnFunctionError": true,
            "DestinationConfig": { "OnFailure": { "Destination": DEAD } },
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
        });
        let created = server.create(settings.clone()).await;
        for (member, value) in settings.as_object().unwrap() {
            assert_eq!(&created[member], value, "{member} of {arn}");
        }
        let uuid = created["UUID"].as_str().unwrap();
        assert_eq!(server.settled(uuid).await["State"], "Enabled");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_missing_stream_is_told_by_its_arn() {
    let server = Server::start().await;
    for arn in [
        CLICKS.replace("clicks", "gone"),
        USERS.replace("users", "gone"),
    ] {
        let request = json!({ "EventSourceArn": arn, "StartingPosition": "LATEST" });
        let answer = server.post(MAPPINGS, mapping(request)).await;
        let body = json!({ "Type": "User", "message": format!("Stream not found: {arn}") });
        answer.refused(400, "InvalidParameterValueException", body);
    }
    assert_eq!(
        server.get(MAPPINGS).await.json()["EventSourceMappings"],
        json!([])
    );
    server.stop().await;
}

#[tokio::test]
async fn what_nobody_reads_or_tells_is_refused_with_the_feature_that_would() {
    let server = Server::start().await;
    let unread = json!({ "EventSourceArn": CLICKS.replace("clicks", "other") });
    let untold = json!({
        "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:sns:us-east-1:000000000000:alarm" } }
    });
    let not_found = "Stream not found: ";
    let not_told = "no destination is registered for ";
    for (members, words, feature) in [(unread, not_found, "kinesis"), (untold, not_told, "sns")] {
        let answer = server.post(MAPPINGS, mapping(of_clicks(members))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.error()),
            (400, "InvalidParameterValueException")
        );
        let message = answer.json()["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with(words), "{message}");
        let hint = answer.headers["x-lambda-esm-hint"].to_str().unwrap();
        let words = format!("build with the feature \"{feature}\"");
        assert!(hint.contains(&words), "{hint}");
    }
    server.stop().await;
}

#[tokio::test]
async fn status_metrics_and_decisions_tell_of_lanes_ages_and_what_was_given_up() {
    let server = Server::start().await;
    let told = json!({
        "FunctionName": "failing", "ParallelizationFactor": 3,
        "DestinationConfig": { "OnFailure": { "Destination": DEAD } },
    });
    let told = server.created(of_clicks(told)).await;
    let dropped = json!({ "FunctionName": "failing:live" });
    let dropped = server.created(of_clicks(dropped)).await;
    for key in ["a", "b", "c", "d"] {
        server.clicks.put(key, "{}").unwrap();
    }
    let counted = |count: &'static str, uuid: String| {
        let server = &server;
        async move {
            until(count, async || {
                let status = status(server, &uuid).await;
                (status["counts"][count] == 4).then_some(status)
            })
            .await
        }
    };
    let status = counted("OnFailureDestinationDeliveredEventCount", told.clone()).await;
    assert_eq!(status["counts"]["DroppedEventCount"], 0);
    // Two shards of three lanes each.
    assert_eq!(status["activity"]["concurrency"], 6, "{status}");
    let status = counted("DroppedEventCount", dropped.clone()).await;
    assert_eq!(
        status["counts"]["OnFailureDestinationDeliveredEventCount"],
        0
    );
    assert_eq!(status["activity"]["concurrency"], 2, "{status}");

    let metrics = server.get("/metrics").await.body;
    let metrics = String::from_utf8(metrics.to_vec()).unwrap();
    let labels = |uuid: &str, function: &str| {
        format!(
            "{{event_source_mapping=\"{uuid}\",event_source=\"{CLICKS}\",function=\"{function}\"}}"
        )
    };
    let (told_labels, dropped_labels) =
        (labels(&told, "failing"), labels(&dropped, "failing:live"));
    for line in [
        format!("aws_lambda_DroppedEventCount_total{dropped_labels} 4\n"),
        format!("aws_lambda_OnFailureDestinationDeliveredEventCount_total{told_labels} 4\n"),
        format!("aws_lambda_IteratorAge{told_labels} "),
    ] {
        assert!(metrics.contains(&line), "{line} is not in\n{metrics}");
    }

    let page = server
        .get(&format!("/mappings/{told}/events?last=1000"))
        .await
        .json();
    let events = page["events"].as_array().unwrap();
    let of = |decision: &str| {
        let mut events = events.iter();
        events
            .find(|told| told["event"]["decision"] == decision)
            .unwrap()
    };
    assert!(of("invoked")["event"]["iterator_age_ms"].is_u64());
    let discarded = of("discarded");
    let shard = discarded["event"]["shard"].as_str().unwrap();
    assert!(shard.starts_with("shardId-"), "{shard}");
    let text = discarded["text"].as_str().unwrap();
    assert!(
        text.contains(shard) && text.ends_with(&format!("telling {DEAD}")),
        "{text}"
    );
    server.stop().await;
}
