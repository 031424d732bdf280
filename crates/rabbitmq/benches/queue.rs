//! Messages per second from a queue through a mapping to a function that does nothing, against a bare consumer of lapin with
//! the same prefetch that acknowledges as many messages at a time.
//!
//! `tests/bench rabbitmq`, with `MESSAGES` and `ROUNDS` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::join_all;
use lambda_esm_core::mapping::Arn;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::{Engine, EngineOptions};
use lambda_esm_rabbitmq::{BrokerAddress, RabbitMqBrokers};
use lapin::options::{
    BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, BasicQosOptions,
    ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::json;
use uuid::Uuid;

const BATCH: usize = 500;
/// What a mapping asks for: the batch that runs, and the next.
const PREFETCH: u16 = 1_000;
/// The length of a body, in bytes.
const LENGTH: usize = 200;
/// How many messages are published before their confirms are waited for.
const UNCONFIRMED: usize = 5_000;

const BROKER: &str = "arn:aws:mq:us-east-1:000000000000:broker:bench:b-0";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:mq";

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Ok(address) = std::env::var("LAMBDA_ESM_TEST_RABBITMQ") else {
        println!("skipped: LAMBDA_ESM_TEST_RABBITMQ is not set");
        return;
    };
    let (messages, rounds) = (setting("MESSAGES", 200_000), setting("ROUNDS", 5));
    println!(
        "{messages} messages of {LENGTH} bytes, batches of {BATCH}, prefetch {PREFETCH}, {rounds} rounds each"
    );
    let queue = Queue::make(&address, messages).await;
    // The broker's own warming up is nobody's fault.
    queue.bare().await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who begins changes, so that what the broker remembers favours nobody.
        let (mapped, looped) = if round % 2 == 0 {
            let mapped = queue.mapping().await;
            (mapped, queue.bare().await)
        } else {
            let looped = queue.bare().await;
            (queue.mapping().await, looped)
        };
        let ratio = mapped / looped;
        println!("mapping {mapped:>8.0} messages/s   bare consumer {looped:>8.0}   {ratio:.2}");
        ours.push(mapped);
        theirs.push(looped);
    }
    let ratios = ours.iter().zip(&theirs);
    let ratio = median(ratios.map(|(mapped, looped)| mapped / looped));
    println!(
        "medians: mapping {:.0} messages/s, bare consumer {:.0}, ratio of a round {ratio:.2} (goal 0.8)",
        median(ours.iter().copied()),
        median(theirs.iter().copied())
    );
    queue.delete().await;
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Queue {
    address: String,
    name: String,
    messages: usize,
    connection: Connection,
    channel: Channel,
}

impl Queue {
    async fn make(address: &str, messages: usize) -> Self {
        let connection = connect(address).await;
        let channel = connection.create_channel().await.unwrap();
        let confirms = ConfirmSelectOptions::default();
        channel.confirm_select(confirms).await.unwrap();
        let queue = Self {
            address: address.to_owned(),
            name: format!("bench-{}", Uuid::new_v4()),
            messages,
            connection,
            channel,
        };
        queue.declare(false).await;
        queue
    }

    /// Makes it, or asks how many messages wait in it.
    async fn declare(&self, passive: bool) -> u32 {
        let options = QueueDeclareOptions {
            passive,
            durable: true,
            ..QueueDeclareOptions::default()
        };
        let name = self.name.as_str().into();
        let declared = self
            .channel
            .queue_declare(name, options, FieldTable::default());
        declared.await.unwrap().message_count()
    }

    async fn delete(&self) {
        let name = self.name.as_str().into();
        let deleted = self
            .channel
            .queue_delete(name, QueueDeleteOptions::default());
        deleted.await.unwrap();
        self.connection.close(200, "OK".into()).await.unwrap();
    }

