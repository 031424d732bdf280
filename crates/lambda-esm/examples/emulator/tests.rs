//! An emulator's tests: the contracts of its own parts, and an hour of a mapping in a moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lambda_esm::api::{self, http};
use lambda_esm::memory::MemoryStore;
use lambda_esm::uuid::Uuid;
use lambda_esm::{Clock, Timestamp};
use serde_json::{Value, json};

use crate::Emulator;
use crate::store::FileStore;

/// Asks the API without a server.
async fn ask(emulator: &Emulator, method: &str, body: Value) -> http::Response<bytes::Bytes> {
    let request = http::Request::builder().method(method);
    let request = request.uri("/2015-03-31/event-source-mappings");
    let request = request.body(body.to_string().into()).unwrap();
    api::handle(&emulator.engine, request).await
}

#[tokio::test(start_paused = true)]
async fn a_mapping_made_before_its_queue_processes_an_hour_of_messages() {
    let clock = Clock::starting_at(Timestamp(1_800_000_000_000));
    let emulator = Emulator::start(clock, MemoryStore::default())
        .await
        .unwrap();
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = seen.clone();
    emulator.functions.add("count", move |event| {
        let event: Value = serde_json::from_slice(event).map_err(|error| error.to_string())?;
        let records = event["Records"].as_array().map_or(0, Vec::len);
        counter.fetch_add(records, Ordering::Relaxed);
        Ok("null".into())
    });
    let mapping = json!({
        "EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:orders", "FunctionName": "count",
    });
    assert_eq!(ask(&emulator, "POST", mapping).await.status(), 202);

    let arn = emulator.resources.make_queue("orders");
    assert_eq!(emulator.engine.source_changed(&arn), 1);
    let queue = emulator.resources.queue("orders").unwrap();
    for minute in 0..60 {
        queue.send(format!("message {minute}"));
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!((seen.load(Ordering::Relaxed), queue.len()), (60, 0));
    emulator.engine.shutdown().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_function_cannot_process_of_a_stream_is_told_to_a_queue() {
    let clock = Clock::starting_at(Timestamp(1_800_000_000_000));
    let emulator = Emulator::start(clock, MemoryStore::default())
        .await
        .unwrap();
    emulator.functions.add("fail", |_| Err("no".to_owned()));
    let (clicks, dead) = (
        emulator.resources.make_stream("clicks"),
        emulator.resources.make_queue("dead"),
    );
    let mapping = json!({
        "EventSourceArn": clicks, "FunctionName": "fail", "StartingPosition": "TRIM_HORIZON",
        "MaximumRetryAttempts": 1, "DestinationConfig": { "OnFailure": { "Destination": dead } },
    });
    assert_eq!(ask(&emulator, "POST", mapping).await.status(), 202);
    let stream = emulator.resources.stream("clicks").unwrap();
    stream.put("visitor".to_owned(), "{}".into());
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(emulator.resources.queue("dead").unwrap().len(), 1);
}

/// A file that goes with its owner.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("emulator-{}.json", Uuid::new_v4())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).unwrap();
    }
}

/// Files need the real time.
#[tokio::test]
async fn mappings_are_there_after_a_restart() {
    let file = Scratch::new();
    for mappings in [0, 1] {
        let store = FileStore::open(file.0.clone()).unwrap();
        let emulator = Emulator::start(Clock::system(), store).await.unwrap();
        emulator.functions.add("f", |_| Ok("null".into()));
        assert_eq!(emulator.engine.list().len(), mappings);
        let arn = emulator.resources.make_queue("orders");
        let mapping = json!({ "EventSourceArn": arn, "FunctionName": "f" });
        let made = ask(&emulator, "POST", mapping).await;
        assert_eq!(made.status(), if mappings == 0 { 202 } else { 409 });
        emulator.engine.shutdown().await;
    }
}

/// The promises of the ports, kept by the emulator's own parts.
#[cfg(feature = "contract")]
mod contracts {
    use std::sync::Mutex;

    use lambda_esm::bytes::Bytes;
    use lambda_esm::contract::{
        ContractFunctions, backend_contract, bytes_contract, destination_contract,
        queue_source_contract, store_contract, stream_source_contract,
    };
    use lambda_esm::ports::{
        FailureRecord, QueueSource as _, ReceiveRequest, SettleVerb, Settlement,
    };
    use lambda_esm::record::{SqsMessage, StreamContent, StreamRecord};

    use super::*;
    use crate::functions::Functions;
    use crate::queue::Queue;
    use crate::resources::ToQueue;
    use crate::stream::Stream;

    #[tokio::test(start_paused = true)]
    async fn the_queue_keeps_its_contract() {
        let clock = Clock::starting_at(Timestamp(1_800_000_000_000));
        let queue = Queue::new(clock);
        queue_source_contract(&queue, clock, false, async |message| {
            let content = SqsMessage::new(message.body);
            queue.put(content.with_message_attributes(message.attributes));
        })
        .await;
    }

    fn text(record: &StreamRecord) -> String {
        match &record.content {
            StreamContent::Kinesis(record) => String::from_utf8(record.data.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_stream_keeps_its_contract() {
        let clock = Clock::starting_at(Timestamp(1_800_000_000_000));
        let stream = Stream::new(clock);
        let put = async |key: &str, text: &str| stream.put(key.to_owned(), text.to_owned().into());
        stream_source_contract(&stream, clock, put, text).await;
        let put = async |key: &str, data: &[u8]| {
            stream.put(key.to_owned(), Bytes::copy_from_slice(data));
        };
        bytes_contract(&stream, put).await;
    }

    /// Functions run on threads, which need the real time.
    #[tokio::test]
    async fn the_functions_keep_their_contract() {
        let functions = Functions::default();
        functions.add("echo", |event| Ok(event.clone()));
        functions.add("fail", |_| Err("no".to_owned()));
        let described = ContractFunctions::new("echo", |event| event);
        let described = described
            .failing("fail", r#"{"fail":true}"#)
            .unknown("none");
        backend_contract(&functions, &described).await;
    }

    #[tokio::test]
    async fn the_store_keeps_its_contract() {
        let file = Scratch::new();
        let store = FileStore::open(file.0.clone()).unwrap();
        store_contract(store, async |store| {
            drop(store);
            FileStore::open(file.0.clone()).unwrap()
        })
        .await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_destination_keeps_its_contract() {
        let queue = Arc::new(Queue::new(Clock::starting_at(Timestamp(1_800_000_000_000))));
        let read: Mutex<Vec<FailureRecord>> = Mutex::default();
        destination_contract(&ToQueue(queue.clone()), false, async || {
            let received = queue
                .receive(ReceiveRequest::new(10, Duration::ZERO))
                .await
                .unwrap();
            for message in received.messages {
                let body = message.content.sqs().unwrap().body.to_string();
                read.lock().unwrap().push(FailureRecord::new(body));
                let done = Settlement::new(message.receipt, SettleVerb::Delete);
                queue.settle(&[done]).await.unwrap();
            }
            read.lock().unwrap().clone()
        })
        .await;
    }
}
