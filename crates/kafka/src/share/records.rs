//! From one partition of an answer to the records that were acquired in it.
//!
//! Brokers answer with whole batches, of which only the offsets inside the acquired ranges are the member's.

use bytes::{Buf, Bytes};
use krafka::__private::protocol::{RecordBatch, ShareAcquiredRecords};
use krafka::TimestampType as Origin;
use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{KafkaRecord, TimestampType};

use crate::consumer::Copier;

/// The most that a batch may be when it is decompressed, in bytes.
const DECOMPRESSED: usize = 128 * 1024 * 1024;
/// How long what stands before the length of a batch is, and that itself, in bytes.
const PREFIX: usize = 12;

/// What was acquired in one partition.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// The records, in the order of their offsets, each with its delivery count.
    pub(super) records: Vec<(KafkaRecord, u32)>,
    /// How many records the longest batch has, acquired or not.
    pub(super) longest: usize,
    /// Ranges of offsets that hold no record: they were compacted away, or are markers of transactions.
    pub(super) gaps: Vec<(i64, i64)>,
    /// Ranges of offsets whose records are damaged, and what is wrong.
    pub(super) damaged: Vec<(i64, i64, String)>,
}

/// Takes the acquired records out of batches.
pub(super) fn page(
    copier: &mut Copier,
    data: Option<&Bytes>,
    acquired: &[ShareAcquiredRecords],
) -> Page {
    let mut ranges: Vec<&ShareAcquiredRecords> = acquired.iter().collect();
    ranges.retain(|range| range.first_offset <= range.last_offset);
    ranges.sort_by_key(|range| range.first_offset);
    let mut page = Page::default();
    let mut damaged: Vec<(i64, i64, String)> = Vec::new();
    let mut data = data.cloned().unwrap_or_default();
    // Behind what was read so far.
    let mut next = i64::MIN;
    copier.begin();
    while let Some((base, length)) = prefix(&data) {
        if let Some((_, last, _)) = damaged.last_mut() {
            *last = (*last).min(base.saturating_sub(1));
        }
        match RecordBatch::decode_with_limit(&mut data, DECOMPRESSED) {
            Ok(batch) => {
                let last = batch
                    .base_offset
                    .saturating_add(batch.last_offset_delta.into());
                next = next.max(last.saturating_add(1));
                page.longest = page.longest.max(batch.records.len());
                if !batch.attributes.is_control_batch {
                    take(copier, batch, &ranges, &mut page.records);
                }
            }
            Err(error) => {
                damaged.push((base, i64::MAX, error.to_string()));
                match length.filter(|length| *length <= data.len()) {
                    Some(length) => data.advance(length),
                    None => break,
                }
            }
        }
    }
    // Offsets that no batch spans are no gaps: what was not sent is not said to be nothing.
    if damaged.last().is_none_or(|(_, last, _)| *last != i64::MAX) {
        damaged.push((next, i64::MAX, "the broker did not send it".to_owned()));
    }
    for range in ranges {
        rest(&mut page, &damaged, (range.first_offset, range.last_offset));
    }
    page
}

/// Returns the offset at which a batch begins, and how long it is, if it tells; `None` where there is no more batch.
fn prefix(data: &Bytes) -> Option<(i64, Option<usize>)> {
    let mut prefix = data.get(..PREFIX)?;
    let base = prefix.get_i64();
    let length = usize::try_from(prefix.get_i32()).ok();
    Some((base, length.and_then(|length| length.checked_add(PREFIX))))
}

/// Takes the records of a batch that are inside the ranges.
fn take(
    copier: &mut Copier,
    batch: RecordBatch,
    ranges: &[&ShareAcquiredRecords],
    records: &mut Vec<(KafkaRecord, u32)>,
) {
    let kind = match batch.attributes.timestamp_type {
        Origin::LogAppendTime => TimestampType::LogAppendTime,
        _ => TimestampType::CreateTime,
    };
    for one in batch.records {
        let offset = batch.base_offset.saturating_add(one.offset_delta.into());
        if records
            .last()
            .is_some_and(|(last, _)| offset <= last.offset)
        {
            continue;
        }
        let at = ranges.partition_point(|range| range.last_offset < offset);
        let Some(range) = ranges.get(at).filter(|range| range.first_offset <= offset) else {
            continue;
        };
        let time = match kind {
            TimestampType::LogAppendTime => batch.max_timestamp,
            TimestampType::CreateTime => batch.base_timestamp.saturating_add(one.timestamp_delta),
        };
        let value = one.value.map(|value| copier.bytes(&value));
        let mut record = KafkaRecord::new(offset, Timestamp(time), value);
        record.timestamp_type = kind;
        record.key = one.key.map(|key| copier.bytes(&key));
        let headers = one.headers.into_iter();
        record.headers = headers
            .map(|header| {
                let value = header.value.map(|value| copier.bytes(&value));
                (copier.name(&String::from_utf8_lossy(&header.key)), value)
            })
            .collect();
        let count = u32::try_from(range.delivery_count).unwrap_or_default();
        records.push((record, count.max(1)));
    }
}

