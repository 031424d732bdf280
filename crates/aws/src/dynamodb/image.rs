//! Items from payloads.

use serde_json::{Map, Value, json};

/// The names of attribute values (DynamoDB API reference, `AttributeValue`).
const KINDS: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"];

/// Returns the attributes that a payload stands for: an item in DynamoDB JSON as it is, the members of any other object,
/// and else one attribute, `payload`.
pub(super) fn attributes(payload: &[u8]) -> Map<String, Value> {
    match serde_json::from_slice(payload) {
        Ok(Value::Object(members)) if members.values().all(is_attribute) => members,
        Ok(Value::Object(members)) => {
            let members = members.into_iter();
            members
                .map(|(name, value)| (name, attribute(value)))
                .collect()
        }
        _ => {
            let text = String::from_utf8_lossy(payload);
            Map::from_iter([("payload".to_owned(), json!({ "S": text }))])
        }
    }
}

fn is_attribute(value: &Value) -> bool {
    let Value::Object(members) = value else {
        return false;
    };
    members.len() == 1 && members.keys().all(|kind| KINDS.contains(&kind.as_str()))
}

/// Writes a value of JSON as an attribute.
fn attribute(value: Value) -> Value {
    match value {
        Value::Null => json!({ "NULL": true }),
        Value::Bool(value) => json!({ "BOOL": value }),
        Value::Number(value) => json!({ "N": value.to_string() }),
        Value::String(value) => json!({ "S": value }),
        Value::Array(values) => {
            json!({ "L": values.into_iter().map(attribute).collect::<Vec<_>>() })
        }
        Value::Object(members) => {
            let members = members.into_iter();
            let members: Map<String, Value> = members
                .map(|(name, value)| (name, attribute(value)))
                .collect();
            json!({ "M": members })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(payload: &str) -> Value {
        Value::Object(attributes(payload.as_bytes()))
    }

    #[test]
    fn members_of_an_object_become_attributes() {
        assert_eq!(
            written(r#"{"n":17,"s":"x","l":[true,null],"m":{"a":1.5}}"#),
            json!({
                "n": { "N": "17" },
                "s": { "S": "x" },
                "l": { "L": [{ "BOOL": true }, { "NULL": true }] },
                "m": { "M": { "a": { "N": "1.5" } } },
            })
        );
    }

    #[test]
    fn an_item_in_its_own_form_stays_as_it_is() {
        let item = r#"{"a":{"S":"x"},"b":{"N":"1"}}"#;
        assert_eq!(written(item), serde_json::from_str::<Value>(item).unwrap());
    }

    #[test]
    fn anything_else_is_one_attribute() {
        assert_eq!(written("hello"), json!({ "payload": { "S": "hello" } }));
    }
}
