//! Items in DynamoDB JSON.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Returns an item in DynamoDB JSON, e.g. `{"Id":{"N":"101"}}` (DynamoDB API reference, `AttributeValue`),
/// with the members sorted by name. Values of a kind that is not known stay as they are.
///
/// DynamoDB Local 3 writes an empty map as `{}`, where the API wants `{"M":{}}`: that is mended.
///
/// # Errors
/// Fails if it is no JSON object, or nested more than 128 levels deep (DynamoDB itself keeps 32).
pub(super) fn item(raw: &RawValue) -> serde_json::Result<String> {
    let mut item: Map<String, Value> = serde_json::from_str(raw.get())?;
    item.values_mut().for_each(mend);
    serde_json::to_string(&item)
}

/// Mends an attribute value and what is in it.
fn mend(value: &mut Value) {
    let Value::Object(kinds) = value else {
        return;
    };
    if kinds.is_empty() {
        kinds.insert("M".to_owned(), Value::Object(Map::new()));
    }
    for (kind, inside) in kinds {
        match (kind.as_str(), inside) {
            ("M", Value::Object(members)) => members.values_mut().for_each(mend),
            ("L", Value::Array(values)) => values.iter_mut().for_each(mend),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(json: &str) -> String {
        item(serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn every_kind_is_written_as_dynamodb_writes_it() {
        for value in [
            r#"{"S":"a\"ä\n\u0001"}"#,
            r#"{"S":""}"#,
            r#"{"N":"-1.50E+3"}"#,
            r#"{"B":"AP8="}"#,
            r#"{"BOOL":true}"#,
            r#"{"NULL":true}"#,
            r#"{"SS":["b","a"]}"#,
            r#"{"NS":["2","1"]}"#,
            r#"{"BS":["AQ==",""]}"#,
            r#"{"L":[]}"#,
            r#"{"L":[{"NULL":true},{"S":"x"}]}"#,
            r#"{"M":{"k":{"M":{}}}}"#,
            // Kinds that are not known, and values that do not belong to their kinds.
            r#"{"DATE":{"of":[2026,{}]}}"#,
            r#"{"B":"not base64!"}"#,
            r#"{"M":7}"#,
            "7",
        ] {
            let item = format!(r#"{{"a\t":{value}}}"#);
            assert_eq!(written(&item), item);
        }
    }

    #[test]
    fn an_empty_map_without_its_kind_gets_it_at_any_depth() {
        let table = [
            (r#"{"M":{}}"#, r#"{"M":{"M":{}}}"#),
            (
                r#"{"a":{"L":[{},{"M":{"b":{},"c":{"L":[]}}}]}}"#,
                r#"{"a":{"L":[{"M":{}},{"M":{"b":{"M":{}},"c":{"L":[]}}}]}}"#,
            ),
            ("{}", "{}"),
        ];
        for (came, expected) in table {
            assert_eq!(written(came), expected);
        }
    }

    #[test]
    fn members_stand_in_the_order_of_their_names_on_every_level() {
        let came = r#" {"b": {"N": "1"}, "a": {"M": {"z": {"NULL": true}, "a": {"BOOL": true}}}} "#;
        let expected = r#"{"a":{"M":{"a":{"BOOL":true},"z":{"NULL":true}}},"b":{"N":"1"}}"#;
        assert_eq!(written(came), expected);
    }

    #[test]
    fn what_is_no_item_or_too_deep_is_refused() {
        let deep = format!("{}{}", r#"{"M":"#.repeat(200), "}".repeat(200));
        let deep = deep.replace(":}", ":{}}");
        for wrong in ["7", "[]", "null", &deep] {
            assert!(item(serde_json::from_str(wrong).unwrap()).is_err());
        }
    }
}
