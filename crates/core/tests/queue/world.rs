//! A world for one queue machine: a queue with SQS's rules, a function that follows a script, and a
//! clock that jumps from one event to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batch::{Limits, MAX_PAYLOAD_BYTES};
use lambda_esm_core::decision::{BatchId, Decision};
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::{InvokeError, SourceError, SourceErrorKind};
use lambda_esm_core::filter::{Dialect, Filters};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{
    Action, Concurrency, Input, QueueConfig, QueueEncoder, QueueFacts, QueueMachine, ReceiveId,
    ReceiveRequest, SettleVerb, Settlement,
};
use lambda_esm_core::record::{QueueContent, QueueMessage, Receipt, SqsMessage};

pub(crate) fn filters(patterns: &[&str]) -> Option<Arc<Filters>> {
    let filters = Filters::compile(patterns, Dialect::Lambda, Default::default()).unwrap();
    Some(Arc::new(filters))
}

pub(crate) fn config() -> QueueConfig {
    let arn = "arn:aws:sqs:us-east-1:000000000000:orders";
    QueueConfig {
        limits: Limits {
            count: 10,
            window: Duration::ZERO,
        },
        report_batch_item_failures: false,
        fifo: false,
        concurrency: Concurrency::OnDemand { maximum: None },
        pacing: Pacing::Eager,
        filters: None,
        encoder: QueueEncoder::Sqs(SqsEncoder::new(arn, "us-east-1", false)),
        facts: QueueFacts {
            visibility_timeout: Duration::from_secs(30),
            receive_limit: 10,
            settle_limit: 10,
            longest_wait: Duration::from_secs(20),
            wait_step: Duration::from_secs(1),
        },
        function_timeout: None,
        function_concurrency: None,
        detail: true,
    }
}

/// What the script says of one invocation.
pub(crate) struct Fate {
    pub(crate) after: Duration,
    pub(crate) result: Result<Bytes, InvokeError>,
}

impl Fate {
    pub(crate) fn success(after_ms: u64) -> Self {
        Self {
            after: Duration::from_millis(after_ms),
            result: Ok(Bytes::from_static(b"null")),
        }
    }

    pub(crate) fn error(after_ms: u64) -> Self {
        let result = Err(InvokeError::function("boom"));
        Self {
            after: Duration::from_millis(after_ms),
            result,
        }
    }
}

/// One invocation, as the function saw it.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) start: Timestamp,
    pub(crate) end: Option<Timestamp>,
    pub(crate) ids: Vec<String>,
    pub(crate) bytes: usize,
}

#[derive(Clone, Debug)]
struct Message {
    body: String,
    group: Option<String>,
    visible_at: Timestamp,
    receives: u32,
    deleted: bool,
}

type Script = Box<dyn FnMut(usize, &[String]) -> Fate>;
type Hiccup = Box<dyn FnMut() -> bool>;

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) machine: QueueMachine,
    pub(crate) decisions: Vec<(Timestamp, Decision)>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) deletions: Vec<String>,
    pub(crate) releases: usize,
    /// How many receives were asked for.
    pub(crate) receives: usize,
    /// Whether each receive returns its messages twice, as a standard queue may.
    pub(crate) deliver_twice: bool,
    /// Whether the source answers after a millisecond, whatever the wait asked for.
    pub(crate) impatient: bool,
    /// The most messages in flight at once, failed ones that wait for their visibility excluded.
    pub(crate) most_held: usize,
    pub(crate) settle_fails: Hiccup,
    pub(crate) receive_fails: Hiccup,
    messages: Vec<Message>,
    script: Script,
    config: QueueConfig,
    events: BTreeMap<(Timestamp, u64), Input>,
    polls: Vec<(ReceiveId, ReceiveRequest, Timestamp)>,
    held: BTreeSet<String>,
    running: BTreeMap<BatchId, usize>,
    sequence: u64,
}

impl World {
    pub(crate) fn new(
        config: QueueConfig,
        script: impl FnMut(usize, &[String]) -> Fate + 'static,
    ) -> Self {
        let now = Timestamp(1_000_000);
        let mut world = Self {
            now,
            machine: QueueMachine::new(config.clone(), 7, now),
            decisions: Vec::new(),
            seen: Vec::new(),
            deletions: Vec::new(),
            releases: 0,
            receives: 0,
            deliver_twice: false,
            impatient: false,
            most_held: 0,
            settle_fails: Box::new(|| false),
            receive_fails: Box::new(|| false),
            messages: Vec::new(),
            script: Box::new(script),
            config,
            events: BTreeMap::new(),
            polls: Vec::new(),
            held: BTreeSet::new(),
            running: BTreeMap::new(),
            sequence: 0,
        };
        world.give(Input::Tick);
        world
    }

