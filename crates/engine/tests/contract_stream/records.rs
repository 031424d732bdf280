//! Faults of records.

use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{
    DynamoDbRecord, KinesisRecord, StreamContent, StreamRecord, Unreadable,
};

use crate::fault::Fault;
use crate::faulty::START;

const MINUTE: i64 = 60_000;

/// Returns the record as a fault shows it; `None` if it loses it.
pub(crate) fn alter(fault: Fault, mut record: StreamRecord) -> Option<StreamRecord> {
    let index = index(&record);
    alter_sequence(fault, index, &mut record);
    alter_arrival(fault, index, &mut record);
    if fault == Fault::Unreadable {
        record.content = StreamContent::Unreadable(Box::new(Unreadable::new(
            "it is".to_owned(),
            "{}".to_owned(),
        )));
    }
    match &mut record.content {
        StreamContent::Kinesis(content) => {
            if fault == Fault::EmptyLost && content.data.is_empty() {
                return None;
            }
            alter_kinesis(fault, content);
        }
        StreamContent::DynamoDb(content) => alter_change(fault, content),
        _ => {}
    }
    Some(record)
}

/// Returns how many records of the shard came before.
fn index(record: &StreamRecord) -> u32 {
    let digits = record.sequence.len() - 9;
    record.sequence[digits..].parse().unwrap()
}

fn alter_sequence(fault: Fault, index: u32, record: &mut StreamRecord) {
    record.sequence = match fault {
        Fault::SequenceNotDigits => format!("{}-{index}", record.sequence).into(),
        Fault::SequenceRepeats => "7".into(),
        Fault::SequenceGoesDown => (1_000_000 - index).to_string().into(),
        _ => return,
    };
}

fn alter_arrival(fault: Fault, index: u32, record: &mut StreamRecord) {
    let arrival = record.arrival;
    record.arrival = match fault {
        Fault::ArrivalZero => Timestamp(0),
        Fault::ArrivalInSeconds => Timestamp(arrival.millis() / 1000),
        Fault::ArrivalAhead => arrival + Duration::from_secs(3600),
        Fault::ArrivalGoesBack => Timestamp(arrival.millis() - i64::from(index)),
        Fault::ArrivalStands => START,
        Fault::ArrivalCutToTheMinute | Fault::ArrivalCutToMoreThanTheGrain => {
            Timestamp(arrival.millis() - arrival.millis() % MINUTE)
        }
        _ => return,
    };
}

fn alter_kinesis(fault: Fault, record: &mut KinesisRecord) {
    match fault {
        Fault::TextTrimmed => record.data = record.data.trim_ascii().to_vec().into(),
        Fault::DataLossy => {
            let lossy = String::from_utf8_lossy(&record.data).into_owned();
            record.data = lossy.into();
        }
        Fault::DataCut => record.data.truncate(64 * 1024),
        Fault::KeyLost => record.partition_key = "".into(),
        Fault::KeyInLowerCase => record.partition_key = record.partition_key.to_lowercase().into(),
        _ => {}
    }
}

fn alter_change(fault: Fault, record: &mut DynamoDbRecord) {
    match (fault, &mut record.new_image) {
        (Fault::TextCutAtNul, Some(image)) => {
            let kept = image.find('\0').unwrap_or(image.len());
            image.truncate(kept);
        }
        (Fault::KeyLost, _) => record.keys = "{}".to_owned(),
        (Fault::KeyTrimmed, _) => {
            record.keys = record.keys.replace("\" ", "\"").replace(" \"", "\"");
        }
        (Fault::EventIdLost, _) => record.event_id.clear(),
        (Fault::EventIdRepeats, _) => record.event_id = "the same".to_owned(),
        (Fault::EventNameLost, _) => record.event_name = "".into(),
        _ => {}
    }
}
