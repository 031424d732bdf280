//! A stream of 20,000 shards, which an account may have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::lifecycle::State;
use lambda_esm_core::mapping::CreateEventSourceMapping;
use lambda_esm_engine::functions::Closure;
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions};
use lambda_esm_engine::ports::{Cursor, FetchRequest, Listing, Page, ShardId, Start, StreamSource};
use lambda_esm_engine::{Clock, Engine};
use serde_json::json;
use tokio::sync::Notify;
use tokio::time::Instant;

const SHARDS: usize = 20_000;
const LATENCY: Duration = Duration::from_millis(10);

/// A stream that takes its time, and counts.
#[derive(Clone)]
struct Counted {
    stream: MemoryStream,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    open: AtomicUsize,
    most: AtomicUsize,
    calls: AtomicUsize,
    listed: Notify,
}

impl Counted {
    fn new(shards: usize) -> Self {
        let options = MemoryStreamOptions::default().with_shards(shards);
        Self {
            stream: MemoryStream::new(Clock::starting_at(Timestamp(1_700_000_000_000)), options),
            seen: Arc::default(),
        }
    }

    async fn pass(&self) {
        let open = self.seen.open.fetch_add(1, Relaxed) + 1;
        self.seen.most.fetch_max(open, Relaxed);
        self.seen.calls.fetch_add(1, Relaxed);
        tokio::time::sleep(LATENCY).await;
        self.seen.open.fetch_sub(1, Relaxed);
    }

    fn engine(&self) -> Engine {
        Engine::builder()
            .clock(Clock::starting_at(Timestamp(1_700_000_000_000)))
            .stream("clicks", self.clone())
            .invoke(Closure::new(|_| async { Ok(Bytes::new()) }))
            .build()
    }
}

fn request(start: &str) -> CreateEventSourceMapping {
    let request = json!({
        "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
        "FunctionName": "count",
        "StartingPosition": start,
    });
    serde_json::from_value(request).unwrap()
}

#[async_trait]
impl StreamSource for Counted {
    async fn list(&self) -> Result<Listing, SourceError> {
        let listing = self.stream.list().await;
        self.seen.listed.notify_one();
        listing
    }

    async fn open(&self, shard: &ShardId, from: &Start) -> Result<Cursor, SourceError> {
        self.pass().await;
        self.stream.open(shard, from).await
    }

    async fn fetch(&self, request: FetchRequest) -> Result<Page, SourceError> {
        self.pass().await;
        self.stream.fetch(request).await
    }
}

#[tokio::test(start_paused = true)]
async fn twenty_thousand_shards_are_read_sixty_four_at_a_time_and_a_stop_waits_for_none() {
    let stream = Counted::new(SHARDS);
    let engine = stream.engine();
    let made = engine.create(request("LATEST")).await.unwrap();
    let uuid = made.uuid.parse().unwrap();
    // An opening and a page each, 64 at a time: 6.25 s.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let status = engine.mapping_status(uuid).unwrap();
    assert_eq!((status.state, status.problem), (State::Enabled, None));
    let step = u128::MAX / 100;
    for number in 0..100 {
        stream.stream.put_at(number * step, "key", "{}").unwrap();
    }
    // A round takes 3.2 s, and those with records are called on before it is over.
    tokio::time::sleep(Duration::from_secs(4)).await;
    let counts = engine.mapping_status(uuid).unwrap().counts;
    assert_eq!(counts.invoked_event_count, 100);
    assert_eq!(stream.seen.most.load(Relaxed), 64);
    let (began, calls) = (Instant::now(), stream.seen.calls.load(Relaxed));
    engine.shutdown().await;
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(
        stream.seen.calls.load(Relaxed),
        calls,
        "read after the stop"
    );
}

#[tokio::test(start_paused = true)]
async fn others_have_their_turn_while_twenty_thousand_shards_begin() {
    let stream = Counted::new(SHARDS);
    let engine = stream.engine();
    let seen = stream.seen.clone();
    let turns = tokio::spawn(async move {
        seen.listed.notified().await;
        let mut turns = 0;
        while seen.calls.load(Relaxed) == 0 {
            turns += 1;
            tokio::task::yield_now().await;
        }
        turns
    });
    engine.create(request("TRIM_HORIZON")).await.unwrap();
    // Each shard that begins is told of; after a hundred of these others have their turn.
    let turns: usize = turns.await.unwrap();
    assert!(turns >= 100, "{turns} turns");
    engine.shutdown().await;
}
