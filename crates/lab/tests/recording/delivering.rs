//! What is recorded, and delivered again.

use std::time::Duration;

use lambda_esm_engine::memory::{
    MemoryQueue, MemoryQueueOptions, MemoryStream, MemoryStreamOptions, SendMessage,
};
use lambda_esm_lab::recording::{RecordedKind, RecordingOptions, Redaction};
use lambda_esm_lab::scenario::RecordedArrival;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use crate::support::{QUEUE, STREAM, Source, World, clock, world};

fn options() -> RecordingOptions {
    RecordingOptions::new(7)
}

fn fifo() -> MemoryQueueOptions {
    MemoryQueueOptions::default().with_fifo(true)
}

/// Sends messages of two groups at odd moments, twelve in all.
async fn send(queue: &MemoryQueue) {
    for number in 0..12_u64 {
        sleep(Duration::from_millis(137 * number)).await;
        let message = SendMessage::new(format!("{{\"n\":{number}}}"));
        queue
            .send(message.in_group(format!("g{}", number % 2)))
            .unwrap();
    }
}

/// Delivers recorded arrivals to a queue at their times.
async fn replay(arrivals: Vec<RecordedArrival>, queue: &MemoryQueue) {
    let began = Instant::now();
    for arrival in arrivals {
        sleep_until(began + arrival.after).await;
        let body = String::from_utf8(arrival.payload.unwrap().to_vec()).unwrap();
        let group = arrival.key.unwrap().to_string();
        queue.send(SendMessage::new(body).in_group(group)).unwrap();
    }
}

/// What of a line is the same at each replay: not the message's id.
fn essence(line: &Value) -> [Value; 5] {
    ["at", "arrived", "key", "size"]
        .map(|member| line[member].clone())
        .into_iter()
        .chain([line["record"]["body"].clone()])
        .collect::<Vec<_>>()
        .try_into()
        .unwrap()
}

