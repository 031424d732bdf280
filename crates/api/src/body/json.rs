//! Requests' bodies: JSON, read strictly, and refused in words that say where.

use lambda_esm_core::excerpt::{bounded, cut};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::error::Fault;

/// The members whose values are lists (Lambda API reference). The values of the map `Endpoints` are
/// lists too, under its one legal key.
const LISTS: [&str; 9] = [
    "Filters",
    "Metrics",
    "Topics",
    "Queues",
    "SourceAccessConfigurations",
    "FunctionResponseTypes",
    "AccessConfigs",
    "SchemaValidationConfigs",
    "KAFKA_BOOTSTRAP_SERVERS",
];

/// How many bytes of the reader's words are shown. They may quote the request; without that, the longest lists
/// all members of a request, in 900 bytes.
const LONGEST_REASON: usize = 2 * 1024;

/// Reads a request; an empty body counts as `{}`.
pub(crate) fn read<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Fault> {
    if body.is_empty() {
        return Ok(T::default());
    }
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        refusal(&path, error.inner())
    })?;
    reader.end().map_err(|error| refusal(".", &error))?;
    // A derived reader takes a list for a structure, member by member in order of declaration.
    let value = serde_json::from_slice(body).map_err(|error| refusal(".", &error))?;
    match misplaced(&value, String::new()) {
        Some(path) if path.is_empty() => Err(Fault::serialization(
            "Could not parse the request body: expected an object, found a list.",
        )),
        Some(path) => Err(Fault::serialization(format!(
            "Could not parse the request body at '{}': expected an object or a single value, found a list.",
            cut(path)
        ))),
        None => Ok(parsed),
    }
}

fn refusal(path: &str, error: &serde_json::Error) -> Fault {
    let place = match path {
        "." | "?" => String::new(),
        path => format!(" at '{}'", cut(path)),
    };
    let error = bounded(error.to_string(), LONGEST_REASON);
    Fault::serialization(format!("Could not parse the request body{place}: {error}"))
}

/// Returns where the first list is that should not be one.
fn misplaced(value: &Value, path: String) -> Option<String> {
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{name}");
            match value {
                Value::Array(items) if LISTS.contains(&name.as_str()) => items
                    .iter()
                    .enumerate()
                    .find_map(|(index, item)| misplaced(item, format!("{path}[{index}]"))),
                other => misplaced(other, path),
            }
        }),
        Value::Array(_) => Some(path),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lambda_esm_core::mapping::CreateEventSourceMapping;

    use super::*;

    fn refused(body: &str) -> String {
        let fault = read::<CreateEventSourceMapping>(body.as_bytes()).unwrap_err();
        format!("{fault:?}")
    }

    #[test]
    fn a_list_in_place_of_a_structure_is_refused_where_it_stands() {
        assert!(refused("[]").contains("expected an object, found a list"));
        assert!(refused(r#"{"ScalingConfig":[5]}"#).contains("at 'ScalingConfig'"));
        let nested = refused(r#"{"FilterCriteria":{"Filters":[["{}"]]}}"#);
        assert!(
            nested.contains("at 'FilterCriteria.Filters[0]'"),
            "{nested}"
        );
    }

    #[test]
    fn lists_where_they_belong_are_read() {
        let body = r#"{"Topics":["t"],"FilterCriteria":{"Filters":[{"Pattern":"{}"}]},"SelfManagedEventSource":
            {"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["a:1"]}},"FunctionResponseTypes":[],"SourceAccessConfigurations":
            [{"Type":"BASIC_AUTH","URI":"x"}],"MetricsConfig":{"Metrics":["EventCount"]},"Queues":[]}"#;
        read::<CreateEventSourceMapping>(body.as_bytes()).unwrap();
    }

    #[test]
    fn wrong_types_and_unknown_members_are_named_with_their_place() {
        let wrong = refused(r#"{"FunctionName":"f","BatchSize":"ten"}"#);
        assert!(
            wrong.contains("at 'BatchSize'") && wrong.contains("line 1 column 37"),
            "{wrong}"
        );
        let unknown = refused(r#"{"ScalingConfig":{"MaxConcurrency":5}}"#);
        assert!(
            unknown.contains("unknown field `MaxConcurrency`"),
            "{unknown}"
        );
        let mode =
            refused(r#"{"AmazonManagedKafkaEventSourceConfig":{"ConsumptionMode":"Queue"}}"#);
        assert!(
            mode.contains("at 'AmazonManagedKafkaEventSourceConfig.ConsumptionMode'")
                && mode.contains("unknown field `ConsumptionMode`"),
            "{mode}"
        );
        assert!(refused(r#"{"BatchSize":1}{"#).contains("trailing characters"));
        assert!(refused("{").contains("EOF while parsing"));
    }
}
