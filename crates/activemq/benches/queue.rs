//! Messages per second from a queue through a mapping to a function that does nothing, against a bare loop of fe2o3-amqp with
//! the same credit that accepts as many at a time; and what a message takes of the processor.
//!
//! `tests/bench activemq`, with `MESSAGES` and `ROUNDS` in the environment to change the defaults.

#![expect(clippy::disallowed_types, reason = "a bench measures real time")]
#![expect(clippy::unwrap_used, reason = "a bench stops at the first surprise")]

use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fe2o3_amqp::link::receiver::CreditMode;
use fe2o3_amqp::sasl_profile::SaslProfile;
use fe2o3_amqp::types::messaging::Body;
use fe2o3_amqp::types::primitives::Value;
use fe2o3_amqp::{Connection, Receiver, Session};
use lambda_esm_activemq::ActiveMqBrokers;
use lambda_esm_core::mapping::Arn;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::MemorySecrets;
use lambda_esm_engine::{Engine, EngineOptions};
use rustix::time::{ClockId, clock_gettime};
use serde_json::json;
use tokio::net::TcpStream;
use uuid::Uuid;

const BATCH: usize = 100;
/// What a mapping with such batches may have at a time.
const CREDIT: usize = 1_000;
/// The length of a message's body, in bytes.
const LENGTH: usize = 200;
const BROKER: &str = "arn:aws:mq:us-east-1:000000000000:broker:bench:b-0";

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// What taking all messages took.
#[derive(Clone, Copy)]
struct Taken {
    /// Messages per second.
    rate: f64,
    /// Microseconds of this process's processor time for each message.
    processor: f64,
}

/// Times between the first message and the last.
struct Stopwatch {
    since: Instant,
    processor: Duration,
}

impl Stopwatch {
    fn start() -> Self {
        Self {
            since: Instant::now(),
            processor: processor_time(),
        }
    }

    fn stop(&self, messages: usize) -> Taken {
        let processor = processor_time() - self.processor;
        Taken {
            rate: messages as f64 / self.since.elapsed().as_secs_f64(),
            processor: processor.as_secs_f64() * 1e6 / messages as f64,
        }
    }
}

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let Ok(address) = std::env::var("LAMBDA_ESM_TEST_ACTIVEMQ") else {
        println!("skipped: LAMBDA_ESM_TEST_ACTIVEMQ is not set");
        return;
    };
    let broker = Broker { address };
    let (messages, rounds) = (setting("MESSAGES", 20_000), setting("ROUNDS", 3));
    println!(
        "{messages} persistent messages of {LENGTH} bytes, batches of {BATCH}, {rounds} rounds each"
    );
    // The broker's own warming up is nobody's fault.
    broker.bare("text", messages).await;
    for kind in ["text", "bytes"] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let mapped = broker.mapping(kind, messages).await;
            let looped = broker.bare(kind, messages).await;
            println!(
                "{kind:5} mapping {:>7.0} messages/s {:.1} us   bare loop {:>7.0} {:.1} us   {:.2}",
                mapped.rate,
                mapped.processor,
                looped.rate,
                looped.processor,
                mapped.rate / looped.rate
            );
            ours.push(mapped);
            theirs.push(looped);
        }
        let ratios = ours.iter().zip(&theirs);
        let ratio = median(ratios.map(|(mapped, looped)| mapped.rate / looped.rate));
        let rate = |all: &[Taken]| median(all.iter().map(|taken| taken.rate));
        println!(
            "{kind:5} medians: mapping {:.0} messages/s (goal 5,000, or the broker's own limit), bare loop {:.0}, ratio of a \
             round {ratio:.2}",
            rate(&ours),
            rate(&theirs)
        );
    }
}

struct Broker {
    /// `HOST:PORT` of its AMQP.
    address: String,
}

