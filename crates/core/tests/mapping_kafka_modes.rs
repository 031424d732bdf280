//! What a Kafka mapping of either kind can do with pollers of its own only, and what it can do with each.

mod mapping_common;

use lambda_esm_core::mapping::{ApiError, Mapping};
use mapping_common::{QUEUE, accepted, echo, refused, update, with};
use serde_json::{Value, json};

const ON_DEMAND: &str = "Unsupported {} parameter for given event source mapping type.";

/// The kinds of cluster, with the member that has the group and the schema registry of each.
const CLUSTERS: [(&str, &str); 2] = [
    ("msk", "AmazonManagedKafkaEventSourceConfig"),
    ("kafka", "SelfManagedKafkaEventSourceConfig"),
];

fn to(destination: &str) -> Value {
    json!({"OnFailure": {"Destination": destination}})
}

/// What needs provisioned mode: the parameter as it is given, how errors name it, and what takes it away.
fn provisioned_only(config: &'static str) -> Vec<(&'static str, Value, &'static str, Value)> {
    let registry = json!({"SchemaRegistryConfig": {
        "SchemaRegistryURI": "https://registry:8081", "EventRecordFormat": "JSON",
        "SchemaValidationConfigs": [{"Attribute": "VALUE"}]
    }});
    let none = json!({"SchemaRegistryConfig": {}});
    let same = |name: &'static str, value: Value, removal: Value| (name, value, name, removal);
    vec![
        same("BisectBatchOnFunctionError", json!(true), json!(false)),
        same("MaximumRetryAttempts", json!(3), json!(-1)),
        same("MaximumRecordAgeInSeconds", json!(60), json!(-1)),
        same(
            "FunctionResponseTypes",
            json!(["ReportBatchItemFailures"]),
            json!([]),
        ),
        same("DestinationConfig", to("kafka://dead"), to("")),
        same(
            "LoggingConfig",
            json!({"SystemLogLevel": "DEBUG"}),
            json!({}),
        ),
        (config, registry, "SchemaRegistryConfig", none),
    ]
}

#[track_caller]
fn refused_update(mapping: &Mapping, json: Value) -> ApiError {
    match update(mapping, json.clone()) {
        Ok(_) => panic!("{json} was accepted"),
        Err(error) => error,
    }
}

#[track_caller]
fn assert_needs_pollers(error: &ApiError, name: &'static str) {
    assert_eq!(error.message, ON_DEMAND.replace("{}", name));
    assert_eq!(
        (error.code.name(), error.field),
        ("InvalidParameterValueException", Some(name))
    );
    let hint = error.hint.as_deref().unwrap_or_default();
    assert!(
        hint.contains("needs provisioned mode: add ProvisionedPollerConfig"),
        "{hint}"
    );
}

#[test]
fn what_needs_pollers_is_refused_without_them_at_creation_and_later() {
    for (kind, config) in CLUSTERS {
        let on_demand = accepted(with(kind, json!({})));
        for (member, value, name, _) in provisioned_only(config) {
            assert_needs_pollers(&refused(with(kind, json!({member: value}))), name);
            assert_needs_pollers(&refused_update(&on_demand, json!({member: value})), name);
            let empty = json!({member: value, "ProvisionedPollerConfig": {}});
            assert_needs_pollers(&refused(with(kind, empty)), name);
            let both = json!({member: value, "ProvisionedPollerConfig": {"MinimumPollers": 1}});
            let created = echo(&accepted(with(kind, both.clone())));
            let updated = update(&on_demand, both).map(|mapping| echo(&mapping));
            assert_eq!(updated.as_ref(), Ok(&created), "{kind} {member}");
            assert_ne!(
                created.get(member),
                echo(&on_demand).get(member),
                "{kind} {member}"
            );
        }
    }
}

#[test]
fn a_mapping_goes_back_to_on_demand_only_without_what_needs_pollers() {
    for (kind, config) in CLUSTERS {
        let on_demand = echo(&accepted(with(kind, json!({}))));
        for (member, value, name, removal) in provisioned_only(config) {
            let both = json!({member: value, "ProvisionedPollerConfig": {"MinimumPollers": 1}});
            let mapping = accepted(with(kind, both));
            let back = json!({"ProvisionedPollerConfig": {}});
            assert_needs_pollers(&refused_update(&mapping, back), name);
            let without = json!({"ProvisionedPollerConfig": {}, member: removal});
            let updated = update(&mapping, without).map(|mapping| echo(&mapping));
            assert_eq!(updated, Ok(on_demand.clone()), "{kind} {member}");
        }
    }
}

