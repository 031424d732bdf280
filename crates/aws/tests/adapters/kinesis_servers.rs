//! The Kinesis sources against real servers; skipped where none is named.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{ConsumerStatus, StreamStatus};
use lambda_esm_aws::{AwsConfig, KinesisProvider};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{StreamContent, StreamRecord};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{
    StreamReader, bytes_contract, merge_contract, split_contract, stream_source_contract,
};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Listing, Page, ShardId, Start, StreamSource};

const KINESIS_LOCAL: &str = "LAMBDA_ESM_TEST_KINESIS";
const MINISTACK: &str = "LAMBDA_ESM_TEST_MINISTACK";

/// A server under test.
struct Server {
    client: Client,
    url: String,
}

/// A fresh stream on it.
struct Fresh {
    source: Arc<dyn StreamSource>,
    client: Client,
    provider: KinesisProvider,
    name: String,
    arn: String,
}

impl Server {
    /// Returns the server that an environment variable names.
    fn named(variable: &str) -> Option<Self> {
        let Ok(url) = std::env::var(variable) else {
            println!("skipped: {variable} names no server");
            return None;
        };
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&url)
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .build();
        Some(Self {
            client: Client::from_conf(config),
            url,
        })
    }

    fn provider(&self) -> KinesisProvider {
        let mut config = AwsConfig::default();
        let url = self.url.parse().unwrap();
        config.endpoints.services.insert("kinesis".to_owned(), url);
        KinesisProvider::new(config)
    }

    /// Creates a stream that no other run uses.
    async fn stream(&self, what: &str, shards: i32) -> Fresh {
        let client = self.client.clone();
        let name = format!("aws-{}-{what}", std::process::id());
        let create = client.create_stream().stream_name(&name);
        create.shard_count(shards).send().await.unwrap();
        active(&client, &name).await;
        let provider = self.provider();
        let arn = arn(&name);
        Fresh {
            source: provider.open(&arn).await.unwrap(),
            client,
            provider,
            name,
            arn,
        }
    }
}

fn arn(name: &str) -> String {
    format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}")
}

