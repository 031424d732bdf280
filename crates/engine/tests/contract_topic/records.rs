//! Faults of records.

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{KafkaRecord, TimestampType};

use crate::fault::Fault;

/// Returns the record as a fault shows it; `None` if it loses it.
pub(crate) fn alter(fault: Fault, mut record: KafkaRecord) -> Option<KafkaRecord> {
    let is_empty = |bytes: &Option<Bytes>| bytes.as_ref().is_some_and(Bytes::is_empty);
    match fault {
        Fault::OffsetPlusOne => record.offset += 1,
        Fault::NullKeyAsEmpty => record.key = Some(record.key.unwrap_or_default()),
        Fault::EmptyKeyAsNull if is_empty(&record.key) => record.key = None,
        Fault::TombstoneAsEmpty => record.value = Some(record.value.unwrap_or_default()),
        Fault::TombstoneLost if record.value.is_none() => return None,
        Fault::EmptyValueAsNull if is_empty(&record.value) => record.value = None,
        Fault::KeyLossy => {
            let lossy = |key: Bytes| Bytes::from(String::from_utf8_lossy(&key).into_owned());
            record.key = record.key.map(lossy);
        }
        Fault::ValueCut => {
            if let Some(value) = &mut record.value {
                value.truncate(64 * 1024);
            }
        }
        Fault::TimestampZero => record.timestamp = Timestamp(0),
        Fault::TimestampInSeconds => record.timestamp = Timestamp(record.timestamp.0 / 1000),
        Fault::TimestampTypeWrong => record.timestamp_type = TimestampType::LogAppendTime,
        _ => alter_headers(fault, &mut record),
    }
    Some(record)
}

fn alter_headers(fault: Fault, record: &mut KafkaRecord) {
    let headers = &mut record.headers;
    match fault {
        Fault::HeaderOfSameNameLost => {
            let mut names = Vec::new();
            headers.retain(|(name, _)| {
                let is_new = !names.contains(name);
                names.push(name.clone());
                is_new
            });
        }
        Fault::HeadersReversed => headers.reverse(),
        Fault::NullHeaderAsEmpty => {
            for (_, value) in headers {
                *value = Some(value.take().unwrap_or_default());
            }
        }
        Fault::HeadersLost => headers.clear(),
        _ => {}
    }
}
