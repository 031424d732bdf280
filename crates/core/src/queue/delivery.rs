//! One delivery of a message, as the machine remembers it.

use std::time::Duration;

use crate::record::{Receipt, SharedRecord};
use crate::time::Timestamp;

/// What the machine remembers of a message in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) receipt: Receipt,
    /// Of a FIFO queue, its message group.
    pub(super) group: Option<String>,
    /// When the message becomes visible to others again.
    pub(super) hidden_until: Timestamp,
    /// How often it was received, this time included; 0 if the source does not say.
    pub(super) receives: u32,
    /// Of a share group, where the record stands.
    pub(super) place: Option<SharedPlace>,
}

/// Where a record of a share group stands in its topic, and how old it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SharedPlace {
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// When the record was made, or its broker got it; of a record without a time, when it was received.
    pub(super) arrival: Timestamp,
}

impl SharedPlace {
    /// Returns the place of a record that was received now.
    pub(super) fn of(now: Timestamp, shared: &SharedRecord) -> Self {
        let made = shared.record.timestamp;
        Self {
            partition: shared.partition,
            offset: shared.record.offset,
            arrival: if made < Timestamp(0) { now } else { made },
        }
    }
}

impl Delivery {
    /// When the lock is lost of a record that nobody can settle any more: long ago.
    const LOST: Timestamp = Timestamp(i64::MIN);

    /// Takes it that the lock is lost.
    pub(super) const fn lose(&mut self) {
        self.hidden_until = Self::LOST;
    }

    /// Tells whether the lock is known to be lost, so that the delivery cannot be settled.
    pub(super) fn is_lost(&self) -> bool {
        self.hidden_until == Self::LOST
    }

    /// Returns how old the record of a share group is; zero of another message.
    pub(super) fn age(&self, now: Timestamp) -> Duration {
        let place = self.place.as_ref();
        place.map_or(Duration::ZERO, |place| now.since(place.arrival))
    }

    /// Returns the partition; 0 of a message that has none.
    pub(super) fn partition(&self) -> i32 {
        self.place.map_or(0, |place| place.partition)
    }
}

/// Returns the message identifiers if decisions are wanted in detail.
pub(super) fn ids(detail: bool, deliveries: &[Delivery]) -> Vec<String> {
    if detail {
        deliveries
            .iter()
            .map(|delivery| delivery.id.clone())
            .collect()
    } else {
        Vec::new()
    }
}
