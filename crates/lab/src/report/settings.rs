//! The settings of a mapping, in a list.

use serde_json::Value;

/// What the API echoes and nobody sets, or what is said elsewhere.
const NOT_SETTINGS: [&str; 9] = [
    "UUID",
    "EventSourceArn",
    "EventSourceMappingArn",
    "FunctionArn",
    "LastModified",
    "LastProcessingResult",
    "State",
    "StateTransitionReason",
    "StartingPositionTimestamp",
];

/// Lists names and values: of what is nested by a path, such as `ScalingConfig.MaximumConcurrency`.
pub(super) fn settings(configuration: &Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Value::Object(fields) = configuration {
        for (name, value) in fields {
            if !NOT_SETTINGS.contains(&name.as_str()) {
                collect(name, value, &mut found);
            }
        }
    }
    found
}

fn collect(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            for (name, value) in fields {
                collect(&format!("{path}.{name}"), value, found);
            }
        }
        Value::Array(items) if items.is_empty() => {}
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        other => found.push((path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_settings_have_a_path_and_echoes_are_left_out() {
        let echoed = serde_json::json!({
            "BatchSize": 10, "UUID": "u", "ScalingConfig": {"MaximumConcurrency": 5},
            "FunctionResponseTypes": ["ReportBatchItemFailures"], "Topics": [], "Queues": null,
        });
        assert_eq!(
            settings(&echoed),
            [
                ("BatchSize".to_owned(), "10".to_owned()),
                (
                    "FunctionResponseTypes".to_owned(),
                    "[\"ReportBatchItemFailures\"]".to_owned()
                ),
                (
                    "ScalingConfig.MaximumConcurrency".to_owned(),
                    "5".to_owned()
                ),
            ]
        );
        assert!(settings(&Value::Null).is_empty());
    }
}
