//! A topic that takes the records of what was discarded (Lambda developer guide, "Kafka topic as an on-failure
//! destination"): in the mapping's own cluster, one message for each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_engine::ports::{FailureDestination, FailureRecord};
use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode as Code;
use tokio::task::spawn_blocking;

use crate::auth::{AuthError, ClientSettings};
use crate::client;
use crate::connect::Connect;
use crate::problem::{Place, problem};
use crate::token_keeper::TokenKeeper;

/// How long a delivery may take, in milliseconds.
const BOUND: &str = "10000";

/// A topic that gets one message for each record: its body as the value, under the key of the record that it tells of.
pub struct TopicDestination {
    connect: Arc<dyn Connect>,
    topic: String,
    writer: tokio::sync::Mutex<Option<Arc<Writer>>>,
}

impl TopicDestination {
    /// Returns the topic of that name, where `connect` leads. Nothing is connected to before something is delivered.
    pub fn new(connect: Arc<dyn Connect>, topic: impl Into<String>) -> Self {
        Self {
            connect,
            topic: topic.into(),
            writer: tokio::sync::Mutex::default(),
        }
    }

    /// Returns the writer that there is, or makes one with the settings of now.
    async fn writer(&self) -> Result<Arc<Writer>, DeliveryError> {
        let mut writer = self.writer.lock().await;
        if let Some(writer) = &*writer {
            return Ok(Arc::clone(writer));
        }
        let settings = self.connect.settings().await;
        let settings = settings.map_err(|error| DeliveryError::new(error.message))?;
        let place = Place {
            topic: self.topic.clone(),
            group: None,
            servers: settings.bootstrap_servers().to_owned(),
        };
        let made = spawn_blocking(move || Writer::new(&settings, place)).await;
        let made = made.map_err(|error| DeliveryError::new(error.to_string()))?;
        let made = made.map_err(|error| {
            DeliveryError::new(format!("no client for topic {}: {error}", self.topic))
        })?;
        let made = Arc::new(made);
        *writer = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Has the next delivery make a new writer, unless there is one already: settings may have changed, and a producer
    /// that has failed may not be able to go on.
    async fn give_up(&self, failed: &Arc<Writer>) {
        let mut writer = self.writer.lock().await;
        if writer.as_ref().is_some_and(|one| Arc::ptr_eq(one, failed)) {
            *writer = None;
        }
    }
}

#[async_trait]
impl FailureDestination for TopicDestination {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        let writer = self.writer().await?;
        let delivered = Arc::clone(&writer).write(record).await;
        if delivered.is_err() {
            self.give_up(&writer).await;
        }
        delivered
    }
}

/// One producer.
struct Writer {
    /// `None` only while it is dropped.
    producer: Option<FutureProducer<WriterContext>>,
    place: Place,
    told: Arc<Told>,
    tokens: Mutex<Option<TokenKeeper>>,
}

/// What a producer was told last.
#[derive(Default)]
struct Told {
    connection: Mutex<String>,
    problem: Mutex<Option<String>>,
}

struct WriterContext {
    place: Place,
    told: Arc<Told>,
}

impl ClientContext for WriterContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        let mut last = lock(&self.told.connection);
        if client::is_connection(code) {
            reason.clone_into(&mut last);
        }
        if let Some(problem) = problem(code, reason, &last, &self.place) {
            *lock(&self.told.problem) = Some(problem.message);
        }
    }
}

impl Writer {
    fn new(settings: &ClientSettings, place: Place) -> KafkaResult<Self> {
        let mut config = client::configuration(settings);
        for (name, value) in [
            ("acks", "all"),
            ("enable.idempotence", "true"),
            ("message.timeout.ms", BOUND),
            ("request.timeout.ms", "5000"),
            // What is too large is for the topic to say.
            ("message.max.bytes", "10000000"),
        ] {
            config.set(name, value);
        }
        let told = Arc::new(Told::default());
        let context = WriterContext {
            place: place.clone(),
            told: Arc::clone(&told),
        };
        let producer = FutureProducer::from_config_and_context(&config, context)?;
        Ok(Self {
            producer: Some(producer),
            place,
            told,
            tokens: Mutex::new(settings.tokens().cloned().map(TokenKeeper::new)),
        })
    }

    async fn write(self: Arc<Self>, record: FailureRecord) -> Result<(), DeliveryError> {
        let writer = Arc::clone(&self);
        let kept = spawn_blocking(move || writer.keep_tokens()).await;
        kept.map_err(|error| DeliveryError::new(error.to_string()))?
            .map_err(|error| DeliveryError::new(error.message))?;
        let Some(producer) = &self.producer else {
            return Ok(());
        };
        let mut message: FutureRecord<'_, [u8], [u8]> =
            FutureRecord::to(&self.place.topic).payload(&record.body);
        message.key = record.key.as_deref();
        let sent = producer.send(message, Duration::ZERO).await;
        sent.map(drop).map_err(|(error, _)| self.failed(&error))
    }

    fn keep_tokens(&self) -> Result<(), AuthError> {
        match (&mut *lock(&self.tokens), &self.producer) {
            (Some(tokens), Some(producer)) => tokens.keep(producer.client()),
            _ => Ok(()),
        }
    }

    /// Returns why a message was not taken: what the producer was told last says more than that it took too long.
    fn failed(&self, error: &KafkaError) -> DeliveryError {
        let Place { topic, servers, .. } = &self.place;
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        let timed_out = code == Code::MessageTimedOut;
        let told = lock(&self.told.problem).take().filter(|_| timed_out);
        let reason = error.to_string();
        let known = || problem(code, &reason, "", &self.place).map(|problem| problem.message);
        let why = told.or_else(known).unwrap_or_else(|| reason.clone());
        DeliveryError::new(format!("topic {topic} at {servers} did not take it: {why}"))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A producer waits for its threads.
        let producer = self.producer.take();
        std::thread::spawn(move || drop(producer));
    }
}

fn lock<T>(value: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
