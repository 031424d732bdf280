//! A member of a share group in memory, with a fault.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{QueueContent, QueueMessage, Receipt, SharedRecord};
use lambda_esm_engine::memory::MemoryShareMember;
use lambda_esm_engine::ports::{
    QueueFacts, QueueSource, ReceiveRequest, Received, SettleVerb, Settlement,
};

use super::fault::Fault;

pub(super) struct Faulty {
    member: MemoryShareMember,
    fault: Fault,
    descriptions: AtomicUsize,
    /// The receipts of the latest deliveries, by what they are known as.
    receipts: Mutex<HashMap<String, Receipt>>,
}

impl Faulty {
    pub(super) fn new(member: MemoryShareMember, fault: Fault) -> Self {
        Self {
            member,
            fault,
            descriptions: AtomicUsize::new(0),
            receipts: Mutex::default(),
        }
    }

    fn spoil(&self, mut message: QueueMessage) -> QueueMessage {
        let Some(shared) = message.content.kafka() else {
            return message;
        };
        let mut shared: SharedRecord = shared.clone();
        match self.fault {
            Fault::DropsHeaders => shared.record.headers.clear(),
            Fault::DropsNullValues => {
                shared.record.value.get_or_insert_default();
            }
            Fault::CountsFromZero => shared.delivery_count -= 1,
            Fault::CountsNothing => shared.delivery_count = 1,
            Fault::NamesByDelivery => message.id = format!("{}-{}", message.id, message.receipt.0),
            Fault::KeepsReceipts => {
                let name = message.id.clone();
                let receipt = std::mem::replace(&mut message.receipt, Receipt(name.clone()));
                self.receipts.lock().unwrap().insert(name, receipt);
            }
            _ => {}
        }
        message.content = QueueContent::Kafka(shared);
        message
    }

    fn deed(&self, settlement: &Settlement) -> Settlement {
        let verb = match (self.fault, settlement.verb) {
            (Fault::AcceptsByReleasing, SettleVerb::Delete)
            | (Fault::RejectsByReleasing, SettleVerb::Reject) => SettleVerb::Release,
            (Fault::ReleasesByAccepting, SettleVerb::Release) => SettleVerb::Delete,
            (_, verb) => verb,
        };
        let receipts = self.receipts.lock().unwrap();
        let receipt = receipts.get(&settlement.receipt.0);
        let receipt = receipt.unwrap_or(&settlement.receipt).clone();
        Settlement::new(receipt, verb)
    }

    fn does_nothing(&self, verb: SettleVerb) -> bool {
        matches!(
            (self.fault, verb),
            (Fault::ReleasesWithoutADeed, SettleVerb::Release)
                | (Fault::RenewsWithoutADeed, SettleVerb::Renew)
        )
    }
}

#[async_trait]
impl QueueSource for Faulty {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let mut facts = self.member.describe().await?;
        let times = self.descriptions.fetch_add(1, Ordering::Relaxed);
        Ok(match self.fault {
            Fault::HidesTheLimit => facts.with_delivery_limit(None),
            Fault::TellsOfALongerLock => {
                facts.visibility_timeout = Duration::from_secs(60);
                facts
            }
            Fault::TellsOfAShorterLock => {
                facts.visibility_timeout = Duration::from_secs(1);
                facts
            }
            Fault::ForgetsTheFacts if times > 0 => facts.with_settle_limit(1),
            _ => facts,
        })
    }

    async fn receive(&self, mut request: ReceiveRequest) -> Result<Received, SourceError> {
        if self.fault == Fault::IgnoresMax {
            request.max += 1;
        }
        let received = self.member.receive(request).await?;
        let messages = received.messages.into_iter();
        let messages: Vec<_> = messages.map(|message| self.spoil(message)).collect();
        Ok(messages.into())
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let mut results = Vec::new();
        for settlement in settlements {
            if self.does_nothing(settlement.verb) {
                results.push(Ok(()));
                continue;
            }
            let result = self.member.settle(&[self.deed(settlement)]).await?;
            results.extend(result);
        }
        match self.fault {
            Fault::SettlesTheLostTwice => results.fill(Ok(())),
            Fault::ReversesResults => results.reverse(),
            Fault::FailsAllForOne if results.iter().any(Result::is_err) => {
                let error = SourceError::new(SourceErrorKind::Expired, "one of them");
                results.fill(Err(error));
            }
            _ => {}
        }
        Ok(results)
    }

    async fn lags(&self) -> Result<Vec<u64>, SourceError> {
        let lags = self.member.lags().await?;
        Ok(match self.fault {
            Fault::LosesTheLag => vec![0; lags.len()],
            _ => lags,
        })
    }

    async fn close(&self) {
        if self.fault != Fault::NeverCloses {
            self.member.close().await;
        }
    }
}
