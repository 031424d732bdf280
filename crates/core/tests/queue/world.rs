//! A world for one queue machine: a queue with SQS's rules, a function that follows a script, and a
//! clock that jumps from one event to the next.

mod line;
pub(crate) mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::batching::{Limits, MAX_PAYLOAD_BYTES};
use lambda_esm_core::decision::{BatchId, Decision};
use lambda_esm_core::event::sqs::SqsEncoder;
use lambda_esm_core::fault::{InvokeError, SourceError, SourceErrorKind};
use lambda_esm_core::filter::{Dialect, Filters};
use lambda_esm_core::function_concurrency::{FunctionConcurrency, Ticket};
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::{
    Action, Concurrency, Input, QueueConfig, QueueEncoder, QueueFacts, QueueMachine, ReceiveId,
    ReceiveRequest, Received,
};

pub(crate) use service::Service;

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
        facts: QueueFacts::new(Duration::from_secs(30)),
        function_timeout: None,
        function_concurrency: None,
        detail: true,
        share_group: None,
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
    /// How long a receive takes to answer once it has messages.
    pub(crate) answers_after: Duration,
    /// How many answers of the next settle calls are missing.
    pub(crate) forgets_answers: usize,
    /// Whether a message that is gone cannot be settled; SQS accepts that, other servers do not.
    pub(crate) refuses_what_is_gone: bool,
    /// Whether the source answers after a millisecond, whatever the wait asked for.
    pub(crate) impatient: bool,
    /// The most messages in flight at once, failed ones that wait for their visibility excluded.
    pub(crate) most_held: usize,
    /// How a call is served, of which so many are under way.
    pub(crate) serves: Box<dyn FnMut(usize) -> Service>,
    pub(crate) settle_fails: Hiccup,
    pub(crate) receive_fails: Hiccup,
    /// After how long a handler makes its messages visible, if it does.
    pub(crate) handler_frees: Box<dyn FnMut() -> Option<Duration>>,
    /// Receipts of messages that handlers will make visible, and when.
    freed: BTreeMap<(Timestamp, u64), Vec<String>>,
    /// How many settle calls are under way, and how many were at once.
    settling: usize,
    /// How many receives are being answered.
    receiving: usize,
    pub(crate) most_settling: usize,
    /// The most records that an event may have.
    pub(crate) most_records: usize,
    messages: Vec<Message>,
    script: Script,
    config: QueueConfig,
    events: BTreeMap<(Timestamp, u64), Input>,
    polls: Vec<(ReceiveId, ReceiveRequest, Timestamp)>,
    held: BTreeSet<String>,
    /// What the function processed, and what passed no filter.
    done: BTreeSet<String>,
    /// Everything the machine asked for, if it is to be kept.
    pub(crate) trace: Option<Vec<String>>,
    running: BTreeMap<BatchId, usize>,
    /// Who may call the function; it may have a limit.
    pub(crate) turns: FunctionConcurrency,
    line: BTreeMap<Ticket, BatchId>,
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
            answers_after: Duration::from_millis(1),
            forgets_answers: 0,
            refuses_what_is_gone: false,
            impatient: false,
            most_held: 0,
            serves: Box::new(|_| Service::AT_ONCE),
            settle_fails: Box::new(|| false),
            receive_fails: Box::new(|| false),
            handler_frees: Box::new(|| None),
            freed: BTreeMap::new(),
            settling: 0,
            receiving: 0,
            most_settling: 0,
            most_records: config.limits.count.max(1),
            messages: Vec::new(),
            script: Box::new(script),
            config,
            events: BTreeMap::new(),
            polls: Vec::new(),
            held: BTreeSet::new(),
            done: BTreeSet::new(),
            trace: None,
            running: BTreeMap::new(),
            turns: FunctionConcurrency::new(),
            line: BTreeMap::new(),
            sequence: 0,
        };
        world.turns.set_known(world.config.function_concurrency);
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

    /// Starts anew with nothing but the queue, as after a crash.
    pub(crate) fn restart(&mut self) {
        self.machine = QueueMachine::new(self.config.clone(), 8, self.now);
        self.events.clear();
        self.freed.clear();
        self.settling = 0;
        self.receiving = 0;
        self.polls.clear();
        self.running.clear();
        self.forget_turns();
        self.held.clear();
        self.give(Input::Tick);
    }

    /// Stops the mapping in order, within half a minute.
    pub(crate) fn drain(&mut self) {
        let until = self.now + Duration::from_secs(27);
        self.give(Input::Drain { until });
    }

    pub(crate) fn reconfigure(&mut self, config: QueueConfig) {
        self.config = config.clone();
        self.turns.set_known(config.function_concurrency);
        self.give(Input::Reconfigure(Box::new(config)));
    }

    pub(crate) fn give(&mut self, input: Input) {
        if let Input::Reconfigure(config) = &input {
            self.most_records = config.limits.count;
        }
        let mut next = Some(input);
        while let Some(input) = next {
            self.machine.handle(self.now, input);
            while let Some(action) = self.machine.poll() {
                if let Some(trace) = &mut self.trace {
                    trace.push(format!("{:?} {action:?}", self.now));
                }
                self.carry_out(action);
            }
            next = self.turns.next(self.now).map(|ticket| Input::Reserved {
                batch: self.line.remove(&ticket).unwrap(),
            });
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
        let turn = self.turns.next_deadline();
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
        let freed = self.freed.keys().next().map(|&(at, _)| at);
        [event, deadline, turn, polls, reappearing, freed]
            .into_iter()
            .flatten()
            .min()
    }

    fn step(&mut self) {
        if let Some(entry) = self.freed.first_entry()
            && entry.key().0 <= self.now
        {
            for receipt in entry.remove() {
                self.make_visible(&receipt);
            }
            self.wake_polls();
            return;
        }
        if let Some(entry) = self.events.first_entry()
            && entry.key().0 <= self.now
        {
            let input = entry.remove();
            self.on_input(&input);
            self.give(input);
            return;
        }
        if self.turns.next_deadline().is_some_and(|at| at <= self.now) {
            return self.give(Input::Tick);
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
                result: Ok(Received::default()),
            });
        }
    }

    fn on_input(&mut self, input: &Input) {
        match input {
            Input::Settled { .. } => self.settling -= 1,
            Input::Received { .. } => self.receiving -= 1,
            _ => {}
        }
        if let Input::Invoked { batch, result, .. } = input {
            let index = self.running.remove(batch).unwrap();
            self.turn_ended(result);
            let seen = &mut self.seen[index];
            seen.end = Some(self.now);
            let Ok(response) = result else {
                return;
            };
            let response: serde_json::Value = serde_json::from_slice(&response.payload).unwrap();
            let failures = response["batchItemFailures"].as_array();
            let failures = failures.filter(|_| self.config.report_batch_item_failures);
            let failed = |id: &String| {
                let named = |failure: &serde_json::Value| failure["itemIdentifier"] == **id;
                failures.is_some_and(|failures| failures.iter().any(named))
            };
            let done = seen.ids.iter().filter(|id| !failed(id)).cloned();
            self.done.extend(done);
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
                    self.receiving += 1;
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
            Action::Reserve { batch } => {
                let ticket = self.turns.line_up();
                self.line.insert(ticket, batch);
            }
            Action::Forgo { batch } => self.forgo(batch),
            Action::Invoke {
                batch,
                attempt,
                payload,
            } => self.invoke(batch, attempt, &payload),
            Action::Settle { id, settlements } => {
                self.settling += 1;
                self.most_settling = self.most_settling.max(self.settling);
                let service = (self.serves)(self.settling + self.receiving);
                let after = service.heard_after(service::SETTLE_ANSWERS_AFTER);
                let result = self.settle(&settlements, after);
                let input = Input::Settled { id, result };
                self.answer(after, service, input);
            }
            other @ (Action::Deliver { .. } | Action::Measure) => {
                unreachable!("a queue of SQS has no share group: {other:?}")
            }
            Action::Report(decision) => {
                if let Decision::GivenUp { message_ids, .. }
                | Decision::Failed { message_ids, .. }
                | Decision::PartiallyFailed { message_ids, .. } = &decision
                {
                    for id in message_ids {
                        self.held.remove(id);
                    }
                }
                if let Decision::Filtered { message_id, .. } = &decision {
                    self.done.insert(message_id.clone());
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
        assert!(!records.is_empty() && records.len() <= self.most_records);
        let members = |name: &str| -> Vec<String> {
            let member = |record: &serde_json::Value| record[name].as_str().unwrap().to_owned();
            records.iter().map(member).collect()
        };
        let (ids, receipts) = (members("messageId"), members("receiptHandle"));
        for (id, receipt) in ids.iter().zip(&receipts) {
            let message = &self.messages[index(id)];
            let ours = *receipt == format!("{id}#{}", message.receives);
            assert!(
                ours && message.visible_at >= self.now,
                "others can see {id} too"
            );
        }
        let fate = (self.script)(self.seen.len(), &ids);
        let runs = (fate.result.as_ref()).map_or_else(is_functions, |_| true);
        if let Some(after) = (self.handler_frees)().filter(|_| runs) {
            self.sequence += 1;
            let key = (self.now + after.min(fate.after), self.sequence);
            self.freed.insert(key, receipts);
        }
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
                result: fate.result.map(Into::into),
            },
        );
    }
}

/// Tells whether the function was reached.
fn is_functions(error: &InvokeError) -> bool {
    error.kind.reached_function()
}

pub(crate) fn index(id: &str) -> usize {
    id.trim_start_matches('m').parse().unwrap()
}