/// Waits until a stream takes changes.
async fn active(client: &Client, name: &str) {
    for _ in 0..100 {
        let summary = client.describe_stream_summary().stream_name(name);
        let summary = summary.send().await.unwrap();
        let summary = summary.stream_description_summary.unwrap();
        if summary.stream_status == StreamStatus::Active {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("stream {name} does not become active");
}

impl Fresh {
    async fn put(&self, key: &str, data: impl Into<Vec<u8>>) {
        let put = self.client.put_record().stream_name(&self.name);
        let put = put.partition_key(key).data(Blob::new(data));
        put.send().await.unwrap();
    }

    async fn split(&self, shard: &ShardId) {
        let shards = self.source.list().await.unwrap().shards;
        let shard = shards.iter().find(|each| each.id == *shard).unwrap();
        let (first, last) = shard.hash_keys.unwrap();
        let middle = first + (last - first) / 2;
        let split = self.client.split_shard().stream_name(&self.name);
        let split = split.shard_to_split(shard.id.as_str());
        let split = split.new_starting_hash_key(middle.to_string());
        split.send().await.unwrap();
        active(&self.client, &self.name).await;
    }

    async fn merge(&self, one: &ShardId, other: &ShardId) {
        let merge = self.client.merge_shards().stream_name(&self.name);
        let merge = merge.shard_to_merge(one.as_str());
        let merge = merge.adjacent_shard_to_merge(other.as_str());
        merge.send().await.unwrap();
        active(&self.client, &self.name).await;
    }

    /// Registers a consumer, and returns its source.
    async fn consumer(&self, name: &str) -> Patient {
        let register = self.client.register_stream_consumer();
        let register = register.stream_arn(&self.arn).consumer_name(name);
        let consumer = register.send().await.unwrap().consumer.unwrap();
        for _ in 0..100 {
            let describe = self.client.describe_stream_consumer();
            let describe = describe.consumer_arn(&consumer.consumer_arn);
            let description = describe.send().await.unwrap().consumer_description;
            if description.unwrap().consumer_status == ConsumerStatus::Active {
                return Patient(self.provider.open(&consumer.consumer_arn).await.unwrap());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("consumer {name} does not become active");
    }

    async fn drop(self) {
        let delete = self.client.delete_stream().stream_name(&self.name);
        let delete = delete.enforce_consumer_deletion(true);
        delete.send().await.unwrap();
    }
}

fn text(record: &StreamRecord) -> String {
    let StreamContent::Kinesis(record) = &record.content else {
        panic!("{record:?}")
    };
    String::from_utf8(record.data.to_vec()).unwrap()
}

/// A source that asks again while it is asked to wait, as the driver does: a subscription is refused
/// within five seconds of the one before.
struct Patient(Arc<dyn StreamSource>);

impl Patient {
    /// Waits if `result` asks for it; tells whether it did.
    async fn waited<T>(result: &Result<T, SourceError>) -> bool {
        let asked = matches!(result, Err(error) if error.kind == SourceErrorKind::Throttled);
        if asked {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        asked
    }
}

#[async_trait]
impl StreamSource for Patient {
    async fn list(&self) -> Result<Listing, SourceError> {
        self.0.list().await
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        loop {
            let result = self.0.open(shard, from).await;
            if !Self::waited(&result).await {
                return result;
            }
        }
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        loop {
            let result = self.0.fetch(request.clone()).await;
            if !Self::waited(&result).await {
                return result;
            }
        }
    }
}

async fn keeps_the_contract(server: Server) {
    for shards in [1, 3] {
        let stream = server.stream(&format!("plain-{shards}"), shards).await;
        let put = async |key: &str, text: &str| stream.put(key, text).await;
        stream_source_contract(&*stream.source, Clock::system(), put, text).await;
        let put = async |key: &str, data: &[u8]| stream.put(key, data).await;
        bytes_contract(&*stream.source, put).await;
        stream.drop().await;
    }
}

async fn tells_the_facts_of_a_stream(server: Server) {
    let stream = server.stream("facts", 1).await;
    let increase = stream.client.increase_stream_retention_period();
    let increase = increase
        .stream_name(&stream.name)
        .retention_period_hours(48);
    increase.send().await.unwrap();
    active(&stream.client, &stream.name).await;
    let listing = stream.source.list().await.unwrap();
    let facts = &listing.facts;
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    assert_eq!(facts.retention, hours(48));
    assert_eq!(facts.fetch_limit, 10_000);
    assert_eq!(facts.base_interval, Duration::from_secs(1));
    assert_eq!(facts.reads_per_second.unwrap().get(), 5);
    assert!(!facts.enforces_quota, "it stands in for AWS");
    assert_eq!(facts.longest_wait, Duration::ZERO);
    assert_eq!(listing.shards.len(), 1);
    assert_eq!(listing.shards[0].hash_keys, Some((0, u128::MAX)));
    stream.drop().await;
}

async fn knows_a_missing_stream_and_one_made_later(server: Server) {
    let name = format!("aws-{}-later", std::process::id());
    let missing = server.provider().open(&arn(&name)).await.unwrap();
    let error = missing.list().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
    assert!(
        error.message.contains(&name) && error.message.contains(&server.url),
        "{error}"
    );

    let first = server.stream("later", 1).await;
    let identity = missing.list().await.unwrap().facts.identity;
    let shard = ShardId::new("shardId-000000000000");
    let cursor = missing.open(&shard, &Start::Latest).await.unwrap();
    first.drop().await;
    let request = FetchRequest::new(shard.clone(), cursor, 1);
    let start = tokio::time::Instant::now();
    while missing.list().await.is_ok() {
        let waited = start.elapsed();
        assert!(waited < Duration::from_secs(10), "the stream stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let error = missing.list().await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");
    let error = missing.fetch(request).await.unwrap_err();
    // ministack forgets the iterators of a stream with it.
    let over = [SourceErrorKind::NotFound, SourceErrorKind::Expired];
    assert!(over.contains(&error.kind), "{error}");
    let error = missing.open(&shard, &Start::Latest).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::NotFound, "{error}");

    // Streams of one second may look alike.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let second = server.stream("later", 1).await;
    assert_ne!(missing.list().await.unwrap().facts.identity, identity);
    second.drop().await;
}

macro_rules! on_each_server {
    ($($behaviour:ident),* $(,)?) => {
        mod kinesis_local {
            $(#[tokio::test]
            async fn $behaviour() {
                if let Some(server) = super::Server::named(super::KINESIS_LOCAL) {
                    super::$behaviour(server).await;
                }
            })*
        }

        mod ministack {
            $(#[tokio::test]
            async fn $behaviour() {
                if let Some(server) = super::Server::named(super::MINISTACK) {
                    super::$behaviour(server).await;
                }
            })*
        }
    };
}

on_each_server![
    keeps_the_contract,
    tells_the_facts_of_a_stream,
    knows_a_missing_stream_and_one_made_later,
];

#[tokio::test]
async fn kinesis_local_keeps_the_contract_of_resharding() {
    let Some(server) = Server::named(KINESIS_LOCAL) else {
        return;
    };
    let stream = server.stream("reshard", 1).await;
    let put = async |key: &str, text: &str| stream.put(key, text).await;
    let split = async |shard: &ShardId| stream.split(shard).await;
    let merge = async |one: &ShardId, other: &ShardId| stream.merge(one, other).await;
    split_contract(&*stream.source, put, text, split).await;
    merge_contract(&*stream.source, put, text, merge).await;
    stream.drop().await;
}

#[tokio::test]
async fn a_consumer_keeps_the_contract() {
    let Some(server) = Server::named(MINISTACK) else {
        return;
    };
    let stream = server.stream("consumer", 1).await;
    let consumer = stream.consumer("app").await;
    let put = async |key: &str, text: &str| stream.put(key, text).await;
    stream_source_contract(&consumer, Clock::system(), put, text).await;
    stream.drop().await;
}

#[tokio::test]
async fn a_consumer_is_woken_by_a_record() {
    let Some(server) = Server::named(MINISTACK) else {
        return;
    };
    let stream = server.stream("wake", 1).await;
    let consumer = stream.consumer("app").await;
    let facts = consumer.list().await.unwrap().facts;
    assert_eq!(facts.longest_wait, Duration::from_secs(5));
    let mut reader = StreamReader::open(&consumer, Start::Latest).await;
    assert_eq!(reader.round().await, []);
    stream.put("k", "first").await;
    assert_eq!(text(&reader.read(1).await[0].1), "first");
    stream.drop().await;
}

#[tokio::test]
async fn a_consumer_is_told_the_end_of_a_shard() {
    let Some(server) = Server::named(MINISTACK) else {
        return;
    };
    let stream = server.stream("end", 1).await;
    let consumer = stream.consumer("app").await;
    let shard = ShardId::new("shardId-000000000000");
    let cursor = consumer.open(&shard, &Start::TrimHorizon).await.unwrap();
    stream.put("k", "only").await;
    let mut request =
        FetchRequest::new(shard.clone(), cursor, 10).with_wait(Duration::from_secs(5));
    let mut found = Vec::new();
    while found.is_empty() {
        let page = consumer.fetch(request.clone()).await.unwrap();
        found = page.records;
        request.cursor = page.next.unwrap();
    }
    assert_eq!(text(&found[0]), "only");
    // This server forgets the records of a shard that it splits.
    stream.split(&shard).await;
    let children = loop {
        let page = consumer.fetch(request.clone()).await.unwrap();
        assert_eq!(page.records, []);
        match page.next {
            Some(next) => request.cursor = next,
            None => break page.children,
        }
    };
    let mut listed = consumer.list().await.unwrap().shards;
    listed.sort_by(|left, right| left.id.cmp(&right.id));
    assert_eq!(children, listed);
    stream.drop().await;
}