impl Broker {
    /// Returns a queue with so many messages, sent by ActiveMQ's own Java client.
    fn fill(kind: &str, messages: usize) -> String {
        let queue = format!("bench-{}", Uuid::new_v4());
        let home = std::env::var("LAMBDA_ESM_TEST_ACTIVEMQ_HOME").unwrap();
        let openwire = std::env::var("LAMBDA_ESM_TEST_ACTIVEMQ_OPENWIRE").unwrap();
        let filled = Command::new("java")
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .args([
                "-cp",
                &format!("{home}/libs/*:{home}/classes"),
                "Jms",
                &openwire,
            ])
            .args([
                "fill",
                &queue,
                &messages.to_string(),
                kind,
                &LENGTH.to_string(),
            ])
            .status();
        assert!(filled.unwrap().success());
        queue
    }

    /// A loop that does nothing with what it takes.
    async fn bare(&self, kind: &str, messages: usize) -> Taken {
        let queue = Self::fill(kind, messages);
        let stream = TcpStream::connect(&self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut connection = Connection::builder()
            .container_id(Uuid::new_v4().to_string())
            .sasl_profile(SaslProfile::Plain {
                username: "admin".to_owned(),
                password: "admin-secret".to_owned(),
            })
            .open_with_stream(stream)
            .await
            .unwrap();
        let mut session = Session::begin(&mut connection).await.unwrap();
        let mut receiver = Receiver::builder()
            .name("bench")
            .source(queue)
            .credit_mode(CreditMode::Manual)
            .attach(&mut session)
            .await
            .unwrap();
        receiver
            .set_credit(u32::try_from(CREDIT).unwrap())
            .await
            .unwrap();
        let mut watch = None;
        let mut taken = 0;
        while taken < messages {
            let mut batch = Vec::with_capacity(BATCH);
            while batch.len() < BATCH.min(messages - taken) {
                let delivery = receiver.recv::<Body<Value>>().await.unwrap();
                watch.get_or_insert_with(Stopwatch::start);
                batch.push(delivery);
            }
            taken += batch.len();
            receiver.accept_all(&batch).await.unwrap();
            receiver
                .set_credit(u32::try_from(CREDIT).unwrap())
                .await
                .unwrap();
        }
        let taken = watch.unwrap().stop(messages);
        receiver.close().await.unwrap();
        session.end().await.unwrap();
        connection.close().await.unwrap();
        taken
    }

    /// A mapping whose function answers at once, from its first invocation to its last.
    async fn mapping(&self, kind: &str, messages: usize) -> Taken {
        let queue = Self::fill(kind, messages);
        let watch = Arc::new(OnceLock::new());
        let begun = Arc::clone(&watch);
        let function = Closure::new(move |_| {
            begun.get_or_init(Stopwatch::start);
            async { Ok(Bytes::new()) }
        });
        let secrets = MemorySecrets::default();
        let secret = r#"{"username":"admin","password":"admin-secret"}"#;
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:broker-AbCdEf";
        secrets.put(arn, secret).unwrap();
        let address = format!("amqp://{}", self.address).parse().unwrap();
        let brokers = [(Arn::parse(BROKER).unwrap(), address)];
        let options = EngineOptions::default()
            .with_pacing(Pacing::Eager)
            .with_transition(Duration::ZERO);
        let engine = Engine::builder()
            .options(options)
            .provider(ActiveMqBrokers::new(brokers, Arc::new(secrets)))
            .invoke(function)
            .build();
        let request = json!({
            "EventSourceArn": BROKER,
            "SourceAccessConfigurations": [{"Type": "BASIC_AUTH", "URI": arn}],
            "Queues": [queue],
            "FunctionName": "nothing",
            "BatchSize": BATCH,
        });
        let mapping = engine
            .create(serde_json::from_value(request).unwrap())
            .await;
        let uuid = mapping.unwrap().uuid.parse().unwrap();
        let invoked = || {
            let status = engine.mapping_status(uuid).unwrap();
            usize::try_from(status.counts.invoked_event_count).unwrap()
        };
        while invoked() < messages {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let taken = watch.get().unwrap().stop(messages);
        assert_eq!(invoked(), messages, "each message once");
        engine.shutdown().await;
        taken
    }
}
