//! A member of a share group.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{QueueContent, QueueMessage, Receipt, SharedRecord};

use super::shared::{Inner, Shared};
use super::state::{End, Entry, MemberId, Sequence};
use crate::memory::waiting::{LONGEST_WAIT, receive};
use crate::ports::{QueueFacts, QueueSource, ReceiveRequest, Received, SettleVerb, Settlement};

/// A member of a [`MemoryShareGroup`](super::MemoryShareGroup). Clones are the same member. One that was closed may be used
/// again, which is to join anew.
#[derive(Clone, Debug)]
pub struct MemoryShareMember {
    shared: Arc<Shared>,
    id: MemberId,
}

impl MemoryShareMember {
    pub(super) const fn new(shared: Arc<Shared>, id: MemberId) -> Self {
        Self { shared, id }
    }

    /// Takes what is available, or tells when the next lock ends.
    fn take(&self, request: &ReceiveRequest) -> (Vec<QueueMessage>, Option<Timestamp>) {
        let (mut inner, now) = self.shared.lock();
        let options = &self.shared.options;
        let most = request.max.min(options.receive_limit);
        let until = now + options.lock_duration;
        let acquired = inner.records.acquire(self.id, until, most);
        let messages = acquired.into_iter().map(message).collect();
        (messages, inner.records.next_lapse())
    }

    fn settle_one(
        &self,
        inner: &mut Inner,
        now: Timestamp,
        settlement: &Settlement,
    ) -> Result<(), SourceError> {
        let lost = || {
            let text = format!(
                "receipt {:?} holds no lock: the record is done with, or delivered again",
                settlement.receipt.0
            );
            SourceError::new(SourceErrorKind::Expired, text)
        };
        let (sequence, delivery) = parse(&settlement.receipt).ok_or_else(lost)?;
        let records = &mut inner.records;
        let held = match settlement.verb {
            SettleVerb::Delete => records.end(sequence, delivery, End::Accepted),
            SettleVerb::Release => records.end(sequence, delivery, End::Released),
            SettleVerb::Reject => records.end(sequence, delivery, End::Rejected),
            SettleVerb::Renew if self.shared.options.can_renew => {
                let until = now + self.shared.options.lock_duration;
                records.renew(sequence, delivery, until)
            }
            other => {
                let text = format!("this share group in memory knows no {other:?}");
                return Err(SourceError::new(SourceErrorKind::Fatal, text));
            }
        };
        if held { Ok(()) } else { Err(lost()) }
    }
}

fn message((sequence, entry): (Sequence, Entry)) -> QueueMessage {
    let receipt = Receipt(format!("{sequence}:{}", entry.deliveries));
    let shared = SharedRecord::new(entry.partition, entry.deliveries, entry.record);
    QueueMessage::new(shared.id(), receipt, QueueContent::Kafka(shared))
}

fn parse(receipt: &Receipt) -> Option<(Sequence, u32)> {
    let (sequence, delivery) = receipt.0.split_once(':')?;
    Some((sequence.parse().ok()?, delivery.parse().ok()?))
}

#[async_trait]
impl QueueSource for MemoryShareMember {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let options = &self.shared.options;
        Ok(QueueFacts::new(options.lock_duration)
            .with_receive_limit(options.receive_limit)
            .with_settle_limit(options.receive_limit)
            .with_longest_wait(LONGEST_WAIT)
            .with_wait_step(Duration::from_millis(1))
            .with_delivery_limit(Some(options.delivery_limit.max(1)))
            .with_can_renew(options.can_renew))
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let Shared { clock, arrived, .. } = &*self.shared;
        Ok(receive(*clock, arrived, &request, || self.take(&request)).await)
    }

    fn receive_is_cancel_safe(&self) -> bool {
        true
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let (mut inner, now) = self.shared.lock();
        let results = settlements
            .iter()
            .map(|one| self.settle_one(&mut inner, now, one))
            .collect();
        let is_there_any = inner.records.has_available();
        drop(inner);
        if is_there_any {
            self.shared.arrived.notify_one();
        }
        Ok(results)
    }

    async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        let (inner, _) = self.shared.lock();
        let mut lags = vec![0; self.shared.options.partitions.max(1)];
        for partition in inner.records.partitions() {
            let index = usize::try_from(partition).unwrap_or(usize::MAX);
            if let Some(lag) = lags.get_mut(index) {
                *lag += 1;
            }
        }
        Ok(lags)
    }

    /// Releases what the member has.
    async fn close(&self) {
        let (mut inner, _) = self.shared.lock();
        inner.records.release_all(Some(self.id));
        drop(inner);
        self.shared.arrived.notify_one();
    }
}
