//! What krafka reports, in the words that a mapping shows.

use krafka::error::ErrorCode;
use krafka::{KrafkaError, ProtocolErrorKind};
use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::problem::{Place, problem};

/// Returns what a mapping shows for an error.
pub(super) fn source_error(error: &KrafkaError, place: &Place) -> SourceError {
    let known = match error {
        KrafkaError::Protocol { kind, .. } if *kind == ProtocolErrorKind::UnknownApiVersion => {
            return no_share_groups(place);
        }
        KrafkaError::Broker {
            code: ErrorCode::UnsupportedVersion,
            ..
        } => return no_share_groups(place),
        KrafkaError::Broker { code, message } => known(*code, message, place),
        KrafkaError::Auth { message, .. } => {
            // What stands before says where it was, as the rest of what a mapping shows does.
            let (code, begins) = if message.contains("TLS handshake failed") {
                (Code::SSL, "TLS handshake failed")
            } else {
                (Code::Authentication, "SASL ")
            };
            let at = message.find(begins).unwrap_or_default();
            let why = &message[at..];
            let why = why
                .strip_prefix("SASL authentication failed: ")
                .unwrap_or(why);
            problem(code, why, "", place)
        }
        // The broker refuses a certificate when the client is done with its part already.
        KrafkaError::Network(error) if error.to_string().contains("fatal alert") => {
            problem(Code::SSL, &error.to_string(), "", place)
        }
        KrafkaError::Network(_) | KrafkaError::Timeout { .. } => {
            problem(Code::AllBrokersDown, "", &error.to_string(), place)
        }
        KrafkaError::Config { .. } => {
            let message = format!("share group at {}: {error}", place.servers);
            let fatal = SourceError::new(SourceErrorKind::Fatal, message);
            Some(fatal.with_reason(ReasonCode::ConfigNotValid))
        }
        _ => None,
    };
    known.unwrap_or_else(|| {
        let Place { topic, servers, .. } = place;
        let message = format!("topic {topic} at {servers}: {error}");
        SourceError::new(SourceErrorKind::Transient, message)
    })
}

fn known(code: ErrorCode, message: &str, place: &Place) -> Option<SourceError> {
    let (code, why) = match code {
        ErrorCode::TopicAuthorizationFailed => (Code::TopicAuthorizationFailed, message),
        ErrorCode::GroupAuthorizationFailed => (Code::GroupAuthorizationFailed, message),
        ErrorCode::ClusterAuthorizationFailed => (Code::ClusterAuthorizationFailed, message),
        ErrorCode::UnknownTopicOrPartition => (Code::UnknownTopicOrPartition, message),
        ErrorCode::InvalidTopic => (Code::InvalidTopic, message),
        ErrorCode::InvalidGroupId => (Code::InvalidGroupId, message),
        ErrorCode::GroupMaxSizeReached => (
            Code::GroupMaxSizeReached,
            "it has as many members as the brokers allow: raise group.share.max.size, or stop a member",
        ),
        // A group of that name that is a consumer group.
        ErrorCode::GroupIdNotFound => (
            Code::InvalidGroupId,
            "there is a group of another kind by that name: give the mapping a ConsumerGroupId of its own",
        ),
        _ => return None,
    };
    problem(code, why, "", place)
}

/// Returns what a mapping shows whose brokers do not offer what share groups need.
fn no_share_groups(place: &Place) -> SourceError {
    let servers = &place.servers;
    let message = format!(
        "the brokers at {servers} have no share groups: ConsumptionMode Queue needs Kafka 4.2 or newer with the feature \
         share.version at 1 or higher (kafka-features.sh upgrade --feature share.version=1); or make the mapping with \
         ConsumptionMode Stream"
    );
    SourceError::new(SourceErrorKind::Unsupported, message).with_reason(ReasonCode::ConfigNotValid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(error: &KrafkaError) -> SourceError {
        let place = Place {
            topic: "orders".to_owned(),
            group: Some("workers".to_owned()),
            servers: "b1:9094".to_owned(),
        };
        source_error(error, &place)
    }

    #[test]
    fn each_problem_has_its_kind_its_reason_and_its_way_out() {
        use ReasonCode::{Authentication, Authorization, ConfigNotValid};
        use SourceErrorKind::{Denied, Fatal, NotFound, Transient, Unsupported};
        let broker = |code| KrafkaError::broker(code, "no");
        for (error, kind, reason, texts) in [
            (
                broker(ErrorCode::UnsupportedVersion),
                Unsupported,
                Some(ConfigNotValid),
                ["have no share groups", "share.version=1"],
            ),
            (
                broker(ErrorCode::GroupMaxSizeReached),
                Fatal,
                Some(ConfigNotValid),
                ["workers", "group.share.max.size"],
            ),
            (
                broker(ErrorCode::GroupAuthorizationFailed),
                Denied,
                Some(Authorization),
                ["Cluster failed to authorize Lambda", "workers"],
            ),
            (
                broker(ErrorCode::TopicAuthorizationFailed),
                Denied,
                Some(Authorization),
                ["Cluster failed to authorize Lambda", "orders"],
            ),
            (
                broker(ErrorCode::UnknownTopicOrPartition),
                NotFound,
                None,
                ["topic orders does not exist", "b1:9094"],
            ),
            (
                KrafkaError::auth("SASL authentication failed: SaslAuthenticationFailed - no"),
                Denied,
                Some(Authentication),
                ["SASL authentication failed", "user name and password"],
            ),
            (
                KrafkaError::auth(
                    "could not connect to any of [b1:9094]: TLS handshake failed: invalid peer certificate: UnknownIssuer",
                ),
                Denied,
                Some(Authentication),
                [
                    "Lambda failed to authenticate server",
                    "SERVER_ROOT_CA_CERTIFICATE",
                ],
            ),
            (
                KrafkaError::auth(
                    "TLS handshake failed: received fatal alert: CertificateRequired",
                ),
                Denied,
                Some(Authentication),
                [
                    "Server failed to authenticate Lambda",
                    "CLIENT_CERTIFICATE_TLS_AUTH",
                ],
            ),
            (
                KrafkaError::network(std::io::Error::other(
                    "received fatal alert: BadCertificate",
                )),
                Denied,
                Some(Authentication),
                ["Server failed to authenticate Lambda", "BadCertificate"],
            ),
            (
                KrafkaError::timeout("connecting"),
                Transient,
                None,
                ["no broker of b1:9094 can be reached", "check the addresses"],
            ),
            (
                broker(ErrorCode::CoordinatorNotAvailable),
                Transient,
                None,
                ["topic orders at b1:9094", "CoordinatorNotAvailable"],
            ),
        ] {
            let told = told(&error);
            assert_eq!((told.kind, told.reason), (kind, reason), "{told}");
            for text in texts {
                assert!(told.message.contains(text), "{text}: {told}");
            }
        }
    }
}
