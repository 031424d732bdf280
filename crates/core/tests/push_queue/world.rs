//! A world in which a test answers each call of a push queue's machine by hand. Turns come at once, unless they are held,
//! and so do the ends of sessions.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::{BatchId, Decision};
use lambda_esm_core::fault::{InvokeError, InvokeErrorKind, SourceError, SourceErrorKind};
use lambda_esm_core::mapping::MqEngine;
use lambda_esm_core::push_queue::{Action, Input, Outcome, PushQueueConfig, PushQueueMachine};
use lambda_esm_core::record::{
    ActiveMqKind, ActiveMqMessage, DeliveryTag, PushedContent, PushedMessage, RabbitMqMessage,
};
use lambda_esm_core::response::InvokeAnswer;
use lambda_esm_core::stream::CallId;
use serde_json::{Value, json};

use crate::mapping::{QUEUE, START, settings};

pub(crate) const ACCEPTED: Outcome = Outcome::Accepted;
pub(crate) const REJECTED: Outcome = Outcome::Rejected;
pub(crate) const RELEASED: Outcome = Outcome::Released { failed: false };
pub(crate) const RELEASED_FAILED: Outcome = Outcome::Released { failed: true };

/// An invocation: the bodies of its messages.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) batch: BatchId,
    pub(crate) attempt: u32,
    pub(crate) bodies: Vec<String>,
    pub(crate) payload: Bytes,
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) machine: PushQueueMachine,
    pub(crate) engine: MqEngine,
    /// The prefetch of the session that is asked for.
    pub(crate) connecting: Option<(CallId, usize)>,
    pub(crate) session: Option<CallId>,
    pub(crate) reading: bool,
    pub(crate) stopping: Option<CallId>,
    /// Sessions that were ended.
    pub(crate) closed: usize,
    pub(crate) holds_closes: bool,
    pub(crate) closing: Option<CallId>,
    /// Settlements that are not answered.
    pub(crate) settles: VecDeque<(CallId, Vec<(u64, Outcome)>)>,
    /// All invocations.
    pub(crate) calls: Vec<Call>,
    pub(crate) decisions: Vec<Decision>,
    pub(crate) holds_turns: bool,
    pub(crate) turns: VecDeque<CallId>,
}

/// Returns a message with this body, under a tag.
pub(crate) fn message(engine: MqEngine, tag: u64, body: impl Into<Bytes>) -> PushedMessage {
    let content: PushedContent = match engine {
        MqEngine::ActiveMq => ActiveMqMessage::new(QUEUE, "ID:1", ActiveMqKind::Text, body).into(),
        _ => RabbitMqMessage::new(body).into(),
    };
    PushedMessage::new(DeliveryTag(tag), content)
}

/// Returns the bodies of an event's messages.
pub(crate) fn bodies(payload: &[u8]) -> Vec<String> {
    let event: Value = serde_json::from_slice(payload).unwrap();
    let messages = match &event["eventSource"] {
        source if source == "aws:rmq" => &event["rmqMessagesByQueue"]["orders::/"],
        _ => &event["messages"],
    };
    let body = |message: &Value| {
        let body = STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
        String::from_utf8(body).unwrap()
    };
    messages.as_array().unwrap().iter().map(body).collect()
}

impl World {
    /// Returns a world whose machine consumes, without a batching window.
    pub(crate) fn consuming(engine: MqEngine, parameters: &Value) -> Self {
        let mut all = json!({"MaximumBatchingWindowInSeconds": 0});
        for (name, value) in parameters.as_object().unwrap() {
            all[name] = value.clone();
        }
        let mut world = Self::of(settings(engine, &all));
        world.connect();
        world
    }

    pub(crate) fn of(config: PushQueueConfig) -> Self {
        let mut world = Self {
            now: START,
            engine: config.engine,
            machine: PushQueueMachine::new(config, 7, START),
            connecting: None,
            session: None,
            reading: false,
            stopping: None,
            closed: 0,
            holds_closes: false,
            closing: None,
            settles: VecDeque::new(),
            calls: Vec::new(),
            decisions: Vec::new(),
            holds_turns: false,
            turns: VecDeque::new(),
        };
        world.give(Input::Tick);
        world
    }

