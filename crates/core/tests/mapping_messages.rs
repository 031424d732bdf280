//! The exact texts of the service, and which check wins.

mod mapping_common;

use lambda_esm_core::mapping::ApiError;
use mapping_common::{QUEUE, SECRET, TABLE, accepted, minimal, refused, update, with};
use serde_json::{Value, json};

#[track_caller]
fn assert_invalid(error: &ApiError, text: &str) {
    assert_eq!(error.message, text);
    assert_eq!(
        (error.code.name(), error.status()),
        ("InvalidParameterValueException", 400)
    );
}

#[track_caller]
fn assert_validation(request: Value, violations: &str) {
    let error = refused(request);
    let text = format!("1 validation error detected: {violations}");
    assert_eq!(error.message, text);
    assert_eq!(
        (error.code.name(), error.status()),
        ("ValidationException", 400)
    );
    assert!(error.field.is_some());
}

#[test]
fn a_request_without_a_source_is_unrecognized() {
    assert_invalid(
        &refused(json!({"FunctionName": "unknown"})),
        "Unrecognized event source.",
    );
}

#[test]
fn an_arn_that_lambda_cannot_read_is_unrecognized() {
    for arn in [
        "arn:aws:sns:us-east-1:123456789012:topic",
        "arn:aws:dynamodb:us-east-1:123456789012:table/users",
        "arn:aws:kinesis:us-east-1:123456789012:clicks",
        "arn:aws:kinesis:us-east-1:123456789012:stream/clicks/consumer",
        "arn:aws:kafka:us-east-1:123456789012:topic/c1/x/t",
        "arn:aws:mq:us-east-1:123456789012:configuration:c",
        "arn:aws:rds:us-east-1:123456789012:db:docs",
    ] {
        let error = refused(json!({"FunctionName": "f", "EventSourceArn": arn}));
        assert_invalid(&error, "Unrecognized event source.");
    }
}

#[test]
fn on_success_is_refused_before_anything_else() {
    let text = "Unsupported DestinationConfig parameter for given event source mapping type.";
    let on_success = json!({"OnSuccess": {"Destination": QUEUE}});
    let sqs = with(
        "sqs",
        json!({"DestinationConfig": on_success, "FunctionName": "unknown"}),
    );
    assert_invalid(&refused(sqs), text);
    let nowhere = json!({"FunctionName": "f", "DestinationConfig": on_success});
    assert_invalid(&refused(nowhere), text);
    for kind in ["kinesis", "kafka", "mq", "documentdb"] {
        assert_invalid(
            &refused(with(kind, json!({"DestinationConfig": on_success}))),
            text,
        );
    }
}

#[test]
fn a_stream_without_a_starting_position_is_told_so() {
    for kind in ["kinesis", "dynamodb"] {
        assert_invalid(
            &refused(with(kind, json!({"StartingPosition": null}))),
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy \
             constraint: Member must not be null.",
        );
    }
}

#[test]
fn an_unknown_starting_position_lists_the_known_ones() {
    for kind in ["kinesis", "dynamodb"] {
        assert_validation(
            with(kind, json!({"StartingPosition": "invalid"})),
            "Value 'invalid' at 'startingPosition' failed to satisfy constraint: Member must satisfy \
             enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]",
        );
    }
}

#[test]
fn a_dynamodb_stream_cannot_start_at_a_time() {
    let at = json!({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1});
    let text = format!("Unsupported starting position for arn type: {TABLE}");
    assert_invalid(&refused(with("dynamodb", at)), &text);
    let without_time = json!({"StartingPosition": "AT_TIMESTAMP"});
    assert_invalid(&refused(with("dynamodb", without_time)), &text);
}

#[test]
fn a_start_in_the_future_is_refused() {
    let at = |seconds: f64| json!({"StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": seconds});
    accepted(with("kinesis", at(1_704_067_200.25)));
    for wrong in [1_704_067_200.5, 1_704_067_200_000.0, -1.0] {
        let error = refused(with("kinesis", at(wrong)));
        assert_eq!(error.field, Some("StartingPositionTimestamp"));
    }
}

