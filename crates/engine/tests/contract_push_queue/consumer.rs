//! The port of a consumer with a fault.

use std::collections::{BTreeMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::PushedContent;
use lambda_esm_engine::memory::MemoryPushQueue;
use lambda_esm_engine::ports::{
    DeliveryOutcome, DeliveryTag, Outcome, PushQueueConsumer, PushedMessage,
};

use crate::fault::Fault;
use crate::faulty::Common;
use crate::spoilt::spoil_read;

pub(crate) struct FaultyConsumer {
    inner: Arc<dyn PushQueueConsumer>,
    queue: MemoryPushQueue,
    fault: Fault,
    common: Arc<Common>,
    is_second: bool,
    state: Mutex<State>,
}

/// What a fault remembers.
#[derive(Default)]
struct State {
    /// What was delivered and is not settled, by the tag of the queue without fault.
    held: BTreeMap<DeliveryTag, PushedContent>,
    /// What was taken from the queue and is read one at a time.
    buffer: VecDeque<PushedMessage>,
    /// Outcomes that are told at the end.
    late: Vec<DeliveryOutcome>,
    stopped: bool,
    failed: bool,
}

impl FaultyConsumer {
    pub(crate) fn new(
        inner: Arc<dyn PushQueueConsumer>,
        queue: MemoryPushQueue,
        fault: Fault,
        common: Arc<Common>,
        is_second: bool,
    ) -> Self {
        Self {
            inner,
            queue,
            fault,
            common,
            is_second,
            state: Mutex::default(),
        }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn keep(&self) {
        self.common.kept.lock().unwrap().push(self.inner.clone());
    }

    /// Reads from the queue without fault, and takes note of that.
    async fn read(&self) -> Result<Vec<PushedMessage>, SourceError> {
        let messages = self.inner.next().await?;
        let mut state = self.state();
        for message in &messages {
            state.held.insert(message.tag, message.content.clone());
        }
        Ok(messages)
    }

    /// Returns what is told instead of an outcome.
    fn told(&self, outcome: Outcome) -> Outcome {
        let failed = match (self.fault, outcome) {
            (Fault::ReleasedIsAccepted, Outcome::Released { .. })
            | (Fault::RejectedIsForgotten, Outcome::Rejected) => return Outcome::Accepted,
            (Fault::ReleasedIsRejected, Outcome::Released { .. }) => return Outcome::Rejected,
            (Fault::ReleaseCountsAlways, Outcome::Released { .. }) => true,
            (Fault::FailuresNotCounted, Outcome::Released { .. })
            | (Fault::RejectedComesBack, Outcome::Rejected) => false,
            _ => return outcome,
        };
        Outcome::Released { failed }
    }

    /// Takes what is held for done with, and publishes it again.
    async fn publish_again(&self, tags: Vec<DeliveryTag>) {
        let mut outcomes = Vec::new();
        for tag in tags {
            let content = self.state().held.remove(&tag);
            outcomes.push(accepted(tag));
            self.queue.publish(content.unwrap()).unwrap();
        }
        drop(self.inner.settle(outcomes).await);
    }

    fn held(&self) -> Vec<DeliveryTag> {
        self.state().held.keys().copied().collect()
    }
}

fn accepted(tag: DeliveryTag) -> DeliveryOutcome {
    let outcome = Outcome::Accepted;
    DeliveryOutcome { tag, outcome }
}

fn fails() -> SourceError {
    SourceError::new(SourceErrorKind::Transient, "a fault")
}

#[async_trait]
impl PushQueueConsumer for FaultyConsumer {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        match self.fault {
            Fault::ReadNeverEnds => pending().await,
            Fault::ReadsComeLate => tokio::time::sleep(Duration::from_millis(100)).await,
            Fault::OneMessageARead | Fault::StopLosesWhatWasSent => {
                if let Some(message) = self.state().buffer.pop_front() {
                    return Ok(vec![message]);
                }
            }
            Fault::BreakToldOnce if self.state().failed => pending().await,
            Fault::ReadEmptyAtOnce => {
                let read = std::pin::pin!(self.read());
                return match futures::poll!(read) {
                    std::task::Poll::Ready(read) => read,
                    std::task::Poll::Pending => Ok(Vec::new()),
                };
            }
            _ => {}
        }
        let mut messages = match (self.fault, self.read().await) {
            (Fault::BreakNotTold, Err(_)) => pending().await,
            (Fault::DeletionNotTold, Err(error)) if error.kind == SourceErrorKind::NotFound => {
                pending().await
            }
            (_, Err(error)) => {
                self.state().failed = true;
                return Err(error);
            }
            (_, Ok(messages)) => messages,
        };
        match self.fault {
            Fault::ReadDroppedLoses => {
                for _ in 0..4 {
                    tokio::task::yield_now().await;
                }
            }
            Fault::OneMessageARead | Fault::StopLosesWhatWasSent => {
                let rest = messages.split_off(1);
                self.state().buffer.extend(rest);
            }
            Fault::BothHaveAll => {
                let mut given = self.common.given.lock().unwrap();
                if self.is_second {
                    for (message, content) in messages.iter_mut().zip(&*given) {
                        message.content = content.clone();
                    }
                } else {
                    *given = messages.iter().map(|each| each.content.clone()).collect();
                }
            }
            _ => {}
        }
        spoil_read(self.fault, &mut messages);
        Ok(messages)
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        match self.fault {
            Fault::SettleHangs => pending().await,
            Fault::SettleIsSlow => tokio::time::sleep(Duration::from_secs(1)).await,
            Fault::StoppedCannotSettle if self.state().stopped => return Err(fails()),
            _ => {}
        }
        let mut told = Vec::new();
        for DeliveryOutcome { mut tag, outcome } in outcomes {
            if self.is(Fault::TagsWithGaps) {
                tag.0 /= 3;
            }
            if self.is(Fault::AcceptForgotten) && tag.0 == 1 && outcome == Outcome::Accepted {
                continue;
            }
            if self.is(Fault::ReleasedGoesToTheEnd) && matches!(outcome, Outcome::Released { .. }) {
                self.publish_again(vec![tag]).await;
                continue;
            }
            if self.is(Fault::AcceptsAllBefore) && outcome == Outcome::Accepted {
                let before = self.held().into_iter().filter(|held| *held < tag);
                told.extend(before.map(accepted));
            }
            let outcome = self.told(outcome);
            told.push(DeliveryOutcome { tag, outcome });
        }
        told.sort_by_key(|each| each.tag);
        told.dedup_by_key(|each| each.tag);
        for each in &told {
            self.state().held.remove(&each.tag);
        }
        if self.is(Fault::SettledMakesNoRoom) {
            self.state().late.extend(told);
            return Ok(());
        }
        let settled = self.inner.settle(told).await;
        if self.is(Fault::SettlesAfterABreak) {
            return Ok(());
        }
        settled
    }

    async fn stop(&self) -> Result<(), SourceError> {
        self.state().stopped = true;
        match self.fault {
            Fault::StopHangs => pending().await,
            Fault::StoppedIsSentMore => return Ok(()),
            Fault::StopLosesWhatWasSent => {
                let lost = std::mem::take(&mut self.state().buffer);
                let lost = lost.into_iter().map(|message| accepted(message.tag));
                self.inner.settle(lost.collect()).await?;
            }
            _ => {}
        }
        self.inner.stop().await
    }

    async fn close(&self) {
        match self.fault {
            Fault::CloseHangs => pending().await,
            Fault::CloseKeeps => return self.keep(),
            Fault::CloseAccepts => {
                let all = self.held().into_iter().map(accepted).collect();
                drop(self.inner.settle(all).await);
            }
            Fault::BackAtTheEnd => self.publish_again(self.held()).await,
            Fault::SettledMakesNoRoom => {
                let late = std::mem::take(&mut self.state().late);
                drop(self.inner.settle(late).await);
            }
            _ => {}
        }
        self.inner.close().await;
    }
}

impl Drop for FaultyConsumer {
    fn drop(&mut self) {
        if self.is(Fault::DropKeeps) {
            self.keep();
        }
    }
}
