//! Records per second from Kinesis through a mapping to a function that does nothing, against a bare loop of
//! the AWS SDK over the same shards; and how long an idle mapping takes from put to invocation.
//! The server is the limit; the mapping should not show.
//!
//! `tests/bench kinesis`, with `RECORDS`, `ROUNDS` and `PUTS` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::time::{Duration, Instant};

use aws_sdk_kinesis::Client;
use aws_sdk_kinesis::primitives::Blob;
use aws_sdk_kinesis::types::{PutRecordsRequestEntry, ShardIteratorType};
use bytes::Bytes;
use lambda_esm::Pacing;
use lambda_esm::aws::{AwsConfig, Endpoints, KinesisProvider};
use lambda_esm::fault::InvokeError;
use lambda_esm::functions::Closure;
use lambda_esm::{Engine, EngineOptions};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

const SHARDS: i32 = 4;

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Ok(endpoint) = std::env::var("LAMBDA_ESM_TEST_MINISTACK") else {
        println!("skipped: LAMBDA_ESM_TEST_MINISTACK is not set");
        return;
    };
    let kinesis = Kinesis::at(&endpoint);
    let (records, rounds) = (setting("RECORDS", 160_000), setting("ROUNDS", 7));
    println!("{records} records of 200 bytes in {SHARDS} shards, {rounds} rounds each");
    let name = kinesis.filled(records).await;
    // The server's own warming up is nobody's fault.
    kinesis.bare(&name, records).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who begins changes, so that what the server remembers favours nobody.
        let (mapped, looped) = if round % 2 == 0 {
            let mapped = kinesis.mapping(&name, records).await;
            (mapped, kinesis.bare(&name, records).await)
        } else {
            let looped = kinesis.bare(&name, records).await;
            (kinesis.mapping(&name, records).await, looped)
        };
        println!(
            "mapping {mapped:>7.0} records/s   bare loop {looped:>7.0}   {:.2}",
            mapped / looped
        );
        ours.push(mapped);
        theirs.push(looped);
    }
    // Both sides of a round met the same machine, which the rounds may not.
    let ratios = ours.iter().zip(&theirs);
    let ratio = median(ratios.map(|(mapped, looped)| mapped / looped).collect());
    let (mapped, looped) = (median(ours), median(theirs));
    println!(
        "medians: mapping {mapped:.0}, bare loop {looped:.0}, ratio of a round {ratio:.2} (goal 0.9)"
    );
    for pacing in [Pacing::Eager, Pacing::Aws] {
        kinesis.latency(pacing, setting("PUTS", 100)).await;
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Kinesis {
    client: Client,
    aws: AwsConfig,
}

impl Kinesis {
    fn at(endpoint: &str) -> Self {
        let credentials =
            aws_sdk_kinesis::config::Credentials::new("test", "test", None, None, "bench");
        let config = aws_sdk_kinesis::Config::builder()
            .behavior_version(aws_sdk_kinesis::config::BehaviorVersion::latest())
            .region(aws_sdk_kinesis::config::Region::new("us-east-1"))
            .credentials_provider(credentials)
            .endpoint_url(endpoint)
            .build();
        let endpoints = Endpoints::default().with_aws(Some(endpoint.parse().unwrap()));
        Self {
            client: Client::from_conf(config),
            aws: AwsConfig::default().with_endpoints(endpoints),
        }
    }

    async fn stream(&self, shards: i32) -> String {
        let name = format!("bench-{}", uuid::Uuid::new_v4());
        let create = self.client.create_stream().stream_name(&name);
        create.shard_count(shards).send().await.unwrap();
        let described = || {
            self.client
                .describe_stream_summary()
                .stream_name(&name)
                .send()
        };
        loop {
            let summary = described()
                .await
                .unwrap()
                .stream_description_summary
                .unwrap();
            if summary.stream_status.as_str() == "ACTIVE" {
                return name;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn filled(&self, records: usize) -> String {
        let name = self.stream(SHARDS).await;
        for chunk in (0..records).collect::<Vec<_>>().chunks(500) {
            let entries = chunk.iter().map(|number| {
                let entry = PutRecordsRequestEntry::builder()
                    .data(Blob::new(format!("{number:0200}")))
                    .partition_key(format!("{number}"));
                entry.build().unwrap()
            });
            let put = self.client.put_records().stream_name(&name);
            put.set_records(Some(entries.collect()))
                .send()
                .await
                .unwrap();
        }
        name
    }

    /// One task per shard that reads it to its newest record and does nothing with what it reads.
    async fn bare(&self, name: &str, records: usize) -> f64 {
        let start = Instant::now();
        let shards = self
            .client
            .list_shards()
            .stream_name(name)
            .send()
            .await
            .unwrap();
        let mut readers = JoinSet::new();
        for shard in shards.shards.unwrap() {
            let (client, name) = (self.client.clone(), name.to_owned());
            readers.spawn(async move { read_to_the_end(&client, &name, &shard.shard_id).await });
        }
        let read: usize = readers.join_all().await.into_iter().sum();
        assert_eq!(read, records);
        records as f64 / start.elapsed().as_secs_f64()
    }

    fn engine(&self, pacing: Pacing) -> lambda_esm::EngineBuilder {
        let options = EngineOptions::default()
            .with_pacing(pacing)
            .with_transition(Duration::ZERO);
        Engine::builder()
            .options(options)
            .provider(KinesisProvider::new(self.aws.clone()))
    }

    fn request(
        name: &str,
        start: &str,
        batch: usize,
    ) -> lambda_esm::mapping::CreateEventSourceMapping {
        let request = json!({
            "EventSourceArn": format!("arn:aws:kinesis:us-east-1:000000000000:stream/{name}"),
            "FunctionName": "nothing",
            "StartingPosition": start,
            "BatchSize": batch,
        });
        serde_json::from_value(request).unwrap()
    }

    /// A mapping whose function answers at once, until its last batch has succeeded.
    async fn mapping(&self, name: &str, records: usize) -> f64 {
        let engine = self
            .engine(Pacing::Eager)
            .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
            .build();
        let start = Instant::now();
        let request = Self::request(name, "TRIM_HORIZON", 10_000);
        let mapping = engine.create(request).await.unwrap();
        let uuid = mapping.uuid.parse().unwrap();
        let invoked = || {
            engine
                .mapping_status(uuid)
                .unwrap()
                .counts
                .invoked_event_count
        };
        while invoked() < records as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let elapsed = start.elapsed();
        engine.shutdown().await;
        records as f64 / elapsed.as_secs_f64()
    }

    /// Puts one record at a time into the stream of an idle mapping.
    async fn latency(&self, pacing: Pacing, puts: usize) {
        let name = self.stream(1).await;
        let (invoked, mut invocations) = mpsc::unbounded_channel();
        let function = Closure::new(move |_| {
            let invoked = invoked.clone();
            async move {
                let told = invoked.send(Instant::now());
                told.map_err(|_| InvokeError::function("the bench has ended"))?;
                Ok(Bytes::new())
            }
        });
        let engine = self.engine(pacing).invoke(function).build();
        let request = Self::request(&name, "TRIM_HORIZON", 100);
        engine.create(request).await.unwrap();
        let mut times = Vec::new();
        for number in 0..puts {
            // At any moment between two reads, and long enough after the last record to be idle again.
            let pause = Duration::from_millis(1_300 + fastrand::u64(0..1_000));
            tokio::time::sleep(pause).await;
            let put = self.client.put_record().stream_name(&name);
            let put = put
                .partition_key("key")
                .data(Blob::new(format!("{number}")));
            let start = Instant::now();
            put.send().await.unwrap();
            let seen = invocations.recv().await.unwrap();
            times.push((seen - start).as_secs_f64() * 1_000.0);
        }
        engine.shutdown().await;
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        println!(
            "put to invocation, idle mapping, {pacing} pacing, {puts} puts: p50 {:.0} ms, p99 {:.0} ms",
            at(0.5),
            at(0.99)
        );
    }
}

async fn read_to_the_end(client: &Client, name: &str, shard: &str) -> usize {
    let open = client
        .get_shard_iterator()
        .stream_name(name)
        .shard_id(shard);
    let open = open.shard_iterator_type(ShardIteratorType::TrimHorizon);
    let mut iterator = open.send().await.unwrap().shard_iterator;
    let mut read = 0;
    while let Some(at) = iterator {
        let page = client.get_records().shard_iterator(at).limit(10_000);
        let page = page.send().await.unwrap();
        read += page.records.len();
        if page.millis_behind_latest == Some(0) {
            break;
        }
        iterator = page.next_shard_iterator;
    }
    read
}
