//! Any request: an answer, never a panic; and what is accepted stays what it is.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod mapping_common;

use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::{
    CreateEventSourceMapping, KafkaCluster, KafkaDestination, KafkaMapping, KafkaMode, Mapping,
    Source, SourceKind, UpdateEventSourceMapping,
};
use mapping_common::{
    ACCOUNT, BROKER, CLUSTER, CONSUMER, DOCS, FIFO, KINDS, QUEUE, REGION, SECRET, STREAM, TABLE,
    context, echo, minimal, with,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

/// Values worth trying for a member: legal, at the edges, beyond, and nonsense.
fn values(member: &str) -> Vec<Value> {
    let numbers = |numbers: &[i64]| numbers.iter().map(|number| json!(number)).collect();
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect();
    match member {
        "EventSourceArn" => texts(&[
            QUEUE,
            FIFO,
            STREAM,
            CONSUMER,
            TABLE,
            CLUSTER,
            BROKER,
            DOCS,
            "",
            "arn:aws:sqs:::q",
            "x",
        ]),
        "FunctionName" => texts(&["f", "f:live", "123456789012:function:f:1", "", "a b", "ä"]),
        "Enabled" | "BisectBatchOnFunctionError" => vec![json!(true), json!(false)],
        "BatchSize" => numbers(&[1, 10, 11, 10_000, 0, 10_001, i64::MAX]),
        "MaximumBatchingWindowInSeconds" => numbers(&[0, 1, 300, 301, -1]),
        "ParallelizationFactor" => numbers(&[1, 2, 10, 0, 11]),
        "MaximumRecordAgeInSeconds" => numbers(&[-1, 0, 59, 60, 604_800, 604_801]),
        "MaximumRetryAttempts" => numbers(&[-1, 0, 3, 10_000, i64::MIN]),
        "TumblingWindowInSeconds" => numbers(&[0, 1, 900, 901]),
        "StartingPosition" => texts(&["LATEST", "TRIM_HORIZON", "AT_TIMESTAMP", "NOW"]),
        "StartingPositionTimestamp" => {
            vec![
                json!(1_700_000_000),
                json!(1_700_000_000.123),
                json!(-1),
                json!(1e300),
            ]
        }
        "FunctionResponseTypes" => {
            vec![json!([]), json!(["ReportBatchItemFailures"]), json!(["x"])]
        }
        "KMSKeyArn" => texts(&["", "arn:aws:kms:us-east-1:123456789012:key/k", "k"]),
        "Topics" | "Queues" => vec![
            json!(["clicks"]),
            json!([]),
            json!(["a", "b"]),
            json!(["ä"]),
        ],
        "Tags" => vec![json!({}), json!({"team": "shop"}), json!({"": ""})],
        "FilterCriteria" => vec![
            json!({}),
            json!({"Filters": []}),
            json!({"Filters": [{}]}),
            json!({"Filters": [{"Pattern": r#"{"a":["b"]}"#}]}),
            json!({"Filters": [{"Pattern": "{"}]}),
        ],
        other => structures(other),
    }
}

fn structures(member: &str) -> Vec<Value> {
    match member {
        "ScalingConfig" => [
            json!({}),
            json!({"MaximumConcurrency": 2}),
            json!({"MaximumConcurrency": 1}),
        ]
        .into(),
        "ProvisionedPollerConfig" => vec![
            json!({}),
            json!({"MinimumPollers": 1}),
            json!({"MinimumPollers": 3, "MaximumPollers": 2}),
            json!({"MaximumPollers": 10_000}),
            json!({"PollerGroupName": ""}),
            json!({"PollerGroupName": "g", "MinimumPollers": 2}),
        ],
        "DestinationConfig" => {
            let destination = |text: &str| json!({"OnFailure": {"Destination": text}});
            vec![
                json!({}),
                json!({"OnFailure": {}}),
                json!({"OnSuccess": {"Destination": QUEUE}}),
                destination(QUEUE),
                destination("arn:aws:s3:::dead"),
                destination("kafka://dead"),
                destination("kafka://ä"),
                destination(""),
                destination("x"),
            ]
        }
        "SourceAccessConfigurations" => {
            let one = |kind: &str| json!({"Type": kind, "URI": SECRET});
            let (basic, host) = (one("BASIC_AUTH"), one("VIRTUAL_HOST"));
            vec![
                json!([]),
                json!([{}]),
                json!([basic]),
                json!([basic, host]),
                json!([host]),
                json!([
                    one("SASL_SCRAM_512_AUTH"),
                    one("VPC_SUBNET"),
                    one("VPC_SUBNET")
                ]),
                json!([one("x")]),
                json!([{"Type": "BASIC_AUTH"}]),
                json!([one("OAUTHBEARER_AUTH"), one("OAUTHBEARER_SCOPE")]),
                json!([one("OAUTHBEARER_AUDIENCE")]),
                json!([{"Type": "IAM_AUTH"}]),
                json!([one("IAM_AUTH")]),
                json!([{"Type": "IAM_OAUTHBEARER_AUTH"}, one("OAUTHBEARER_AUDIENCE")]),
                json!([one("SASL_SCRAM_256_AUTH"), {"Type": "IAM_AUTH"}]),
            ]
        }
        "SelfManagedEventSource" => {
            let servers =
                |servers: &[&str]| json!({"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}});
            vec![
                json!({}),
                servers(&["a:1"]),
                servers(&["a.b:1", "c:99999"]),
                servers(&["a"]),
                servers(&[]),
            ]
        }
        "AmazonManagedKafkaEventSourceConfig" | "SelfManagedKafkaEventSourceConfig" => {
            let registry = |registry: Value| json!({"SchemaRegistryConfig": registry});
            let mut values = vec![
                json!({}),
                json!({"ConsumerGroupId": "g"}),
                json!({"ConsumerGroupId": ""}),
                registry(json!({})),
                registry(json!({"SchemaRegistryURI": "https://r", "EventRecordFormat": "JSON"})),
                registry(json!({"EventRecordFormat": "SOURCE"})),
                registry(json!({"SchemaRegistryURI": "https://r", "AccessConfigs": [
                    {"Type": "OAUTHBEARER_AUTH", "URI": SECRET}
                ]})),
            ];
            if member == "SelfManagedKafkaEventSourceConfig" {
                let modes = ["Stream", "Queue", "Queue", "Batch"];
                values.extend(modes.map(|mode| json!({"ConsumptionMode": mode})));
                values.push(json!({"ConsumptionMode": "Queue", "ConsumerGroupId": "g"}));
            }
            values
        }
        "DocumentDBEventSourceConfig" => vec![
            json!({}),
            json!({"DatabaseName": "d"}),
            json!({"DatabaseName": "d", "CollectionName": "c", "FullDocument": "UpdateLookup"}),
            json!({"CollectionName": "c"}),
        ],
        "MetricsConfig" => {
            let metrics = |metrics: &[&str]| json!({"Metrics": metrics});
            vec![
                json!({}),
                metrics(&[]),
                metrics(&["EventCount"]),
                metrics(&["ErrorCount", "KafkaMetrics"]),
            ]
        }
        "LoggingConfig" => [
            json!({}),
            json!({"SystemLogLevel": "WARN"}),
            json!({"SystemLogLevel": ""}),
        ]
        .into(),
        other => panic!("no values for {other}"),
    }
}

const MEMBERS: [&str; 28] = [
    "EventSourceArn",
    "FunctionName",
    "Enabled",
    "BatchSize",
    "FilterCriteria",
    "KMSKeyArn",
    "MetricsConfig",
    "LoggingConfig",
    "ScalingConfig",
    "MaximumBatchingWindowInSeconds",
    "ParallelizationFactor",
    "StartingPosition",
    "StartingPositionTimestamp",
    "DestinationConfig",
    "MaximumRecordAgeInSeconds",
    "BisectBatchOnFunctionError",
    "MaximumRetryAttempts",
    "Tags",
    "TumblingWindowInSeconds",
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "SelfManagedEventSource",
    "FunctionResponseTypes",
    "AmazonManagedKafkaEventSourceConfig",
    "SelfManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "ProvisionedPollerConfig",
];

/// Members that only a create has.
const CREATE_ONLY: [&str; 7] = [
    "EventSourceArn",
    "SelfManagedEventSource",
    "Topics",
    "Queues",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Tags",
];

fn member() -> impl Strategy<Value = (String, Value)> {
    select(&MEMBERS[..]).prop_flat_map(|name| (Just(name.to_owned()), select(values(name))))
}

/// A minimal request of some kind, of Kafka in either mode, and up to five members of any kind over it.
fn request() -> impl Strategy<Value = CreateEventSourceMapping> {
    let kinds: Vec<_> = KINDS.into_iter().chain(["queue"]).collect();
    (select(kinds), vec(member(), 0..6)).prop_map(|(kind, members)| {
        let minimal = match kind {
            "queue" => with(
                "kafka",
                json!({"SelfManagedKafkaEventSourceConfig": {"ConsumptionMode": "Queue"}}),
            ),
            kind => minimal(kind),
        };
        let mut request = minimal.as_object().unwrap().clone();
        request.extend(members);
        serde_json::from_value(Value::Object(request)).unwrap()
    })
}

fn update() -> impl Strategy<Value = UpdateEventSourceMapping> {
    vec(member(), 0..4).prop_map(|members| {
        let members = members
            .into_iter()
            .filter(|(name, _)| !CREATE_ONLY.contains(&name.as_str()));
        serde_json::from_value(Value::Object(members.collect())).unwrap()
    })
}

/// Creates a mapping from what another one shows.
fn again(mapping: &Mapping) -> Mapping {
    let reason = mapping.user_reason();
    let shown = mapping.configuration(REGION, ACCOUNT, State::Enabled, reason, None);
    Mapping::create(CreateEventSourceMapping::from(shown), &context()).unwrap()
}

fn assert_within_limits(mapping: &Mapping) {
    let most = if mapping.source.kind() == SourceKind::SqsFifo {
        10
    } else {
        10_000
    };
    assert!((1..=most).contains(&mapping.source.batch_size()));
    assert!(mapping.source.window().as_secs() <= 300);
    if mapping.source.kind().is_sqs() && mapping.source.batch_size() > 10 {
        assert!(mapping.source.window().as_secs() >= 1);
    }
    if let Source::Kafka(kafka) = &mapping.source {
        assert_within_limits_of_kafka(kafka);
    }
    assert!(!mapping.explain().is_empty());
}

fn assert_within_limits_of_kafka(kafka: &KafkaMapping) {
    assert!(!kafka.is_queue() || kafka.window.is_none() && kafka.maximum_retries().is_some());
    assert!(
        kafka
            .access
            .iter()
            .all(|access| access.kind.is_by_role() == access.uri.is_none())
    );
    let mechanisms = kafka
        .access
        .iter()
        .filter(|access| access.kind.is_mechanism());
    let managed = matches!(kafka.cluster, KafkaCluster::Msk { .. });
    assert!(managed || mechanisms.count() <= 1);
    if let KafkaMode::Provisioned(provisioned) = &kafka.mode
        && let Some(KafkaDestination::Topic(topic)) = &provisioned.on_failure
    {
        assert_ne!(*topic, kafka.topic);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..Default::default() })]

    #[test]
    fn what_is_accepted_is_accepted_again_as_shown(request in request()) {
        match Mapping::create(request, &context()) {
            Ok(mapping) => {
                assert_within_limits(&mapping);
                prop_assert_eq!(echo(&again(&mapping)), echo(&mapping));
                prop_assert_eq!(&again(&mapping).source, &mapping.source);
            }
            Err(error) => {
                prop_assert!(error.status() == 400 && !error.message.is_empty());
                prop_assert!(error.field.is_some(), "{} names no parameter", error);
            }
        }
    }

    #[test]
    fn an_update_leaves_a_legal_mapping_or_says_why_not(request in request(), update in update()) {
        let Ok(mapping) = Mapping::create(request, &context()) else { return Ok(()) };
        match mapping.update(update, &context()) {
            Ok(updated) => {
                assert_within_limits(&updated);
                prop_assert_eq!(updated.source.kind(), mapping.source.kind());
                prop_assert_eq!(updated.source.arn(), mapping.source.arn());
                prop_assert_eq!(&again(&updated).source, &updated.source);
            }
            Err(error) => prop_assert_eq!(error.status(), 400),
        }
    }

    #[test]
    fn any_text_is_a_function_or_refused(name in "[a-z0-9:$.ä-]{0,24}|arn:aws:lambda:[a-z0-9:-]{0,40}") {
        let request = CreateEventSourceMapping {
            function_name: Some(name),
            event_source_arn: Some(QUEUE.to_owned()),
            ..Default::default()
        };
        if let Ok(mapping) = Mapping::create(request, &context()) {
            prop_assert_eq!(&again(&mapping).function, &mapping.function);
        }
    }

    #[test]
    fn any_text_as_any_member_is_no_panic(
        members in btree_map(select(&MEMBERS[..]).prop_map(str::to_owned), "\\PC{0,8}", 0..8)
    ) {
        let members: Map<String, Value> =
            members.into_iter().map(|(name, text)| (name, json!(text))).collect();
        if let Ok(request) = serde_json::from_value(Value::Object(members)) {
            prop_assert!(Mapping::create(request, &context()).is_err());
        }
    }
}

#[test]
fn most_requests_tried_are_decided_by_more_than_their_shape() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut accepted = 0;
    for _ in 0..1000 {
        let request = request().new_tree(&mut runner).unwrap().current();
        accepted += i32::from(Mapping::create(request, &context()).is_ok());
    }
    assert!(
        accepted > 100,
        "only {accepted} of 1000 requests were accepted"
    );
}
