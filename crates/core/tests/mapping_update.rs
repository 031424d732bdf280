//! Updates: what stays, what changes, what goes, what cannot change.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod mapping_common;

use lambda_esm_core::Timestamp;
use lambda_esm_core::mapping::{ApiError, Mapping, UpdateEventSourceMapping};
use mapping_common::{KINDS, QUEUE, SECRET, accepted, context, echo, minimal, update, with};
use serde_json::{Value, json};

const FILTER: &str = r#"{"body":{"a":["b"]}}"#;

#[track_caller]
fn updated(mapping: &Mapping, json: Value) -> Mapping {
    update(mapping, json.clone()).unwrap_or_else(|error| panic!("{json} was refused: {error}"))
}

#[track_caller]
fn refused_update(mapping: &Mapping, json: Value) -> ApiError {
    update(mapping, json).unwrap_err()
}

#[test]
fn an_update_that_says_nothing_changes_nothing_but_the_time() {
    for kind in KINDS {
        let mapping = accepted(minimal(kind));
        assert_eq!(
            echo(&updated(&mapping, json!({}))),
            echo(&mapping),
            "{kind}"
        );
    }
    let mapping = accepted(minimal("sqs"));
    let mut later = context();
    later.now = Timestamp(later.now.0 + 1000);
    let touched = mapping
        .update(UpdateEventSourceMapping::default(), &later)
        .unwrap();
    assert_eq!(
        (touched.created, touched.last_modified),
        (mapping.created, later.now)
    );
    assert_eq!(echo(&touched)["LastModified"], json!(1_704_067_201.25));
}

#[test]
fn what_is_given_changes_and_the_rest_stays() {
    let mapping = accepted(with(
        "kinesis",
        json!({"BatchSize": 50, "MaximumRetryAttempts": 3, "Tags": {"team": "shop"}}),
    ));
    let changed = updated(
        &mapping,
        json!({"MaximumRetryAttempts": 5, "FunctionName": "g:live", "Enabled": false}),
    );
    let shown = echo(&changed);
    assert_eq!(
        (&shown["BatchSize"], &shown["MaximumRetryAttempts"]),
        (&json!(50), &json!(5))
    );
    assert_eq!(
        shown["FunctionArn"],
        "arn:aws:lambda:us-east-1:123456789012:function:g:live"
    );
    assert!(mapping.enabled && !changed.enabled);
    assert_eq!((changed.uuid, &changed.tags), (mapping.uuid, &mapping.tags));
}

#[test]
fn an_empty_value_removes_what_it_stands_for() {
    let dead = json!({"OnFailure": {"Destination": QUEUE}});
    let registry = json!({"SchemaRegistryConfig": {"SchemaRegistryURI": "https://r"}});
    let pollers = json!({"MinimumPollers": 2});
    for (kind, beside, member, value, removal) in [
        (
            "sqs",
            json!({}),
            "ScalingConfig",
            json!({"MaximumConcurrency": 2}),
            json!({}),
        ),
        (
            "sqs",
            json!({}),
            "ProvisionedPollerConfig",
            pollers.clone(),
            json!({}),
        ),
        (
            "sqs",
            json!({}),
            "FilterCriteria",
            json!({"Filters": [{"Pattern": FILTER}]}),
            json!({}),
        ),
        (
            "sqs",
            json!({}),
            "FilterCriteria",
            json!({"Filters": [{"Pattern": FILTER}]}),
            json!({"Filters": []}),
        ),
        (
            // A key is shown only beside filters.
            "sqs",
            json!({"FilterCriteria": {"Filters": [{"Pattern": FILTER}]}}),
            "KMSKeyArn",
            json!("arn:aws:kms:us-east-1:123456789012:key/k"),
            json!(""),
        ),
        (
            "sqs",
            json!({}),
            "FunctionResponseTypes",
            json!(["ReportBatchItemFailures"]),
            json!([]),
        ),
        (
            "sqs",
            json!({}),
            "MetricsConfig",
            json!({"Metrics": ["EventCount"]}),
            json!({}),
        ),
        (
            "kinesis",
            json!({}),
            "DestinationConfig",
            dead.clone(),
            json!({"OnFailure": {"Destination": ""}}),
        ),
        (
            "kinesis",
            json!({}),
            "DestinationConfig",
            dead.clone(),
            json!({}),
        ),
        (
            "msk",
            json!({}),
            "DestinationConfig",
            dead,
            json!({"OnFailure": {"Destination": ""}}),
        ),
        (
            "kafka",
            json!({"ProvisionedPollerConfig": pollers}),
            "SelfManagedKafkaEventSourceConfig",
            registry,
            json!({"SchemaRegistryConfig": {}}),
        ),
    ] {
        let without = accepted(with(kind, beside.clone()));
        let mut request = with(kind, beside);
        request[member] = value;
        let mapping = accepted(request);
        assert_ne!(echo(&mapping), echo(&without), "{kind} {member}");
        let removed = updated(&mapping, json!({member: removal}));
        assert_eq!(echo(&removed), echo(&without), "{kind} {member}");
    }
}

