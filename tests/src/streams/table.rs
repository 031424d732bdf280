//! A `DynamoDB` table of one test's own, and its stream.

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use super::json::JsonClient;
use super::record::Known;
use crate::wait::until;

const TABLES: &str = "DynamoDB_20120810";
const STREAMS: &str = "DynamoDBStreams_20120810";
/// The most items of one call.
const BATCH: usize = 25;
/// How many calls are under way when putting many items.
const WRITERS: usize = 4;

/// A table with the key `id`, whose stream has old and new images.
#[derive(Clone, Debug)]
pub struct Table {
    client: JsonClient,
    /// Its name.
    pub name: String,
    /// The ARN of its stream.
    pub arn: String,
}

impl Table {
    pub(super) async fn create(endpoint: &str, what: &str) -> Self {
        let name = format!("{what}-{}", Uuid::new_v4().simple());
        Self::create_named(JsonClient::new(endpoint), name).await
    }

    async fn create_named(client: JsonClient, name: String) -> Self {
        let request = json!({
            "TableName": name,
            "AttributeDefinitions": [{ "AttributeName": "id", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        let made = client.ok(&format!("{TABLES}.CreateTable"), &request).await;
        let arn = made["TableDescription"]["LatestStreamArn"]
            .as_str()
            .unwrap();
        let arn = arn.to_owned();
        Self { client, name, arn }
    }

    /// Creates the table of this name, which was deleted. Its stream is another one.
    pub async fn create_again(&self) -> Self {
        Self::create_named(self.client.clone(), self.name.clone()).await
    }

    /// Deletes it, and waits until it is gone.
    pub async fn delete(&self) {
        let name = json!({ "TableName": self.name });
        self.call("DeleteTable", name.clone()).await;
        until("the table is gone", async || {
            let operation = format!("{TABLES}.DescribeTable");
            let described = self.client.call(&operation, &name).await;
            described.is_err().then_some(())
        })
        .await;
    }

    /// Calls an operation of `DynamoDB`.
    pub async fn call(&self, operation: &str, request: Value) -> Value {
        self.client
            .ok(&format!("{TABLES}.{operation}"), &request)
            .await
    }

    /// Puts an item in `DynamoDB` JSON.
    pub async fn put_item(&self, item: Value) {
        let request = json!({ "TableName": self.name, "Item": item });
        self.call("PutItem", request).await;
    }

    /// Puts `value` under `key`.
    pub(super) async fn put(&self, key: &str, value: &Value) {
        self.put_item(item(key, value)).await;
    }

    /// Puts many values, one call after another.
    pub(super) async fn put_in_order(&self, values: &[(String, Value)]) {
        let values: Vec<_> = values.iter().collect();
        for batch in batches(&values) {
            self.put_batch(batch).await;
        }
    }

    /// Puts many values, those of one key in their order.
    pub(super) async fn put_many(&self, values: &[(String, Value)]) {
        let calls: Vec<_> = shares(values, WRITERS)
            .into_iter()
            .map(|share| async move {
                for batch in batches(&share) {
                    self.put_batch(batch).await;
                }
            })
            .collect();
        stream::iter(calls)
            .buffer_unordered(WRITERS)
            .collect::<()>()
            .await;
    }

    async fn put_batch(&self, batch: &[&(String, Value)]) {
        let puts: Vec<Value> = batch
            .iter()
            .map(|(key, value)| json!({ "PutRequest": { "Item": item(key, value) } }))
            .collect();
        let request = json!({ "RequestItems": { (&self.name): puts } });
        let answer = self.call("BatchWriteItem", request).await;
        assert_eq!(answer["UnprocessedItems"], json!({}));
    }

    /// Returns the stream's shards.
    pub async fn shards(&self) -> Vec<Value> {
        let request = json!({ "StreamArn": self.arn });
        let described = self
            .client
            .ok(&format!("{STREAMS}.DescribeStream"), &request)
            .await;
        let shards = described["StreamDescription"]["Shards"].as_array();
        shards.unwrap().clone()
    }

    /// Reads the stream from its oldest record, until there are `count`.
    pub(super) async fn read(&self, count: usize) -> Vec<Known> {
        until("the stream has its records", async || {
            let mut known = Vec::new();
            for shard in self.shards().await {
                known.extend(self.read_shard(shard["ShardId"].as_str().unwrap()).await);
            }
            (known.len() >= count).then_some(known)
        })
        .await
    }

    async fn read_shard(&self, shard: &str) -> Vec<Known> {
        let request = json!({
            "StreamArn": self.arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        let opened = self
            .client
            .ok(&format!("{STREAMS}.GetShardIterator"), &request)
            .await;
        let mut position = opened["ShardIterator"].clone();
        let mut known = Vec::new();
        while position.is_string() {
            let request = json!({ "ShardIterator": position });
            let page = self
                .client
                .ok(&format!("{STREAMS}.GetRecords"), &request)
                .await;
            let records = page["Records"].as_array().unwrap();
            if records.is_empty() {
                break;
            }
            known.extend(records.iter().map(|record| {
                let change = &record["dynamodb"];
                let seconds = change["ApproximateCreationDateTime"].as_f64().unwrap();
                Known {
                    shard: shard.to_owned(),
                    sequence: change["SequenceNumber"].as_str().unwrap().to_owned(),
                    arrival_ms: (seconds * 1000.0).round() as i64,
                }
            }));
            position = page["NextShardIterator"].clone();
        }
        known
    }
}

fn item(key: &str, value: &Value) -> Value {
    json!({ "id": { "S": key }, "body": { "S": value.to_string() } })
}

/// Deals values out, all of one key into one share.
fn shares(values: &[(String, Value)], shares: usize) -> Vec<Vec<&(String, Value)>> {
    let mut dealt = vec![Vec::new(); shares];
    let mut keys = std::collections::HashMap::new();
    for value in values {
        let next = keys.len() % shares;
        let share = *keys.entry(&value.0).or_insert(next);
        dealt[share].push(value);
    }
    dealt
}

/// Cuts values into calls, each with no key twice.
fn batches<'a>(values: &'a [&'a (String, Value)]) -> Vec<&'a [&'a (String, Value)]> {
    let mut batches = Vec::new();
    let mut rest = values;
    while !rest.is_empty() {
        let mut keys = std::collections::HashSet::new();
        let most = rest.len().min(BATCH);
        let length = rest[..most]
            .iter()
            .take_while(|(key, _)| keys.insert(key))
            .count();
        let (batch, after) = rest.split_at(length);
        batches.push(batch);
        rest = after;
    }
    batches
}
