//! What of a record is not kept.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::format::RecordedKind;

/// What stands in the place of a value.
const REDACTED: &str = "REDACTED";

/// Fields of records whose values are not kept, by paths as filters name them: `body.customer.email`,
/// `dynamodb.NewImage.card`, `headers.authorization`. Lists on the way are gone through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redaction {
    paths: Vec<String>,
}

/// How a member at the root of a record holds its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// JSON.
    Json,
    /// Text, which may be JSON.
    Text,
    /// The same in Base64.
    Base64,
}

/// Returns the members at the root of a record that may be redacted, and how they hold their values.
const fn roots(kind: RecordedKind) -> &'static [(&'static str, Holds)] {
    match kind {
        RecordedKind::Sqs | RecordedKind::SqsFifo => &[
            ("body", Holds::Text),
            ("attributes", Holds::Json),
            ("messageAttributes", Holds::Json),
        ],
        RecordedKind::Kinesis => &[("data", Holds::Base64), ("partitionKey", Holds::Json)],
        RecordedKind::DynamoDb => &[("dynamodb", Holds::Json)],
        RecordedKind::Kafka => &[
            ("value", Holds::Base64),
            ("key", Holds::Base64),
            ("headers", Holds::Json),
        ],
        RecordedKind::RabbitMq => &[("data", Holds::Base64), ("basicProperties", Holds::Json)],
        RecordedKind::ActiveMq => &[
            ("data", Holds::Base64),
            ("properties", Holds::Json),
            ("correlationId", Holds::Json),
            ("correlationID", Holds::Json),
            ("replyTo", Holds::Json),
        ],
        RecordedKind::DocumentDb => &[("event", Holds::Json)],
    }
}

const KINDS: [RecordedKind; 8] = [
    RecordedKind::Sqs,
    RecordedKind::SqsFifo,
    RecordedKind::Kinesis,
    RecordedKind::DynamoDb,
    RecordedKind::Kafka,
    RecordedKind::RabbitMq,
    RecordedKind::ActiveMq,
    RecordedKind::DocumentDb,
];

impl Redaction {
    /// Takes paths.
    ///
    /// # Errors
    /// The first path that is of no kind of source, with a way out.
    pub fn new(paths: Vec<String>) -> Result<Self, String> {
        for path in &paths {
            if !KINDS.iter().any(|kind| names(*kind, path)) {
                return Err(format!(
                    "{path:?} is at no place of any source's records; name it as filters do, for example \
                     body.customer.email, data.card, value.token, dynamodb.NewImage.card or headers.authorization"
                ));
            }
        }
        Ok(Self { paths })
    }

    /// Returns the paths.
    #[must_use]
    pub fn paths(&self) -> &[String] {
        &self.paths
    }

    /// Returns the paths of which records of this kind have the root.
    pub fn of(&self, kind: RecordedKind) -> impl Iterator<Item = &str> {
        let paths = self.paths.iter().map(String::as_str);
        paths.filter(move |path| names(kind, path))
    }

    /// Tells whether the key of records, which decides their order, is not to be shown.
    pub(super) fn hides_key(&self, kind: RecordedKind) -> bool {
        let key = match kind {
            RecordedKind::SqsFifo => "attributes.MessageGroupId",
            RecordedKind::Kinesis => "partitionKey",
            RecordedKind::DynamoDb => "dynamodb.Keys",
            RecordedKind::Kafka => "key",
            _ => return false,
        };
        self.of(kind)
            .any(|path| path == key || below(key, path).is_some() || below(path, key).is_some())
    }

