//! The table of parameter and source kind: every cell.

mod mapping_common;

use lambda_esm_core::mapping::ErrorCode;
use mapping_common::{CLUSTER, KINDS, QUEUE, SECRET, accepted, echo, minimal, refused, with};
use serde_json::{Value, json};

/// What a cell of the table says. The columns are those of `KINDS`.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cell {
    /// Required.
    R,
    /// Optional.
    O,
    /// In provisioned mode only.
    P,
    /// Forbidden.
    F,
}
use Cell::{F, O, P, R};

/// Parameter, a legal value that is not the default, and the cells.
fn rows() -> Vec<(&'static str, Value, [Cell; 8])> {
    let topic = json!({"OnFailure": {"Destination": "arn:aws:sns:us-east-1:123456789012:dead"}});
    let filter = json!({"Filters": [{"Pattern": r#"{"a":["b"]}"#}]});
    let registry = json!({"SchemaRegistryConfig": {
        "SchemaRegistryURI": "https://registry:8081", "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}]
    }});
    let access = json!([{"Type": "BASIC_AUTH", "URI": SECRET}]);
    let servers = json!({"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b:1"]}});
    vec![
        ("Enabled", json!(false), [O, O, O, O, O, O, O, O]),
        ("BatchSize", json!(7), [O, O, O, O, O, O, O, O]),
        (
            "MaximumBatchingWindowInSeconds",
            json!(30),
            [O, F, O, O, O, O, O, O],
        ),
        (
            "StartingPosition",
            json!("TRIM_HORIZON"),
            [F, F, R, R, R, O, F, R],
        ),
        ("ParallelizationFactor", json!(3), [F, F, O, O, F, F, F, F]),
        (
            "TumblingWindowInSeconds",
            json!(60),
            [F, F, O, O, F, F, F, F],
        ),
        (
            "BisectBatchOnFunctionError",
            json!(true),
            [F, F, O, O, P, P, F, F],
        ),
        ("MaximumRetryAttempts", json!(3), [F, F, O, O, P, P, F, F]),
        (
            "MaximumRecordAgeInSeconds",
            json!(60),
            [F, F, O, O, P, P, F, F],
        ),
        ("DestinationConfig", topic, [F, F, O, O, O, O, F, F]),
        (
            "FunctionResponseTypes",
            json!(["ReportBatchItemFailures"]),
            [O, O, O, O, P, P, F, F],
        ),
        ("FilterCriteria", filter, [O, O, O, O, O, O, O, F]),
        (
            "KMSKeyArn",
            json!("arn:aws:kms:us-east-1:123456789012:key/k"),
            [O, O, O, O, O, O, O, F],
        ),
        (
            "ScalingConfig",
            json!({"MaximumConcurrency": 2}),
            [O, O, F, F, F, F, F, F],
        ),
        (
            "ProvisionedPollerConfig",
            json!({"MinimumPollers": 3}),
            [O, O, F, F, O, O, F, F],
        ),
        ("Topics", json!(["clicks"]), [F, F, F, F, R, R, F, F]),
        ("Queues", json!(["jobs"]), [F, F, F, F, F, F, R, F]),
        (
            "SourceAccessConfigurations",
            access,
            [F, F, F, F, F, R, R, R],
        ),
        (
            "AmazonManagedKafkaEventSourceConfig",
            json!({"ConsumerGroupId": "g"}),
            [F, F, F, F, O, F, F, F],
        ),
        (
            "SelfManagedKafkaEventSourceConfig",
            json!({"ConsumerGroupId": "g"}),
            [F, F, F, F, F, O, F, F],
        ),
        (
            "AmazonManagedKafkaEventSourceConfig",
            registry.clone(),
            [F, F, F, F, P, F, F, F],
        ),
        (
            "SelfManagedKafkaEventSourceConfig",
            registry,
            [F, F, F, F, F, P, F, F],
        ),
        (
            "DocumentDBEventSourceConfig",
            json!({"DatabaseName": "shop"}),
            [F, F, F, F, F, F, F, R],
        ),
        (
            "MetricsConfig",
            json!({"Metrics": ["EventCount"]}),
            [O, O, O, O, O, O, F, F],
        ),
        (
            "LoggingConfig",
            json!({"SystemLogLevel": "INFO"}),
            [F, F, F, F, P, P, F, F],
        ),
        ("SelfManagedEventSource", servers, [F, F, F, F, F, R, F, F]),
        ("Tags", json!({"team": "shop"}), [O, O, O, O, O, O, O, O]),
    ]
}

/// Members that the API never shows.
const NEVER_SHOWN: [&str; 2] = ["Enabled", "Tags"];

fn is_shown(parameter: &str, value: &Value, shown: Option<&Value>) -> bool {
    match (value, shown) {
        // A key is shown with what it encrypts.
        _ if NEVER_SHOWN.contains(&parameter) || parameter == "KMSKeyArn" => shown.is_none(),
        // A structure may be shown with its defaults beside what was given.
        (Value::Object(given), Some(Value::Object(shown))) => given
            .iter()
            .all(|(name, value)| shown.get(name) == Some(value)),
        (value, shown) => Some(value) == shown,
    }
}

#[test]
fn an_allowed_parameter_is_accepted_and_shown() {
    for (parameter, value, cells) in rows() {
        for (kind, _) in KINDS
            .iter()
            .zip(cells)
            .filter(|(_, cell)| matches!(cell, R | O))
        {
            let mapping = accepted(with(kind, json!({parameter: value})));
            let echo = echo(&mapping);
            assert!(
                is_shown(parameter, &value, echo.get(parameter)),
                "{kind} {parameter}: {value} shown as {:?}",
                echo.get(parameter)
            );
        }
    }
}

#[test]
fn a_forbidden_parameter_is_refused_with_its_name() {
    for (parameter, value, cells) in rows() {
        for (kind, _) in KINDS.iter().zip(cells).filter(|(_, cell)| *cell == F) {
            // Text of its own, or no text of this form: see mapping_messages.rs.
            if matches!(
                (*kind, parameter),
                ("fifo", "MaximumBatchingWindowInSeconds")
            ) || matches!((*kind, parameter), ("msk", "SourceAccessConfigurations"))
            {
                refused(with(kind, json!({parameter: value})));
                continue;
            }
            let error = refused(with(kind, json!({parameter: value})));
            assert_eq!(
                error.message,
                format!("Unsupported {parameter} parameter for given event source mapping type."),
                "{kind}"
            );
            assert_eq!(
                (error.code.name(), error.status()),
                ("InvalidParameterValueException", 400)
            );
            assert_eq!(error.field, Some(parameter));
            assert!(error.hint.is_some_and(|hint| hint.contains(parameter)));
        }
    }
}

#[test]
fn a_forbidden_parameter_is_refused_with_its_default_value_too() {
    for (parameter, value) in [
        ("ParallelizationFactor", json!(1)),
        ("TumblingWindowInSeconds", json!(0)),
        ("BisectBatchOnFunctionError", json!(false)),
        ("MaximumRetryAttempts", json!(-1)),
        ("MaximumRecordAgeInSeconds", json!(-1)),
    ] {
        let error = refused(with("sqs", json!({parameter: value})));
        assert_eq!(error.field, Some(parameter));
    }
}

#[test]
fn an_empty_structure_asks_for_nothing() {
    for (parameter, value) in [
        ("ScalingConfig", json!({})),
        ("ProvisionedPollerConfig", json!({})),
        ("DestinationConfig", json!({})),
        (
            "DestinationConfig",
            json!({"OnFailure": {"Destination": ""}}),
        ),
        ("LoggingConfig", json!({})),
        ("MetricsConfig", json!({"Metrics": []})),
        ("FilterCriteria", json!({"Filters": []})),
        ("SourceAccessConfigurations", json!([])),
        ("KMSKeyArn", json!("")),
    ] {
        for kind in ["sqs", "fifo", "kinesis", "dynamodb", "msk"] {
            let mapping = accepted(with(kind, json!({parameter: value})));
            assert_eq!(
                echo(&mapping),
                echo(&accepted(minimal(kind))),
                "{kind} {parameter}"
            );
        }
    }
}

#[test]
fn a_required_parameter_is_missed_by_name() {
    for (parameter, _, cells) in rows() {
        for (kind, _) in KINDS.iter().zip(cells).filter(|(_, cell)| *cell == R) {
            let error = refused(with(kind, json!({parameter: null})));
            assert_eq!(
                (error.code.name(), error.status()),
                ("InvalidParameterValueException", 400)
            );
            let mut member = parameter.to_owned();
            member[..1].make_ascii_lowercase();
            let text = match parameter {
                "SelfManagedEventSource" => "Unrecognized event source.".to_owned(),
                "StartingPosition" => {
                    "1 validation error detected: Value null at 'startingPosition' \
                     failed to satisfy constraint: Member must not be null."
                        .to_owned()
                }
                _ => format!("Required '{member}' parameter is missing."),
            };
            assert_eq!(error.message, text, "{kind} {parameter}");
        }
    }
}

#[test]
fn a_parameter_of_provisioned_mode_needs_it() {
    for (parameter, value, cells) in rows() {
        for (kind, _) in KINDS.iter().zip(cells).filter(|(_, cell)| *cell == P) {
            let error = refused(with(kind, json!({parameter: value})));
            let named = if value.get("SchemaRegistryConfig").is_some() {
                "SchemaRegistryConfig"
            } else {
                parameter
            };
            let text =
                format!("Unsupported {named} parameter for given event source mapping type.");
            assert_eq!(error.message, text, "{kind}");
            assert!(
                error
                    .hint
                    .is_some_and(|hint| hint.contains("ProvisionedPollerConfig"))
            );

            let provisioned =
                json!({parameter: value, "ProvisionedPollerConfig": {"MinimumPollers": 1}});
            let echo = echo(&accepted(with(kind, provisioned)));
            assert!(
                is_shown(parameter, &value, echo.get(parameter)),
                "{kind} {parameter}: {echo:?}"
            );
        }
    }
}

#[test]
fn the_defaults_of_provisioned_mode_are_no_reason_to_refuse() {
    for kind in ["msk", "kafka"] {
        accepted(with(
            kind,
            json!({
                "MaximumRetryAttempts": -1, "MaximumRecordAgeInSeconds": -1,
                "BisectBatchOnFunctionError": false, "FunctionResponseTypes": []
            }),
        ));
    }
}

#[test]
fn a_poller_group_is_for_kafka() {
    let group = json!({"ProvisionedPollerConfig": {"PollerGroupName": "shared"}});
    for kind in ["sqs", "fifo"] {
        let error = refused(with(kind, group.clone()));
        let text = "Unsupported PollerGroupName parameter for given event source mapping type.";
        assert_eq!(error.message, text);
    }
    for kind in ["msk", "kafka"] {
        let pollers = &echo(&accepted(with(kind, group.clone())))["ProvisionedPollerConfig"];
        let all = json!({"MinimumPollers": 1, "MaximumPollers": 200, "PollerGroupName": "shared"});
        assert_eq!(*pollers, all);
    }
}

#[test]
fn a_timestamp_comes_with_at_timestamp_and_only_then() {
    for (kind, cell) in KINDS.iter().zip([F, F, O, F, O, O, F, O]) {
        let alone = refused(with(
            kind,
            json!({"StartingPositionTimestamp": 1_700_000_000}),
        ));
        assert_eq!(alone.field, Some("StartingPositionTimestamp"), "{kind}");
        if cell == O {
            let both = json!({
                "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1_700_000_000.25
            });
            let echo = echo(&accepted(with(kind, both)));
            assert_eq!(echo["StartingPosition"], "AT_TIMESTAMP");
            assert_eq!(echo["StartingPositionTimestamp"], 1_700_000_000.25);
            let error = refused(with(kind, json!({"StartingPosition": "AT_TIMESTAMP"})));
            assert_eq!(error.message, "Need to specify a timestamp");
        }
    }
}

#[test]
fn each_source_takes_its_own_kinds_of_access() {
    let kinds = [
        ("BASIC_AUTH", ["kafka", "mq", "documentdb"].as_slice()),
        ("VPC_SUBNET", &["kafka"]),
        ("VPC_SECURITY_GROUP", &["kafka"]),
        ("SASL_SCRAM_512_AUTH", &["msk", "kafka"]),
        ("SASL_SCRAM_256_AUTH", &["kafka"]),
        ("CLIENT_CERTIFICATE_TLS_AUTH", &["msk", "kafka"]),
        ("SERVER_ROOT_CA_CERTIFICATE", &["kafka"]),
        ("VIRTUAL_HOST", &["mq"]),
    ];
    for (access, takers) in kinds {
        for kind in ["msk", "kafka", "mq", "documentdb"] {
            let mut accesses = vec![json!({"Type": access, "URI": "x"})];
            if access != "BASIC_AUTH" && matches!(kind, "mq" | "documentdb") {
                accesses.insert(0, json!({"Type": "BASIC_AUTH", "URI": SECRET}));
            }
            let request = with(kind, json!({"SourceAccessConfigurations": accesses}));
            if takers.contains(&kind) {
                let echo = echo(&accepted(request));
                assert_eq!(
                    echo["SourceAccessConfigurations"],
                    json!(accesses),
                    "{kind} {access}"
                );
            } else {
                let error = refused(request);
                assert_eq!(
                    error.field,
                    Some("SourceAccessConfigurations"),
                    "{kind} {access}"
                );
                assert!(
                    error.hint.is_some_and(|hint| hint.contains(access)),
                    "{kind} {access}"
                );
            }
        }
    }
}

#[test]
fn metrics_beyond_event_counts_are_for_kafka() {
    for metric in ["ErrorCount", "KafkaMetrics"] {
        let metrics = json!({"MetricsConfig": {"Metrics": ["EventCount", metric]}});
        for kind in ["sqs", "fifo", "kinesis", "dynamodb"] {
            assert_eq!(
                refused(with(kind, metrics.clone())).field,
                Some("MetricsConfig"),
                "{kind}"
            );
        }
        for kind in ["msk", "kafka"] {
            assert_eq!(
                echo(&accepted(with(kind, metrics.clone())))["MetricsConfig"],
                metrics["MetricsConfig"]
            );
        }
    }
}

#[test]
fn failures_go_to_standard_queues_topics_and_buckets_and_from_kafka_to_topics() {
    let dead = |destination: &str| json!({"DestinationConfig": {"OnFailure": {"Destination": destination}}});
    for kind in ["kinesis", "dynamodb", "msk", "kafka"] {
        for good in [
            QUEUE,
            "arn:aws:sns:us-east-1:123456789012:dead",
            "arn:aws:s3:::dead",
        ] {
            let echo = echo(&accepted(with(kind, dead(good))));
            assert_eq!(
                echo["DestinationConfig"],
                json!({"OnFailure": {"Destination": good}})
            );
        }
        for bad in [
            "arn:aws:sqs:us-east-1:123456789012:dead.fifo",
            "arn:aws:sns:us-east-1:123456789012:dead.fifo",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
            "kafka://dead",
            CLUSTER,
        ] {
            assert_eq!(
                refused(with(kind, dead(bad))).field,
                Some("DestinationConfig"),
                "{kind} {bad}"
            );
        }
    }
    for kind in ["msk", "kafka"] {
        let mut request = with(
            kind,
            json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}}),
        );
        request["DestinationConfig"] = dead("kafka://dead")["DestinationConfig"].clone();
        accepted(request.clone());
        request["DestinationConfig"] = dead("kafka://clicks")["DestinationConfig"].clone();
        assert_eq!(refused(request).field, Some("DestinationConfig"));
    }
}

#[test]
fn filters_of_a_change_stream_are_refused_in_words() {
    let filters = json!({"Filters": [{"Pattern": r#"{"event":{"operationType":["insert"]}}"#}]});
    let error = refused(with("documentdb", json!({ "FilterCriteria": filters })));
    assert_eq!(error.code, ErrorCode::InvalidParameterValue);
    assert_eq!(error.field, Some("FilterCriteria"));
    assert_eq!(
        error.message,
        "Unsupported FilterCriteria parameter for given event source mapping type."
    );
    let hint = "remove FilterCriteria: a mapping of a DocumentDB cluster has no such setting";
    assert_eq!(error.hint.as_deref(), Some(hint));
}
