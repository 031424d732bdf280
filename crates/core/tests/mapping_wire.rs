//! What the wire shows and refuses, case by case as recorded from the service.

mod mapping_common;

use lambda_esm_core::mapping::{
    CreateEventSourceMapping, EventSourceMappingConfiguration, Mapping,
};
use mapping_common::{accepted, context, echo, refused, request, update, with};
use serde_json::{Value, json};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/k";
const DEAD: &str = "arn:aws:sqs:us-east-1:123456789012:dead";

fn filter(pattern: &str) -> Value {
    json!({ "Filters": [{ "Pattern": pattern }] })
}

#[test]
fn an_on_failure_without_a_destination_is_refused() {
    let text = "The Destination field is required for an OnFailure configuration.";
    let empty = json!({ "DestinationConfig": { "OnFailure": {} } });
    let told = json!({ "DestinationConfig": { "OnFailure": { "Destination": DEAD } } });
    for kind in ["sqs", "kinesis", "dynamodb", "msk"] {
        assert_eq!(refused(with(kind, empty.clone())).message, text, "{kind}");
    }
    for kind in ["kinesis", "dynamodb"] {
        for before in [json!({}), told.clone()] {
            let before = accepted(with(kind, before));
            let error = update(&before, empty.clone()).unwrap_err();
            assert_eq!((error.message.as_str(), error.status()), (text, 400));
        }
        let none = json!({ "DestinationConfig": { "OnFailure": { "Destination": "" } } });
        let told = accepted(with(kind, told.clone()));
        let shown = echo(&update(&told, none).unwrap());
        assert_eq!(shown["DestinationConfig"], json!({ "OnFailure": {} }));
    }
}

#[test]
fn what_is_shown_of_a_stream_without_a_destination_makes_it_again() {
    let mapping = accepted(with("kinesis", json!({})));
    let shown: EventSourceMappingConfiguration =
        serde_json::from_value(Value::Object(echo(&mapping))).unwrap();
    let again = Mapping::create(CreateEventSourceMapping::from(shown), &context()).unwrap();
    assert_eq!(again.to_request(), mapping.to_request());
    // What was kept before an empty destination was refused.
    let mut kept = mapping.to_request();
    kept.destination_config =
        request(json!({ "DestinationConfig": { "OnFailure": {} } })).destination_config;
    assert_eq!(kept.without_empty_destination(), mapping.to_request());
}

#[test]
fn that_a_fifo_queue_has_no_window_is_said_before_its_batch_size() {
    let both = json!({ "BatchSize": 100, "MaximumBatchingWindowInSeconds": 5 });
    let text = "Batching window is not supported for FIFO queues";
    assert_eq!(refused(with("fifo", both.clone())).message, text);
    let queue = accepted(with("fifo", json!({})));
    assert_eq!(update(&queue, both).unwrap_err().message, text);
    let size = json!({ "BatchSize": 100 });
    let text = "Maximum batch size must be between 1 and 10 inclusive";
    assert_eq!(refused(with("fifo", size)).message, text);
}