#[test]
fn pollers_change_one_by_one_and_leave_their_group_by_an_empty_name() {
    let pollers = json!({"MinimumPollers": 5, "MaximumPollers": 50, "PollerGroupName": "shared"});
    let mapping = accepted(with("msk", json!({"ProvisionedPollerConfig": pollers})));
    let shown = |update: Value| {
        echo(&updated(
            &mapping,
            json!({"ProvisionedPollerConfig": update}),
        ))
        .remove("ProvisionedPollerConfig")
    };
    let more = json!({"MinimumPollers": 5, "MaximumPollers": 60, "PollerGroupName": "shared"});
    assert_eq!(shown(json!({"MaximumPollers": 60})), Some(more));
    let alone = json!({"MinimumPollers": 5, "MaximumPollers": 50});
    assert_eq!(shown(json!({"PollerGroupName": ""})), Some(alone));
    assert_eq!(shown(json!({})), None);
    let below = json!({"ProvisionedPollerConfig": {"MaximumPollers": 4}});
    assert_eq!(
        refused_update(&mapping, below).field,
        Some("ProvisionedPollerConfig")
    );
}

#[test]
fn on_demand_mode_is_refused_while_something_needs_provisioned_mode() {
    let mapping = accepted(with(
        "kafka",
        json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}, "MaximumRetryAttempts": 3}),
    ));
    let error = refused_update(&mapping, json!({"ProvisionedPollerConfig": {}}));
    assert_eq!(error.field, Some("MaximumRetryAttempts"));
    updated(
        &mapping,
        json!({"ProvisionedPollerConfig": {}, "MaximumRetryAttempts": -1}),
    );
}

#[test]
fn what_is_set_at_creation_only_is_no_member_of_an_update() {
    for member in [
        "EventSourceArn",
        "SelfManagedEventSource",
        "Topics",
        "Queues",
        "StartingPosition",
        "StartingPositionTimestamp",
        "Tags",
    ] {
        let error = serde_json::from_value::<UpdateEventSourceMapping>(json!({member: null}));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains(&format!("unknown field `{member}`")),
            "{error}"
        );
    }
}

#[test]
fn the_consumer_group_cannot_change() {
    for (kind, member) in [
        ("msk", "AmazonManagedKafkaEventSourceConfig"),
        ("kafka", "SelfManagedKafkaEventSourceConfig"),
    ] {
        let mapping = accepted(with(kind, json!({member: {"ConsumerGroupId": "a"}})));
        updated(&mapping, json!({member: {"ConsumerGroupId": "a"}}));
        updated(&mapping, json!({member: {}}));
        let error = refused_update(&mapping, json!({member: {"ConsumerGroupId": "b"}}));
        assert_eq!(error.field, Some("ConsumerGroupId"));
    }
}

#[test]
fn the_virtual_host_cannot_change_but_the_credentials_can() {
    let access = |secret: &str, host: bool| {
        let mut access = vec![json!({"Type": "BASIC_AUTH", "URI": secret})];
        access.extend(host.then(|| json!({"Type": "VIRTUAL_HOST", "URI": "/shop"})));
        json!({"SourceAccessConfigurations": access})
    };
    let mapping = accepted(with("mq", access(SECRET, true)));
    let changed = updated(&mapping, access("new-secret", false));
    let expected = access("new-secret", true);
    assert_eq!(
        echo(&changed)["SourceAccessConfigurations"],
        expected["SourceAccessConfigurations"]
    );
    let error = refused_update(&mapping, access(SECRET, true));
    assert_eq!(error.field, Some("SourceAccessConfigurations"));
}

#[test]
fn a_documentdb_mapping_can_move_to_another_collection() {
    let mapping = accepted(minimal("documentdb"));
    let users = json!({"DocumentDBEventSourceConfig": {"CollectionName": "users"}});
    let config =
        json!({"DatabaseName": "shop", "CollectionName": "users", "FullDocument": "Default"});
    assert_eq!(
        echo(&updated(&mapping, users))["DocumentDBEventSourceConfig"],
        config
    );
}

#[test]
fn an_update_is_refused_what_a_create_is_refused() {
    let mapping = accepted(minimal("sqs"));
    for (update, code) in [
        (
            json!({"ParallelizationFactor": 2}),
            "InvalidParameterValueException",
        ),
        (json!({"BatchSize": 0}), "ValidationException"),
        (json!({"FunctionName": "a b"}), "ValidationException"),
        (
            json!({"FilterCriteria": {"Filters": [{"Pattern": "x"}]}}),
            "InvalidParameterValueException",
        ),
        (
            json!({"DestinationConfig": {"OnSuccess": {"Destination": QUEUE}}}),
            "InvalidParameterValueException",
        ),
    ] {
        assert_eq!(
            refused_update(&mapping, update.clone()).code.name(),
            code,
            "{update}"
        );
    }
}

#[test]
fn the_default_window_stays_when_a_broker_mapping_is_updated() {
    for kind in ["msk", "kafka", "mq", "documentdb"] {
        let mapping = accepted(minimal(kind));
        let changed = updated(&mapping, json!({"BatchSize": 5}));
        assert_eq!(changed.source.window().as_millis(), 500, "{kind}");
        assert_eq!(
            echo(&changed).get("MaximumBatchingWindowInSeconds"),
            None,
            "{kind}"
        );
        let windowed = updated(&changed, json!({"MaximumBatchingWindowInSeconds": 0}));
        assert_eq!(
            echo(&windowed)["MaximumBatchingWindowInSeconds"],
            0,
            "{kind}"
        );
    }
}