#[test]
fn more_than_ten_messages_need_a_window() {
    let text = "Maximum batch window in seconds must be greater than 0 if maximum batch size is \
                greater than 10";
    assert_invalid(&refused(with("sqs", json!({"BatchSize": 11}))), text);
    let zero = json!({"BatchSize": 11, "MaximumBatchingWindowInSeconds": 0});
    assert_invalid(&refused(with("sqs", zero)), text);
    let mapping = accepted(minimal("sqs"));
    assert_invalid(
        &update(&mapping, json!({"BatchSize": 11})).unwrap_err(),
        text,
    );
    let windowed = json!({"BatchSize": 10_000, "MaximumBatchingWindowInSeconds": 1});
    let windowed = accepted(with("sqs", windowed));
    let zero = json!({"MaximumBatchingWindowInSeconds": 0});
    assert_invalid(&update(&windowed, zero).unwrap_err(), text);
}

#[test]
fn streams_take_large_batches_without_a_window() {
    for kind in ["kinesis", "dynamodb"] {
        accepted(with(kind, json!({"BatchSize": 10_000})));
    }
}

#[test]
fn a_fifo_queue_gives_ten_messages_and_has_no_window() {
    accepted(with(
        "fifo",
        json!({"BatchSize": 10, "MaximumBatchingWindowInSeconds": 0}),
    ));
    assert_invalid(
        &refused(with("fifo", json!({"MaximumBatchingWindowInSeconds": 1}))),
        "Batching window is not supported for FIFO queues",
    );
    assert_invalid(
        &refused(with("fifo", json!({"BatchSize": 11}))),
        "Maximum batch size must be between 1 and 10 inclusive",
    );
}

#[test]
fn a_pattern_that_is_none_is_refused() {
    for pattern in [
        "null",
        "simple string",
        r#"{"eventSource":"aws:sqs"}"#,
        r#"{"eventSource":[]}"#,
        "single-string",
        r#"[{"eventName": ["INSERT"=123}]"#,
    ] {
        for kind in ["sqs", "dynamodb"] {
            let filters = json!({"FilterCriteria": {"Filters": [{"Pattern": pattern}]}});
            assert_invalid(
                &refused(with(kind, filters)),
                "Invalid filter pattern definition.",
            );
        }
    }
    let empty = json!({"FilterCriteria": {"Filters": [{}]}});
    assert_invalid(
        &refused(with("sqs", empty)),
        "Invalid filter pattern definition.",
    );
}

