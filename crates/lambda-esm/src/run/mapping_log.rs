//! What a mapping logs of itself: `LoggingConfig.SystemLogLevel` of Kafka mappings with pollers of their own (Lambda
//! developer guide, "Event source mapping logging"). Lambda puts it into the function's log group; here it goes to the
//! daemon's log, with the mapping's UUID. Which decision has which level is not documented.

use lambda_esm_core::decision::Decision;
use lambda_esm_core::mapping::{EventSourceMappingConfiguration, LogLevel};
use lambda_esm_engine::Event;
use tracing::Level;

/// Returns the level that a mapping asks for; `None` if it has no log of its own.
pub(super) fn level(mapping: &EventSourceMappingConfiguration) -> Option<Level> {
    let config = mapping.logging_config.as_ref()?;
    let level = LogLevel::parse(config.system_log_level.as_ref()?)?;
    Some(match level {
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        _ => Level::DEBUG,
    })
}

/// Logs a decision if it is of the mapping's level, or a graver one.
pub(super) fn log(event: &Event, asked: Level) {
    let (mapping, function, decision) = (&event.mapping, &event.function, &event.decision);
    match level_of(decision) {
        level if level > asked => {}
        Level::WARN => tracing::warn!(%mapping, %function, "{decision}"),
        Level::INFO => tracing::info!(%mapping, %function, "{decision}"),
        _ => tracing::debug!(%mapping, %function, "{decision}"),
    }
}

/// Trouble warns; what becomes of batches and partitions informs; each read and each filter is for those who look for a
/// fault.
const fn level_of(decision: &Decision) -> Level {
    match decision {
        Decision::PollFailed { .. }
        | Decision::SchemaRegistryFailed { .. }
        | Decision::AttemptFailed { .. }
        | Decision::PartlyProcessed { .. }
        | Decision::Deferred { .. }
        | Decision::FailuresIgnored { .. }
        | Decision::Discarded { .. }
        | Decision::DeliveryDeferred { .. }
        | Decision::DeliveryFailed { .. }
        | Decision::CommitFailed { .. }
        | Decision::RecordsExpired { .. }
        | Decision::HistoryLost { .. }
        | Decision::StreamRecreated { .. } => Level::WARN,
        Decision::Polled { .. } | Decision::Skipped { .. } | Decision::BatchClosed { .. } => {
            Level::DEBUG
        }
        _ => Level::INFO,
    }
}
