//! What Kafka mappings say that they will do; the sentences are those of `lambda-esm check`.

mod mapping_common;

use mapping_common::{QUEUE, SECRET, accepted, with};
use serde_json::{Value, json};

const GROUP: &str = "00000000-0000-0000-0000-000000000007";
const ON_DEMAND: &str = "scales up to one poller for each partition while records wait, and keeps the order \
                         inside each partition; a batch may hold records of several";
const UNREACHED: &str = "sends again what did not reach the function (throttled, unreachable), which uses no \
                         retry";
const DROPS: &str = "drops what it gives up without a trace, since OnFailure is not set";
const AGAIN: &str = "gets released records again from the brokers, until they were delivered as often as \
                     group.share.delivery.count.limit says (5 times unless it is set)";
const TELLS: &str = "tells the queue orders which records it gives up, not what is in them";

fn says(kind: &str, members: Value) -> Vec<String> {
    accepted(with(kind, members)).explain()
}

fn to(destination: &str) -> Value {
    json!({"OnFailure": {"Destination": destination}})
}

/// What a mapping in Queue mode says of its pollers and after.
fn releases(mut members: Value) -> Vec<String> {
    members["SelfManagedKafkaEventSourceConfig"] = json!({"ConsumptionMode": "Queue"});
    says("kafka", members).split_off(4)
}

#[test]
fn a_mapping_without_settings_of_its_own_retries_for_ever() {
    assert_eq!(
        says("kafka", json!({"SourceAccessConfigurations": []})),
        [
            "reads the topic clicks of kafka:1000 with up to 100 records per batch, waiting up to 500 ms to fill \
             it",
            "calls the function f",
            "connects without TLS and without credentials",
            &format!(
                "joins the consumer group {GROUP}; starts at the oldest record if the group has no committed \
                 offset"
            ),
            ON_DEMAND,
            "retries a failed batch until it succeeds or leaves the source",
            "holds back the records behind a failing batch",
        ]
    );
    assert_eq!(
        says("msk", json!({}))[2..4],
        [
            "authenticates with AWS credentials where the cluster has IAM access control, and connects without \
             credentials where it has not, over TLS if it can"
                .to_owned(),
            format!(
                "joins the consumer group {GROUP}; starts after the newest record if the group has no committed \
                 offset; a partition that is added later is read from its beginning"
            ),
        ]
    );
}

#[test]
fn a_group_and_a_time_to_start_at_are_named() {
    let members = json!({
        "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": "shop"},
        "StartingPosition": "AT_TIMESTAMP", "StartingPositionTimestamp": 1_700_000_000
    });
    assert_eq!(
        says("kafka", members)[3],
        "joins the consumer group shop; starts at the first record since 2023-11-14T22:13:20Z if the group has \
         no committed offset; a partition that is added later is read from its beginning"
    );
}

#[test]
fn a_destination_without_a_limit_means_ten_retries() {
    for kind in ["msk", "kafka"] {
        for pollers in [json!({}), json!({"MinimumPollers": 1})] {
            let members =
                json!({"DestinationConfig": to(QUEUE), "ProvisionedPollerConfig": pollers});
            assert_eq!(
                says(kind, members)[5..],
                [
                    "retries a failed batch up to 10 times",
                    UNREACHED,
                    TELLS,
                    "takes 10 for the number of retries, since OnFailure is set and MaximumRetryAttempts is not",
                ]
            );
        }
    }
}

#[test]
fn pollers_bring_bisection_partial_responses_ages_and_topics() {
    let members = json!({
        "ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 6},
        "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 60,
        "FunctionResponseTypes": ["ReportBatchItemFailures"], "DestinationConfig": to("kafka://dead")
    });
    assert_eq!(
        says("msk", members)[4..],
        [
            "keeps 2 to 6 pollers of its own, no more than there are partitions, and keeps the order inside each \
             partition; a batch may hold records of several",
            "tries again only the records that the function names in batchItemFailures, by partition and offset; \
             one that is not of the batch means that the whole batch has failed",
            "splits a failed batch in two, down to single records, without waiting and without using a retry",
            "retries a record that fails alone up to 3 times",
            UNREACHED,
            "gives up records that are older than 60 s, whether they were tried or not",
            "sends the records that it gives up to the topic dead of the same cluster, one message for each, with \
             its key",
        ]
    );
}

#[test]
fn each_mechanism_is_told_with_its_secret() {
    let entry = |kind: &str, uri: &str| json!({"Type": kind, "URI": uri});
    let own = |kind: &str| entry(kind, SECRET);
    let role = |kind: &str| json!({"Type": kind});
    let audience = entry("OAUTHBEARER_AUDIENCE", "https://kafka.example");
    for (entries, sentence) in [
        (
            vec![own("BASIC_AUTH")],
            "authenticates by SASL/PLAIN over TLS with the secret login",
        ),
        (
            vec![own("SASL_SCRAM_256_AUTH")],
            "authenticates by SASL/SCRAM-SHA-256 over TLS with the secret login",
        ),
        (
            vec![own("SASL_SCRAM_512_AUTH")],
            "authenticates by SASL/SCRAM-SHA-512 over TLS with the secret login",
        ),
        (
            vec![own("CLIENT_CERTIFICATE_TLS_AUTH")],
            "authenticates by mutual TLS with the certificate of the secret login",
        ),
        (
            vec![entry("OAUTHBEARER_AUTH", "token")],
            "authenticates by SASL/OAUTHBEARER over TLS with tokens that it gets by the secret token",
        ),
        (
            vec![
                audience.clone(),
                own("OAUTHBEARER_AUTH"),
                entry("OAUTHBEARER_IDENTITY_POOL", "pool-1"),
                entry("OAUTHBEARER_LOGICAL_CLUSTER", "lkc-1"),
                entry("OAUTHBEARER_SCOPE", "kafka read"),
            ],
            "authenticates by SASL/OAUTHBEARER over TLS with tokens that it gets by the secret login (scope kafka \
             read, audience https://kafka.example, logical cluster lkc-1, identity pool pool-1)",
        ),
        (
            vec![role("IAM_AUTH")],
            "authenticates by MSK IAM over TLS with AWS credentials",
        ),
        (
            vec![role("IAM_OAUTHBEARER_AUTH"), audience],
            "authenticates by SASL/OAUTHBEARER over TLS with tokens of AWS STS (audience https://kafka.example)",
        ),
    ] {
        let said = says("kafka", json!({"SourceAccessConfigurations": entries}));
        assert_eq!(said[2], sentence);
    }
    let both = json!([
        own("SASL_SCRAM_512_AUTH"),
        own("CLIENT_CERTIFICATE_TLS_AUTH")
    ]);
    assert_eq!(
        says("msk", json!({"SourceAccessConfigurations": both}))[2],
        "authenticates by mutual TLS with the certificate of the secret login, or where the cluster does not \
         offer that, by SASL/SCRAM-SHA-512 over TLS with the secret login"
    );
}

