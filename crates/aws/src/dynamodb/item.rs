//! Items in DynamoDB JSON.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Returns an item in DynamoDB JSON, e.g. `{"Id":{"N":"101"}}` (DynamoDB API reference, `AttributeValue`),
/// with the members sorted by name. Values of a kind that is not known stay as they are.
///
/// DynamoDB Local 3 writes an empty map as `{}`, where the API wants `{"M":{}}`: that is mended.
///
/// It is written as it is read: kept as values it would take up to a hundred times its size.
///
/// # Errors
/// Fails if it is no JSON object, or nested more than 128 levels deep (DynamoDB itself keeps 32).
pub(super) fn item(raw: &RawValue) -> serde_json::Result<String> {
    if !raw.get().starts_with('{') {
        return Err(serde_json::Error::custom(
            "expected an item, which is a map",
        ));
    }
    let mut out = Vec::with_capacity(raw.get().len());
    let mut json = serde_json::Deserializer::from_str(raw.get());
    Copy {
        role: Role::Members,
        out: &mut out,
    }
    .deserialize(&mut json)?;
    String::from_utf8(out).map_err(serde_json::Error::custom)
}

/// What a value is within an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// An attribute's value: an object with one member, whose name is its kind.
    Attribute,
    /// An object whose members are attributes.
    Members,
    /// An array of attributes' values.
    Values,
    /// Anything else.
    Plain,
}

impl Role {
    /// Returns that of a member of an object with this role.
    fn of_member(self, name: &str) -> Self {
        match (self, name) {
            (Self::Members, _) => Self::Attribute,
            (Self::Attribute, "M") => Self::Members,
            (Self::Attribute, "L") => Self::Values,
            _ => Self::Plain,
        }
    }

    /// Returns that of an element of an array with this role.
    const fn of_element(self) -> Self {
        match self {
            Self::Values => Self::Attribute,
            _ => Self::Plain,
        }
    }
}

/// Reads a value, and writes it.
struct Copy<'o> {
    role: Role,
    out: &'o mut Vec<u8>,
}

impl Copy<'_> {
    fn write<E: serde::de::Error>(self, value: impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(self.out, &value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.write(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.write(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.write(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.write(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.write(value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.write(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let Self { role, out } = self;
        out.push(b'[');
        let begin = out.len();
        loop {
            let before = out.len();
            if before > begin {
                out.push(b',');
            }
            let role = role.of_element();
            if array.next_element_seed(Copy { role, out })?.is_none() {
                out.truncate(before);
                break;
            }
        }
        out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let Self { role, out } = self;
        let begin = out.len();
        let mut members: Vec<Member> = Vec::new();
        while let Some(name) = object.next_key::<String>()? {
            let start = out.len();
            serde_json::to_writer(&mut *out, &name).map_err(A::Error::custom)?;
            let end = out.len();
            out.push(b':');
            let role = role.of_member(&name);
            object.next_value_seed(Copy { role, out })?;
            members.push(Member {
                name: start..end,
                all: start..out.len(),
            });
        }
        if members.is_empty() && role == Role::Attribute {
            out.extend_from_slice(br#"{"M":{}}"#);
            return Ok(());
        }
        let written = out.split_off(begin);
        let part = |range: &Range<usize>| &written[range.start - begin..range.end - begin];
        members.sort_by(|left, right| name(part(&left.name)).cmp(&name(part(&right.name))));
        out.push(b'{');
        for (at, member) in members.iter().enumerate() {
            // Of members with one name the last one counts.
            let next = members.get(at + 1);
            if next.is_some_and(|next| part(&next.name) == part(&member.name)) {
                continue;
            }
            if out.len() > begin + 1 {
                out.push(b',');
            }
            out.extend_from_slice(part(&member.all));
        }
        out.push(b'}');
        Ok(())
    }
}

/// Returns a name that was written as JSON.
fn name(written: &[u8]) -> Cow<'_, [u8]> {
    if written.contains(&b'\\') {
        let name = serde_json::from_slice::<String>(written);
        return Cow::Owned(name.unwrap_or_default().into_bytes());
    }
    let name = written.strip_prefix(b"\"").unwrap_or(written);
    Cow::Borrowed(name.strip_suffix(b"\"").unwrap_or(name))
}

/// Where a member stands among what was written.
struct Member {
    name: Range<usize>,
    all: Range<usize>,
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
    fn names_are_compared_as_they_are_meant() {
        let came =
            r#"{"a\t":{"N":"1"},"a":{"N":"2"},"a!":{"N":"3"},"a\u0001":{"N":"4"},"":{"N":"5"}}"#;
        let expected =
            r#"{"":{"N":"5"},"a":{"N":"2"},"a\u0001":{"N":"4"},"a\t":{"N":"1"},"a!":{"N":"3"}}"#;
        assert_eq!(written(came), expected);
    }

    #[test]
    fn of_members_with_one_name_the_last_one_counts() {
        let came = r#"{"a":{"N":"1"},"b":{"N":"2"},"a":{"N":"3","S":"x","N":"4"}}"#;
        assert_eq!(written(came), r#"{"a":{"N":"4","S":"x"},"b":{"N":"2"}}"#);
    }

    #[test]
    fn an_item_of_small_values_takes_no_more_room_than_it_is_long() {
        let values = r#"{"NULL":true},"#.repeat(400_000);
        let came = format!(r#"{{"a":{{"L":[{}]}}}}"#, values.trim_end_matches(','));
        let raw: &RawValue = serde_json::from_str(&came).unwrap();
        let item = item(raw).unwrap();
        assert_eq!(item, came);
        assert!(item.capacity() < 2 * came.len(), "{}", item.capacity());
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
