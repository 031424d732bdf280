//! The answer of the API: exactly the members the service shows, with its defaults.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod mapping_common;

use lambda_esm_core::lifecycle::{LastProcessingResult, State};
use lambda_esm_core::mapping::{
    CreateEventSourceMapping, EventSourceMappingConfiguration, Source, UpdateEventSourceMapping,
};
use mapping_common::{
    ACCOUNT, BROKER, CLUSTER, DOCS, KINDS, QUEUE, REGION, SECRET, STREAM, TABLE, accepted, echo,
    minimal, with,
};
use serde_json::{Value, json};

/// What every answer holds beside the settings of its source.
fn common(reason: &str) -> Value {
    let uuid = "00000000-0000-0000-0000-000000000007";
    json!({
        "UUID": uuid,
        "EventSourceMappingArn": format!("arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{uuid}"),
        "FunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "LastModified": 1_704_067_200.25,
        "State": "Creating",
        "StateTransitionReason": reason,
    })
}

#[track_caller]
fn assert_shows(kind: &str, reason: &str, settings: Value) {
    let mut expected = common(reason);
    expected
        .as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    assert_eq!(
        Value::Object(echo(&accepted(minimal(kind)))),
        expected,
        "{kind}"
    );
}

fn stream(arn: &str) -> Value {
    json!({
        "EventSourceArn": arn, "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [], "StartingPosition": "LATEST", "ParallelizationFactor": 1,
        "BisectBatchOnFunctionError": false, "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1, "TumblingWindowInSeconds": 0,
        "DestinationConfig": {"OnFailure": {}}, "LastProcessingResult": "No records processed",
    })
}

#[test]
fn a_minimal_mapping_of_each_source_shows_exactly_its_members() {
    let access = json!([{"Type": "BASIC_AUTH", "URI": SECRET}]);
    let group = json!({"ConsumerGroupId": "00000000-0000-0000-0000-000000000007"});
    let idle = "No records processed";
    for (kind, arn) in [("sqs", QUEUE), ("fifo", mapping_common::FIFO)] {
        let settings = json!({
            "EventSourceArn": arn, "BatchSize": 10, "MaximumBatchingWindowInSeconds": 0,
            "FunctionResponseTypes": []
        });
        assert_shows(kind, "USER_INITIATED", settings);
    }
    assert_shows("kinesis", "User action", stream(STREAM));
    assert_shows("dynamodb", "User action", stream(TABLE));
    let msk = json!({
        "EventSourceArn": CLUSTER, "BatchSize": 100, "StartingPosition": "LATEST",
        "Topics": ["clicks"], "AmazonManagedKafkaEventSourceConfig": group,
        "LastProcessingResult": idle
    });
    assert_shows("msk", "USER_INITIATED", msk);
    let kafka = json!({
        "BatchSize": 100, "StartingPosition": "TRIM_HORIZON", "Topics": ["clicks"],
        "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"]}},
        "SourceAccessConfigurations": access, "SelfManagedKafkaEventSourceConfig": group,
        "LastProcessingResult": idle
    });
    assert_shows("kafka", "USER_INITIATED", kafka);
    let mq = json!({
        "EventSourceArn": BROKER, "BatchSize": 100, "Queues": ["jobs"],
        "SourceAccessConfigurations": access, "LastProcessingResult": idle
    });
    assert_shows("mq", "USER_INITIATED", mq);
    let documentdb = json!({
        "EventSourceArn": DOCS, "BatchSize": 100, "StartingPosition": "LATEST",
        "SourceAccessConfigurations": access, "LastProcessingResult": idle,
        "DocumentDBEventSourceConfig": {"DatabaseName": "shop", "FullDocument": "Default"}
    });
    assert_shows("documentdb", "User action", documentdb);
}

#[test]
fn the_last_result_is_shown_for_all_but_queues() {
    for kind in KINDS {
        let mapping = accepted(minimal(kind));
        let last = Some(LastProcessingResult::Ok);
        let shown = mapping.configuration(REGION, ACCOUNT, State::Enabled, "User action", last);
        let expected = (!matches!(kind, "sqs" | "fifo")).then_some("OK");
        assert_eq!(shown.last_processing_result.as_deref(), expected, "{kind}");
    }
}