#[test]
fn a_key_is_shown_with_the_filters_that_it_encrypts_and_not_without() {
    let key = json!({ "KMSKeyArn": KEY });
    let bare = accepted(with("sqs", key));
    assert_eq!(echo(&bare).get("KMSKeyArn"), None);
    let filters = json!({ "FilterCriteria": filter(r#"{"body":["x"]}"#) });
    let filtered = update(&bare, filters).unwrap();
    assert_eq!(echo(&filtered)["KMSKeyArn"], KEY, "it was kept");
    let bare = update(&filtered, json!({ "FilterCriteria": {} })).unwrap();
    assert_eq!(echo(&bare).get("KMSKeyArn"), None);
}

#[test]
fn a_filter_that_asks_for_plain_text_as_the_data_of_a_stream_is_refused() {
    for (kind, pattern) in [
        ("kinesis", r#"{"data":["x"]}"#),
        (
            "kinesis",
            r#"{"data":[{"exists":true}],"partitionKey":["a"]}"#,
        ),
        ("kinesis", r#"{"$or":[{"data":{"a":[1]}},{"data":["x"]}]}"#),
        ("dynamodb", r#"{"dynamodb":["x"]}"#),
    ] {
        let criteria = json!({ "FilterCriteria": filter(pattern) });
        let error = refused(with(kind, criteria.clone()));
        assert_eq!(
            error.message, "Invalid filter pattern definition.",
            "{pattern}"
        );
        assert!(error.hint.unwrap().contains("must be an object"));
        let error = update(&accepted(with(kind, json!({}))), criteria).unwrap_err();
        assert_eq!(
            error.message, "Invalid filter pattern definition.",
            "{pattern}"
        );
    }
    for (kind, pattern) in [
        ("sqs", r#"{"body":["x"]}"#),
        ("kinesis", r#"{"data":{"a":["x"]}}"#),
    ] {
        accepted(with(kind, json!({ "FilterCriteria": filter(pattern) })));
    }
}

#[test]
fn a_filter_that_can_never_match_is_named() {
    for (kind, pattern, in_vain) in [
        ("sqs", r#"{"Body":{"a":[1]}}"#, Some("Body.a")),
        ("sqs", r#"{"data":{"a":[1]}}"#, Some("data.a")),
        (
            "sqs",
            r#"{"body":{"a":[1]},"eventName":["INSERT"]}"#,
            Some("eventName"),
        ),
        ("sqs", r#"{"body":["plain"]}"#, None),
        ("sqs", r#"{"nothing":[{"exists":false}]}"#, None),
        ("sqs", r#"{"$or":[{"Body":["a"]},{"body":["a"]}]}"#, None),
        (
            "sqs",
            r#"{"$or":[{"Body":["a"]},{"data":["a"]}]}"#,
            Some("Body"),
        ),
        ("sqs", r#"{"attributes":{"MessageGroupId":["a"]}}"#, None),
        ("fifo", r#"{"attributes":["a"]}"#, Some("attributes")),
        (
            "sqs",
            r#"{"messageAttributes":{"kind":["a"]}}"#,
            Some("messageAttributes.kind"),
        ),
        (
            "sqs",
            r#"{"messageAttributes":{"a.b":{"stringValue":["a"]}}}"#,
            None,
        ),
        (
            "kinesis",
            r#"{"kinesis":{"data":{"a":[1]}}}"#,
            Some("kinesis.data.a"),
        ),
        (
            "kinesis",
            r#"{"partitionKey":["a"],"data":{"a":{"b":[1]}}}"#,
            None,
        ),
        ("kinesis", r#"{"body":{"a":[1]}}"#, Some("body.a")),
        ("dynamodb", r#"{"eventName":["INSERT"]}"#, None),
        (
            "dynamodb",
            r#"{"eventName":{"a":["INSERT"]}}"#,
            Some("eventName.a"),
        ),
        (
            "dynamodb",
            r#"{"dynamodb":{"NewImage":{"a":["x"]}}}"#,
            Some("dynamodb.NewImage.a"),
        ),
        (
            "dynamodb",
            r#"{"dynamodb":{"NewImage":{"a":{"S":["x"]}}}}"#,
            None,
        ),
        (
            "dynamodb",
            r#"{"dynamodb":{"NewImage":{"a.b":{"S":["x"]}}}}"#,
            None,
        ),
        (
            "dynamodb",
            r#"{"dynamodb":{"NewImage":{"a":[{"exists":false}]}}}"#,
            None,
        ),
        (
            "dynamodb",
            r#"{"dynamodb":{"newImage":{"a":{"S":["x"]}}}}"#,
            Some("dynamodb.newImage.a.S"),
        ),
        (
            "dynamodb",
            r#"{"dynamodb":{"Keys":{"a":{"M":{"b":{"N":["1"]}}}}}}"#,
            None,
        ),
        (
            "dynamodb",
            r#"{"dynamodb":{"Keys":{"a":{"L":{"S":["1"]}}}}}"#,
            None,
        ),
        (
            "dynamodb",
            r#"{"NewImage":{"a":{"S":["x"]}}}"#,
            Some("NewImage.a.S"),
        ),
        (
            "msk",
            r#"{"value":{"a":["x"]},"key":["eA=="],"partition":[1]}"#,
            None,
        ),
        ("msk", r#"{"headers":{"a":[120]}}"#, None),
        ("msk", r#"{"valueSchemaMetadata":{"schemaId":["7"]}}"#, None),
        ("msk", r#"{"data":{"a":["x"]}}"#, Some("data.a")),
        ("msk", r#"{"key":{"a":["x"]}}"#, Some("key.a")),
        (
            "mq",
            r#"{"data":{"a":["x"]},"basicProperties":{"headers":{"h":{"bytes":[1]}}}}"#,
            None,
        ),
        (
            "mq",
            r#"{"properties":{"a.b":["x"]},"destination":{"physicalName":["q"]}}"#,
            None,
        ),
        ("mq", r#"{"redelivered":[true]}"#, None),
        ("mq", r#"{"body":{"a":["x"]}}"#, Some("body.a")),
        (
            "mq",
            r#"{"basicProperties":{"priorty":[1]}}"#,
            Some("basicProperties.priorty"),
        ),
        (
            "mq",
            r#"{"destination":{"physicalname":["q"]}}"#,
            Some("destination.physicalname"),
        ),
    ] {
        let mapping = accepted(with(kind, json!({ "FilterCriteria": filter(pattern) })));
        let doubts = mapping.unmatchable_filters();
        let expected: Vec<String> = in_vain
            .into_iter()
            .map(|path| {
                let words = mapping.source.kind().words();
                format!(
                    "filter 0, {pattern}, can never match: no record of {words} has a value at {path}"
                )
            })
            .collect();
        assert_eq!(doubts, expected, "{kind} {pattern}");
    }
}
