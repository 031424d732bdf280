//! An engine with as many mappings as a test likes, each with a function of its own that is a closure.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use lambda_esm::decision::Decision;
use lambda_esm::fault::InvokeError;
use lambda_esm::functions::Closure;
use lambda_esm::lifecycle::State;
use lambda_esm::ports::InvokeRequest;
use lambda_esm::{Counts, Engine, EngineBuilder, MappingStatus};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::record::{records, values};
use super::server::{Stream, mapping};
use crate::wait::until;

/// What a function answers.
pub type Answer = Result<Bytes, InvokeError>;

/// What a function is: it is given each event.
pub type Script = Arc<dyn Fn(Arc<Value>) -> BoxFuture<'static, Answer> + Send + Sync>;

/// Returns a function that answers at once.
pub fn answering(answer: impl Fn(&Value) -> Answer + Send + Sync + 'static) -> Script {
    Arc::new(move |event| {
        let answer = answer(&event);
        async move { answer }.boxed()
    })
}

/// Returns a function that takes its time.
pub fn pending<R>(run: impl Fn(Arc<Value>) -> R + Send + Sync + 'static) -> Script
where
    R: Future<Output = Answer> + Send + 'static,
{
    Arc::new(move |event| run(event).boxed())
}

/// Returns a function that answers every event with this text.
#[must_use]
pub fn saying(text: &str) -> Script {
    let text = Bytes::from(text.to_owned());
    answering(move |_| Ok(text.clone()))
}

/// Returns a function that fails with every event.
#[must_use]
pub fn throwing() -> Script {
    answering(|_| Err(InvokeError::function("this function always fails")))
}

/// Returns a partial batch response that names the records with these sequence numbers.
#[must_use]
pub fn failures<'a>(sequences: impl IntoIterator<Item = &'a str>) -> Bytes {
    let failures: Vec<Value> = sequences
        .into_iter()
        .map(|sequence| json!({ "itemIdentifier": sequence }))
        .collect();
    json!({ "batchItemFailures": failures }).to_string().into()
}

/// One invocation, as the function saw it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The event as it was sent.
    pub payload: Bytes,
    /// The same, read.
    pub event: Arc<Value>,
    /// When it began.
    pub started: Instant,
    /// When the function answered; `None` while it works.
    pub ended: Option<Instant>,
    /// Whether it succeeded.
    pub succeeded: bool,
}

type Calls = Arc<Mutex<Vec<Call>>>;
type Functions = Arc<Mutex<HashMap<String, (Script, Calls)>>>;

/// An engine, and the functions of its mappings.
#[derive(Clone)]
pub struct Lab {
    /// The engine.
    pub engine: Engine,
    functions: Functions,
}

impl Lab {
    /// Returns the engine that `builder` builds, without mappings.
    #[must_use]
    pub fn new(builder: EngineBuilder) -> Self {
        let functions = Functions::default();
        let known = functions.clone();
        let backend = Closure::new(move |request: InvokeRequest| {
            let function = known.lock().unwrap()[request.function.name()].clone();
            run(function, request.payload)
        });
        let engine = builder.invoke(backend).build();
        Self { engine, functions }
    }

    /// Maps a stream, from its oldest record on, to a function of its own, with further members.
    pub async fn map(&self, stream: &Stream, members: &Value, script: Script) -> Row {
        self.map_arn(stream.arn(), members, script).await
    }

    /// The same with the stream's or its consumer's ARN.
    pub async fn map_arn(&self, arn: &str, members: &Value, script: Script) -> Row {
        let function = format!("f-{}", Uuid::new_v4().simple());
        let calls = Calls::default();
        let entry = (script, calls.clone());
        self.functions
            .lock()
            .unwrap()
            .insert(function.clone(), entry);
        let request = mapping(arn, &function, members);
        let created = self.engine.create(request).await.unwrap();
        Row {
            engine: self.engine.clone(),
            uuid: created.uuid.parse().unwrap(),
            function,
            calls,
        }
    }
}

async fn run((script, calls): (Script, Calls), payload: Bytes) -> Answer {
    let event: Arc<Value> = Arc::new(serde_json::from_slice(&payload).unwrap());
    let number = {
        let mut calls = calls.lock().unwrap();
        calls.push(Call {
            payload,
            event: event.clone(),
            started: Instant::now(),
            ended: None,
            succeeded: false,
        });
        calls.len() - 1
    };
    let answer = script(event).await;
    let mut calls = calls.lock().unwrap();
    calls[number].ended = Some(Instant::now());
    calls[number].succeeded = answer.is_ok();
    answer
}

/// One mapping, and what its function saw.
#[derive(Clone)]
pub struct Row {
    engine: Engine,
    /// The mapping.
    pub uuid: Uuid,
    /// The function's name.
    pub function: String,
    calls: Calls,
}

impl Row {
    /// Returns the invocations so far, in the order of their beginnings.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Counts the invocations so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// Returns the values of each invocation's records.
    #[must_use]
    pub fn batches(&self) -> Vec<Vec<Value>> {
        self.calls()
            .iter()
            .map(|call| values(&call.event))
            .collect()
    }

    /// Returns the values of all invocations' records.
    #[must_use]
    pub fn values(&self) -> Vec<Value> {
        self.batches().concat()
    }

    /// Counts the records of all invocations.
    #[must_use]
    pub fn records(&self) -> usize {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|call| records(&call.event).count()).sum()
    }

    /// Returns what the engine shows of the mapping.
    #[must_use]
    pub fn status(&self) -> MappingStatus {
        self.engine.mapping_status(self.uuid).unwrap()
    }

    /// Returns the mapping's counters.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.status().counts
    }

    /// Returns the mapping's last decisions.
    #[must_use]
    pub fn decisions(&self) -> Vec<Decision> {
        let recent = self.engine.recent(self.uuid).unwrap();
        recent.into_iter().map(|event| event.decision).collect()
    }

    /// Waits until the mapping is shown as enabled: from then on nothing that is put is missed.
    pub async fn until_enabled(&self) {
        until("the mapping is enabled", async || {
            (self.status().state == State::Enabled).then_some(())
        })
        .await;
    }

    /// Waits until there were so many invocations.
    pub async fn until_calls(&self, count: usize) {
        until(&format!("{count} invocations"), async || {
            (self.count() >= count).then_some(())
        })
        .await;
    }

    /// Waits until the function was given so many records.
    pub async fn until_records(&self, count: usize) {
        until(&format!("{count} records"), async || {
            (self.records() >= count).then_some(())
        })
        .await;
    }

    /// Waits until the mapping has read so many records and none of them is left to do.
    pub async fn until_settled(&self, records: usize) {
        let records = records as u64;
        until(&format!("{records} records are settled"), async || {
            let MappingStatus {
                activity, counts, ..
            } = self.status();
            let busy = activity.running + activity.waiting + activity.gathering;
            (counts.polled_event_count >= records && busy == 0).then_some(())
        })
        .await;
    }
}
