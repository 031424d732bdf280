//! A share group as a broker keeps it: locks, delivery counts, and what is archived.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::queue::{SettleVerb, Settlement};
use lambda_esm_core::record::{KafkaRecord, QueueContent, QueueMessage, Receipt, SharedRecord};

/// Partition and offset.
pub(crate) type Place = (i32, i64);

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Available,
    Acquired {
        until: Timestamp,
    },
    Accepted,
    Rejected,
    /// The group has delivered it as often as it does.
    Archived,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) state: State,
    pub(crate) count: u32,
    pub(crate) record: KafkaRecord,
}

/// A share group of one topic.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) records: BTreeMap<Place, Entry>,
    pub(crate) limit: u32,
    pub(crate) lock: Duration,
    pub(crate) can_renew: bool,
    /// Receipts of which the lock was lost though its time was not over, as after a fail-over.
    pub(crate) renewals: usize,
}

impl Group {
    pub(crate) fn put(&mut self, partition: i32, record: KafkaRecord) -> Place {
        let place = (partition, record.offset);
        let entry = Entry {
            state: State::Available,
            count: 0,
            record,
        };
        assert!(self.records.insert(place, entry).is_none());
        place
    }

    pub(crate) fn put_value(&mut self, now: Timestamp, partition: i32, value: &str) -> Place {
        let in_it = self.records.keys().filter(|(known, _)| *known == partition);
        let offset = i64::try_from(in_it.count()).unwrap();
        let value = Bytes::copy_from_slice(value.as_bytes());
        self.put(partition, KafkaRecord::new(offset, now, Some(value)))
    }

    /// Takes back what locks have ended of.
    pub(crate) fn lapse(&mut self, now: Timestamp) {
        let limit = self.limit;
        for entry in self.records.values_mut() {
            if matches!(entry.state, State::Acquired { until } if until <= now) {
                entry.state = released(entry.count, limit);
            }
        }
    }

    /// Takes the lock of every record away, as when the group's coordinator has lost its state.
    pub(crate) fn lose_locks(&mut self) {
        let limit = self.limit;
        for entry in self.records.values_mut() {
            if let State::Acquired { .. } = entry.state {
                entry.state = released(entry.count, limit);
            }
        }
    }

    pub(crate) fn next_lapse(&self) -> Option<Timestamp> {
        let ends = self.records.values().filter_map(|entry| match entry.state {
            State::Acquired { until } => Some(until),
            _ => None,
        });
        ends.min()
    }

    pub(crate) fn acquire(&mut self, now: Timestamp, most: usize) -> Vec<QueueMessage> {
        self.lapse(now);
        let until = now + self.lock;
        let available = self.records.iter_mut();
        let available = available.filter(|(_, entry)| entry.state == State::Available);
        let acquire = |(&(partition, offset), entry): (&Place, &mut Entry)| {
            entry.count += 1;
            entry.state = State::Acquired { until };
            let shared = SharedRecord::new(partition, entry.count, entry.record.clone());
            let receipt = Receipt(format!("{partition}:{offset}:{}", entry.count));
            QueueMessage::new(shared.id(), receipt, QueueContent::Kafka(shared))
        };
        available.take(most).map(acquire).collect()
    }

    pub(crate) fn settle(
        &mut self,
        now: Timestamp,
        settlement: &Settlement,
    ) -> Result<Place, SourceError> {
        self.lapse(now);
        let numbers: Vec<i64> = settlement
            .receipt
            .0
            .split(':')
            .map(|number| number.parse().unwrap())
            .collect();
        let place = (i32::try_from(numbers[0]).unwrap(), numbers[1]);
        let entry = self.records.get_mut(&place).unwrap();
        let ours = matches!(entry.state, State::Acquired { .. });
        if !ours || i64::from(entry.count) != numbers[2] {
            return Err(SourceError::new(
                SourceErrorKind::Expired,
                "INVALID_RECORD_STATE",
            ));
        }
        entry.state = match settlement.verb {
            SettleVerb::Delete => State::Accepted,
            SettleVerb::Release => released(entry.count, self.limit),
            SettleVerb::Reject => State::Rejected,
            SettleVerb::Renew => {
                assert!(self.can_renew, "the group renews no locks");
                self.renewals += 1;
                State::Acquired {
                    until: now + self.lock,
                }
            }
            other => unreachable!("{other:?}"),
        };
        Ok(place)
    }

    pub(crate) fn in_state(&self, state: State) -> Vec<Place> {
        let records = self.records.iter();
        let found = records.filter(|(_, entry)| entry.state == state);
        found.map(|(&place, _)| place).collect()
    }

    /// Tells whether nobody will get any record any more.
    pub(crate) fn is_done(&self) -> bool {
        let mut records = self.records.values();
        records.all(|entry| !matches!(entry.state, State::Available | State::Acquired { .. }))
    }
}

fn released(count: u32, limit: u32) -> State {
    if count >= limit {
        State::Archived
    } else {
        State::Available
    }
}
