//! `check` of Kafka mappings.

use crate::support::{file, lambda_esm};

/// A mapping of a self-managed cluster, with further members.
fn mapping(more: &str) -> String {
    format!(
        "functions: {{f: {{backend: simulated}}}}
mappings:
  - SelfManagedEventSource: {{Endpoints: {{KAFKA_BOOTSTRAP_SERVERS: ['127.0.0.1:9092']}}}}
    SourceAccessConfigurations: []
    FunctionName: f
    Topics: [orders]
    StartingPosition: TRIM_HORIZON
{more}"
    )
}

fn checked(name: &str, text: &str) -> String {
    let said = lambda_esm(&["check", &file(name, text)]);
    assert_eq!(said.code, 0, "{}", said.err);
    said.out
}

#[test]
fn a_schema_registry_is_told_with_its_secrets_and_what_becomes_of_records() {
    let secret = "arn:aws:secretsmanager:us-east-1:000000000000:secret:registry";
    let text = mapping(&format!(
        "    ProvisionedPollerConfig: {{MinimumPollers: 1}}
    SelfManagedKafkaEventSourceConfig:
      SchemaRegistryConfig:
        SchemaRegistryURI: https://registry.example.com/apis/ccompat/v7
        EventRecordFormat: SOURCE
        AccessConfigs: [{{Type: BASIC_AUTH, URI: '{secret}'}}]
        SchemaValidationConfigs: [{{Attribute: VALUE}}]
secrets:
  {secret}: {{username: reader, password: not-to-be-shown}}
"
    ));
    let said = checked("registry.yaml", &text);
    for line in [
        "  validates values by the schema registry https://registry.example.com/apis/ccompat/v7 with BASIC_AUTH of the \
         secret registry, and passes on their own format without the registry's header\n",
        "  gives up a record whose schema is not found or does not fit, without calling the function\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    assert!(!said.contains("not-to-be-shown"), "{said}");
}

#[test]
fn a_glue_registry_is_told_with_its_endpoint() {
    let text = mapping(
        "    ProvisionedPollerConfig: {MinimumPollers: 1}
    SelfManagedKafkaEventSourceConfig:
      SchemaRegistryConfig:
        SchemaRegistryURI: arn:aws:glue:us-east-1:000000000000:registry/shop
        EventRecordFormat: JSON
        SchemaValidationConfigs: [{Attribute: KEY}, {Attribute: VALUE}]
endpoints: {glue: 'http://127.0.0.1:5000'}
",
    );
    let said = checked("glue.yaml", &text);
    let line = "  validates keys and values by the schema registry arn:aws:glue:us-east-1:000000000000:registry/shop, and \
                passes on JSON\n";
    assert!(said.contains(line), "{said}");
    assert!(
        said.contains("  glue            http://127.0.0.1:5000"),
        "{said}"
    );
}

#[test]
fn a_group_that_no_restart_finds_again_is_told() {
    let told = "consumer groups that are named by a mapping's UUID are then others";
    let named = "    SelfManagedKafkaEventSourceConfig: {ConsumerGroupId: orders}\n";
    assert!(checked("by-uuid.yaml", &mapping("")).contains(told));
    assert!(!checked("by-name.yaml", &mapping(named)).contains(told));
    assert!(!checked("kept.yaml", &mapping("state_dir: state\n")).contains(told));
}
