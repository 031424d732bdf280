//! Reads JSON that a later version may have written: members that this one does not know are passed over.
//!
//! The same types refuse unknown members where they come from a user, who expects each to do something.

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Map, Value};

/// Reads a JSON text.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    T::deserialize(Lenient(serde_json::from_str(text)?))
}

struct Lenient(Value);

impl IntoDeserializer<'_, Error> for Lenient {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn visit_members<'de, V: Visitor<'de>>(
    members: Map<String, Value>,
    visitor: V,
) -> Result<V::Value, Error> {
    let members = members.into_iter();
    visitor.visit_map(MapDeserializer::new(
        members.map(|(name, value)| (name, Lenient(value))),
    ))
}

impl<'de> Deserializer<'de> for Lenient {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(values) => {
                visitor.visit_seq(SeqDeserializer::new(values.into_iter().map(Lenient)))
            }
            Value::Object(members) => visit_members(members, visitor),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(mut members) => {
                members.retain(|name, _| fields.contains(&name.as_str()));
                visit_members(members, visitor)
            }
            value => value.deserialize_struct(name, fields, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Self(value)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use lambda_esm_core::mapping::CreateEventSourceMapping;

    use super::*;

    #[test]
    fn members_of_later_versions_are_passed_over_at_any_depth() {
        let text = r#"{
            "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders", "BatchSize": 7, "Later": {"A": [1]},
            "FilterCriteria": {"Filters": [{"Pattern": "{}", "Mode": "later"}], "Later": 1},
            "Tags": {"any": "name"}
        }"#;
        let request: CreateEventSourceMapping = read(text).unwrap();
        assert_eq!(request.batch_size, Some(7));
        let shown = serde_json::to_string(&request).unwrap();
        assert!(!shown.contains("ater"), "{shown}");
        assert!(shown.contains(r#"{"any":"name"}"#), "{shown}");
        assert!(shown.contains(r#"[{"Pattern":"{}"}]"#), "{shown}");
        serde_json::from_str::<CreateEventSourceMapping>(text).unwrap_err();
    }

    #[test]
    fn a_member_of_the_wrong_type_is_no_unknown_one() {
        read::<CreateEventSourceMapping>(r#"{"BatchSize": "many"}"#).unwrap_err();
        read::<CreateEventSourceMapping>("[").unwrap_err();
    }
}