#[test]
fn more_than_five_filters_are_refused() {
    let filters = |count: usize| {
        let filter = json!({"Pattern": r#"{"a":["b"]}"#});
        with(
            "sqs",
            json!({"FilterCriteria": {"Filters": vec![filter; count]}}),
        )
    };
    accepted(filters(5));
    assert_eq!(refused(filters(6)).field, Some("FilterCriteria"));
}

#[test]
fn self_managed_kafka_needs_source_access_configurations() {
    assert_invalid(
        &refused(with("kafka", json!({"SourceAccessConfigurations": null}))),
        "Required 'sourceAccessConfigurations' parameter is missing.",
    );
    accepted(with("kafka", json!({"SourceAccessConfigurations": []})));
}

#[test]
fn the_first_check_in_order_wins() {
    let order = [
        (json!({"BatchSize": 0}), "1 validation error detected"),
        (
            json!({"DestinationConfig": {"OnSuccess": {"Destination": QUEUE}}}),
            "Unsupported Dest",
        ),
        (
            json!({"EventSourceArn": "arn:aws:sns:us-east-1:123456789012:t"}),
            "Unrecognized",
        ),
        (
            json!({"MaximumBatchingWindowInSeconds": 1}),
            "Batching window",
        ),
        (json!({"BatchSize": 11}), "Maximum batch size"),
        (
            json!({"StartingPosition": "LATEST"}),
            "Unsupported StartingPosition",
        ),
        (
            json!({"FilterCriteria": {"Filters": [{"Pattern": "x"}]}}),
            "Invalid filter",
        ),
    ];
    for first in 0..order.len() {
        // Later faults first, so that an earlier one of the same parameter replaces them.
        let mut members = json!({});
        for (fault, _) in order[first..].iter().rev() {
            for (name, value) in fault.as_object().unwrap() {
                members[name] = value.clone();
            }
        }
        let error = refused(with("fifo", members));
        assert!(
            error.message.starts_with(order[first].1),
            "{first}: {error}"
        );
    }
}

#[test]
fn members_out_of_range_are_named_with_their_limit() {
    let at_least = |member: &str, value: i64, limit: i64| {
        format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must have value \
             greater than or equal to {limit}"
        )
    };
    let at_most = |member: &str, value: i64, limit: i64| {
        format!(
            "Value '{value}' at '{member}' failed to satisfy constraint: Member must have value \
             less than or equal to {limit}"
        )
    };
    for (parameter, member, least, most) in [
        ("BatchSize", "batchSize", 1, 10_000),
        (
            "MaximumBatchingWindowInSeconds",
            "maximumBatchingWindowInSeconds",
            0,
            300,
        ),
        ("ParallelizationFactor", "parallelizationFactor", 1, 10),
        (
            "MaximumRecordAgeInSeconds",
            "maximumRecordAgeInSeconds",
            -1,
            604_800,
        ),
        ("MaximumRetryAttempts", "maximumRetryAttempts", -1, 10_000),
        ("TumblingWindowInSeconds", "tumblingWindowInSeconds", 0, 900),
    ] {
        let low = with("kinesis", json!({parameter: least - 1}));
        assert_validation(low, &at_least(member, least - 1, least));
        let high = with("kinesis", json!({parameter: most + 1}));
        assert_validation(high, &at_most(member, most + 1, most));
        accepted(with("kinesis", json!({parameter: least})));
        accepted(with("kinesis", json!({parameter: most})));
    }
    let member = "scalingConfig.maximumConcurrency";
    let scaling = |maximum: i64| {
        with(
            "sqs",
            json!({"ScalingConfig": {"MaximumConcurrency": maximum}}),
        )
    };
    assert_validation(scaling(1), &at_least(member, 1, 2));
    assert_validation(scaling(1001), &at_most(member, 1001, 1000));
    for maximum in [2, 1000] {
        accepted(scaling(maximum));
    }
}

#[test]
fn several_violations_are_reported_together() {
    let request = with(
        "kinesis",
        json!({"BatchSize": 0, "ParallelizationFactor": 11}),
    );
    assert_eq!(
        refused(request).message,
        "2 validation errors detected: Value '0' at 'batchSize' failed to satisfy constraint: Member \
         must have value greater than or equal to 1; Value '11' at 'parallelizationFactor' failed to \
         satisfy constraint: Member must have value less than or equal to 10"
    );
}

#[test]
fn lists_enumerations_and_patterns_are_checked_in_the_services_words() {
    assert_validation(
        with("sqs", json!({"FunctionName": null})),
        "Value null at 'functionName' failed to satisfy constraint: Member must not be null",
    );
    assert_validation(
        with("sqs", json!({"FunctionName": "x".repeat(65)})),
        &format!(
            "Value '{}' at 'functionName' failed to satisfy constraint: Member must have length less \
             than or equal to 64",
            "x".repeat(65)
        ),
    );
    assert_validation(
        with("sqs", json!({"FunctionResponseTypes": ["Everything"]})),
        "Value '[Everything]' at 'functionResponseTypes' failed to satisfy constraint: Member must \
         satisfy constraint: [Member must satisfy enum value set: [ReportBatchItemFailures]]",
    );
    assert_validation(
        with("msk", json!({"Topics": ["one", "two"]})),
        "Value '[one, two]' at 'topics' failed to satisfy constraint: Member must have length less \
         than or equal to 1",
    );
    assert_validation(
        with("mq", json!({"Queues": []})),
        "Value '[]' at 'queues' failed to satisfy constraint: Member must have length greater than or \
         equal to 1",
    );
    assert_validation(
        with("msk", json!({"Topics": [".hidden"]})),
        "Value '.hidden' at 'topics.1.member' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [^.]([a-zA-Z0-9\\-_.]+)",
    );
    assert_validation(
        with(
            "mq",
            json!({"SourceAccessConfigurations": [{"Type": "MAGIC", "URI": "x"}]}),
        ),
        "Value 'MAGIC' at 'sourceAccessConfigurations.1.member.type' failed to satisfy constraint: \
         Member must satisfy enum value set: [BASIC_AUTH, VPC_SUBNET, VPC_SECURITY_GROUP, \
         SASL_SCRAM_512_AUTH, SASL_SCRAM_256_AUTH, VIRTUAL_HOST, CLIENT_CERTIFICATE_TLS_AUTH, \
         SERVER_ROOT_CA_CERTIFICATE, OAUTHBEARER_AUTH, OAUTHBEARER_SCOPE, OAUTHBEARER_AUDIENCE, \
         OAUTHBEARER_LOGICAL_CLUSTER, OAUTHBEARER_IDENTITY_POOL, IAM_AUTH, IAM_OAUTHBEARER_AUTH]",
    );
}

#[test]
fn every_nested_member_has_a_limit_of_its_own() {
    let servers = |servers: Value| json!({"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}}});
    let docs = |config: Value| json!({"DocumentDBEventSourceConfig": config});
    for (kind, members) in [
        ("sqs", json!({"EventSourceArn": "orders"})),
        ("sqs", json!({"KMSKeyArn": "key"})),
        ("sqs", json!({"Tags": {"": "x"}})),
        ("sqs", json!({"Tags": {"x": "y".repeat(257)}})),
        (
            "sqs",
            json!({"FilterCriteria": {"Filters": [{"Pattern": " ".repeat(4097)}]}}),
        ),
        (
            "sqs",
            json!({"ProvisionedPollerConfig": {"MinimumPollers": 201}}),
        ),
        (
            "sqs",
            json!({"ProvisionedPollerConfig": {"MaximumPollers": 10_001}}),
        ),
        ("sqs", json!({"MetricsConfig": {"Metrics": ["Everything"]}})),
        (
            "kinesis",
            json!({"DestinationConfig": {"OnFailure": {"Destination": "dead"}}}),
        ),
        (
            "msk",
            json!({"ProvisionedPollerConfig": {"PollerGroupName": "a b"}}),
        ),
        ("msk", json!({"LoggingConfig": {"SystemLogLevel": "TRACE"}})),
        (
            "msk",
            json!({"AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": ""}}),
        ),
        ("kafka", servers(json!([]))),
        ("kafka", servers(json!(["no-port"]))),
        ("kafka", servers(json!(["-bad-:1"]))),
        (
            "kafka",
            json!({"SelfManagedEventSource": {"Endpoints": {"SERVERS": ["a:1"]}}}),
        ),
        (
            "kafka",
            json!({"SelfManagedEventSource": {"Endpoints": {}}}),
        ),
        (
            "kafka",
            json!({"SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": ""}]}),
        ),
        (
            "kafka",
            json!({"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "queue"}}),
        ),
        (
            "sqs",
            json!({"KMSKeyArn": format!("arn:aws:kms:us-east-1:123456789012:key/{}", "k".repeat(10_000))}),
        ),
        ("sqs", json!({"Tags": {"team": "<shop>"}})),
        ("sqs", json!({"Tags": {"te\tam": "shop"}})),
        ("mq", json!({"Queues": [""]})),
        ("documentdb", docs(json!({"DatabaseName": "a.b"}))),
        (
            "documentdb",
            docs(json!({"DatabaseName": "a", "CollectionName": "system.users"})),
        ),
        (
            "documentdb",
            docs(json!({"DatabaseName": "a", "FullDocument": "Always"})),
        ),
    ] {
        let error = refused(with(kind, members.clone()));
        assert_eq!(
            error.code.name(),
            "ValidationException",
            "{kind} {members}: {error}"
        );
    }
}

#[test]
fn combinations_that_exclude_each_other_are_refused() {
    let provisioned = json!({"MinimumPollers": 2});
    for (kind, members, field) in [
        (
            "sqs",
            json!({"ScalingConfig": {"MaximumConcurrency": 2}, "ProvisionedPollerConfig": provisioned}),
            "ScalingConfig",
        ),
        (
            "sqs",
            json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}}),
            "ProvisionedPollerConfig",
        ),
        (
            "sqs",
            json!({"ProvisionedPollerConfig": {"MinimumPollers": 9, "MaximumPollers": 8}}),
            "ProvisionedPollerConfig",
        ),
        (
            "kafka",
            json!({"ProvisionedPollerConfig": {"MaximumPollers": 2001}}),
            "ProvisionedPollerConfig",
        ),
        (
            "kinesis",
            json!({"TumblingWindowInSeconds": 1, "ParallelizationFactor": 2}),
            "ParallelizationFactor",
        ),
        (
            "kinesis",
            json!({"MaximumRecordAgeInSeconds": 0}),
            "MaximumRecordAgeInSeconds",
        ),
        (
            "kinesis",
            json!({"MaximumRecordAgeInSeconds": 59}),
            "MaximumRecordAgeInSeconds",
        ),
        (
            "mq",
            json!({"SourceAccessConfigurations": [
                {"Type": "BASIC_AUTH", "URI": SECRET}, {"Type": "BASIC_AUTH", "URI": SECRET}
            ]}),
            "SourceAccessConfigurations",
        ),
        (
            "documentdb",
            json!({"DocumentDBEventSourceConfig": {"CollectionName": "users"}}),
            "DocumentDBEventSourceConfig",
        ),
    ] {
        let error = refused(with(kind, members.clone()));
        assert_eq!(error.field, Some(field), "{members}");
        assert_eq!(
            error.code.name(),
            "InvalidParameterValueException",
            "{members}"
        );
    }
}