#[test]
fn an_authority_of_its_own_means_tls_and_the_network_is_that_of_the_process() {
    let entries = json!([
        {"Type": "SERVER_ROOT_CA_CERTIFICATE", "URI": SECRET},
        {"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"},
        {"Type": "VPC_SECURITY_GROUP", "URI": "security_group:sg-1"}
    ]);
    assert_eq!(
        says("kafka", json!({"SourceAccessConfigurations": entries}))[2..5],
        [
            "connects over TLS, without credentials",
            "trusts brokers whose certificate is signed by the authority of the secret login",
            "ignores the subnets and security groups: it connects from where it runs",
        ]
    );
}

#[test]
fn a_registry_is_told_with_what_it_validates_and_passes_on() {
    let decodes = |registry: Value| {
        let members = json!({
            "ProvisionedPollerConfig": {"MinimumPollers": 1},
            "SelfManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": registry}
        });
        says("kafka", members)[5..7].to_vec()
    };
    let gives_up =
        "gives up a record whose schema is not found or does not fit, without calling the function";
    for (registry, sentence) in [
        (
            json!({"SchemaRegistryURI": "https://registry:8081"}),
            "validates neither keys nor values by the schema registry https://registry:8081",
        ),
        (
            json!({
                "SchemaRegistryURI": "https://registry:8081", "EventRecordFormat": "JSON",
                "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
                "AccessConfigs": [{"Type": "BASIC_AUTH", "URI": SECRET}]
            }),
            "validates values by the schema registry https://registry:8081 with BASIC_AUTH of the secret login, \
             and passes on JSON",
        ),
        (
            json!({
                "SchemaRegistryURI": "arn:aws:glue:us-east-1:123456789012:registry/r",
                "EventRecordFormat": "SOURCE",
                "SchemaValidationConfigs": [{"Attribute": "VALUE"}, {"Attribute": "KEY"}]
            }),
            "validates keys and values by the schema registry arn:aws:glue:us-east-1:123456789012:registry/r, \
             and passes on their own format without the registry's header",
        ),
    ] {
        assert_eq!(decodes(registry), [sentence, gives_up]);
    }
    let secret = decodes(json!({"SchemaRegistryURI": "https://me:hunter2@registry:8081"}));
    assert!(!secret[0].contains("hunter2"), "{}", secret[0]);
}

#[test]
fn a_share_group_starts_where_the_brokers_say_and_keeps_no_order() {
    let queue = json!({"SelfManagedKafkaEventSourceConfig": {
        "ConsumerGroupId": "share", "ConsumptionMode": "Queue"
    }});
    assert_eq!(
        says("kafka", queue),
        [
            "reads the topic clicks of kafka:1000 with up to 100 records per batch, without waiting to fill it",
            "calls the function f",
            "authenticates by SASL/PLAIN over TLS with the secret login",
            "joins the share group share; starts where the brokers say by the group's share.auto.offset.reset, \
             which is after the newest record unless it is set",
            "adds and removes pollers with the records that wait, and takes records of every partition with each \
             of them, in no order",
            "releases all records of a failed batch",
            AGAIN,
            DROPS,
        ]
    );
}

#[test]
fn a_share_group_releases_what_fails() {
    let order = "takes records of every partition with each of them, in no order";
    let members = json!({
        "ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": 10},
        "BisectBatchOnFunctionError": true, "MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 60,
        "FunctionResponseTypes": ["ReportBatchItemFailures"], "DestinationConfig": to(QUEUE)
    });
    assert_eq!(
        releases(members),
        [
            &format!("keeps 2 to 10 pollers of its own, and {order}"),
            "splits a failed batch in two, down to single records",
            "retries a failed batch up to 3 times, then releases the records that the function names in \
             batchItemFailures, and accepts the others",
            AGAIN,
            "gives up records that are older than 60 s",
            TELLS,
        ]
    );
    let once = json!({"ProvisionedPollerConfig": {"MinimumPollers": 1}, "MaximumRetryAttempts": 1});
    assert_eq!(
        releases(once)[1..],
        [
            "retries a failed batch once, then releases all records of a failed batch",
            AGAIN,
            DROPS,
        ]
    );
    // No ten retries here, though there is a destination.
    let told = json!({"DestinationConfig": to(QUEUE)});
    assert_eq!(
        releases(told)[1..],
        ["releases all records of a failed batch", AGAIN, TELLS]
    );
}
