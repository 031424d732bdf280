//! Queue mode: a self-managed topic that is read by a share group.

mod mapping_common;

use lambda_esm_core::mapping::{
    ApiError, ConsumptionMode, CreateEventSourceMapping, EventSourceMappingConfiguration,
    KafkaMapping, Mapping, Source, UpdateEventSourceMapping, duplicate_error,
};
use mapping_common::{CLUSTER, QUEUE, accepted, create, echo, minimal, refused, update, with};
use serde_json::{Value, json};

const CONFIG: &str = "SelfManagedKafkaEventSourceConfig";

/// A legal request in a consumption mode, with members added or replaced.
fn in_mode(mode: &str, members: Value) -> Value {
    let mut request = with("kafka", json!({CONFIG: {"ConsumptionMode": mode}}));
    let request_members = request.as_object_mut();
    for (all, members) in request_members.into_iter().zip(members.as_object()) {
        all.extend(members.clone());
    }
    request
}

fn queue(members: Value) -> Value {
    in_mode("Queue", members)
}

fn kafka(mapping: Mapping) -> KafkaMapping {
    match mapping.source {
        Source::Kafka(kafka) => kafka,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn refused_update(mapping: &Mapping, json: Value) -> ApiError {
    match update(mapping, json.clone()) {
        Ok(_) => panic!("{json} was accepted"),
        Err(error) => error,
    }
}

#[test]
fn a_share_group_shows_neither_start_nor_window() {
    let mapping = accepted(queue(json!({})));
    let shown = echo(&mapping);
    let group = "00000000-0000-0000-0000-000000000007";
    assert_eq!(
        shown[CONFIG],
        json!({"ConsumerGroupId": group, "ConsumptionMode": "Queue"})
    );
    for member in [
        "StartingPosition",
        "StartingPositionTimestamp",
        "MaximumBatchingWindowInSeconds",
        "MaximumRetryAttempts",
    ] {
        assert_eq!(shown.get(member), None, "{member}");
    }
    assert_eq!(shown["BatchSize"], 100);
    assert!(mapping.source.window().is_zero());
    let kafka = kafka(mapping);
    assert!(kafka.is_queue());
    assert_eq!(kafka.consumer_group_id, group);
}

#[test]
fn the_mode_is_shown_only_if_it_was_given() {
    let shown = |request: Value| {
        echo(&accepted(request))[CONFIG]
            .get("ConsumptionMode")
            .cloned()
    };
    assert_eq!(shown(minimal("kafka")), None);
    assert_eq!(shown(in_mode("Stream", json!({}))), Some(json!("Stream")));
    assert_eq!(shown(queue(json!({}))), Some(json!("Queue")));
    assert_eq!(kafka(accepted(minimal("kafka"))).consumption, None);
    let given = kafka(accepted(in_mode("Stream", json!({}))));
    assert_eq!(given.consumption, Some(ConsumptionMode::Stream));
    assert!(!given.is_queue());
}

#[test]
fn the_mode_is_one_of_two() {
    let error = refused(in_mode("queue", json!({})));
    assert_eq!(
        error.message,
        "1 validation error detected: Value 'queue' at 'selfManagedKafkaEventSourceConfig.consumptionMode' \
         failed to satisfy constraint: Member must satisfy enum value set: [Stream, Queue]"
    );
    assert_eq!(error.field, Some(CONFIG));
}

#[test]
fn an_msk_cluster_does_not_know_the_mode() {
    let config = json!({"AmazonManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}});
    let created = serde_json::from_value::<CreateEventSourceMapping>(with("msk", config.clone()));
    let updated = serde_json::from_value::<UpdateEventSourceMapping>(config);
    for error in [created.err(), updated.err()] {
        let error = error.map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("unknown field `ConsumptionMode`"), "{error}");
    }
    let own = json!({CONFIG: {"ConsumptionMode": "Queue"}});
    let text = format!("Unsupported {CONFIG} parameter for given event source mapping type.");
    assert_eq!(refused(with("msk", own.clone())).message, text);
    assert_eq!(
        refused_update(&accepted(minimal("msk")), own.clone()).message,
        text
    );
    assert_eq!(refused(with("sqs", own)).message, text);
}

#[test]
fn what_belongs_to_a_consumer_group_is_refused() {
    let mapping = accepted(queue(json!({})));
    for (member, value, can_be_updated) in [
        ("StartingPosition", json!("LATEST"), false),
        ("StartingPosition", json!("TRIM_HORIZON"), false),
        ("StartingPositionTimestamp", json!(1_700_000_000), false),
        ("MaximumBatchingWindowInSeconds", json!(0), true),
        ("MaximumBatchingWindowInSeconds", json!(5), true),
    ] {
        let created = refused(queue(json!({member: value})));
        let updated = can_be_updated.then(|| refused_update(&mapping, json!({member: value})));
        for error in [Some(created), updated].into_iter().flatten() {
            assert_eq!(
                error.message,
                format!("Unsupported {member} parameter for given event source mapping type.")
            );
            assert_eq!(error.field, Some(member));
            assert_eq!(
                error.hint,
                Some(format!(
                    "remove {member}: a mapping of a self-managed Kafka cluster in Queue mode has no such setting"
                ))
            );
        }
    }
    accepted(in_mode("Stream", json!({"StartingPosition": "LATEST"})));
    accepted(in_mode(
        "Stream",
        json!({"MaximumBatchingWindowInSeconds": 5}),
    ));
}

#[test]
fn a_limit_of_retries_is_never_absent() {
    let pollers = json!({"MinimumPollers": 1});
    let retries = |members: Value| {
        let mapping = accepted(queue(members));
        let shown = echo(&mapping).get("MaximumRetryAttempts").cloned();
        (kafka(mapping).maximum_retries(), shown)
    };
    let dead = json!({"OnFailure": {"Destination": QUEUE}});
    assert_eq!(retries(json!({})), (Some(0), None));
    assert_eq!(retries(json!({"MaximumRetryAttempts": 0})), (Some(0), None));
    assert_eq!(retries(json!({"DestinationConfig": dead})), (Some(0), None));
    for (given, limit) in [
        (None, 0),
        (Some(0), 0),
        (Some(3), 3),
        (Some(10_000), 10_000),
    ] {
        let members = json!({
            "ProvisionedPollerConfig": pollers, "MaximumRetryAttempts": given, "DestinationConfig": dead
        });
        assert_eq!(
            retries(members),
            (Some(limit), Some(json!(limit))),
            "{given:?}"
        );
    }
}

#[test]
fn retries_without_a_limit_are_refused_with_and_without_pollers() {
    let text = "MaximumRetryAttempts must be between 0 and 10000 in Queue mode.";
    let endless = json!({"MaximumRetryAttempts": -1});
    for pollers in [json!({}), json!({"MinimumPollers": 1})] {
        let members = json!({"MaximumRetryAttempts": -1, "ProvisionedPollerConfig": pollers});
        let mapping = accepted(queue(json!({"ProvisionedPollerConfig": pollers})));
        for error in [
            refused(queue(members)),
            refused_update(&mapping, endless.clone()),
        ] {
            assert_eq!(
                (error.message.as_str(), error.field),
                (text, Some("MaximumRetryAttempts"))
            );
            assert_eq!(
                error.hint.as_deref(),
                Some(
                    "set MaximumRetryAttempts to 0 or more, or remove it for 0: -1, without a limit, is for \
                     ConsumptionMode Stream"
                )
            );
        }
    }
    accepted(in_mode("Stream", endless));
}

#[test]
fn the_mode_cannot_change_but_can_be_repeated() {
    let text = "Unsupported ConsumptionMode parameter for given event source mapping type.";
    for (request, same, other) in [
        (queue(json!({})), "Queue", "Stream"),
        (in_mode("Stream", json!({})), "Stream", "Queue"),
        (minimal("kafka"), "Stream", "Queue"),
    ] {
        let mapping = accepted(request);
        let again = update(&mapping, json!({CONFIG: {"ConsumptionMode": same}}));
        assert_eq!(
            again.map(|mapping| kafka(mapping).is_queue()),
            Ok(same == "Queue")
        );
        let error = refused_update(&mapping, json!({CONFIG: {"ConsumptionMode": other}}));
        assert_eq!(
            (error.message.as_str(), error.field),
            (text, Some("ConsumptionMode"))
        );
        assert_eq!(
            error.hint,
            Some(format!(
                "the mode is {same}: it can be set at creation only; delete the mapping and create it anew"
            ))
        );
        let group = update(&mapping, json!({CONFIG: {}, "BatchSize": 7}));
        assert_eq!(
            group.map(|mapping| kafka(mapping).is_queue()),
            Ok(same == "Queue")
        );
    }
}

#[test]
fn everything_else_is_as_for_a_consumer_group() {
    let everything = json!({
        CONFIG: {
            "ConsumerGroupId": "share", "ConsumptionMode": "Queue",
            "SchemaRegistryConfig": {
                "SchemaRegistryURI": "https://registry:8081", "EventRecordFormat": "JSON",
                "SchemaValidationConfigs": [{"Attribute": "VALUE"}]
            }
        },
        "BatchSize": 10, "MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 60,
        "BisectBatchOnFunctionError": true, "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": "kafka://dead"}},
        "FilterCriteria": {"Filters": [{"Pattern": r#"{"value":{"a":[1]}}"#}]},
        "ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 10},
        "MetricsConfig": {"Metrics": ["EventCount", "ErrorCount", "KafkaMetrics"]},
        "LoggingConfig": {"SystemLogLevel": "DEBUG"},
    });
    let shown = echo(&accepted(queue(everything.clone())));
    for (member, value) in everything.as_object().into_iter().flatten() {
        assert_eq!(shown.get(member), Some(value), "{member}");
    }
    // What needs pollers of its own needs them here too.
    for (member, value) in everything.as_object().into_iter().flatten() {
        let alone = create(queue(json!({member: value})));
        let provisioned_only = matches!(
            member.as_str(),
            CONFIG
                | "MaximumRetryAttempts"
                | "MaximumRecordAgeInSeconds"
                | "BisectBatchOnFunctionError"
                | "FunctionResponseTypes"
                | "DestinationConfig"
                | "LoggingConfig"
        );
        assert_eq!(alone.is_err(), provisioned_only, "{member}");
    }
}

#[test]
fn what_is_shown_makes_the_same_mapping_again() {
    for members in [
        json!({}),
        json!({"ProvisionedPollerConfig": {"MinimumPollers": 2}}),
        json!({"ProvisionedPollerConfig": {"MinimumPollers": 2}, "MaximumRetryAttempts": 3}),
    ] {
        let mapping = accepted(queue(members));
        let shown: EventSourceMappingConfiguration =
            serde_json::from_value(Value::Object(echo(&mapping))).expect("an answer reads back");
        let again = serde_json::to_value(CreateEventSourceMapping::from(shown));
        let again = accepted(again.expect("a request is JSON"));
        assert_eq!(again.source, mapping.source);
        let kept = serde_json::to_value(mapping.to_request()).expect("a request is JSON");
        assert_eq!(accepted(kept).source, mapping.source);
    }
}

#[test]
fn one_topic_and_function_is_a_conflict_in_either_mode() {
    let (stream, queue) = (accepted(minimal("kafka")), accepted(queue(json!({}))));
    for (old, new) in [(&stream, &queue), (&queue, &stream), (&queue, &queue)] {
        let error = duplicate_error(old, new).map(|error| error.code.name());
        assert_eq!(error, Some("ResourceConflictException"));
    }
}

#[test]
fn a_share_group_has_no_arn_and_an_msk_cluster_no_share_group() {
    let arn = queue(json!({"EventSourceArn": CLUSTER, "StartingPosition": "LATEST"}));
    assert!(create(arn).is_err());
}