    /// Takes the values out of a record as the function's event shows it.
    pub(super) fn apply(&self, kind: RecordedKind, record: &mut Value) {
        for path in self.of(kind) {
            for (root, holds) in roots(kind) {
                let rest = match path == *root {
                    true => "",
                    false => match below(path, root) {
                        Some(rest) => rest,
                        None => continue,
                    },
                };
                let record = match kind {
                    RecordedKind::Kinesis => record.get_mut("kinesis"),
                    _ => Some(&mut *record),
                };
                if let Some(value) = record.and_then(|record| record.get_mut(root)) {
                    within(value, *holds, rest);
                }
            }
        }
        // They tell whether a guess is right.
        let mut paths = self.of(kind);
        if matches!(kind, RecordedKind::Sqs | RecordedKind::SqsFifo) && paths.next().is_some() {
            for digest in ["md5OfBody", "md5OfMessageAttributes"] {
                if let Some(digest) = record.get_mut(digest).filter(|digest| digest.is_string()) {
                    *digest = json!(REDACTED);
                }
            }
        }
    }
}

fn names(kind: RecordedKind, path: &str) -> bool {
    let mut roots = roots(kind).iter();
    let is_whole = !path.split('.').any(str::is_empty);
    is_whole && roots.any(|(root, _)| path == *root || below(path, root).is_some())
}

/// Returns what is left of a path behind its beginning and a dot.
fn below<'p>(path: &'p str, beginning: &str) -> Option<&'p str> {
    path.strip_prefix(beginning)?.strip_prefix('.')
}

/// Takes the value at a path, empty for all of it, out of a member at the root.
fn within(value: &mut Value, holds: Holds, path: &str) {
    let Some(text) = value.as_str().filter(|_| holds != Holds::Json) else {
        return redact(value, path);
    };
    let decoded = match holds {
        Holds::Base64 => STANDARD.decode(text).unwrap_or_default(),
        _ => text.as_bytes().to_vec(),
    };
    let parsed = serde_json::from_slice::<Value>(&decoded);
    let rest = match parsed {
        // What is no JSON has no places: all of it goes, whatever was meant.
        Ok(mut json) if !path.is_empty() && (json.is_object() || json.is_array()) => {
            redact(&mut json, path);
            json.to_string()
        }
        _ => REDACTED.to_owned(),
    };
    *value = json!(match holds {
        Holds::Base64 => STANDARD.encode(rest),
        _ => rest,
    });
}

/// Takes the value at a path, empty for all of it, out of JSON. Dots may be in names, too.
fn redact(value: &mut Value, path: &str) {
    if path.is_empty() {
        // An attribute of DynamoDB stays one.
        let is_attribute = value.as_object().is_some_and(|object| {
            object.len() == 1
                && object
                    .keys()
                    .all(|name| ATTRIBUTES.contains(&name.as_str()))
        });
        *value = if is_attribute {
            json!({ "S": REDACTED })
        } else {
            json!(REDACTED)
        };
        return;
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if name == path {
                    redact(member, "");
                } else if let Some(rest) = below(path, name) {
                    redact(member, rest);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, path)),
        // It may be JSON within a text.
        Value::String(text) => REDACTED.clone_into(text),
        _ => {}
    }
}