    async fn fill(&self) {
        let mut confirms = Vec::new();
        for number in 0..self.messages {
            let body = format!("{number:0LENGTH$}");
            let published = self.channel.basic_publish(
                "".into(),
                self.name.as_str().into(),
                BasicPublishOptions::default(),
                body.as_bytes(),
                BasicProperties::default(),
            );
            confirms.push(published.await.unwrap());
            if confirms.len() == UNCONFIRMED || number + 1 == self.messages {
                for confirmed in join_all(confirms.drain(..)).await {
                    confirmed.unwrap();
                }
            }
        }
    }

    /// A consumer that does nothing with what it gets.
    async fn bare(&self) -> f64 {
        self.fill().await;
        let connection = connect(&self.address).await;
        let channel = connection.create_channel().await.unwrap();
        let qos = BasicQosOptions::default();
        channel.basic_qos(PREFETCH, qos).await.unwrap();
        let options = BasicConsumeOptions::default();
        let name = self.name.as_str().into();
        let consumer = channel.basic_consume(name, "".into(), options, FieldTable::default());
        let mut consumer = consumer.await.unwrap();
        let (mut since, mut bytes) = (None, 0);
        for count in 1..=self.messages {
            let delivery = consumer.next().await.unwrap().unwrap();
            since.get_or_insert_with(Instant::now);
            bytes += delivery.data.len();
            if count % BATCH == 0 || count == self.messages {
                let all = BasicAckOptions { multiple: true };
                channel.basic_ack(delivery.delivery_tag, all).await.unwrap();
            }
        }
        assert_eq!(bytes, self.messages * LENGTH);
        let rate = self.messages as f64 / since.unwrap().elapsed().as_secs_f64();
        connection.close(200, "OK".into()).await.unwrap();
        assert_eq!(self.declare(true).await, 0);
        rate
    }

    /// A mapping whose function answers at once, from its first invocation to its last.
    async fn mapping(&self) -> f64 {
        self.fill().await;
        let since = Arc::new(OnceLock::new());
        let begun = since.clone();
        let function = Closure::new(move |_| {
            begun.get_or_init(Instant::now);
            async { Ok(Bytes::new()) }
        });
        let options = EngineOptions::default()
            .with_pacing(Pacing::Eager)
            .with_transition(Duration::ZERO);
        let secrets = MemorySecrets::default();
        let text = r#"{"username":"u","password":"p"}"#;
        secrets.put(SECRET, text).unwrap();
        let address: BrokerAddress = self.address.parse().unwrap();
        let broker = (Arn::parse(BROKER).unwrap(), address);
        let engine = Engine::builder()
            .options(options)
            .provider(RabbitMqBrokers::new([broker], Arc::new(secrets)))
            .invoke(function)
            .build();
        let request = json!({
            "EventSourceArn": BROKER,
            "Queues": [self.name],
            "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": SECRET}],
            "FunctionName": "nothing",
            "BatchSize": BATCH,
        });
        let request = serde_json::from_value(request).unwrap();
        let mapping = engine.create(request).await.unwrap();
        let uuid = mapping.uuid.parse().unwrap();
        let invoked = || {
            let status = engine.mapping_status(uuid).unwrap();
            status.counts.invoked_event_count
        };
        while invoked() < self.messages as u64 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let rate = self.messages as f64 / since.get().unwrap().elapsed().as_secs_f64();
        assert_eq!(invoked(), self.messages as u64, "each message once");
        engine.shutdown().await;
        assert_eq!(self.declare(true).await, 0);
        rate
    }
}

async fn connect(address: &str) -> Connection {
    let mut uri: AMQPUri = address.parse().unwrap();
    uri.authority.userinfo.username = "u".to_owned();
    uri.authority.userinfo.password = "p".to_owned();
    uri.vhost = "/".to_owned();
    uri.query.frame_max = Some(128 * 1024);
    Connection::connect_uri(uri, ConnectionProperties::default())
        .await
        .unwrap()
}
