//! What all clients have in common.

use std::time::Duration;

use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::auth::ClientSettings;

/// How long one call to a broker may take.
pub(crate) const CALL_BOUND: Duration = Duration::from_secs(5);

/// Returns the configuration of a client that connects so.
pub(crate) fn configuration(settings: &ClientSettings) -> ClientConfig {
    let mut config = ClientConfig::new();
    for (name, value) in settings.properties() {
        config.set(*name, value);
    }
    for (name, value) in [
        ("client.id", "lambda-esm"),
        // What does not answer is said to be unreachable within ten seconds, and found again within two.
        ("socket.connection.setup.timeout.ms", "5000"),
        ("socket.timeout.ms", "10000"),
        ("reconnect.backoff.ms", "100"),
        ("reconnect.backoff.max.ms", "2000"),
        ("topic.metadata.refresh.interval.ms", "10000"),
        ("topic.metadata.propagation.max.ms", "2000"),
        ("socket.keepalive.enable", "true"),
        ("log.connection.close", "false"),
    ] {
        config.set(name, value);
    }
    config.set_log_level(RDKafkaLogLevel::Info);
    config
}

/// Passes on what librdkafka logs. That a connection failed is no more than a detail: it is repeated as long as it is so,
/// and what matters of it becomes a mapping's problem.
pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        _ if matches!(facility, "FAIL" | "SSL") => tracing::debug!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => tracing::warn!(facility, message, "librdkafka"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(facility, message, "librdkafka");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(facility, message, "librdkafka"),
    }
}

/// Tells whether an error is that of a connection to one broker.
pub(crate) const fn is_connection(code: Code) -> bool {
    matches!(
        code,
        Code::BrokerTransportFailure | Code::Resolve | Code::SSL | Code::OperationTimedOut
    )
}
