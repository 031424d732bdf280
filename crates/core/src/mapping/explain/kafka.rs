//! Kafka, read by a consumer group or by a share group.

use super::failing::{failing, span, told};
use super::start::starts;
use crate::excerpt::{LONGEST_VALUE, excerpt};
use crate::mapping::arn::Arn;
use crate::mapping::kafka::{
    KafkaCluster, KafkaDestination, KafkaMapping, KafkaMode, ProvisionedKafka,
};
use crate::mapping::settings::{RetryPolicy, StartingPosition};
use crate::mapping::structures::SchemaRegistryConfig;
use crate::mapping::wire::AccessKind;

/// The mechanisms in the order in which the listeners of an MSK cluster are looked for (Lambda developer guide,
/// MSK cluster authentication). A self-managed cluster has one at most.
const MECHANISMS: [AccessKind; 7] = [
    AccessKind::ClientCertificateTlsAuth,
    AccessKind::SaslScram512Auth,
    AccessKind::SaslScram256Auth,
    AccessKind::BasicAuth,
    AccessKind::OauthbearerAuth,
    AccessKind::IamAuth,
    AccessKind::IamOauthbearerAuth,
];

pub(super) fn kafka_does(kafka: &KafkaMapping, says: &mut Vec<String>) {
    says.push(authenticates(kafka));
    says.extend(trusts(kafka));
    says.extend(ignores_network(kafka));
    if kafka.is_queue() {
        says.push(joins_share_group(kafka));
    } else {
        says.push(joins_consumer_group(kafka));
    }
    says.push(polls(kafka));
    let (retry, reports, destination) = match &kafka.mode {
        KafkaMode::OnDemand { on_failure } => {
            (RetryPolicy::default(), false, on_failure.as_ref().map(told))
        }
        KafkaMode::Provisioned(provisioned) => {
            let registry = provisioned.schema_registry.as_ref();
            says.extend(registry.into_iter().flat_map(decodes));
            (
                provisioned.retry,
                provisioned.report_batch_item_failures,
                told_by_pollers(provisioned),
            )
        }
    };
    let retries = kafka.maximum_retries();
    if kafka.is_queue() {
        releases(retry, retries, reports, destination, says);
        return;
    }
    if reports {
        says.push(
            "tries again only the records that the function names in batchItemFailures, by partition and \
             offset; one that is not of the batch means that the whole batch has failed"
                .to_owned(),
        );
    }
    failing(retry, retries, false, destination, says);
    if retries != retry.maximum_retries {
        says.push(
            "takes 10 for the number of retries, since OnFailure is set and MaximumRetryAttempts is not"
                .to_owned(),
        );
    }
}

fn joins_consumer_group(kafka: &KafkaMapping) -> String {
    let later = match kafka.start {
        StartingPosition::TrimHorizon => "",
        StartingPosition::Latest | StartingPosition::AtTimestamp(_) => {
            "; a partition that is added later is read from its beginning"
        }
    };
    format!(
        "joins the consumer group {}; {} if the group has no committed offset{later}",
        kafka.consumer_group_id,
        starts(kafka.start)
    )
}

fn joins_share_group(kafka: &KafkaMapping) -> String {
    format!(
        "joins the share group {}; starts where the brokers say by the group's share.auto.offset.reset, which \
         is after the newest record unless it is set",
        kafka.consumer_group_id
    )
}

fn polls(kafka: &KafkaMapping) -> String {
    let order = if kafka.is_queue() {
        "takes records of every partition with each of them, in no order"
    } else {
        "keeps the order inside each partition; a batch may hold records of several"
    };
    match &kafka.mode {
        KafkaMode::OnDemand { .. } if kafka.is_queue() => {
            format!("adds and removes pollers with the records that wait, and {order}")
        }
        KafkaMode::OnDemand { .. } => {
            format!("scales up to one poller for each partition while records wait, and {order}")
        }
        KafkaMode::Provisioned(provisioned) => {
            let pollers = provisioned.pollers;
            let (least, most) = (pollers.minimum, pollers.maximum);
            let cap = if kafka.is_queue() {
                ""
            } else {
                ", no more than there are partitions"
            };
            format!("keeps {least} to {most} pollers of its own{cap}, and {order}")
        }
    }
}

/// Says how it proves who it is.
fn authenticates(kafka: &KafkaMapping) -> String {
    let ways: Vec<String> = MECHANISMS
        .into_iter()
        .filter(|kind| kafka.access.iter().any(|access| access.kind == *kind))
        .map(|kind| by(kind, kafka))
        .collect();
    if !ways.is_empty() {
        let ways = ways.join(", or where the cluster does not offer that, ");
        return format!("authenticates {ways}");
    }
    let own_authority = uri(kafka, AccessKind::ServerRootCaCertificate).is_some();
    match &kafka.cluster {
        KafkaCluster::Msk { .. } => {
            "authenticates with AWS credentials where the cluster has IAM access control, and connects without \
             credentials where it has not, over TLS if it can"
        }
        KafkaCluster::SelfManaged { .. } if own_authority => "connects over TLS, without credentials",
        KafkaCluster::SelfManaged { .. } => "connects without TLS and without credentials",
    }
    .to_owned()
}

