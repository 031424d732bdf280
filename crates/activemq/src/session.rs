//! A session: one connection with one link from the queue, in a task of its own.
//!
//! The link has credit for as many messages as the mapping may have more than it has. Whatever is settled is told at once, in
//! ranges, and followed by new credit. Deliveries are settled as they are told: the broker handles what it hears in order, so
//! that what was accepted before the link closes is done with; only a connection that breaks can lose it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fe2o3_amqp::Sender;
use fe2o3_amqp::connection::ConnectionHandle;
use fe2o3_amqp::link::delivery::{Delivery, DeliveryInfo};
use fe2o3_amqp::link::receiver::{CreditMode, TerminalDeliveryState};
use fe2o3_amqp::link::{Receiver, RecvError};
use fe2o3_amqp::session::{Session as AmqpSession, SessionHandle};
use fe2o3_amqp::types::messaging::{Accepted, Body, Modified, Rejected, Released, Target};
use fe2o3_amqp::types::primitives::Value;
use futures::FutureExt as _;
use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::patience::within;
use lambda_esm_engine::ports::{DeliveryOutcome, DeliveryTag, Outcome, PushedMessage};
use tokio::sync::{mpsc, oneshot};

use crate::content;
use crate::problem::{self, Place};

/// How long the broker may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What a session is asked to do. It answers when that is done, and not at all once it has ended.
pub(crate) enum Command {
    Settle(Vec<DeliveryOutcome>, oneshot::Sender<()>),
    Stop(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

type Received = Result<Delivery<Body<Value>>, RecvError>;

pub(crate) struct Session {
    connection: ConnectionHandle<()>,
    session: SessionHandle<()>,
    link: Link,
}

/// The link, with what has come by it and is not settled.
struct Link {
    receiver: Receiver,
    place: Place,
    prefetch: usize,
    /// No more is asked for.
    stopped: bool,
    /// The tag of the newest delivery.
    newest: u64,
    unsettled: BTreeMap<DeliveryTag, DeliveryInfo>,
}

impl Session {
    /// Begins to consume the queue on a connection that is open.
    pub(crate) async fn begin(
        mut connection: ConnectionHandle<()>,
        place: Place,
        prefetch: usize,
    ) -> Result<Self, SourceError> {
        let session = AmqpSession::begin(&mut connection).await;
        let mut session = session.map_err(|error| problem::ended(&error.to_string(), &place))?;
        let receiver = Receiver::builder()
            .name("lambda-esm")
            .source(format!("queue://{}", place.queue))
            .credit_mode(CreditMode::Manual)
            .attach(&mut session)
            .await
            .map_err(|error| problem::attach(&error, &place))?;
        let mut link = Link {
            receiver,
            place,
            prefetch,
            stopped: false,
            newest: 0,
            unsettled: BTreeMap::new(),
        };
        link.give_credit().await?;
        Ok(Self {
            connection,
            session,
            link,
        })
    }

    /// Hands over what comes and does what is asked, until that is to close, nobody asks any more, or the connection breaks;
    /// `end` says why then.
    pub(crate) async fn run(
        mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        delivered: mpsc::UnboundedSender<PushedMessage>,
        end: Arc<OnceLock<SourceError>>,
    ) {
        let closed = loop {
            let done = tokio::select! {
                command = commands.recv() => match command {
                    None => break None,
                    Some(Command::Close(answer)) => break Some(answer),
                    Some(Command::Settle(outcomes, answer)) => {
                        self.link.settle(outcomes).await.map(|()| answer)
                    }
                    Some(Command::Stop(answer)) => self.stop(&delivered).await.map(|()| answer),
                }
                .map(|answer| answer.send(()).unwrap_or_default()),
                received = self.link.receiver.recv() => self.link.receive(received, &delivered),
            };
            if let Err(error) = done {
                // Nobody else sets it.
                end.set(error).unwrap_or_default();
                return;
            }
        };
        let Self {
            mut connection,
            mut session,
            link,
        } = self;
        // One that has an error has ended, too.
        link.receiver.close().await.unwrap_or_default();
        session.end().await.unwrap_or_default();
        connection.close().await.unwrap_or_default();
        if let Some(answer) = closed {
            answer.send(()).unwrap_or_default();
        }
    }

    /// Takes the credit back, and waits until the broker has heard of that: it answers the link that is made next after it.
    /// What it had sent by then has come then.
    async fn stop(
        &mut self,
        delivered: &mpsc::UnboundedSender<PushedMessage>,
    ) -> Result<(), SourceError> {
        let link = &mut self.link;
        link.stopped = true;
        link.give_credit().await?;
        // A sender without an address may be made by everybody, and nothing is sent.
        let heard = async {
            let attach = Sender::builder()
                .name("lambda-esm-stop")
                .target(Target::default())
                .attach(&mut self.session);
            let sender = attach.await.map_err(|error| error.to_string())?;
            // What is left of it when it cannot be closed ends with the session.
            sender.close().await.unwrap_or_default();
            Ok::<(), String>(())
        };
        let mut heard = Box::pin(within(ANSWER, heard));
        let heard = loop {
            tokio::select! {
                heard = &mut heard => break heard,
                received = link.receiver.recv() => link.receive(received, delivered)?,
            }
        };
        match heard {
            Some(Ok(())) => (),
            Some(Err(error)) => return Err(problem::ended(&error, &link.place)),
            None => return Err(problem::late(ANSWER.as_secs(), &link.place)),
        }
        while let Some(received) = link.receiver.recv().now_or_never() {
            link.receive(received, delivered)?;
        }
        Ok(())
    }
}

impl Link {
    /// Allows the broker to send as many messages as may be here more than are.
    async fn give_credit(&mut self) -> Result<(), SourceError> {
        let most = if self.stopped { 0 } else { self.prefetch };
        let credit = most.saturating_sub(self.unsettled.len());
        let credit = u32::try_from(credit).unwrap_or(u32::MAX);
        let given = self.receiver.set_credit(credit).await;
        given.map_err(|error| problem::ended(&error.to_string(), &self.place))
    }

    fn receive(
        &mut self,
        received: Received,
        delivered: &mpsc::UnboundedSender<PushedMessage>,
    ) -> Result<(), SourceError> {
        self.newest += 1;
        let tag = DeliveryTag(self.newest);
        let (info, message) = match received {
            Ok(delivery) => {
                let info = DeliveryInfo::from(&delivery);
                let message = content::pushed(tag, delivery.into_message(), &self.place.queue);
                (info, message)
            }
            Err(RecvError::MessageDecode(error)) => {
                let because = format!("it is no message of AMQP 1.0: {}", error.source);
                (
                    error.info,
                    PushedMessage::new(tag, content::unreadable("", &because)),
                )
            }
            Err(error) => return Err(problem::received(&error, &self.place)),
        };
        self.unsettled.insert(tag, info);
        // Whoever has dropped the other end wants nothing more, and closes.
        delivered.send(message).unwrap_or_default();
        Ok(())
    }

    /// Tells the broker what becomes of deliveries, in the order given; those that are not here any more are left out.
    async fn settle(&mut self, outcomes: Vec<DeliveryOutcome>) -> Result<(), SourceError> {
        for alike in outcomes.chunk_by(|one, next| one.outcome == next.outcome) {
            let infos = alike
                .iter()
                .filter_map(|one| self.unsettled.remove(&one.tag));
            let infos: Vec<DeliveryInfo> = infos.collect();
            let told = self
                .receiver
                .dispose_all(infos, state(alike[0].outcome))
                .await;
            told.map_err(|error| problem::ended(&error.to_string(), &self.place))?;
        }
        self.give_credit().await
    }
}

fn state(outcome: Outcome) -> TerminalDeliveryState {
    match outcome {
        Outcome::Accepted => Accepted {}.into(),
        Outcome::Released { failed: false } => Released {}.into(),
        Outcome::Released { failed: true } => Modified {
            delivery_failed: Some(true),
            undeliverable_here: None,
            message_annotations: None,
        }
        .into(),
        // ActiveMQ moves it to the dead-letter queue at once, as one that is undeliverable here.
        Outcome::Rejected => Rejected { error: None }.into(),
    }
}
