//! A Kinesis stream of one test's own.

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{
    ConsumerStatus, PutRecordsRequestEntry, Shard, ShardIteratorType, StreamStatus,
};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use uuid::Uuid;

use super::record::Known;
use crate::wait::until;

/// The most records of one call.
const BATCH: usize = 500;

/// One stream.
#[derive(Clone, Debug)]
pub struct KinesisStream {
    /// A client of its server.
    pub client: Client,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
}

/// Returns a client of the Kinesis at an endpoint.
fn client(endpoint: &str) -> Client {
    let config = aws_sdk_kinesis::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .build();
    Client::from_conf(config)
}

impl KinesisStream {
    pub(super) async fn create(endpoint: &str, what: &str, shards: usize) -> Self {
        let name = format!("{what}-{}", Uuid::new_v4().simple());
        let stream = Self {
            client: client(endpoint),
            arn: format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}"),
            name,
        };
        stream.create_again(shards).await;
        stream
    }

    /// Creates the stream of this name, which is missing.
    pub async fn create_again(&self, shards: usize) {
        let create = self.client.create_stream().stream_name(&self.name);
        let create = create.shard_count(i32::try_from(shards).unwrap());
        create.send().await.unwrap();
        self.until_active().await;
    }

    /// Waits until it takes changes.
    pub async fn until_active(&self) {
        until("the stream is active", async || {
            let summary = self.client.describe_stream_summary();
            let summary = summary.stream_name(&self.name).send().await.unwrap();
            let summary = summary.stream_description_summary.unwrap();
            (summary.stream_status == StreamStatus::Active).then_some(())
        })
        .await;
    }

    /// Returns when it was created, in seconds since the Unix epoch.
    pub async fn created(&self) -> i64 {
        let summary = self.client.describe_stream_summary();
        let summary = summary.stream_name(&self.name).send().await.unwrap();
        let summary = summary.stream_description_summary.unwrap();
        summary.stream_creation_timestamp.secs()
    }

    /// Deletes it, and waits until it is gone.
    pub async fn delete(&self) {
        let delete = self.client.delete_stream().stream_name(&self.name);
        let delete = delete.enforce_consumer_deletion(true);
        delete.send().await.unwrap();
        until("the stream is gone", async || {
            let summary = self.client.describe_stream_summary();
            let summary = summary.stream_name(&self.name).send().await;
            summary.is_err().then_some(())
        })
        .await;
    }

    /// Puts values in their order.
    pub async fn put(&self, values: &[(String, Value)]) {
        for batch in values.chunks(BATCH) {
            let entries = batch.iter().map(|(key, value)| {
                let data = Blob::new(value.to_string());
                let entry = PutRecordsRequestEntry::builder().partition_key(key);
                entry.data(data).build().unwrap()
            });
            let put = self.client.put_records().stream_name(&self.name);
            let put = put.set_records(Some(entries.collect()));
            let answer = put.send().await.unwrap();
            assert_eq!(answer.failed_record_count, Some(0), "{answer:?}");
        }
    }

    /// Returns its shards, the closed ones included.
    pub async fn shards(&self) -> Vec<Shard> {
        let list = self.client.list_shards().stream_name(&self.name);
        list.send().await.unwrap().shards.unwrap()
    }

    /// Returns its open shards in the order of their hash keys.
    pub async fn open_shards(&self) -> Vec<Shard> {
        let mut shards = self.shards().await;
        let is_open = |shard: &Shard| {
            let range = shard.sequence_number_range.as_ref();
            range.is_none_or(|range| range.ending_sequence_number.is_none())
        };
        shards.retain(is_open);
        shards.sort_by_key(|shard| hash_keys(shard).0);
        shards
    }

    /// Splits a shard in the middle of its hash keys.
    pub async fn split(&self, shard: &Shard) {
        let (first, last) = hash_keys(shard);
        let middle = first + (last - first) / 2;
        let split = self.client.split_shard().stream_name(&self.name);
        let split = split.shard_to_split(&shard.shard_id);
        let split = split.new_starting_hash_key(middle.to_string());
        split.send().await.unwrap();
        self.until_active().await;
    }

    /// Merges two neighbours.
    pub async fn merge(&self, one: &Shard, other: &Shard) {
        let merge = self.client.merge_shards().stream_name(&self.name);
        let merge = merge.shard_to_merge(&one.shard_id);
        let merge = merge.adjacent_shard_to_merge(&other.shard_id);
        merge.send().await.unwrap();
        self.until_active().await;
    }

    /// Registers a consumer, and returns its ARN.
    pub async fn consumer(&self, name: &str) -> String {
        let register = self.client.register_stream_consumer();
        let register = register.stream_arn(&self.arn).consumer_name(name);
        let arn = register.send().await.unwrap().consumer.unwrap();
        let arn = arn.consumer_arn;
        until("the consumer is active", async || {
            let describe = self.client.describe_stream_consumer().consumer_arn(&arn);
            let described = describe.send().await.unwrap().consumer_description;
            (described.unwrap().consumer_status == ConsumerStatus::Active).then_some(())
        })
        .await;
        arn
    }

    /// Reads the stream from its oldest record, until there are `count`.
    pub(super) async fn read(&self, count: usize) -> Vec<Known> {
        until("the stream has its records", async || {
            let shards = self.shards().await;
            let read = stream::iter(&shards).then(|shard| self.read_shard(&shard.shard_id));
            let known: Vec<Known> = read.flat_map(stream::iter).collect().await;
            (known.len() >= count).then_some(known)
        })
        .await
    }

    async fn read_shard(&self, shard: &str) -> Vec<Known> {
        let open = self.client.get_shard_iterator().stream_name(&self.name);
        let open = open
            .shard_id(shard)
            .shard_iterator_type(ShardIteratorType::TrimHorizon);
        let mut position = open.send().await.unwrap().shard_iterator;
        let mut known = Vec::new();
        while let Some(at) = position {
            let page = self.client.get_records().shard_iterator(at).send();
            let page = page.await.unwrap();
            if page.records.is_empty() {
                break;
            }
            known.extend(page.records.into_iter().map(|record| {
                let arrival = record.approximate_arrival_timestamp.unwrap();
                Known {
                    shard: shard.to_owned(),
                    sequence: record.sequence_number,
                    // The fraction comes as a float, a little below what it stands for.
                    arrival_ms: (arrival.as_secs_f64() * 1000.0).round() as i64,
                }
            }));
            position = page.next_shard_iterator;
        }
        known
    }
}

fn hash_keys(shard: &Shard) -> (u128, u128) {
    let range = shard.hash_key_range.as_ref().unwrap();
    let number = |text: &str| text.parse().unwrap();
    (
        number(&range.starting_hash_key),
        number(&range.ending_hash_key),
    )
}
