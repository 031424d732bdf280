//! All contracts of a stream, run on streams that have a fault.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use lambda_esm_core::record::{StreamContent, StreamRecord};
use lambda_esm_engine::Clock;
use lambda_esm_engine::contract::{
    bytes_contract, expiry_contract, merge_contract, recreation_contract, retention_contract,
    split_contract, stream_source_contract,
};
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, StreamKind};
use tokio::time::sleep;

use crate::fault::Fault;
use crate::faulty::{Faulty, START};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Returns what the contracts say of a stream with a fault; `None` if they find none.
pub(crate) async fn broken_promise(
    kind: StreamKind,
    shards: usize,
    fault: Option<Fault>,
) -> Option<String> {
    let world = World {
        kind,
        shards,
        fault,
    };
    let checked = AssertUnwindSafe(Box::pin(world.keeps_every_promise()));
    let panic = checked.catch_unwind().await.err()?;
    Some(match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => format!("{:?}", panic.downcast_ref::<&str>()),
    })
}

struct World {
    kind: StreamKind,
    shards: usize,
    fault: Option<Fault>,
}

impl World {
    fn options(&self) -> MemoryStreamOptions {
        let options = match self.kind {
            StreamKind::DynamoDb => MemoryStreamOptions::dynamo_db(),
            _ => MemoryStreamOptions::kinesis(),
        };
        options.with_shards(self.shards)
    }

    fn stream(&self, options: MemoryStreamOptions) -> Faulty {
        let inner = MemoryStream::new(Clock::starting_at(START), options);
        Faulty::new(inner, self.kind, self.fault)
    }

    async fn keeps_every_promise(&self) {
        let clock = Clock::starting_at(START);
        let stream = self.stream(self.options());
        let put = async |key: &str, text: &str| stream.put(key, text.as_bytes());
        stream_source_contract(&stream, clock, put, text).await;
        if self.kind == StreamKind::Kinesis {
            let put = async |key: &str, data: &[u8]| stream.put(key, data);
            bytes_contract(&stream, put).await;
        }
        self.is_resharded(&stream).await;
        self.passes_away().await;
    }

    async fn is_resharded(&self, stream: &Faulty) {
        let put = async |key: &str, text: &str| stream.put(key, text.as_bytes());
        let inner = stream.inner();
        let split = async |shard: &_| drop(inner.split(shard, None).unwrap());
        split_contract(stream, put, text, split).await;
        if self.kind == StreamKind::Kinesis {
            let merge = async |one: &_, other: &_| drop(inner.merge(one, other).unwrap());
            merge_contract(stream, put, text, merge).await;
        } else {
            let roll = async |shard: &_| drop(inner.roll(shard).unwrap());
            split_contract(stream, put, text, roll).await;
        }
    }

    async fn passes_away(&self) {
        let stream = self.stream(self.options());
        let put = async |key: &str, text: &str| stream.put(key, text.as_bytes());
        expiry_contract(&stream, put, text, async || sleep(DAY / 48).await).await;

        let stream = self.stream(self.options().with_iterator_lifetime(7 * DAY));
        let put = async |key: &str, text: &str| stream.put(key, text.as_bytes());
        retention_contract(&stream, put, text, async || sleep(DAY).await).await;

        let stream = self.stream(self.options());
        let put = async |key: &str, text: &str| stream.put(key, text.as_bytes());
        recreation_contract(&stream, put, text, async || stream.recreate()).await;
    }
}

fn text(record: &StreamRecord) -> String {
    match &record.content {
        StreamContent::Kinesis(record) => String::from_utf8_lossy(&record.data).into_owned(),
        StreamContent::DynamoDb(record) => record.new_image.clone().unwrap_or_default(),
        StreamContent::Unreadable(record) => record.json.clone(),
        other => unreachable!("{other:?}"),
    }
}