/// The types of attributes in DynamoDB JSON (DynamoDB API reference, `AttributeValue`).
const ATTRIBUTES: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"];

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(kind: RecordedKind, paths: &[&str], mut record: Value) -> Value {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Redaction::new(paths).unwrap().apply(kind, &mut record);
        record
    }

    #[test]
    fn values_go_and_what_is_around_them_stays() {
        let body =
            r#"{"card":{"number":"4111"},"items":[{"card.number":1},{"sku":"a"}],"note":"ok"}"#;
        let record = json!({"messageId": "m", "body": body, "md5OfBody": "5d41"});
        let paths = ["body.card.number", "body.items.card.number", "body.absent"];
        let found = redacted(RecordedKind::Sqs, &paths, record);
        let body: Value = serde_json::from_str(found["body"].as_str().unwrap()).unwrap();
        assert_eq!(
            body,
            json!({"card": {"number": "REDACTED"}, "items": [{"card.number": "REDACTED"}, {"sku": "a"}], "note": "ok"})
        );
        assert_eq!(found["messageId"], json!("m"));
        assert_eq!(found["md5OfBody"], json!("REDACTED"));
    }

    #[test]
    fn nothing_stays_of_data_that_cannot_be_looked_into() {
        let sent = r#"{"Message":"{\"card\":\"4111\"}"}"#;
        for (body, left) in [
            ("4111", "REDACTED"),
            ("\"4111\"", "REDACTED"),
            (sent, r#"{"Message":"REDACTED"}"#),
        ] {
            let record = json!({"body": body});
            let found = redacted(RecordedKind::SqsFifo, &["body.Message.card"], record);
            assert_eq!(found, json!({"body": left}), "{body}");
        }
        let data = STANDARD.encode([0xff, 0xfe]);
        let found = redacted(
            RecordedKind::Kinesis,
            &["data.a"],
            json!({"kinesis": {"data": data}}),
        );
        assert_eq!(
            found,
            json!({"kinesis": {"data": STANDARD.encode("REDACTED")}})
        );
    }

    #[test]
    fn each_source_is_redacted_where_it_holds_its_values() {
        let encoded = |json: &Value| STANDARD.encode(json.to_string());
        let (card, gone) = (
            json!({"card": 4111, "n": 1}),
            json!({"card": "REDACTED", "n": 1}),
        );
        let image = json!({"Keys": {"id": {"N": "1"}}, "NewImage": {"card": {"N": "4111"}}});
        for (kind, path, record, left) in [
            (
                RecordedKind::Kinesis,
                "partitionKey",
                json!({"kinesis": {"partitionKey": "p"}}),
                json!({"kinesis": {"partitionKey": "REDACTED"}}),
            ),
            (
                RecordedKind::DynamoDb,
                "dynamodb.NewImage.card",
                json!({"dynamodb": image}),
                json!({"dynamodb": {"Keys": {"id": {"N": "1"}}, "NewImage": {"card": {"S": "REDACTED"}}}}),
            ),
            (
                RecordedKind::Kafka,
                "value.card",
                json!({"value": encoded(&card)}),
                json!({"value": encoded(&gone)}),
            ),
            (
                RecordedKind::Kafka,
                "headers.auth",
                json!({"headers": [{"auth": [97]}, {"b": [98]}]}),
                json!({"headers": [{"auth": "REDACTED"}, {"b": [98]}]}),
            ),
            (
                RecordedKind::RabbitMq,
                "basicProperties.headers.auth",
                json!({"basicProperties": {"headers": {"auth": {"bytes": [97]}}}}),
                json!({"basicProperties": {"headers": {"auth": "REDACTED"}}}),
            ),
            (
                RecordedKind::ActiveMq,
                "data.card",
                json!({"data": encoded(&card)}),
                json!({"data": encoded(&gone)}),
            ),
            (
                RecordedKind::DocumentDb,
                "event.fullDocument.card",
                json!({"event": {"fullDocument": card}}),
                json!({"event": {"fullDocument": gone}}),
            ),
        ] {
            assert_eq!(redacted(kind, &[path], record), left, "{path}");
        }
    }

    #[test]
    fn a_path_that_no_record_has_is_refused() {
        for path in ["customer.email", "Body.a", "body..a", ""] {
            let refused = Redaction::new(vec![path.to_owned()]).unwrap_err();
            assert!(
                refused.contains("at no place of any source's records"),
                "{refused}"
            );
        }
    }

    #[test]
    fn a_key_is_hidden_with_what_it_is_made_of() {
        for (kind, path, hides) in [
            (RecordedKind::DynamoDb, "dynamodb.Keys.id", true),
            (RecordedKind::DynamoDb, "dynamodb", true),
            (RecordedKind::DynamoDb, "dynamodb.NewImage.id", false),
            (RecordedKind::SqsFifo, "attributes.MessageGroupId", true),
            (RecordedKind::Kafka, "key", true),
            (RecordedKind::Kafka, "value", false),
        ] {
            let redaction = Redaction::new(vec![path.to_owned()]).unwrap();
            assert_eq!(redaction.hides_key(kind), hides, "{path}");
        }
    }
}