fn by(kind: AccessKind, kafka: &KafkaMapping) -> String {
    let secret = secret(uri(kafka, kind).unwrap_or_default());
    match kind {
        AccessKind::ClientCertificateTlsAuth => {
            format!("by mutual TLS with the certificate of the secret {secret}")
        }
        AccessKind::SaslScram512Auth => {
            format!("by SASL/SCRAM-SHA-512 over TLS with the secret {secret}")
        }
        AccessKind::SaslScram256Auth => {
            format!("by SASL/SCRAM-SHA-256 over TLS with the secret {secret}")
        }
        AccessKind::IamAuth => "by MSK IAM over TLS with AWS credentials".to_owned(),
        AccessKind::OauthbearerAuth => format!(
            "by SASL/OAUTHBEARER over TLS with tokens that it gets by the secret {secret}{}",
            token_details(kafka)
        ),
        AccessKind::IamOauthbearerAuth => format!(
            "by SASL/OAUTHBEARER over TLS with tokens of AWS STS{}",
            token_details(kafka)
        ),
        _ => format!("by SASL/PLAIN over TLS with the secret {secret}"),
    }
}

/// Says what is asked of the token, and what goes to the brokers beside it.
fn token_details(kafka: &KafkaMapping) -> String {
    let details = [
        (AccessKind::OauthbearerScope, "scope"),
        (AccessKind::OauthbearerAudience, "audience"),
        (AccessKind::OauthbearerLogicalCluster, "logical cluster"),
        (AccessKind::OauthbearerIdentityPool, "identity pool"),
    ];
    let details: Vec<String> = details
        .into_iter()
        .filter_map(|(kind, name)| Some(format!("{name} {}", uri(kafka, kind)?)))
        .collect();
    if details.is_empty() {
        String::new()
    } else {
        format!(" ({})", details.join(", "))
    }
}

fn trusts(kafka: &KafkaMapping) -> Option<String> {
    let authority = uri(kafka, AccessKind::ServerRootCaCertificate)?;
    Some(format!(
        "trusts brokers whose certificate is signed by the authority of the secret {}",
        secret(authority)
    ))
}

fn ignores_network(kafka: &KafkaMapping) -> Option<String> {
    let network = [AccessKind::VpcSubnet, AccessKind::VpcSecurityGroup];
    let given = kafka
        .access
        .iter()
        .any(|access| network.contains(&access.kind));
    given.then(|| {
        "ignores the subnets and security groups: it connects from where it runs".to_owned()
    })
}

/// Says what the schema registry is for.
fn decodes(registry: &SchemaRegistryConfig) -> [String; 2] {
    let name = excerpt(
        registry.schema_registry_uri.as_deref().unwrap_or_default(),
        LONGEST_VALUE,
    );
    let validated = |attribute: &str| {
        let mut configs = registry.schema_validation_configs.iter().flatten();
        configs.any(|config| config.attribute.as_deref() == Some(attribute))
    };
    let what = match (validated("KEY"), validated("VALUE")) {
        (true, true) => "keys and values",
        (true, false) => "keys",
        (false, true) => "values",
        (false, false) => "neither keys nor values",
    };
    let form = match registry.event_record_format.as_deref() {
        Some("JSON") => ", and passes on JSON",
        Some("SOURCE") => ", and passes on their own format without the registry's header",
        _ => "",
    };
    let access: Vec<String> = registry
        .access_configs
        .iter()
        .flatten()
        .filter_map(|access| {
            let (kind, uri) = (access.r#type.as_deref()?, access.uri.as_deref()?);
            Some(format!("{kind} of the secret {}", secret(uri)))
        })
        .collect();
    let access = if access.is_empty() {
        String::new()
    } else {
        format!(" with {}", access.join(" and "))
    };
    [
        format!("validates {what} by the schema registry {name}{access}{form}"),
        "gives up a record whose schema is not found or does not fit, without calling the function"
            .to_owned(),
    ]
}

fn told_by_pollers(provisioned: &ProvisionedKafka) -> Option<String> {
    Some(match provisioned.on_failure.as_ref()? {
        KafkaDestination::Aws(destination) => told(destination),
        KafkaDestination::Topic(topic) => format!(
            "sends the records that it gives up to the topic {topic} of the same cluster, one message for each, \
             with its key"
        ),
    })
}

/// Says what happens to a batch that fails in Queue mode, where nothing waits for it.
fn releases(
    retry: RetryPolicy,
    retries: Option<u32>,
    reports: bool,
    destination: Option<String>,
    says: &mut Vec<String>,
) {
    if retry.bisect_on_error {
        says.push("splits a failed batch in two, down to single records".to_owned());
    }
    let first = match retries {
        None | Some(0) => String::new(),
        Some(1) => "retries a failed batch once, then ".to_owned(),
        Some(retries) => format!("retries a failed batch up to {retries} times, then "),
    };
    let which = if reports {
        "the records that the function names in batchItemFailures, and accepts the others"
    } else {
        "all records of a failed batch"
    };
    says.push(format!("{first}releases {which}"));
    says.push(
        "gets released records again from the brokers, until they were delivered as often as \
         group.share.delivery.count.limit says (5 times unless it is set)"
            .to_owned(),
    );
    if let Some(age) = retry.maximum_record_age {
        let age = span(age);
        says.push(format!("gives up records that are older than {age}"));
    }
    says.push(destination.unwrap_or_else(|| {
        "drops what it gives up without a trace, since OnFailure is not set".to_owned()
    }));
}

fn uri(kafka: &KafkaMapping, kind: AccessKind) -> Option<&str> {
    let access = kafka.access.iter().find(|access| access.kind == kind);
    access.and_then(|access| access.uri.as_deref())
}

/// Returns the name of a secret that is given by its ARN.
fn secret(uri: &str) -> String {
    let arn = Arn::parse(uri);
    let name = arn
        .as_ref()
        .and_then(|arn| arn.resource().strip_prefix("secret:"));
    name.unwrap_or(uri).to_owned()
}
