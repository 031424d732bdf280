//! Records that are given up, while their on-failure destination is told of them.

use std::collections::BTreeMap;

use crate::on_failure_record::FailureRecord;
use crate::queue::delivery::Delivery;
use crate::time::Timestamp;

/// Names a record on its way to the on-failure destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId(pub u64);

/// Records that are given up together.
#[derive(Debug)]
pub(super) struct GiveUp {
    pub(super) deliveries: Vec<Delivery>,
    pub(super) record: FailureRecord,
    pub(super) tries: u32,
    /// When the destination is told again; `None` while it is told.
    pub(super) retry_at: Option<Timestamp>,
}

/// All records that are given up and not yet settled.
#[derive(Debug, Default)]
pub(in crate::queue) struct GiveUps {
    open: BTreeMap<DeliveryId, GiveUp>,
    last: u64,
}

impl GiveUps {
    /// Tells whether there is none.
    pub(in crate::queue) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Returns how many records they are.
    pub(in crate::queue) fn records(&self) -> usize {
        self.open.values().map(|one| one.deliveries.len()).sum()
    }

    pub(super) fn held(&mut self, id: DeliveryId) -> &mut [Delivery] {
        match self.open.get_mut(&id) {
            Some(one) => &mut one.deliveries,
            None => &mut [],
        }
    }

    /// Adds records of which the destination is being told.
    pub(super) fn begin(&mut self, deliveries: Vec<Delivery>, record: FailureRecord) -> DeliveryId {
        self.last += 1;
        let id = DeliveryId(self.last);
        let one = GiveUp {
            deliveries,
            record,
            tries: 1,
            retry_at: None,
        };
        self.open.insert(id, one);
        id
    }

    /// Returns those of which the destination is being told under this name.
    pub(super) fn under_way(&mut self, id: DeliveryId) -> Option<&mut GiveUp> {
        let one = self.open.get_mut(&id);
        one.filter(|one| one.retry_at.is_none())
    }

    pub(super) fn end(&mut self, id: DeliveryId) -> Vec<Delivery> {
        let one = self.open.remove(&id);
        one.map(|one| one.deliveries).unwrap_or_default()
    }

    /// Returns the record to tell again, if that is due at this time.
    pub(super) fn again(&mut self, at: Timestamp, id: DeliveryId) -> Option<FailureRecord> {
        let one = self.open.get_mut(&id)?;
        one.retry_at.take_if(|due| *due == at)?;
        one.tries += 1;
        Some(one.record.clone())
    }
}
