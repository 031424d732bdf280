//! A queue of SQS.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::memory::{MemoryQueue, MemoryQueueOptions, Redrive, SendMessage};
use lambda_esm_engine::ports::{
    QueueFacts, QueueSource, ReceiveRequest, Received, SettleVerb, Settlement,
};
use tokio::sync::Mutex;

use super::intake::Intake;
use super::names::Names;
use crate::recorder::{Identity as _, NamedRecord, RecordId, SourceType};

/// Why a message is in the dead-letter queue.
const RECEIVED_TOO_OFTEN: &str = "MaxReceiveCountExceeded";

/// A receive does not wait longer than this, as of SQS.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A receive waits for whole seconds, as of SQS.
const WAIT_STEP: Duration = Duration::from_secs(1);

/// A queue, and what arrives in it.
#[derive(Clone)]
pub(crate) struct Queue {
    pub(super) intake: Arc<Intake>,
    queue: MemoryQueue,
    dead_letters: Option<MemoryQueue>,
    fifo: bool,
    /// Held by the receive that puts in what arrives.
    filling: Arc<Mutex<()>>,
}

impl Queue {
    pub(super) fn new(
        intake: Arc<Intake>,
        seed: u64,
        fifo: bool,
        visibility_timeout: Duration,
        max_receive_count: Option<u32>,
    ) -> Self {
        let options = MemoryQueueOptions::default()
            .with_visibility_timeout(visibility_timeout)
            .with_fifo(fifo)
            .with_seed(Some(seed));
        let dead_letters = max_receive_count
            .map(|_| MemoryQueue::new(intake.clock, MemoryQueueOptions::default()));
        let redrive = dead_letters.clone().zip(max_receive_count);
        let redrive = redrive.map(|(queue, most)| Redrive::new(queue, most));
        Self {
            queue: MemoryQueue::new(intake.clock, options.with_redrive(redrive)),
            intake,
            dead_letters,
            fifo,
            filling: Arc::default(),
        }
    }

    pub(super) fn fill(&self) {
        self.intake.fill(|due| {
            let places = due.map(|(time, arrival)| {
                let body = String::from_utf8_lossy(&arrival.payload).into_owned();
                let mut message = SendMessage::new(body);
                if self.fifo {
                    message = message
                        .in_group(&*arrival.key.name)
                        .with_deduplication_id(arrival.number.to_string());
                }
                // It has a group where it needs one.
                drop(self.queue.send_at(message, time));
                let id = RecordId {
                    lane: 0,
                    index: arrival.number,
                };
                (id, time)
            });
            places.collect()
        });
    }

    /// Puts in whatever arrives, when it does. Of the receives that wait one does so, and not each of them: there may be many.
    async fn keep_filling(&self) -> Result<Infallible, SourceError> {
        let _turn = self.filling.lock().await;
        loop {
            self.intake.arrival().await;
            self.fill();
            self.empty_dead_letters().await?;
        }
    }

    /// Counts what has moved to the dead-letter queue, and forgets it there.
    async fn empty_dead_letters(&self) -> Result<(), SourceError> {
        let (Some(queue), Some(mapping)) = (&self.dead_letters, self.intake.mapping) else {
            return Ok(());
        };
        loop {
            let request = ReceiveRequest::new(10, Duration::ZERO);
            let received = queue.receive(request).await?;
            if received.messages.is_empty() {
                return Ok(());
            }
            let mut settlements = Vec::new();
            for message in received.messages {
                let name = NamedRecord::Text(&message.id);
                if let Some(id) = Names(vec![SourceType::Sqs]).record(0, name) {
                    let recorder = &self.intake.recorder;
                    recorder.dead_lettered(mapping, id, RECEIVED_TOO_OFTEN);
                }
                settlements.push(Settlement::new(message.receipt, SettleVerb::Delete));
            }
            queue.settle(&settlements).await?;
        }
    }

    /// Returns how many messages are in the queue.
    pub(super) fn waiting(&self) -> u64 {
        let (visible, in_flight, delayed) = self.queue.counts();
        (visible + in_flight + delayed) as u64
    }
}

#[async_trait]
impl QueueSource for Queue {
    async fn describe(&self) -> Result<QueueFacts, SourceError> {
        let facts = self.queue.describe().await?;
        Ok(facts.with_wait_step(WAIT_STEP))
    }

    async fn receive(&self, request: ReceiveRequest) -> Result<Received, SourceError> {
        self.intake.call("receive")?;
        self.fill();
        let mut request = request;
        request.wait = request.wait.min(LONGEST_WAIT);
        // Nothing is lost by the end of the wait: the queue in memory takes no message before it answers.
        let received = tokio::select! {
            biased;
            received = self.queue.receive(request) => received?,
            ended = self.keep_filling() => match ended? {},
        };
        self.empty_dead_letters().await?;
        if received.messages.is_empty() {
            self.intake.found_nothing();
        } else {
            self.intake.take_call_time().await;
        }
        Ok(received)
    }

    fn receive_is_cancel_safe(&self) -> bool {
        // What is on its way would be hidden until its visibility timeout ends.
        self.intake.is_instant()
    }

    async fn settle(
        &self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        let deletes = settlements.iter();
        let deletes = deletes.filter(|one| one.verb == SettleVerb::Delete).count();
        let name = if deletes > 0 {
            "delete"
        } else {
            "change_visibility"
        };
        self.intake.call(name)?;
        self.intake.take_call_time().await;
        self.queue.settle(settlements).await
    }
}
