//! What is wrong, in the words that a mapping shows (Lambda developer guide, "Troubleshooting Kafka event source
//! mapping").

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use rdkafka::types::RDKafkaErrorCode as Code;

/// Where a client was when something went wrong.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The topic that is read or written.
    pub(crate) topic: String,
    /// The consumer group; `None` for a producer.
    pub(crate) group: Option<String>,
    /// The servers that the client begins with.
    pub(crate) servers: String,
}

/// Returns what a mapping shows for an error of librdkafka and its reason, which names the broker; `None` if it is none
/// of those that need anybody's attention. `last` is the reason of the last connection that failed.
pub(crate) fn problem(code: Code, reason: &str, last: &str, place: &Place) -> Option<SourceError> {
    use SourceErrorKind::{Denied, Fatal, NotFound, Transient};
    let Place {
        topic,
        group,
        servers,
    } = place;
    let operation = group.as_ref().map_or("Write", |_| "Read");
    let group = group.as_deref().unwrap_or("none");
    let (reason, last) = (essence(reason), essence(last));
    let (kind, message) = match code {
        // The listener has no SASL, or other mechanisms.
        Code::Authentication if reason.contains("handshake failed") => {
            (Denied, unsupported(reason, servers))
        }
        Code::Authentication | Code::SaslAuthenticationFailed => (
            Denied,
            format!(
                "SASL authentication failed: {reason}: check the user name and password, or token, of the mapping, and that \
                 the brokers at {servers} know them"
            ),
        ),
        Code::UnsupportedSASLMechanism | Code::IllegalSASLState => {
            (Denied, unsupported(reason, servers))
        }
        Code::SSL => (Denied, tls(reason)),
        Code::TopicAuthorizationFailed => (
            Denied,
            format!(
                "Cluster failed to authorize Lambda: {reason}: allow {operation} and Describe of topic {topic}, at {servers}"
            ),
        ),
        Code::GroupAuthorizationFailed => (
            Denied,
            format!(
                "Cluster failed to authorize Lambda: {reason}: allow Read and Describe of consumer group {group}, at \
                 {servers}"
            ),
        ),
        Code::ClusterAuthorizationFailed => (
            Denied,
            format!("Cluster failed to authorize Lambda: {reason}, at {servers}"),
        ),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownTopicId => (
            NotFound,
            format!(
                "topic {topic} does not exist at {servers} ({reason}): make it; it is found within ten seconds"
            ),
        ),
        Code::InvalidTopic => (
            Fatal,
            format!("{topic} is no name for a topic, says {servers}"),
        ),
        Code::AllBrokersDown if is_tls(last) => (Denied, tls(last)),
        Code::AllBrokersDown => {
            let last = if last.is_empty() {
                "they end connections"
            } else {
                last
            };
            (
                Transient,
                format!(
                    "no broker of {servers} can be reached ({last}): check the addresses, the network and whether the \
                     port speaks the mapping's protocol"
                ),
            )
        }
        Code::InconsistentGroupProtocol => (
            Fatal,
            format!(
                "consumer group {group} at {servers} has members with another way of assigning partitions \
                 ({reason}): give the mapping a group of its own"
            ),
        ),
        Code::InvalidGroupId | Code::GroupMaxSizeReached | Code::InvalidSessionTimeout => (
            Fatal,
            format!("consumer group {group} at {servers}: {reason}"),
        ),
        Code::UnsupportedFeature | Code::UnsupportedVersion => (
            Fatal,
            format!("the brokers at {servers} are too old or do not allow it: {reason}"),
        ),
        Code::BadMessage | Code::BadCompression => (
            Transient,
            format!("topic {topic} at {servers} holds a damaged record: {reason}"),
        ),
        _ => return None,
    };
    Some(SourceError::new(kind, message).with_reason(reason_code(code, kind)))
}

/// Returns what the mapping's `StateTransitionReason` tells of it. Which code goes with which problem is not documented,
/// and chosen here.
const fn reason_code(code: Code, kind: SourceErrorKind) -> Option<ReasonCode> {
    match (code, kind) {
        (
            Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed,
            _,
        ) => Some(ReasonCode::Authorization),
        (_, SourceErrorKind::Denied) => Some(ReasonCode::Authentication),
        (_, SourceErrorKind::Fatal) => Some(ReasonCode::ConfigNotValid),
        _ => None,
    }
}

