//! An engine with an in-memory stream, a store that survives it, and a function that is a closure.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::EventSourceMappingConfiguration;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{
    MemoryDestination, MemoryStore, MemoryStream, MemoryStreamOptions,
};
use lambda_esm_engine::{Clock, Engine};
use serde_json::{Value, json};

type Answer = Arc<dyn Fn(&Value) -> Result<Value, InvokeError> + Send + Sync>;

/// What outlives an engine: the stream, the store, the destination, and what the function has seen.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) stream: MemoryStream,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) destination: MemoryDestination,
    pub(crate) events: Arc<Mutex<Vec<Value>>>,
    pub(crate) answer: Answer,
}

impl World {
    pub(crate) fn new(options: MemoryStreamOptions) -> Self {
        Self::beside(0, options)
    }

    /// The same, but that the stream's own clock shows so many seconds more than the engine's.
    pub(crate) fn beside(seconds: i64, options: MemoryStreamOptions) -> Self {
        let clock = Clock::starting_at(Timestamp(1_700_000_000_000));
        let own = Clock::starting_at(Timestamp(1_700_000_000_000 + seconds * 1_000));
        Self {
            clock,
            stream: MemoryStream::new(own, options),
            store: Arc::default(),
            destination: MemoryDestination::new(100),
            events: Arc::default(),
            answer: Arc::new(|_| Ok(Value::Null)),
        }
    }

    /// Sets what the function answers to an event.
    pub(crate) fn answering(
        mut self,
        answer: impl Fn(&Value) -> Result<Value, InvokeError> + Send + Sync + 'static,
    ) -> Self {
        self.answer = Arc::new(answer);
        self
    }

    pub(crate) fn engine(&self) -> Engine {
        let (events, answer) = (self.events.clone(), self.answer.clone());
        let function = Closure::new(move |request: lambda_esm_engine::ports::InvokeRequest| {
            let event: Value = serde_json::from_slice(&request.payload).unwrap();
            events.lock().unwrap().push(event.clone());
            let result = answer(&event);
            async move { result.map(|value| Bytes::from(value.to_string())) }
        });
        Engine::builder()
            .clock(self.clock)
            .store(self.store.clone())
            .stream("clicks", self.stream.clone())
            .destination("failed", self.destination.clone())
            .invoke(function)
            .build()
    }

    /// Creates a mapping that begins with the oldest records, with further `settings`.
    pub(crate) async fn create(
        &self,
        engine: &Engine,
        settings: Value,
    ) -> EventSourceMappingConfiguration {
        let mut request = json!({
            "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
            "FunctionName": "count",
            "StartingPosition": "TRIM_HORIZON",
        });
        for (name, value) in settings.as_object().unwrap() {
            request[name] = value.clone();
        }
        engine
            .create(serde_json::from_value(request).unwrap())
            .await
            .unwrap()
    }

    /// Returns the data of all records that the function has seen, in order.
    pub(crate) fn seen(&self) -> Vec<String> {
        let events = self.events.lock().unwrap();
        events.iter().flat_map(data).collect()
    }

    /// Waits, in the engine's time, until the function has seen so many records.
    pub(crate) async fn until_seen(&self, records: usize) {
        let limit = Duration::from_secs(24 * 3600);
        let seen = async {
            while self.seen().len() < records {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let in_time = tokio::time::timeout(limit, seen).await;
        assert!(in_time.is_ok(), "saw {:?} of {records}", self.seen());
    }
}

/// Returns the data of an event's records.
pub(crate) fn data(event: &Value) -> Vec<String> {
    use base64::Engine as _;
    let records = event["Records"].as_array().unwrap();
    let decode = |record: &Value| {
        let data = record["kinesis"]["data"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(data)
            .unwrap();
        String::from_utf8(bytes).unwrap()
    };
    records.iter().map(decode).collect()
}
