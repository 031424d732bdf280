//! From the SDK's attribute values back to DynamoDB JSON.

use std::collections::HashMap;

use aws_sdk_dynamodbstreams::types::AttributeValue;
use lambda_esm_core::json::{write_base64, write_string};

/// Tells that a value is of a kind that this version does not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownKind;

/// Returns an item in DynamoDB JSON, e.g. `{"Id":{"N":"101"}}` (DynamoDB API reference,
/// `AttributeValue`). The SDK forgets in which order the members came, so they are sorted by name.
pub(super) fn json(item: &HashMap<String, AttributeValue>) -> Result<String, UnknownKind> {
    let mut out = Vec::new();
    write_item(&mut out, item)?;
    // What is written is text in pieces of text.
    String::from_utf8(out).map_err(|_| UnknownKind)
}

fn write_item(
    out: &mut Vec<u8>,
    item: &HashMap<String, AttributeValue>,
) -> Result<(), UnknownKind> {
    let mut members: Vec<_> = item.iter().collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    out.push(b'{');
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(out, name);
        out.push(b':');
        write_value(out, value)?;
    }
    out.push(b'}');
    Ok(())
}

/// Nesting is bounded: the SDK reads no more than 128 levels (DynamoDB itself keeps 32).
fn write_value(out: &mut Vec<u8>, value: &AttributeValue) -> Result<(), UnknownKind> {
    let boolean = |value: bool| if value { &b"true"[..] } else { b"false" };
    match value {
        AttributeValue::S(text) => write_string(named(out, "S"), text),
        AttributeValue::N(number) => write_string(named(out, "N"), number),
        AttributeValue::B(bytes) => write_base64(named(out, "B"), bytes.as_ref()),
        AttributeValue::Bool(value) => named(out, "BOOL").extend_from_slice(boolean(*value)),
        AttributeValue::Null(value) => named(out, "NULL").extend_from_slice(boolean(*value)),
        AttributeValue::Ss(texts) => write_list(named(out, "SS"), texts, |out, text| {
            write_string(out, text);
            Ok(())
        })?,
        AttributeValue::Ns(numbers) => write_list(named(out, "NS"), numbers, |out, number| {
            write_string(out, number);
            Ok(())
        })?,
        AttributeValue::Bs(blobs) => write_list(named(out, "BS"), blobs, |out, bytes| {
            write_base64(out, bytes.as_ref());
            Ok(())
        })?,
        AttributeValue::L(values) => write_list(named(out, "L"), values, write_value)?,
        AttributeValue::M(members) => write_item(named(out, "M"), members)?,
        _ => return Err(UnknownKind),
    }
    out.push(b'}');
    Ok(())
}

/// Begins a value of the kind `name`.
fn named<'a>(out: &'a mut Vec<u8>, name: &str) -> &'a mut Vec<u8> {
    out.extend_from_slice(b"{\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
    out
}

fn write_list<T>(
    out: &mut Vec<u8>,
    entries: &[T],
    write: impl Fn(&mut Vec<u8>, &T) -> Result<(), UnknownKind>,
) -> Result<(), UnknownKind> {
    out.push(b'[');
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, entry)?;
    }
    out.push(b']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::primitives::Blob;

    use super::*;

    fn item<const N: usize>(
        members: [(&str, AttributeValue); N],
    ) -> HashMap<String, AttributeValue> {
        members.map(|(name, value)| (name.to_owned(), value)).into()
    }

    #[test]
    fn every_kind_is_written_as_dynamodb_writes_it() {
        let text = |text: &str| text.to_owned();
        let table = [
            (AttributeValue::S(text("a\"ä\n")), r#"{"S":"a\"ä\n"}"#),
            (AttributeValue::S(String::new()), r#"{"S":""}"#),
            (AttributeValue::N(text("-1.50E+3")), r#"{"N":"-1.50E+3"}"#),
            (AttributeValue::B(Blob::new([0, 255])), r#"{"B":"AP8="}"#),
            (AttributeValue::Bool(true), r#"{"BOOL":true}"#),
            (AttributeValue::Bool(false), r#"{"BOOL":false}"#),
            (AttributeValue::Null(true), r#"{"NULL":true}"#),
            (
                AttributeValue::Ss(vec![text("b"), text("a")]),
                r#"{"SS":["b","a"]}"#,
            ),
            (
                AttributeValue::Ns(vec![text("2"), text("1")]),
                r#"{"NS":["2","1"]}"#,
            ),
            (
                AttributeValue::Bs(vec![Blob::new([1]), Blob::new([])]),
                r#"{"BS":["AQ==",""]}"#,
            ),
            (AttributeValue::L(vec![]), r#"{"L":[]}"#),
            (
                AttributeValue::L(vec![
                    AttributeValue::Null(true),
                    AttributeValue::S(text("x")),
                ]),
                r#"{"L":[{"NULL":true},{"S":"x"}]}"#,
            ),
            (
                AttributeValue::M(item([("k", AttributeValue::M(item([])))])),
                r#"{"M":{"k":{"M":{}}}}"#,
            ),
        ];
        for (value, expected) in table {
            let item = item([("a\t", value)]);
            assert_eq!(json(&item).unwrap(), format!(r#"{{"a\t":{expected}}}"#));
        }
    }

    #[test]
    fn members_stand_in_the_order_of_their_names_on_every_level() {
        let inner = || {
            item([
                ("z", AttributeValue::Null(true)),
                ("a", AttributeValue::Bool(true)),
            ])
        };
        let expected = r#"{"a":{"M":{"a":{"BOOL":true},"z":{"NULL":true}}},"b":{"N":"1"}}"#;
        // Each map has a hasher of its own, so that one in the right order by chance shows soon.
        for _ in 0..20 {
            let outer = item([
                ("b", AttributeValue::N("1".to_owned())),
                ("a", AttributeValue::M(inner())),
            ]);
            assert_eq!(json(&outer).unwrap(), expected);
        }
    }
}