#[test]
fn the_answer_reads_back_as_itself_and_makes_the_same_mapping() {
    for kind in KINDS {
        let mapping = accepted(minimal(kind));
        let shown = Value::Object(echo(&mapping));
        let read: EventSourceMappingConfiguration = serde_json::from_value(shown.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), shown);
        let again = serde_json::to_value(CreateEventSourceMapping::from(read)).unwrap();
        assert_eq!(Value::Object(echo(&accepted(again))), shown, "{kind}");
    }
    let mapping = accepted(minimal("sqs"));
    let disabled = mapping.configuration(REGION, ACCOUNT, State::Disabled, "USER_INITIATED", None);
    assert_eq!(
        CreateEventSourceMapping::from(disabled).enabled,
        Some(false)
    );
}

#[test]
fn an_unknown_member_is_refused_at_every_depth() {
    for request in [
        json!({"Batchsize": 1}),
        json!({"KmsKeyArn": ""}),
        json!({"ScalingConfig": {"MaxConcurrency": 2}}),
        json!({"FilterCriteria": {"Filters": [{"pattern": "{}"}]}}),
        json!({"DestinationConfig": {"OnFailure": {"Arn": "x"}}}),
        json!({"SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "Uri": "x"}]}),
        json!({"DocumentDbEventSourceConfig": {}}),
        json!({"SelfManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": {"SchemaRegistryUri": "x"}}}),
    ] {
        let create = serde_json::from_value::<CreateEventSourceMapping>(request.clone());
        let update = serde_json::from_value::<UpdateEventSourceMapping>(request.clone());
        for error in [create.unwrap_err(), update.unwrap_err()] {
            assert!(
                error.to_string().contains("unknown field"),
                "{request}: {error}"
            );
        }
    }
}

#[test]
fn a_destination_without_a_retry_limit_means_ten_retries_for_kafka() {
    let retries = |members: Value| match accepted(with("msk", members)).source {
        Source::Kafka(kafka) => kafka.maximum_retries(),
        other => panic!("{other:?}"),
    };
    let dead = json!({"OnFailure": {"Destination": QUEUE}});
    let pollers = json!({"MinimumPollers": 1});
    assert_eq!(retries(json!({})), None);
    assert_eq!(retries(json!({"DestinationConfig": dead})), Some(10));
    let provisioned = json!({"DestinationConfig": dead, "ProvisionedPollerConfig": pollers});
    assert_eq!(retries(provisioned), Some(10));
    let limited = json!({
        "DestinationConfig": dead, "ProvisionedPollerConfig": pollers, "MaximumRetryAttempts": 3
    });
    assert_eq!(retries(limited), Some(3));
}

#[test]
fn an_explanation_says_what_will_happen() {
    let says = |kind: &str, members: Value| accepted(with(kind, members)).explain().join("\n");
    let queue = says("sqs", json!({"ScalingConfig": {"MaximumConcurrency": 2}}));
    for sentence in [
        "reads the standard queue orders with up to 10 messages per batch, without waiting to fill it",
        "calls the function f",
        "keeps at most 2 invocations at a time, and stops reading while they run",
        "deletes the messages of a batch when the function succeeds",
    ] {
        assert!(queue.contains(sentence), "{sentence}\n{queue}");
    }
    let filter = json!({"FilterCriteria": {"Filters": [{"Pattern": r#"{"body":{"a":["b"]}}"#}]}});
    let filtered = says("sqs", filter);
    assert!(
        filtered.contains(r#"what matches {"body":{"a":["b"]}}, and deletes the others"#),
        "{filtered}"
    );
    let disabled = says("fifo", json!({"Enabled": false}));
    assert!(disabled.contains("is disabled"), "{disabled}");
    for kind in KINDS {
        assert!(accepted(minimal(kind)).explain().len() >= 3, "{kind}");
    }
}
