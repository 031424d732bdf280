//! An engine whose sources are recorded into memory.

use std::io::BufReader;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::InvokeError;
use lambda_esm_core::mapping::CreateEventSourceMapping;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryPushQueue, MemoryQueue, MemoryStream, MemoryTopic};
use lambda_esm_engine::ports::InvokeRequest;
use lambda_esm_engine::{Clock, Engine, EngineOptions};
use lambda_esm_lab::recording::{
    Header, Recorded, RecordingOptions, RecordingSink, Recordings, read,
};
use serde_json::{Value, json};
use tokio::time::sleep;

pub(crate) const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:orders.fifo";
pub(crate) const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";

/// The bytes of a recording, and whether it is full.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<(Vec<u8>, bool)>>);

impl RecordingSink for Memory {
    fn write(&self, line: Vec<u8>) {
        self.0.lock().unwrap().0.extend(line);
    }

    fn full(&self) {
        self.0.lock().unwrap().1 = true;
    }
}

impl Memory {
    pub(crate) fn is_full(&self) -> bool {
        self.0.lock().unwrap().1
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().0.clone()).unwrap()
    }

    /// Returns the lines behind the header.
    pub(crate) fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().skip(1);
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) fn read(&self) -> Recorded {
        read(BufReader::new(self.text().as_bytes())).unwrap()
    }
}

/// An engine with one source, which is recorded.
pub(crate) struct World {
    engine: Engine,
    pub(crate) recording: Memory,
}

pub(crate) enum Source {
    Queue(MemoryQueue),
    Stream(MemoryStream),
    Topic(MemoryTopic),
    PushQueue(MemoryPushQueue),
}

pub(crate) fn clock() -> Clock {
    Clock::starting_at(Timestamp(1_767_225_600_123))
}

/// Returns a world whose function fails as often as told, and then succeeds.
pub(crate) fn world(clock: Clock, source: Source, options: RecordingOptions, fails: u64) -> World {
    let recording = Memory::default();
    let sink = recording.clone();
    let open = move |_: &Header| Some(Box::new(sink.clone()) as Box<dyn RecordingSink>);
    let recordings = Arc::new(Recordings::new(
        clock,
        EngineOptions::default(),
        options,
        Arc::new(open),
    ));
    let failures = Arc::new(Mutex::new(fails));
    let function = Closure::new(move |_: InvokeRequest| {
        let failures = failures.clone();
        async move {
            let mut left = failures.lock().unwrap();
            match left.checked_sub(1) {
                Some(rest) => {
                    *left = rest;
                    Err(InvokeError::function("not yet"))
                }
                None => Ok(Bytes::from_static(b"null")),
            }
        }
    });
    let builder = Engine::builder().clock(clock).invoke(function);
    let builder = match source {
        Source::Queue(queue) => builder.source("orders.fifo", queue),
        Source::Stream(stream) => builder.stream("clicks", stream),
        Source::Topic(topic) => builder.topic("clicks", topic),
        Source::PushQueue(queue) => builder.push_queue("jobs", queue),
    };
    let engine = builder
        .through(move |provider| recordings.of(provider))
        .build();
    World { engine, recording }
}

impl World {
    pub(crate) async fn create(&self, members: Value) {
        let mut mapping = json!({"FunctionName": "f"});
        for (name, value) in members.as_object().unwrap() {
            mapping[name] = value.clone();
        }
        let mapping: CreateEventSourceMapping = serde_json::from_value(mapping).unwrap();
        self.engine.create(mapping).await.unwrap();
    }

    /// Waits until so many records are recorded, and a while longer for those that should not be.
    pub(crate) async fn recorded(&self, records: usize) {
        while self.recording.lines().len() < records {
            sleep(Duration::from_millis(100)).await;
        }
        sleep(Duration::from_secs(60)).await;
        assert_eq!(self.recording.lines().len(), records);
    }
}