/// Returns a reason without what differs each time: how long it took, and how often it was the same.
fn essence(reason: &str) -> &str {
    reason.split(" (after ").next().unwrap_or(reason)
}

fn unsupported(reason: &str, servers: &str) -> String {
    format!(
        "SASL authentication failed: {reason}: the brokers at {servers} do not offer this mechanism there; check the \
         mapping's authentication method and the port"
    )
}

/// Tells whether a connection failed for TLS.
fn is_tls(reason: &str) -> bool {
    reason.contains("SSL")
}

fn tls(reason: &str) -> String {
    // As OpenSSL has it, and as rustls does.
    let untrusted = [
        "certificate verify failed",
        "hostname mismatch",
        "invalid peer certificate",
    ];
    if untrusted.iter().any(|text| reason.contains(text)) {
        format!(
            "Lambda failed to authenticate server: {reason}: give the mapping the certificate of the authority that \
             signed the broker's (SERVER_ROOT_CA_CERTIFICATE)"
        )
    } else if reason.contains("alert") {
        format!(
            "Server failed to authenticate Lambda: {reason}: the broker wants a client certificate that it trusts \
             (CLIENT_CERTIFICATE_TLS_AUTH)"
        )
    } else {
        format!("Lambda failed to authenticate server: {reason}: check that the port speaks TLS")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: Code, reason: &str, last: &str) -> Option<SourceError> {
        let place = Place {
            topic: "orders".to_owned(),
            group: Some("mapping".to_owned()),
            servers: "b1:9094,b2:9094".to_owned(),
        };
        problem(code, reason, last, &place)
    }

    #[test]
    fn what_is_documented_is_told_in_these_words() {
        let certificate = "ssl://b1:9094/1: SSL handshake failed: certificate verify failed";
        let alert = "ssl://b1:9094/1: SSL handshake failed: sslv3 alert bad certificate";
        for (code, reason, last, begins, names) in [
            (
                Code::Authentication,
                "b1:9094: no",
                "",
                "SASL authentication failed: ",
                "b1:9094",
            ),
            (
                Code::TopicAuthorizationFailed,
                "no",
                "",
                "Cluster failed to authorize Lambda: ",
                "orders",
            ),
            (
                Code::GroupAuthorizationFailed,
                "no",
                "",
                "Cluster failed to authorize Lambda: ",
                "mapping",
            ),
            (
                Code::SSL,
                certificate,
                "",
                "Lambda failed to authenticate server: ",
                "b1:9094",
            ),
            (
                Code::SSL,
                alert,
                "",
                "Server failed to authenticate Lambda: ",
                "b1:9094",
            ),
            (
                Code::AllBrokersDown,
                "2/2",
                alert,
                "Server failed to authenticate Lambda: ",
                "b1:9094",
            ),
        ] {
            let told = told(code, reason, last).unwrap();
            assert_eq!(told.kind, SourceErrorKind::Denied, "{told}");
            assert!(told.message.starts_with(begins), "{told}");
            assert!(told.message.contains(names), "{told}");
            let expected = match begins {
                "Cluster failed to authorize Lambda: " => ReasonCode::Authorization,
                _ => ReasonCode::Authentication,
            };
            assert_eq!(told.reason, Some(expected), "{told}");
        }
        assert_eq!(told(Code::BrokerTransportFailure, "one of many", ""), None);
    }

    #[test]
    fn a_problem_that_lasts_stays_the_same() {
        let first = "b1:9094: Connect failed: refused (after 0ms in state CONNECT)";
        let later = "b1:9094: Connect failed: refused (after 2ms in state CONNECT, 9 identical error(s) suppressed)";
        let of = |last: &str| told(Code::AllBrokersDown, "2/2 brokers are down", last);
        assert_eq!(of(first), of(later));
        assert!(
            of(first)
                .unwrap()
                .message
                .contains("(b1:9094: Connect failed: refused)")
        );
    }
}
