//! A session, as the engine has it.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceError;
use tokio::sync::Notify;

use super::broker::{Broker, ConsumerId};
use super::faults::PushQueueCall;
use crate::clock::Clock;
use crate::ports::{DeliveryOutcome, PushQueueConsumer, PushedMessage};

/// What the clones of a queue and its consumers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) name: String,
    clock: Clock,
    broker: Mutex<Broker>,
    /// Wakes all who wait for messages.
    changed: Notify,
}

impl Shared {
    pub(super) fn new(clock: Clock, name: String, broker: Broker) -> Self {
        Self {
            name,
            clock,
            broker: Mutex::new(broker),
            changed: Notify::new(),
        }
    }

    /// Changes something, has the broker send what can be sent, and wakes all who wait.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Broker, Timestamp) -> T) -> T {
        let mut broker = self.broker.lock().unwrap_or_else(PoisonError::into_inner);
        // The time is asked for under the lock, so that it never runs backwards.
        let now = self.clock.now();
        let result = change(&mut broker, now);
        broker.dispatch(now);
        drop(broker);
        self.changed.notify_waiters();
        result
    }

    /// Looks at the queue, changing nothing.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut Broker, Timestamp) -> T) -> T {
        let mut broker = self.broker.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        look(&mut broker, now)
    }
}

/// Ends its session when it is dropped.
#[derive(Debug)]
pub(super) struct MemoryPushConsumer {
    pub(super) shared: Arc<Shared>,
    pub(super) id: ConsumerId,
}

impl MemoryPushConsumer {
    /// Makes a call, whose failure ends the session.
    fn call<T>(
        &self,
        call: PushQueueCall,
        make: impl FnOnce(&mut Broker) -> Result<T, SourceError>,
    ) -> Result<T, SourceError> {
        self.shared.change(|broker, _| {
            if let Err(error) = broker.faults.meet(call) {
                broker.end(self.id, &error);
                return Err(error);
            }
            make(broker)
        })
    }
}

#[async_trait]
impl PushQueueConsumer for MemoryPushConsumer {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        self.call(PushQueueCall::Next, |_| Ok(()))?;
        loop {
            let changed = self.shared.changed.notified();
            let messages = self.shared.look(|broker, now| broker.read(now, self.id))?;
            if !messages.is_empty() {
                return Ok(messages);
            }
            changed.await;
        }
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        self.call(PushQueueCall::Settle, |broker| {
            broker.settle(self.id, &outcomes)
        })
    }

    async fn stop(&self) -> Result<(), SourceError> {
        self.call(PushQueueCall::Stop, |broker| broker.stop(self.id))
    }

    async fn close(&self) {
        self.shared.change(|broker, _| broker.forget(self.id));
    }
}

impl Drop for MemoryPushConsumer {
    fn drop(&mut self) {
        self.shared.change(|broker, _| broker.forget(self.id));
    }
}
