//! Events of which only the sequence numbers are written: batches are cut as if all were there.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::{Batch, Batcher, CloseReason, Limits, Oversized};
use lambda_esm_core::event::kinesis::KinesisEncoder;
use lambda_esm_core::event::{EventDetail, RECORDS};
use lambda_esm_core::record::KinesisRecord;
use lambda_esm_core::stream::ShardId;
use proptest::prelude::*;

fn encoder(detail: EventDetail) -> KinesisEncoder {
    let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/or\"ders";
    KinesisEncoder::new(arn, "eu-west-1", "arn:aws:iam::123456789012:role/orders")
        .with_detail(detail)
}

/// Writes one record; returns what is written, and how much is not.
fn write(
    detail: EventDetail,
    shard: &str,
    sequence: &str,
    arrival: i64,
    record: &KinesisRecord,
) -> (Vec<u8>, usize) {
    let mut out = Vec::new();
    let shard = ShardId::new(shard);
    let arrival = Timestamp(arrival);
    let unwritten = encoder(detail).write_in_detail(&mut out, &shard, sequence, arrival, record);
    (out, unwritten)
}

/// A batch, as far as the machines know it: its records by number, why it was closed, and the size of its event.
type Cut = (Vec<usize>, CloseReason, usize);

fn cut(batch: &Batch<usize>) -> Cut {
    (batch.items.clone(), batch.reason, batch.event_bytes())
}

/// Returns the batches of records with so much data each, and those that are too large for any; then what their parts are
/// like.
fn cuts(detail: EventDetail, sizes: &[usize]) -> (Vec<Cut>, Vec<(usize, usize)>) {
    let limits = Limits {
        count: 5,
        window: Duration::ZERO,
    };
    let (encoder, shard) = (encoder(detail), ShardId::new("shardId-000000000006"));
    let mut batcher = Batcher::new(limits, RECORDS);
    let (mut closed, mut oversized) = (Vec::new(), Vec::new());
    for (number, size) in sizes.iter().enumerate() {
        let record = KinesisRecord::new("key", Bytes::from(vec![7; *size]));
        let pushed = batcher.push_measured(Timestamp(0), number, |number, out| {
            let sequence = format!("{:056}", *number);
            encoder.write_in_detail(out, &shard, &sequence, Timestamp(1_001), &record)
        });
        match pushed {
            Ok(batch) => closed.extend(batch),
            Err(Oversized { item, bytes }) => oversized.push((item, bytes)),
        }
    }
    let kept = batcher.retain(|number| number % 2 == 0);
    closed.extend(batcher.close(CloseReason::Draining));
    let mut all: Vec<Cut> = closed.iter().map(cut).collect();
    all.push((kept, CloseReason::Draining, 0));
    let mut halves = Vec::new();
    for mut batch in closed {
        all.push(cut(&batch.pick(batch.items.len() / 2..batch.items.len())));
        let rest = batch.split_off(1);
        all.extend(rest.as_ref().map(cut));
        all.push(cut(&batch));
        halves.push(batch);
        halves.extend(rest);
    }
    let mut joined = Batch::joined(halves);
    all.push(cut(&joined));
    joined.retain(|number| number % 3 == 0);
    all.push(cut(&joined));
    (all, oversized)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn batches_are_cut_as_if_all_were_written(
        sizes in prop::collection::vec(prop_oneof![0usize..200, 1_000_000usize..2_400_000, 4_700_000usize..4_720_000], 1..12),
    ) {
        let whole = cuts(EventDetail::Whole, &sizes);
        let numbers = cuts(EventDetail::SequenceNumbers, &sizes);
        prop_assert_eq!(whole, numbers);
    }
}

proptest! {
    #[test]
    fn what_is_written_and_what_is_not_are_the_whole_record(
        shard in "(?s).{0,20}", sequence in "[0-9]{1,56}", key in "(?s).{0,30}",
        arrival in any::<i64>(), shift in 0u32..63, data in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let record = KinesisRecord::new(key, data);
        let arrival = arrival >> shift;
        let (whole, none) = write(EventDetail::Whole, &shard, &sequence, arrival, &record);
        let (part, rest) = write(EventDetail::SequenceNumbers, &shard, &sequence, arrival, &record);
        prop_assert_eq!(none, 0);
        prop_assert_eq!(part.len() + rest, whole.len());
        let read: serde_json::Value = serde_json::from_slice(&part).unwrap();
        prop_assert_eq!(&read["sequenceNumber"], &sequence);
    }
}
