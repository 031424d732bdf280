//! Whatever happens to the shards: every record comes once, and those of a key in their order.

use std::collections::BTreeMap;
use std::time::Duration;

use lambda_esm_core::record::StreamRecord;
use lambda_esm_core::stream::compare_sequences;
use lambda_esm_engine::contract::StreamReader;
use lambda_esm_engine::memory::{MemoryStream, MemoryStreamOptions, StreamKind};
use lambda_esm_engine::ports::{Shard, ShardId, Start};
use proptest::prelude::*;

use crate::support::{record, stream, text};

/// What happens next.
#[derive(Clone, Debug)]
enum Step {
    /// This many records, of as many keys as there are.
    Put(usize),
    /// An open shard is split, or rolled over.
    Split(prop::sample::Index),
    /// An open shard is merged with its neighbour, or rolled over.
    Join(prop::sample::Index),
    /// The reader looks once at each shard it has open.
    Read,
    /// The next fetches find nothing.
    Empty(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (1usize..30).prop_map(Step::Put),
        2 => any::<prop::sample::Index>().prop_map(Step::Split),
        2 => any::<prop::sample::Index>().prop_map(Step::Join),
        3 => Just(Step::Read),
        1 => (1usize..4).prop_map(Step::Empty),
        1 => (1u64..3_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..40)
}

const KEYS: usize = 12;

struct World {
    stream: MemoryStream,
    kind: StreamKind,
    sent: usize,
    arrived: Vec<(ShardId, StreamRecord)>,
}

impl World {
    fn put(&mut self, number: usize) {
        let records = (0..number).map(|n| {
            let number = self.sent + n;
            record(
                self.kind,
                &format!("key {}", number % KEYS),
                &number.to_string(),
            )
        });
        self.stream.put_many(records).unwrap();
        self.sent += number;
    }

    fn open_shards(&self) -> Vec<Shard> {
        let mut open = self.stream.shards();
        open.retain(|shard| !shard.closed);
        open.sort_by_key(|shard| shard.hash_keys);
        open
    }

    fn split(&self, which: &prop::sample::Index) {
        let open = self.open_shards();
        // Shards of one hash key would be hard to reach.
        if open.len() < 16 {
            self.stream.split(&which.get(&open).id, None).unwrap();
        }
    }

    fn join(&self, which: &prop::sample::Index) {
        let open = self.open_shards();
        match self.kind {
            StreamKind::DynamoDb => drop(self.stream.roll(&which.get(&open).id).unwrap()),
            _ if open.len() > 1 => {
                let at = which.index(open.len() - 1);
                let merged = self.stream.merge(&open[at].id, &open[at + 1].id);
                drop(merged.unwrap());
            }
            _ => {}
        }
    }

    async fn run(&mut self, steps: &[Step]) {
        let stream = self.stream.clone();
        let mut reader = StreamReader::open(&stream, Start::TrimHorizon).await;
        for step in steps {
            match step {
                Step::Put(number) => self.put(*number),
                Step::Split(which) => self.split(which),
                Step::Join(which) => self.join(which),
                Step::Read => self.arrived.extend(reader.round().await),
                Step::Empty(times) => self.stream.answer_empty(*times),
                Step::Wait(millis) => tokio::time::sleep(Duration::from_millis(*millis)).await,
            }
        }
        let empty = steps.iter().map(|step| match step {
            Step::Empty(times) => *times,
            _ => 0,
        });
        let empty: usize = empty.sum();
        let missing = self.sent - self.arrived.len();
        self.arrived.extend(reader.read(missing).await);
        // Nothing comes a second time, after the pages that are to be empty.
        for _ in 0..=empty {
            assert_eq!(reader.round().await, []);
        }
    }

    fn check(&self) {
        let mut keys: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut shards: BTreeMap<&ShardId, &StreamRecord> = BTreeMap::new();
        for (shard, record) in &self.arrived {
            let number: usize = text(record).parse().unwrap();
            keys.entry(number % KEYS).or_default().push(number);
            if let Some(before) = shards.insert(shard, record) {
                let order = compare_sequences(&before.sequence, &record.sequence);
                assert!(
                    order.is_lt() && before.arrival <= record.arrival,
                    "in {shard}"
                );
            }
        }
        for key in 0..KEYS.min(self.sent) {
            let sent: Vec<_> = (key..self.sent).step_by(KEYS).collect();
            assert_eq!(keys.get(&key), Some(&sent), "records of key {key}");
        }
    }
}

fn run(options: MemoryStreamOptions, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    runtime.unwrap().block_on(async {
        let mut world = World {
            kind: options.kind,
            stream: stream(options),
            sent: 0,
            arrived: Vec::new(),
        };
        world.run(steps).await;
        world.check();
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_record_comes_once_and_in_the_order_of_its_key(
        dynamo_db in any::<bool>(),
        shards in 1usize..5,
        fetch_limit in prop_oneof![1usize..5, Just(1000)],
        fetch_bytes in prop_oneof![1usize..50, Just(100_000)],
        steps in steps(),
    ) {
        let options = if dynamo_db {
            MemoryStreamOptions::dynamo_db()
        } else {
            MemoryStreamOptions::kinesis()
        };
        run(options
.with_shards(shards)
.with_fetch_limit(fetch_limit)
.with_fetch_bytes(fetch_bytes), &steps);
    }
}
