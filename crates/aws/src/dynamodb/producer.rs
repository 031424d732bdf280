//! Puts items, for load tests.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::ports::{NewRecord, Producer, PutLimits};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::image::attributes;
use super::table::{Table, TableKey};

/// The most items of one request (DynamoDB API reference, `BatchWriteItem`), and what of its 16 MB payloads may have,
/// which grow as they are written.
const ITEMS: usize = 25;
const BYTES: usize = 8 * 1024 * 1024;

/// Puts items into the table of a stream, a new one for each record.
#[derive(Debug)]
pub struct DynamoDbProducer {
    table: Table,
    key: OnceCell<TableKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchWriteItemResponse {
    #[serde(default)]
    unprocessed_items: HashMap<String, Vec<Value>>,
}

impl DynamoDbProducer {
    /// Returns one for a table.
    pub(super) fn new(table: Table) -> Self {
        Self {
            table,
            key: OnceCell::new(),
        }
    }
}

/// Returns the value of the key attribute that tells a record, and the item. With a sort key that is the record's
/// name, and the partition key is its key; without, both together are the partition key.
fn item(key: &TableKey, record: &NewRecord) -> (String, Value) {
    let mut item = attributes(&record.payload);
    let text = |text: &str| json!({ "S": text });
    let id = match &key.range {
        Some(range) => {
            item.insert(key.hash.clone(), text(&record.key));
            item.insert(range.clone(), text(&record.name));
            record.name.to_string()
        }
        None => {
            let id = format!("{}.{}", record.key, record.name);
            item.insert(key.hash.clone(), text(&id));
            id
        }
    };
    (id, Value::Object(item))
}

#[async_trait]
impl Producer for DynamoDbProducer {
    fn limits(&self) -> PutLimits {
        PutLimits::new(ITEMS, BYTES)
    }

    async fn put(
        &self,
        records: &[NewRecord],
    ) -> Result<Vec<Result<Arc<str>, SourceError>>, SourceError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let key = self.key.get_or_try_init(|| self.table.key()).await?;
        let told_by = key.range.as_ref().unwrap_or(&key.hash);
        let (ids, items): (Vec<String>, Vec<Value>) =
            records.iter().map(|record| item(key, record)).unzip();
        let puts: Vec<Value> = items
            .into_iter()
            .map(|item| json!({ "PutRequest": { "Item": item } }))
            .collect();
        let mut tables = serde_json::Map::new();
        tables.insert(self.table.name().to_owned(), Value::Array(puts));
        let request = json!({ "RequestItems": tables });
        let call = self.table.call("BatchWriteItem");
        let answer: BatchWriteItemResponse = self.table.send("BatchWriteItem", &request).await?;
        let unprocessed = answer.unprocessed_items.values().flatten();
        let left: HashSet<&str> = unprocessed
            .filter_map(|each| each["PutRequest"]["Item"][told_by]["S"].as_str())
            .collect();
        let result = |id: &String| {
            if left.contains(id.as_str()) {
                let code = Some("ProvisionedThroughputExceededException");
                return Err(call.refused(code, Some("the item was not processed"), None));
            }
            Ok(Arc::from(id.as_str()))
        };
        Ok(ids.iter().map(result).collect())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn a_record_is_told_by_its_name_within_the_key() {
        let record = NewRecord::new("run-7")
            .with_key(Arc::from("key-1"))
            .with_payload(Bytes::from_static(b"{\"n\":1}"));
        let both = TableKey {
            hash: "h".to_owned(),
            range: Some("r".to_owned()),
        };
        let expected = json!({ "h": { "S": "key-1" }, "r": { "S": "run-7" }, "n": { "N": "1" } });
        assert_eq!(item(&both, &record), ("run-7".to_owned(), expected));
        let one = TableKey {
            range: None,
            ..both
        };
        let expected = json!({ "h": { "S": "key-1.run-7" }, "n": { "N": "1" } });
        assert_eq!(item(&one, &record), ("key-1.run-7".to_owned(), expected));
    }
}