/// Finds what of an acquired range has no record: gaps, and what is damaged.
fn rest(page: &mut Page, damaged: &[(i64, i64, String)], (first, last): (i64, i64)) {
    let from = page
        .records
        .partition_point(|(record, _)| record.offset < first);
    let inside = page.records[from..].iter().map(|(record, _)| record.offset);
    let mut next = first;
    let mut holes = Vec::new();
    for offset in inside.take_while(|offset| *offset <= last) {
        if next < offset {
            holes.push((next, offset - 1));
        }
        next = offset.saturating_add(1);
    }
    if next <= last {
        holes.push((next, last));
    }
    for (first, last) in holes {
        let mut next = first;
        for (from, to, because) in damaged {
            let (from, to) = ((*from).max(next), (*to).min(last));
            if from > to {
                continue;
            }
            if next < from {
                page.gaps.push((next, from - 1));
            }
            page.damaged.push((from, to, because.clone()));
            next = to.saturating_add(1);
        }
        if next <= last {
            page.gaps.push((next, last));
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use krafka::__private::protocol::Record;

    use super::*;

    fn batch(base: i64, deltas: &[i32]) -> RecordBatch {
        let mut batch = RecordBatch::new();
        batch.base_offset = base;
        batch.base_timestamp = 1_000;
        batch.max_timestamp = 2_000;
        batch.last_offset_delta = deltas.iter().max().copied().unwrap_or_default();
        for delta in deltas {
            let value = format!("v{}", base + i64::from(*delta));
            let mut record = Record::new(None, Some(value.into()));
            record.offset_delta = *delta;
            batch.records.push(record);
        }
        batch
    }

    fn encoded(batches: &[RecordBatch]) -> BytesMut {
        let mut data = BytesMut::new();
        for batch in batches {
            data.extend_from_slice(&batch.encode().unwrap());
        }
        data
    }

    fn range(first_offset: i64, last_offset: i64, delivery_count: i16) -> ShareAcquiredRecords {
        ShareAcquiredRecords {
            first_offset,
            last_offset,
            delivery_count,
        }
    }

    fn read(data: BytesMut, acquired: &[ShareAcquiredRecords]) -> Page {
        page(&mut Copier::default(), Some(&data.freeze()), acquired)
    }

    fn offsets(page: &Page) -> Vec<(i64, u32)> {
        let records = page.records.iter();
        records
            .map(|(record, count)| (record.offset, *count))
            .collect()
    }

    #[test]
    fn only_acquired_offsets_are_taken_with_the_delivery_count_of_their_range() {
        let data = encoded(&[batch(10, &[0, 1, 2, 3]), batch(14, &[0, 1])]);
        let page = read(data, &[range(14, 14, 1), range(11, 12, 3)]);
        assert_eq!(offsets(&page), [(11, 3), (12, 3), (14, 1)]);
        assert_eq!(page.records[0].0.value.as_deref(), Some(&b"v11"[..]));
        assert_eq!(page.records[0].0.timestamp, Timestamp(1_000));
        assert!(page.gaps.is_empty() && page.damaged.is_empty(), "{page:?}");
    }

    #[test]
    fn what_was_compacted_away_and_markers_of_transactions_are_gaps() {
        let mut marker = batch(15, &[0]);
        marker.attributes.is_control_batch = true;
        let data = encoded(&[batch(10, &[0, 3]), marker]);
        let page = read(data, &[range(10, 15, 1)]);
        assert_eq!(offsets(&page), [(10, 1), (13, 1)]);
        assert_eq!(page.gaps, [(11, 12), (14, 15)]);
        assert!(page.damaged.is_empty(), "{page:?}");
    }

    #[test]
    fn a_damaged_batch_is_told_and_spoils_no_other() {
        let mut data = encoded(&[batch(10, &[0, 1])]);
        let whole = data.len();
        data.extend_from_slice(&encoded(&[batch(12, &[0, 1]), batch(14, &[0])]));
        let at = whole + 70;
        data[at] ^= 0xff;
        let page = read(data, &[range(10, 14, 1)]);
        assert_eq!(offsets(&page), [(10, 1), (11, 1), (14, 1)]);
        assert!(page.gaps.is_empty(), "{page:?}");
        let [(12, 13, because)] = &page.damaged[..] else {
            panic!("{page:?}");
        };
        assert!(because.contains("CRC"), "{because}");
    }

    #[test]
    fn what_the_broker_did_not_send_is_not_said_to_be_nothing() {
        let mut data = encoded(&[batch(10, &[0, 1]), batch(12, &[0, 1])]);
        data.truncate(data.len() - 5);
        let page = read(data, &[range(10, 15, 1)]);
        assert_eq!(offsets(&page), [(10, 1), (11, 1)]);
        assert!(page.gaps.is_empty(), "{page:?}");
        assert_eq!((page.damaged[0].0, page.damaged[0].1), (12, 15));
        let page = read(BytesMut::new(), &[range(3, 4, 1)]);
        assert_eq!((page.damaged[0].0, page.damaged[0].1), (3, 4));
    }

    #[test]
    fn ranges_without_end_cost_nothing() {
        let page = read(BytesMut::new(), &[range(0, i64::MAX, -1), range(5, 2, 1)]);
        assert!(page.records.is_empty());
        assert_eq!(page.damaged.len(), 1);
    }
}
