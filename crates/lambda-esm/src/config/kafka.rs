//! What concerns Kafka clusters: `kafka`, and the brokers among `endpoints.arns`.

#[cfg(feature = "kafka")]
pub(super) use with_kafka::{clusters, read};
#[cfg(not(feature = "kafka"))]
pub(super) use without_kafka::{clusters, read};

/// The settings of a build without Kafka: there are none.
#[cfg(not(feature = "kafka"))]
pub(crate) struct KafkaSettings;

/// How Kafka clusters are reached.
#[cfg(feature = "kafka")]
pub(crate) struct KafkaSettings {
    /// Whether SASL goes without TLS.
    pub(crate) allow_sasl_plaintext: bool,
    /// The clusters of Amazon MSK that really are elsewhere, by ARN.
    pub(crate) clusters: std::collections::BTreeMap<String, lambda_esm_kafka::ClusterAddress>,
}

#[cfg(not(feature = "kafka"))]
mod without_kafka {
    use super::super::clients::Client;
    use super::super::fields::Field;
    use super::super::problem::Problems;
    use super::KafkaSettings;

    /// Refuses the section, since this build reads no Kafka cluster.
    pub(in super::super) fn read(
        field: Option<&Field<'_>>,
        (): (),
        problems: &mut Problems,
    ) -> KafkaSettings {
        if let (Some(field), Some((rule, hint))) = (field, Client::KAFKA.missing()) {
            problems.add(field.node.location, &field.path, rule);
            problems.hint(hint);
        }
        KafkaSettings
    }

    /// Passes over the clusters, which the endpoints refuse.
    pub(in super::super) const fn clusters(_: Option<&Field<'_>>, _: &mut Problems) {}
}

#[cfg(feature = "kafka")]
mod with_kafka {
    use std::collections::BTreeMap;

    use lambda_esm_core::mapping::{Arn, SourceKind};
    use lambda_esm_kafka::ClusterAddress;

    use super::super::fields::Field;
    use super::super::problem::Problems;
    use super::super::yaml::Value;
    use super::KafkaSettings;

    /// Reads `kafka`.
    pub(in super::super) fn read(
        field: Option<&Field<'_>>,
        clusters: BTreeMap<String, ClusterAddress>,
        problems: &mut Problems,
    ) -> KafkaSettings {
        let mut settings = KafkaSettings {
            allow_sasl_plaintext: false,
            clusters,
        };
        let Some(mut section) = field.and_then(|field| field.section(problems)) else {
            return settings;
        };
        if let Some(field) = section.take("allow_sasl_plaintext") {
            settings.allow_sasl_plaintext = field.flag(problems).unwrap_or_default();
        }
        section.finish(problems);
        settings
    }

    /// Reads the brokers of Amazon MSK clusters among `endpoints.arns`. Whether that is a map is said by those who read
    /// the others.
    pub(in super::super) fn clusters(
        endpoints: Option<&Field<'_>>,
        problems: &mut Problems,
    ) -> BTreeMap<String, ClusterAddress> {
        let mut clusters = BTreeMap::new();
        let arns = endpoints.and_then(|field| field.member("arns"));
        let Some(arns) = arns.filter(|arns| matches!(arns.node.value, Value::Map(_))) else {
            return clusters;
        };
        for (member, entry) in arns.entries(problems).unwrap_or_default() {
            let arn = Arn::parse(&member.key);
            if arn.is_some_and(|arn| SourceKind::of(&arn) == Some(SourceKind::Msk)) {
                let address = entry.parse(problems);
                clusters.extend(address.map(|address| (member.key.clone(), address)));
            }
        }
        clusters
    }
}