async fn recorded_queue(fails: u64) -> (World, MemoryQueue) {
    let clock = clock();
    let queue = MemoryQueue::new(clock, fifo());
    let world = world(clock, Source::Queue(queue.clone()), options(), fails);
    world.create(json!({"EventSourceArn": QUEUE})).await;
    (world, queue)
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_recorded_and_replayed_delivers_the_same() {
    // Failures bring messages back, which are recorded once.
    let (first, queue) = recorded_queue(3).await;
    send(&queue).await;
    first.recorded(12).await;
    let recorded = first.recording.read();
    assert_eq!(recorded.header.kind, RecordedKind::SqsFifo);
    assert_eq!(
        (recorded.header.source.as_str(), recorded.incomplete),
        (QUEUE, None)
    );
    let after: Vec<u128> = recorded
        .arrivals
        .iter()
        .map(|arrival| arrival.after.as_millis())
        .collect();
    let sent: Vec<u128> = (0..12)
        .map(|number| 137 * number * (number + 1) / 2)
        .collect();
    assert_eq!(after, sent);

    let (again, queue) = recorded_queue(3).await;
    replay(recorded.arrivals, &queue).await;
    again.recorded(12).await;
    let essences =
        |world: &World| -> Vec<_> { world.recording.lines().iter().map(essence).collect() };
    assert_eq!(essences(&again), essences(&first));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_recorded_with_shards_keys_and_arrivals() {
    let clock = clock();
    let stream = MemoryStream::new(clock, MemoryStreamOptions::kinesis().with_shards(2));
    // Two records are there before the recording begins.
    for key in ["early-0", "early-1"] {
        stream.put(key, "old").unwrap();
    }
    sleep(Duration::from_millis(2_500)).await;
    let world = world(clock, Source::Stream(stream.clone()), options(), 2);
    let mapping = json!({"EventSourceArn": STREAM, "StartingPosition": "TRIM_HORIZON"});
    world.create(mapping).await;
    for number in 0..10_u64 {
        sleep(Duration::from_millis(311)).await;
        stream
            .put(format!("key-{number}"), format!("data {number}"))
            .unwrap();
    }
    world.recorded(12).await;
    let lines = world.recording.lines();
    let early: Vec<&Value> = lines
        .iter()
        .filter(|line| line["arrived"] == json!(-2_500))
        .collect();
    assert_eq!(early.len(), 2);
    assert!(
        lines
            .iter()
            .all(|line| line["shard"].as_str().unwrap().starts_with("shardId-"))
    );
    let recorded = world.recording.read();
    let found: Vec<(u128, String, String)> = recorded
        .arrivals
        .iter()
        .map(|arrival| {
            let data = String::from_utf8(arrival.payload.clone().unwrap().to_vec()).unwrap();
            (
                arrival.after.as_millis(),
                arrival.key.as_ref().unwrap().to_string(),
                data,
            )
        })
        .collect();
    // What was there comes at the beginning.
    assert!(
        found[..2]
            .iter()
            .all(|(after, _, data)| (*after, data.as_str()) == (0, "old"))
    );
    let put: Vec<_> = (0..10_u64)
        .map(|number| {
            let after = u128::from(311 * (number + 1));
            (after, format!("key-{number}"), format!("data {number}"))
        })
        .collect();
    assert_eq!(found[2..], put);
}

#[tokio::test(start_paused = true)]
async fn no_redacted_value_is_in_the_file() {
    let paths = ["body.card", "attributes.MessageGroupId"].map(str::to_owned);
    let redaction = Redaction::new(paths.to_vec()).unwrap();
    let clock = clock();
    let queue = MemoryQueue::new(clock, fifo());
    let options = options().with_redaction(redaction);
    let world = world(clock, Source::Queue(queue.clone()), options, 0);
    world.create(json!({"EventSourceArn": QUEUE})).await;
    for body in [r#"{"card":"4111-1111","n":1}"#, "4111-1111 as plain text"] {
        queue
            .send(SendMessage::new(body).in_group("alice@example.com"))
            .unwrap();
    }
    world.recorded(2).await;
    let text = world.recording.text();
    assert!(!text.contains("4111") && !text.contains("alice"), "{text}");
    let lines = world.recording.lines();
    assert_eq!(
        lines[0]["record"]["body"],
        json!(r#"{"card":"REDACTED","n":1}"#)
    );
    assert_eq!(lines[1]["record"]["body"], json!("REDACTED"));
    // Who shares a group still does.
    assert_eq!(lines[0]["key"], lines[1]["key"]);
    assert!(lines[0]["key"].as_str().unwrap().starts_with("key-"));
    let header: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!(header["redacted"], json!(paths));
}

#[tokio::test(start_paused = true)]
async fn without_payloads_only_times_sizes_and_pseudonyms_are_kept() {
    let clock = clock();
    let queue = MemoryQueue::new(clock, fifo());
    let options = options().with_payloads(false);
    let world = world(clock, Source::Queue(queue.clone()), options, 0);
    world.create(json!({"EventSourceArn": QUEUE})).await;
    queue
        .send(SendMessage::new("12345").in_group("alice"))
        .unwrap();
    world.recorded(1).await;
    assert!(!world.recording.text().contains("alice"));
    let recorded = world.recording.read();
    let [arrival] = &recorded.arrivals[..] else {
        panic!("one message");
    };
    assert_eq!((arrival.size, &arrival.payload), (5, &None));
}

#[tokio::test(start_paused = true)]
async fn a_recording_ends_at_its_limit_and_says_so() {
    let clock = clock();
    let queue = MemoryQueue::new(clock, fifo());
    let options = options().with_limit(3_000);
    let world = world(clock, Source::Queue(queue.clone()), options, 0);
    world.create(json!({"EventSourceArn": QUEUE})).await;
    for number in 0..20 {
        let body = format!("{number:0200}");
        queue.send(SendMessage::new(body).in_group("g")).unwrap();
    }
    sleep(Duration::from_secs(60)).await;
    assert!(world.recording.is_full());
    let text = world.recording.text();
    assert!(text.len() < 3_100, "{} bytes", text.len());
    let recorded = world.recording.read();
    assert!((1..20).contains(&recorded.arrivals.len()));
    let why = "it ends here by its limit of 3000 bytes";
    assert_eq!(recorded.incomplete.as_deref(), Some(why));
    // The messages that were not recorded were processed, too.
    assert_eq!(queue.counts(), (0, 0, 0));
}
