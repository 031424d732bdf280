//! When the registry is asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_schema_registry::{
    Attribute, CacheLimits, DataFormat, DecodeError, Decoded, DecoderSettings, Framing,
    LookupError, RecordDecoder, RecordFormat, RegisteredSchema, SchemaId, SchemaLookup,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

type Lookup = Result<RegisteredSchema, LookupError>;

/// Answers when a test lets it, and counts.
struct Counting {
    asked: AtomicUsize,
    answer: Mutex<Lookup>,
    gate: Semaphore,
}

#[async_trait]
impl SchemaLookup for Counting {
    async fn schema(&self, _: SchemaId) -> Lookup {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.gate.acquire().await.unwrap().forget();
        self.answer.lock().unwrap().clone()
    }
}

impl Counting {
    fn new(answer: Lookup, permits: usize) -> Arc<Self> {
        Arc::new(Self {
            asked: AtomicUsize::new(0),
            answer: Mutex::new(answer),
            gate: Semaphore::new(permits),
        })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn decoder(self: &Arc<Self>, limits: CacheLimits) -> RecordDecoder {
        let settings = DecoderSettings::new(Framing::Confluent, RecordFormat::Json);
        let settings = settings.with_values(true).with_cache(limits);
        RecordDecoder::new(self.clone(), settings)
    }
}

fn int() -> Lookup {
    Ok(RegisteredSchema::new(DataFormat::Avro, "\"int\""))
}

async fn decode(decoder: &RecordDecoder, id: u8) -> Result<Decoded, DecodeError> {
    let record = vec![0, 0, 0, 0, id, 2];
    decoder.decode(Attribute::Value, record.into()).await
}

#[tokio::test]
async fn a_schema_is_asked_for_once_by_all_who_wait() {
    let lookup = Counting::new(int(), 0);
    let decoder = lookup.decoder(CacheLimits::default());
    let mut waiting = JoinSet::new();
    for _ in 0..20 {
        let decoder = decoder.clone();
        waiting.spawn(async move { decode(&decoder, 1).await });
    }
    while lookup.asked() == 0 {
        tokio::task::yield_now().await;
    }
    lookup.gate.add_permits(1);
    for decoded in waiting.join_all().await {
        assert_eq!(decoded.unwrap().json, &b"1"[..]);
    }
    assert_eq!(lookup.asked(), 1);
    // From now on without waiting.
    let record = vec![0, 0, 0, 0, 1, 2].into();
    let decoded = decoder.decode_now(Attribute::Value, &record).unwrap();
    assert_eq!(decoded.unwrap().json, &b"1"[..]);
    assert!(
        decoder
            .decode_now(Attribute::Value, &vec![0, 0, 0, 0, 2, 2].into())
            .is_none()
    );
}

#[tokio::test]
async fn who_waits_is_answered_though_who_asked_is_gone() {
    let lookup = Counting::new(int(), 0);
    let decoder = lookup.decoder(CacheLimits::default());
    let first = tokio::spawn({
        let decoder = decoder.clone();
        async move { decode(&decoder, 1).await }
    });
    while lookup.asked() == 0 {
        tokio::task::yield_now().await;
    }
    let second = tokio::spawn({
        let decoder = decoder.clone();
        async move { decode(&decoder, 1).await }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    lookup.gate.add_permits(1);
    assert_eq!(second.await.unwrap().unwrap().json, &b"1"[..]);
    assert_eq!(lookup.asked(), 1);
}

#[tokio::test]
async fn a_request_that_nobody_waits_for_is_begun_anew() {
    let lookup = Counting::new(int(), 0);
    let decoder = lookup.decoder(CacheLimits::default());
    let first = tokio::spawn({
        let decoder = decoder.clone();
        async move { decode(&decoder, 1).await }
    });
    while lookup.asked() == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    lookup.gate.add_permits(1);
    assert!(decode(&decoder, 1).await.is_ok());
    assert_eq!(lookup.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn that_there_is_no_schema_holds_for_a_short_time() {
    let lookup = Counting::new(Err(LookupError::NotFound("not there".to_owned())), 100);
    let decoder = lookup.decoder(CacheLimits::default());
    let missing = DecodeError::SchemaNotFound("the value names schema 1: not there".to_owned());
    assert_eq!(decode(&decoder, 1).await, Err(missing.clone()));
    assert_eq!(missing.reason(), Some("SCHEMA_NOT_FOUND"));
    *lookup.answer.lock().unwrap() = int();
    tokio::time::advance(Duration::from_millis(4_999)).await;
    assert_eq!(decode(&decoder, 1).await, Err(missing));
    assert_eq!(lookup.asked(), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(decode(&decoder, 1).await.is_ok());
    assert_eq!(lookup.asked(), 2);
    // What is there is there for good.
    tokio::time::advance(Duration::from_secs(1_000_000)).await;
    assert!(decode(&decoder, 1).await.is_ok());
    assert_eq!(lookup.asked(), 2);
}

#[tokio::test]
async fn a_registry_that_is_down_is_asked_again_each_time_and_drops_nothing() {
    let lookup = Counting::new(Err(LookupError::Unavailable("down".to_owned())), 100);
    let decoder = lookup.decoder(CacheLimits::default());
    for _ in 0..2 {
        let failure = decode(&decoder, 1).await.unwrap_err();
        assert_eq!(failure, DecodeError::Unavailable("down".to_owned()));
        assert_eq!(failure.reason(), None);
    }
    *lookup.answer.lock().unwrap() = int();
    assert!(decode(&decoder, 1).await.is_ok());
    assert_eq!(lookup.asked(), 3);
}

#[tokio::test]
async fn the_schema_that_was_not_used_for_longest_goes() {
    let lookup = Counting::new(int(), 100);
    let decoder = lookup.decoder(CacheLimits::default().with_entries(2));
    for id in [1, 2, 1, 3] {
        decode(&decoder, id).await.unwrap();
    }
    assert_eq!(lookup.asked(), 3);
    decode(&decoder, 1).await.unwrap();
    assert_eq!(lookup.asked(), 3);
    decode(&decoder, 2).await.unwrap();
    assert_eq!(lookup.asked(), 4);
}

#[tokio::test]
async fn texts_are_kept_up_to_their_bytes() {
    let lookup = Counting::new(int(), 100);
    // A text has 5 bytes.
    let decoder = lookup.decoder(CacheLimits::default().with_bytes(10));
    for id in [1, 2, 1, 2] {
        decode(&decoder, id).await.unwrap();
    }
    assert_eq!(lookup.asked(), 2);
    for id in [3, 1] {
        decode(&decoder, id).await.unwrap();
    }
    assert_eq!(lookup.asked(), 4);
    // One that is longer than all that may be kept is kept alone.
    let alone = lookup.decoder(CacheLimits::default().with_bytes(1));
    for id in [1, 1] {
        decode(&alone, id).await.unwrap();
    }
    assert_eq!(lookup.asked(), 5);
}

#[tokio::test]
async fn what_names_no_schema_asks_nobody() {
    let lookup = Counting::new(int(), 100);
    let decoder = lookup.decoder(CacheLimits::default());
    let failure = decoder
        .decode(Attribute::Value, "text"[..].into())
        .await
        .unwrap_err();
    assert_eq!(failure.reason(), Some("DESERIALIZATION_ERROR"));
    assert_eq!(
        failure.to_string(),
        "the value begins with byte 116, where one with the id of a Confluent schema has 0"
    );
    assert_eq!(lookup.asked(), 0);
}