#[test]
fn a_poller_group_alone_asks_for_pollers() {
    for (kind, _) in CLUSTERS {
        let group = json!({"PollerGroupName": "shared"});
        let members = json!({"ProvisionedPollerConfig": group, "MaximumRetryAttempts": 3});
        let shown = echo(&accepted(with(kind, members)));
        assert_eq!(
            shown["ProvisionedPollerConfig"],
            json!({"MinimumPollers": 1, "MaximumPollers": 200, "PollerGroupName": "shared"})
        );
    }
}

#[test]
fn the_numbers_of_pollers_have_limits_that_are_named() {
    for (kind, _) in CLUSTERS {
        let pollers = |least: i64, most: i64| {
            let config = json!({"MinimumPollers": least, "MaximumPollers": most});
            with(kind, json!({"ProvisionedPollerConfig": config}))
        };
        accepted(pollers(1, 1));
        accepted(pollers(200, 2000));
        let error = refused(pollers(1, 2001));
        assert_eq!(error.message, "MaximumPollers must be between 1 and 2000.");
        let hint = "set MaximumPollers, which is 2001, to one of these";
        assert_eq!(error.hint.as_deref(), Some(hint));
        let error = refused(pollers(9, 8));
        let text = "MaximumPollers must be greater than or equal to MinimumPollers.";
        assert_eq!(error.message, text);
        let hint = "raise MaximumPollers from 8 to 9, or lower MinimumPollers";
        assert_eq!(error.hint.as_deref(), Some(hint));
        assert_eq!(
            refused(pollers(201, 300)).code.name(),
            "ValidationException"
        );
    }
}

#[test]
fn queues_topics_and_buckets_are_told_in_either_mode() {
    for (kind, _) in CLUSTERS {
        for pollers in [json!({}), json!({"MinimumPollers": 1})] {
            for destination in [
                QUEUE,
                "arn:aws:sns:us-east-1:123456789012:dead",
                "arn:aws:s3:::dead",
            ] {
                let members = json!({
                    "DestinationConfig": to(destination), "ProvisionedPollerConfig": pollers
                });
                let shown = echo(&accepted(with(kind, members)));
                assert_eq!(shown["DestinationConfig"], to(destination), "{kind}");
            }
        }
    }
}

#[test]
fn a_topic_that_is_told_is_legal_and_another_one() {
    for (kind, _) in CLUSTERS {
        let provisioned = accepted(with(
            kind,
            json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}}),
        ));
        let longest = format!("kafka://{}", "t".repeat(249));
        for legal in [
            "kafka://dead",
            "kafka://d",
            "kafka://a-b.c_d",
            "kafka://Clicks",
            &longest,
        ] {
            let updated = update(&provisioned, json!({"DestinationConfig": to(legal)}));
            let shown = updated.map(|mapping| echo(&mapping)["DestinationConfig"].clone());
            assert_eq!(shown, Ok(to(legal)));
        }
        for (wrong, message, hint) in [
            (
                "kafka://clicks",
                "The Kafka topic of the on-failure destination must not be the source topic.",
                "name a topic other than clicks: what is given up would come back to this mapping",
            ),
            (
                "kafka://älter",
                "The Kafka topic of the on-failure destination has an illegal name: 'älter'.",
                "name a topic of ASCII letters, digits, '.', '_' and '-'",
            ),
            (
                "kafka:///dead",
                "The Kafka topic of the on-failure destination has an illegal name: '/dead'.",
                "name a topic of ASCII letters, digits, '.', '_' and '-'",
            ),
        ] {
            let destination = json!({"DestinationConfig": to(wrong)});
            let mut request = with(
                kind,
                json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}}),
            );
            request["DestinationConfig"] = to(wrong);
            for error in [refused(request), refused_update(&provisioned, destination)] {
                assert_eq!(error.message, message);
                assert_eq!(error.hint.as_deref(), Some(hint));
                assert_eq!(error.field, Some("DestinationConfig"));
            }
        }
        for shapeless in [
            "kafka://",
            "kafka://.hidden",
            "kafka://a b",
            &format!("{longest}t"),
        ] {
            let error = refused_update(&provisioned, json!({"DestinationConfig": to(shapeless)}));
            assert_eq!(error.code.name(), "ValidationException", "{shapeless}");
        }
    }
}