    /// Sends messages now; their identifiers are `m0`, `m1`, … in the order sent.
    pub(crate) fn send(&mut self, count: usize) {
        for _ in 0..count {
            self.send_one("{}", None);
        }
        self.wake_polls();
    }

    pub(crate) fn send_one(&mut self, body: &str, group: Option<&str>) {
        self.messages.push(Message {
            body: body.to_owned(),
            group: group.map(str::to_owned),
            visible_at: self.now,
            receives: 0,
            deleted: false,
        });
    }

    pub(crate) fn left(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| !message.deleted)
            .count()
    }

    pub(crate) fn group_of(&self, id: &str) -> Option<&str> {
        self.messages[index(id)].group.as_deref()
    }

    /// Runs until nothing more happens before `end`, and leaves the clock there.
    pub(crate) fn run_until(&mut self, end: Timestamp) {
        self.wake_polls();
        while let Some(next) = self.next_event().filter(|&next| next <= end) {
            self.now = self.now.max(next);
            self.step();
        }
        self.now = end;
    }

    pub(crate) fn run_for(&mut self, millis: u64) {
        self.run_until(self.now + Duration::from_millis(millis));
    }

    pub(crate) fn give(&mut self, input: Input) {
        if matches!(input, Input::Drain) {
            // As the driver does: long polls end at once.
            self.polls.clear();
        }
        self.machine.handle(self.now, input);
        while let Some(action) = self.machine.poll() {
            self.carry_out(action);
        }
        self.wake_polls();
    }

    pub(crate) fn decisions_of<T>(&self, pick: impl Fn(&Decision) -> Option<T>) -> Vec<T> {
        self.decisions
            .iter()
            .filter_map(|(_, decision)| pick(decision))
            .collect()
    }

    fn next_event(&self) -> Option<Timestamp> {
        let event = self.events.keys().next().map(|&(at, _)| at);
        let deadline = self.machine.next_deadline();
        let polls = self.polls.iter().map(|&(_, _, until)| until).min();
        let reappearing = if self.polls.is_empty() {
            None
        } else {
            let hidden = self.messages.iter().filter(|message| !message.deleted);
            hidden
                .map(|message| message.visible_at)
                .filter(|&at| at > self.now)
                .min()
        };
        [event, deadline, polls, reappearing]
            .into_iter()
            .flatten()
            .min()
    }

    fn step(&mut self) {
        if let Some(entry) = self.events.first_entry()
            && entry.key().0 <= self.now
        {
            let input = entry.remove();
            self.on_input(&input);
            self.give(input);
            return;
        }
        if self
            .machine
            .next_deadline()
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.give(Input::Tick);
            let again = self.machine.next_deadline();
            assert!(
                again.is_none_or(|again| again > self.now),
                "a tick must use up its deadline"
            );
            return;
        }
        self.wake_polls();
        let now = self.now;
        if let Some(at) = self.polls.iter().position(|&(_, _, until)| until <= now) {
            let (id, ..) = self.polls.remove(at);
            self.give(Input::Received {
                id,
                result: Ok(Vec::new()),
            });
        }
    }

    fn on_input(&mut self, input: &Input) {
        if let Input::Invoked { batch, result, .. } = input {
            let index = self.running.remove(batch).unwrap();
            self.seen[index].end = Some(self.now);
            if result.is_err() {
                for id in self.seen[index].ids.clone() {
                    self.held.remove(&id);
                }
            }
        }
    }

    fn schedule(&mut self, after: Duration, input: Input) {
        self.sequence += 1;
        self.events.insert((self.now + after, self.sequence), input);
    }

    fn carry_out(&mut self, action: Action) {
        match action {
            Action::Receive { id, request } => {
                assert!((1..=10).contains(&request.max), "{request:?}");
                self.receives += 1;
                if (self.receive_fails)() {
                    let error = SourceError::new(SourceErrorKind::Transient, "unreachable");
                    self.schedule(
                        Duration::from_millis(1),
                        Input::Received {
                            id,
                            result: Err(error),
                        },
                    );
                } else {
                    let wait = if self.impatient {
                        Duration::from_millis(1)
                    } else {
                        request.wait
                    };
                    self.polls.push((id, request, self.now + wait));
                }
            }
            Action::Invoke {
                batch,
                attempt,
                payload,
            } => self.invoke(batch, attempt, &payload),
            Action::Settle { id, settlements } => {
                let result = self.settle(&settlements);
                self.schedule(Duration::from_millis(2), Input::Settled { id, result });
            }
            Action::Report(decision) => {
                if let Decision::GivenUp { message_ids, .. } = &decision {
                    for id in message_ids {
                        self.held.remove(id);
                    }
                }
                self.decisions.push((self.now, decision));
            }
        }
    }

    fn invoke(&mut self, batch: BatchId, attempt: u32, payload: &[u8]) {
        assert!(
            payload.len() <= MAX_PAYLOAD_BYTES,
            "{} bytes",
            payload.len()
        );
        let event: serde_json::Value = serde_json::from_slice(payload).unwrap();
        let records = event["Records"].as_array().unwrap();
        assert!(!records.is_empty() && records.len() <= self.config.limits.count.max(1));
        let id = |record: &serde_json::Value| record["messageId"].as_str().unwrap().to_owned();
        let ids: Vec<String> = records.iter().map(id).collect();
        let fate = (self.script)(self.seen.len(), &ids);
        self.running.insert(batch, self.seen.len());
        self.seen.push(Seen {
            start: self.now,
            end: None,
            ids,
            bytes: payload.len(),
        });
        self.schedule(
            fate.after,
            Input::Invoked {
                batch,
                attempt,
                result: fate.result,
            },
        );
    }

    /// The calls succeed here, when they are made; whether the machine hears of it is another matter.
    fn settle(
        &mut self,
        settlements: &[Settlement],
    ) -> Result<Vec<Result<(), SourceError>>, SourceError> {
        assert!((1..=10).contains(&settlements.len()));
        let mut results = Vec::new();
        for settlement in settlements {
            if (self.settle_fails)() {
                let error = SourceError::new(SourceErrorKind::Transient, "unreachable");
                results.push(Err(error));
                continue;
            }
            let (id, receive) = settlement.receipt.0.split_once('#').unwrap();
            self.held.remove(id);
            let message = &mut self.messages[index(id)];
            if message.receives.to_string() != receive {
                results.push(Err(SourceError::new(
                    SourceErrorKind::Expired,
                    "stale receipt",
                )));
                continue;
            }
            match settlement.verb {
                SettleVerb::Delete => {
                    message.deleted = true;
                    self.deletions.push(id.to_owned());
                }
                SettleVerb::Release => {
                    message.visible_at = self.now;
                    self.releases += 1;
                }
            }
            results.push(Ok(()));
        }
        if (self.settle_fails)() {
            return Err(SourceError::new(SourceErrorKind::Transient, "answer lost"));
        }
        Ok(results)
    }

    /// Answers every open receive for which there are messages.
    fn wake_polls(&mut self) {
        let mut at = 0;
        while at < self.polls.len() {
            let (id, request, _) = self.polls[at];
            let messages = self.take(&request);
            if messages.is_empty() {
                at += 1;
            } else {
                self.polls.remove(at);
                let input = Input::Received {
                    id,
                    result: Ok(messages),
                };
                self.schedule(Duration::from_millis(1), input);
            }
        }
    }

    fn take(&mut self, request: &ReceiveRequest) -> Vec<QueueMessage> {
        let now = self.now;
        let hidden = request
            .visibility_timeout
            .unwrap_or(self.config.facts.visibility_timeout);
        let in_flight = |message: &&Message| !message.deleted && message.visible_at > now;
        let locked: BTreeSet<String> = self
            .messages
            .iter()
            .filter(in_flight)
            .filter_map(|m| m.group.clone())
            .collect();
        let mut taken = Vec::new();
        for (index, message) in self.messages.iter_mut().enumerate() {
            let blocked = message
                .group
                .as_ref()
                .is_some_and(|group| locked.contains(group));
            if message.deleted || message.visible_at > now || blocked {
                continue;
            }
            message.receives += 1;
            // One millisecond passes until the machine hears of it.
            message.visible_at = now + hidden + Duration::from_millis(1);
            let id = format!("m{index}");
            self.held.insert(id.clone());
            taken.push(QueueMessage {
                receipt: Receipt(format!("{id}#{}", message.receives)),
                id,
                group: message.group.clone(),
                content: QueueContent::Sqs(SqsMessage {
                    body: message.body.as_str().into(),
                    ..SqsMessage::default()
                }),
            });
            if taken.len() == request.max {
                break;
            }
        }
        self.most_held = self.most_held.max(self.held.len());
        if self.deliver_twice {
            taken.extend(taken.clone());
        }
        taken
    }
}

pub(crate) fn index(id: &str) -> usize {
    id.trim_start_matches('m').parse().unwrap()
}