    pub(crate) fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        for _ in 0..10_000 {
            let Some(input) = inputs.pop_front() else {
                return;
            };
            self.machine.handle(self.now, input);
            while let Some(action) = self.machine.poll() {
                inputs.extend(self.take(action));
            }
            // It can be asked at any time.
            drop(self.machine.status());
            if !self.holds_turns {
                let turns = self.turns.drain(..);
                inputs.extend(turns.map(|turn| Input::Reserved { turn }));
            }
        }
        panic!("the machine never rests");
    }

    /// Takes what is to be done, and returns the answer to what is answered at once.
    fn take(&mut self, action: Action) -> Option<Input> {
        match action {
            Action::Connect { id, request } => {
                assert!(self.session.is_none() && self.closing.is_none());
                assert!(self.connecting.replace((id, request.prefetch)).is_none());
            }
            Action::Read { session } => {
                assert_eq!(Some(session), self.session);
                assert!(!self.reading, "one read at a time");
                self.reading = true;
            }
            Action::Settle {
                id,
                session,
                outcomes,
            } => {
                assert_eq!(Some(session), self.session);
                assert!(self.settles.is_empty(), "one settlement at a time");
                let outcomes = outcomes.iter().map(|each| (each.tag.0, each.outcome));
                self.settles.push_back((id, outcomes.collect()));
            }
            Action::Stop { id, session } => {
                assert_eq!(Some(session), self.session);
                assert!(self.stopping.replace(id).is_none());
            }
            Action::Close { id, session } => {
                assert_eq!(self.session.take(), Some(session));
                (self.reading, self.stopping) = (false, None);
                self.settles.clear();
                self.closed += 1;
                if self.holds_closes {
                    self.closing = Some(id);
                } else {
                    return Some(Input::Closed { id });
                }
            }
            Action::Reserve { turn } => self.turns.push_back(turn),
            Action::Forgo { turn } => self.turns.retain(|waiting| *waiting != turn),
            Action::Invoke {
                batch,
                attempt,
                payload,
                ..
            } => self.calls.push(Call {
                batch,
                attempt,
                bodies: bodies(&payload),
                payload,
            }),
            Action::Report(decision) => self.decisions.push(decision),
        }
        None
    }

    /// Lets time pass, and the machine act in it.
    pub(crate) fn pass(&mut self, millis: i64) {
        let end = Timestamp(self.now.0 + millis);
        while let Some(next) = self.machine.next_deadline().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            self.give(Input::Tick);
            let again = self.machine.next_deadline();
            assert!(
                again.is_none_or(|again| again > self.now),
                "a tick must use up its deadline"
            );
        }
        self.now = end;
    }

    /// Gives the turns that were held, and holds none from now on.
    pub(crate) fn release_turns(&mut self) {
        self.holds_turns = false;
        self.give(Input::Tick);
    }

    /// Begins the session that is asked for.
    pub(crate) fn connect(&mut self) {
        let (id, _) = self.connecting.take().expect("a session to begin");
        self.session = Some(id);
        self.give(Input::Connected { id, result: Ok(()) });
    }

    pub(crate) fn refuse(&mut self, error: SourceError) {
        let (id, _) = self.connecting.take().expect("a session to begin");
        let result = Err(error);
        self.give(Input::Connected { id, result });
    }

    /// Answers the read.
    pub(crate) fn push(&mut self, messages: Vec<PushedMessage>) {
        assert!(std::mem::take(&mut self.reading), "a read");
        let session = self.session.unwrap();
        let result = Ok(messages);
        self.give(Input::Received { session, result });
    }

    /// Answers the read with messages whose bodies are their tags.
    pub(crate) fn push_tags(&mut self, tags: impl IntoIterator<Item = u64>) {
        let engine = self.engine;
        let tags = tags.into_iter();
        self.push(
            tags.map(|tag| message(engine, tag, tag.to_string()))
                .collect(),
        );
    }

    /// The session breaks.
    pub(crate) fn break_session(&mut self) {
        let session = self.session.unwrap();
        let result = Err(SourceError::new(SourceErrorKind::Transient, "broken"));
        self.give(Input::Received { session, result });
    }

    /// Answers an invocation.
    pub(crate) fn answer(&mut self, call: usize, result: Result<&str, InvokeErrorKind>) {
        let Call { batch, attempt, .. } = self.calls[call];
        let answer = |text: &str| InvokeAnswer::new(Bytes::copy_from_slice(text.as_bytes()));
        let result = result
            .map(answer)
            .map_err(|kind| InvokeError::new(kind, "not today"));
        self.give(Input::Invoked {
            batch,
            attempt,
            result,
        });
    }

    /// The function processes what it was given.
    pub(crate) fn succeed(&mut self, call: usize) {
        self.answer(call, Ok("null"));
    }

    pub(crate) fn fail(&mut self, call: usize) {
        self.answer(call, Err(InvokeErrorKind::Function));
    }

    /// Answers the settlement that is open, and returns what it was.
    pub(crate) fn settle(&mut self) -> Vec<(u64, Outcome)> {
        let (id, outcomes) = self.settles.pop_front().expect("a settlement");
        self.give(Input::Settled { id, result: Ok(()) });
        outcomes
    }

    /// Returns the bodies of an invocation.
    #[track_caller]
    pub(crate) fn bodies(&self, call: usize) -> &[String] {
        let call = self.calls.get(call);
        &call.expect("an invocation").bodies
    }

    /// Tells whether something like it was decided.
    pub(crate) fn decided(&self, is_it: impl Fn(&Decision) -> bool) -> bool {
        self.decisions.iter().any(is_it)
    }
}

/// Returns a message that expires so many milliseconds after it was received.
pub(crate) fn expiring(engine: MqEngine, tag: u64, millis: u64) -> PushedMessage {
    let left = Duration::from_millis(millis);
    message(engine, tag, tag.to_string()).with_time_to_live(Some(left))
}

/// Returns an outcome for each of these tags.
pub(crate) fn all(tags: impl IntoIterator<Item = u64>, outcome: Outcome) -> Vec<(u64, Outcome)> {
    tags.into_iter().map(|tag| (tag, outcome)).collect()
}
