//! A standard queue within the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambda_esm::async_trait::async_trait;
use lambda_esm::fault::{SourceError, SourceErrorKind};
use lambda_esm::ports::{
    QueueFacts, QueueSource, ReceiveRequest, Received, SettleVerb, Settlement,
};
use lambda_esm::record::{QueueContent, QueueMessage, Receipt, SqsMessage};
use lambda_esm::uuid::Uuid;
use lambda_esm::{Clock, Timestamp};
use tokio::sync::Notify;

use crate::resources::ACCOUNT;

const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(30);
const MOST_AT_A_TIME: usize = 10;
const LONGEST_WAIT: Duration = Duration::from_secs(20);

struct Message {
    id: Uuid,
    content: SqsMessage,
    sent: Timestamp,
    first_received: Timestamp,
    receives: u32,
    visible_at: Timestamp,
    /// Of the latest delivery.
    receipt: Receipt,
}

pub(crate) struct Queue {
    clock: Clock,
    /// In the order of their sending.
    messages: Mutex<BTreeMap<u64, Message>>,
    changed: Notify,
}

impl Queue {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            messages: Mutex::default(),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Message>> {
        self.messages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn send(&self, body: impl Into<std::sync::Arc<str>>) {
        self.put(SqsMessage::new(body));
    }

    pub(crate) fn put(&self, content: SqsMessage) {
        let now = self.clock.now();
        let message = Message {
            id: Uuid::new_v4(),
            content,
            sent: now,
            first_received: now,
            receives: 0,
            visible_at: now,
            receipt: Receipt(String::new()),
        };
        let mut messages = self.lock();
        let number = messages.last_key_value().map_or(0, |(last, _)| last + 1);
        messages.insert(number, message);
        drop(messages);
        self.changed.notify_waiters();
    }

    /// Returns how many messages there are, hidden ones too.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Takes what is visible, and tells when more may be.
    fn take(&self, request: &ReceiveRequest) -> (Vec<QueueMessage>, Option<Timestamp>) {
        let now = self.clock.now();
        let hidden = request.visibility_timeout.unwrap_or(VISIBILITY_TIMEOUT);
        let mut messages = self.lock();
        let visible = messages
            .iter_mut()
            .filter(|(_, each)| each.visible_at <= now);
        let taken = visible.take(request.max.min(MOST_AT_A_TIME));
        let taken = taken.map(|(_, message)| {
            message.receives += 1;
            if message.receives == 1 {
                message.first_received = now;
            }
            message.visible_at = now + hidden;
            message.receipt = Receipt(Uuid::new_v4().to_string());
            let content = message.content.clone();
            let (sent, first) = (message.sent, message.first_received);
            let content = content.delivered(message.receives, sent, ACCOUNT, first);
            QueueMessage::new(
                message.id,
                message.receipt.clone(),
                QueueContent::Sqs(content),
            )
        });
        let taken = taken.collect();
        let next = messages.values().map(|message| message.visible_at).min();
        (taken, next)
    }

    fn settle_one(&self, settlement: &Settlement) -> Result<(), SourceError> {
        let mut messages = self.lock();
        let found = messages
            .iter_mut()
            .find(|(_, each)| each.receipt == settlement.receipt);
        let Some((&number, message)) = found else {
            let text = "the receipt is not that of the latest delivery";
            return Err(SourceError::new(SourceErrorKind::Expired, text));
        };
        match settlement.verb {
            SettleVerb::Delete => drop(messages.remove(&number)),
            SettleVerb::Release => {
                message.visible_at = self.clock.now();
                self.changed.notify_waiters();
            }
            other => {
                let text = format!("{other:?} is not supported");
                return Err(SourceError::new(SourceErrorKind::Fatal, text));
            }
        }
        Ok(())
    }
}

#[async_trait]
impl QueueSource for Queue {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        Ok(QueueFacts::new(VISIBILITY_TIMEOUT)
            .with_receive_limit(MOST_AT_A_TIME)
            .with_longest_wait(LONGEST_WAIT)
            .with_wait_step(Duration::from_millis(1)))
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        let deadline = self.clock.now() + request.wait.min(LONGEST_WAIT);
        loop {
            // Before looking, so that a message that comes in between is not missed.
            let changed = self.changed.notified();
            let (taken, next) = self.take(&request);
            if !taken.is_empty() || self.clock.now() >= deadline {
                return Ok(taken.into());
            }
            let wake = next.map_or(deadline, |next| next.min(deadline));
            tokio::select! {
                () = changed => {}
                () = self.clock.sleep_until(wake) => {}
            }
        }
    }

    /// Between taking and returning there is no await.
    fn receive_is_cancel_safe(&self) -> bool {
        true
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        Ok(settlements
            .iter()
            .map(|each| self.settle_one(each))
            .collect())
    }
}
