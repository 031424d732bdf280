//! A session as its mapping sees it: what has come, and what the session's task is asked to do.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::patience::within;
use lambda_esm_engine::ports::{DeliveryOutcome, PushQueueConsumer, PushedMessage};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::problem::{self, Place};
use crate::session::{Command, Session};

/// How long the end of a session is waited for. The broker gives up what it hears nothing of.
const CLOSE: Duration = Duration::from_secs(5);
/// The most messages that are handed over at a time.
const MOST: usize = 10_000;

pub(crate) struct ActiveMqConsumer {
    commands: mpsc::UnboundedSender<Command>,
    delivered: Mutex<mpsc::UnboundedReceiver<PushedMessage>>,
    end: Arc<OnceLock<SourceError>>,
    place: Place,
    task: AbortHandle,
}

impl ActiveMqConsumer {
    /// Runs a session in a task of its own, until it is closed, or this is dropped.
    pub(crate) fn new(session: Session, place: Place) -> Self {
        let (commands, asked) = mpsc::unbounded_channel();
        // As many wait in it as the broker has credit for.
        let (sender, delivered) = mpsc::unbounded_channel();
        let end = Arc::default();
        let task = tokio::spawn(session.run(asked, sender, Arc::clone(&end)));
        Self {
            commands,
            delivered: Mutex::new(delivered),
            end,
            place,
            task: task.abort_handle(),
        }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, SourceError> {
        let (answer, answered) = oneshot::channel();
        self.commands
            .send(command(answer))
            .map_err(|_| self.ended())?;
        answered.await.map_err(|_| self.ended())
    }

    fn ended(&self) -> SourceError {
        let closed = || problem::ended("it was closed", &self.place);
        self.end.get().cloned().unwrap_or_else(closed)
    }
}

#[async_trait]
impl PushQueueConsumer for ActiveMqConsumer {
    async fn next(&self) -> Result<Vec<PushedMessage>, SourceError> {
        let mut delivered = self.delivered.lock().await;
        let mut messages = Vec::new();
        let count = delivered.recv_many(&mut messages, MOST).await;
        // What came before the end is the broker's again.
        if count == 0 || self.end.get().is_some() {
            return Err(self.ended());
        }
        Ok(messages)
    }

    async fn settle(&self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        self.ask(|answer| Command::Settle(outcomes, answer)).await
    }

    async fn stop(&self) -> Result<(), SourceError> {
        self.ask(Command::Stop).await
    }

    async fn close(&self) {
        // An error says that it has ended already.
        let closed = within(CLOSE, self.ask(Command::Close)).await;
        if closed.is_none() {
            self.task.abort();
        }
    }
}
