//! How records of a table are told: by their keys, since a put answers with no sequence number.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::FunctionRef;
use lambda_esm_engine::ports::{FunctionFacts, InvokeAnswer, InvokeBackend, InvokeRequest};
use serde::Deserialize;

use super::identity::RealNames;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "Records", default)]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    dynamodb: Option<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, rename = "Keys", default)]
    keys: HashMap<Cow<'a, str>, Key<'a>>,
    #[serde(borrow, rename = "SequenceNumber")]
    sequence_number: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Key<'a> {
    #[serde(borrow, rename = "S")]
    text: Option<Cow<'a, str>>,
}

/// Returns the sequence numbers of records whose key has the name of `run` in it, and that key attribute.
fn keys(event: &[u8], run: &str) -> Vec<(String, String)> {
    let event = serde_json::from_slice::<Event<'_>>(event);
    let records = event.map_or_else(|_| Vec::new(), |event| event.records);
    let changes = records.into_iter().filter_map(|record| record.dynamodb);
    changes
        .filter_map(|change| {
            let mut texts = change.keys.into_values().filter_map(|key| key.text);
            let key = texts.find(|text| text.contains(run))?;
            Some((change.sequence_number.into_owned(), key.into_owned()))
        })
        .collect()
}

/// Learns which sequence numbers the records of a table have, before the invocation goes on.
pub(super) struct Keyed<B> {
    backend: B,
    run: String,
    names: Arc<RealNames>,
}

impl<B> Keyed<B> {
    pub(super) const fn new(backend: B, run: String, names: Arc<RealNames>) -> Self {
        Self {
            backend,
            run,
            names,
        }
    }
}

#[async_trait]
impl<B: InvokeBackend> InvokeBackend for Keyed<B> {
    async fn invoke(&self, request: InvokeRequest) -> Result<InvokeAnswer, InvokeError> {
        if let Some(source) = self.names.table(&request.source) {
            for (number, key) in keys(&request.payload, &self.run) {
                self.names.learn(source, &number, &key);
            }
        }
        self.backend.invoke(request).await
    }

    async fn describe(&self, function: &FunctionRef) -> Result<FunctionFacts, InvokeError> {
        self.backend.describe(function).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_told_by_the_key_that_names_the_run() {
        let event = br#"{"Records":[
            {"dynamodb":{"Keys":{"h":{"S":"key-1"},"r":{"S":"run-7"}},"SequenceNumber":"100"}},
            {"dynamodb":{"Keys":{"h":{"S":"key-1.run-8"}},"SequenceNumber":"200"}},
            {"dynamodb":{"Keys":{"h":{"N":"1"}},"SequenceNumber":"300"}},
            {"messageId":"m"}]}"#;
        let told = |number: &str, key: &str| (number.to_owned(), key.to_owned());
        let expected = [told("100", "run-7"), told("200", "key-1.run-8")];
        assert_eq!(keys(event, "run"), expected);
        assert!(keys(b"[1]", "run").is_empty());
    }
}