#[test]
fn a_registry_may_be_reached_with_a_token_too() {
    for (kind, config) in CLUSTERS {
        let registry = |access: Value| {
            let registry =
                json!({"SchemaRegistryURI": "https://registry", "AccessConfigs": access});
            with(
                kind,
                json!({
                    "ProvisionedPollerConfig": {"MinimumPollers": 1},
                    config: {"ConsumerGroupId": "g", "SchemaRegistryConfig": registry}
                }),
            )
        };
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:registry";
        for access in [
            "BASIC_AUTH",
            "CLIENT_CERTIFICATE_TLS_AUTH",
            "SERVER_ROOT_CA_CERTIFICATE",
            "OAUTHBEARER_AUTH",
        ] {
            let request = registry(json!([{"Type": access, "URI": arn}]));
            let shown = echo(&accepted(request.clone()));
            assert_eq!(shown[config], request[config], "{access}");
        }
        let mut path = config.to_owned();
        path[..1].make_ascii_lowercase();
        let path = format!("{path}.schemaRegistryConfig.accessConfigs.1.member");
        for (entry, violation) in [
            (
                json!({"Type": "IAM_AUTH", "URI": arn}),
                format!(
                    "Value 'IAM_AUTH' at '{path}.type' failed to satisfy constraint: Member must satisfy enum \
                     value set: [BASIC_AUTH, CLIENT_CERTIFICATE_TLS_AUTH, SERVER_ROOT_CA_CERTIFICATE, \
                     OAUTHBEARER_AUTH]"
                ),
            ),
            (
                json!({"Type": "OAUTHBEARER_AUTH", "URI": format!("{arn}{}", "x".repeat(10_000))}),
                "Member must have length less than or equal to 10000".to_owned(),
            ),
            (
                json!({"Type": "OAUTHBEARER_AUTH", "URI": "registry"}),
                "Member must satisfy regular expression pattern: arn:".to_owned(),
            ),
        ] {
            let error = refused(registry(json!([entry])));
            assert_eq!(error.code.name(), "ValidationException");
            assert!(error.message.contains(&violation), "{error}");
            assert_eq!(error.field, Some(config));
        }
        let nowhere = json!({
            "ProvisionedPollerConfig": {"MinimumPollers": 1},
            config: {"SchemaRegistryConfig": {"EventRecordFormat": "JSON"}}
        });
        let error = refused(with(kind, nowhere));
        assert_eq!(
            error.message,
            "Required 'schemaRegistryURI' parameter is missing."
        );
        assert!(
            error
                .hint
                .is_some_and(|hint| hint.starts_with("add SchemaRegistryURI"))
        );
    }
}

#[test]
fn a_registry_is_replaced_and_removed_while_the_group_stays() {
    for (kind, config) in CLUSTERS {
        let registry = |uri: &str| json!({"SchemaRegistryConfig": {"SchemaRegistryURI": uri}});
        let mut first = registry("https://one");
        first["ConsumerGroupId"] = json!("g");
        let mapping = accepted(with(
            kind,
            json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}, config: first}),
        ));
        let shown = |json: Value| {
            let updated = update(&mapping, json);
            updated.map(|mapping| echo(&mapping)[config].clone())
        };
        let second = json!({
            "ConsumerGroupId": "g", "SchemaRegistryConfig": {"SchemaRegistryURI": "https://two"}
        });
        assert_eq!(shown(json!({config: registry("https://two")})), Ok(second));
        let none = json!({config: {"SchemaRegistryConfig": {}}});
        assert_eq!(shown(none), Ok(json!({"ConsumerGroupId": "g"})));
        assert_eq!(shown(json!({})), Ok(first));
    }
}
