//! JSON Schema: records stay as they are, and are validated.

use std::collections::HashMap;

use jsonschema::{Draft, Retrieve, Uri, Validator};
use serde_json::Value;

use crate::schema::RegisteredSchema;

/// A schema that records are held to.
#[derive(Debug)]
pub(crate) struct Rules(Validator);

/// Serves the schemas of the registry by their names; nothing is fetched.
struct Texts(HashMap<String, Value>);

impl Retrieve for Texts {
    fn retrieve(
        &self,
        uri: &Uri<String>,
    ) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        let uri = uri.as_str().trim_end_matches('#');
        // A name that is no URL has been put after the address of the schema that refers to it.
        let found = self.0.get(uri).or_else(|| {
            let names = self.0.iter().filter(|(name, _)| {
                let before = uri.strip_suffix(name.as_str());
                before.is_some_and(|before| before.ends_with('/'))
            });
            names
                .max_by_key(|(name, _)| name.len())
                .map(|(_, text)| text)
        });
        let found = found.ok_or_else(|| format!("the registry gave nothing for {uri}"))?;
        Ok(found.clone())
    }
}

impl Rules {
    /// Reads a schema. Fails in words.
    ///
    /// One that does not say which draft it follows is taken as draft 7, as Confluent's clients do.
    pub(crate) fn new(schema: &RegisteredSchema) -> Result<Self, String> {
        let text: Value = parse(&schema.text)?;
        let mut references = HashMap::new();
        for reference in &schema.references {
            let text: Value = parse(&reference.text)
                .map_err(|error| format!("in {:?}, which it refers to: {error}", reference.name))?;
            if let Some(Value::String(id)) = text.get("$id").or_else(|| text.get("id")) {
                references.insert(id.trim_end_matches('#').to_owned(), text.clone());
            }
            references.insert(reference.name.clone(), text);
        }
        let mut options = jsonschema::options().with_retriever(Texts(references));
        if text.get("$schema").is_none() {
            options = options.with_draft(Draft::Draft7);
        }
        let validator = options.build(&text).map_err(|error| error.to_string())?;
        Ok(Self(validator))
    }

    /// Tells in words what is wrong with a record, without its contents.
    pub(crate) fn check(&self, record: &[u8]) -> Result<(), String> {
        let record: Value =
            serde_json::from_slice(record).map_err(|error| format!("is not JSON: {error}"))?;
        self.0.validate(&record).map_err(|error| {
            let path = error.instance_path().to_string();
            let at = if path.is_empty() { "/" } else { path.as_str() };
            format!("at {at}: {}", error.masked())
        })
    }
}

fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}
