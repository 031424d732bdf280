//! A mapping beside a server whose calls take the longer the more of them are under way, with messages without end.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::backoff::Random;
use lambda_esm_core::decision::Decision;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::queue::{Action, Input, QueueConfig, QueueMachine, Received};
use lambda_esm_core::record::{QueueContent, QueueMessage, Receipt, SqsMessage};
use lambda_esm_core::response::InvokeAnswer;

/// How long the machine's adapter waits for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How fast a server is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Speed {
    /// What a receive and a settle call take while few are under way, in milliseconds.
    pub(crate) receive: f64,
    pub(crate) settle: f64,
    /// As many calls as do not slow each other down.
    pub(crate) knee: usize,
    /// The power by which calls slow down beyond it: with 1 throughput stays, with more it falls.
    pub(crate) power: f64,
    /// By what share of itself a call is shorter or longer at random.
    pub(crate) spread: f64,
}

impl Speed {
    pub(crate) const fn with_knee(knee: usize, power: f64) -> Self {
        Self {
            receive: 20.0,
            settle: 20.0,
            knee,
            power,
            spread: 0.2,
        }
    }

    /// Returns the messages per second with `calls` under way all the time, one in each.
    fn throughput(&self, calls: usize) -> f64 {
        let slower = (calls as f64 / self.knee as f64).max(1.0).powf(self.power);
        calls as f64 * 1000.0 / ((self.receive + self.settle) * slower)
    }

    /// Returns the messages per second with the best fixed number of calls.
    pub(crate) fn best(&self) -> f64 {
        (1..=4 * self.knee)
            .map(|calls| self.throughput(calls))
            .fold(0.0, f64::max)
    }
}

pub(crate) struct Server {
    pub(crate) now: Timestamp,
    pub(crate) speed: Speed,
    /// How long the function takes.
    pub(crate) function: Duration,
    pub(crate) deleted: usize,
    pub(crate) limits: Vec<(Timestamp, usize)>,
    pub(crate) timed_out: usize,
    machine: QueueMachine,
    events: BTreeMap<(Timestamp, u64), Input>,
    under_way: usize,
    /// The calls under way, added up over the milliseconds.
    area: f64,
    sequence: u64,
    random: Random,
}

impl Server {
    pub(crate) fn new(config: QueueConfig, speed: Speed) -> Self {
        let now = Timestamp(0);
        let mut server = Self {
            now,
            speed,
            function: Duration::from_millis(1),
            deleted: 0,
            limits: Vec::new(),
            timed_out: 0,
            machine: QueueMachine::new(config, 7, now),
            events: BTreeMap::new(),
            under_way: 0,
            area: 0.0,
            sequence: 0,
            random: Random::new(3),
        };
        server.give(Input::Tick);
        server
    }

    /// Lets time pass, and returns the messages deleted per second and the calls under way in the mean.
    pub(crate) fn run(&mut self, seconds: u64) -> (f64, f64) {
        let (begin, deleted) = (self.now, self.deleted);
        let end = begin + Duration::from_secs(seconds);
        self.area = 0.0;
        loop {
            let event = self.events.keys().next().map(|&(at, _)| at);
            let tick = self.machine.next_deadline();
            let Some(next) = event.into_iter().chain(tick).min().filter(|&at| at <= end) else {
                break;
            };
            self.pass(next.max(self.now));
            match self.events.first_entry() {
                Some(entry) if entry.key().0 <= self.now => {
                    let input = entry.remove();
                    self.ended(&input);
                    self.give(input);
                }
                _ => self.give(Input::Tick),
            }
        }
        self.pass(end);
        let rate = (self.deleted - deleted) as f64 / seconds as f64;
        (rate, self.area / (seconds as f64 * 1000.0))
    }

    fn pass(&mut self, now: Timestamp) {
        self.area += self.under_way as f64 * now.since(self.now).as_secs_f64() * 1000.0;
        self.now = now;
    }

    fn ended(&mut self, input: &Input) {
        match input {
            Input::Received { .. } => self.under_way -= 1,
            Input::Settled { result, .. } => {
                self.under_way -= 1;
                self.deleted += result.as_ref().map_or(0, Vec::len);
            }
            _ => {}
        }
    }

    fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.machine.handle(self.now, input);
            while let Some(action) = self.machine.poll() {
                self.carry_out(action, &mut inputs);
            }
        }
    }

    /// A call begins; `None` if it will not be answered in time.
    fn call(&mut self, usual: f64) -> Option<Duration> {
        self.under_way += 1;
        let slower = (self.under_way as f64 / self.speed.knee as f64).max(1.0);
        let chance = 1.0 + self.speed.spread * (2.0 * self.random.fraction() - 1.0);
        let after = usual * slower.powf(self.speed.power) * chance;
        let after = Duration::from_millis(after.round() as u64);
        (after < PATIENCE).then_some(after)
    }

    fn carry_out(&mut self, action: Action, inputs: &mut VecDeque<Input>) {
        match action {
            Action::Receive { id, request } => {
                let after = self.call(self.speed.receive);
                let received = Received::from(self.messages(request.max));
                let result = after.map(|_| received).ok_or_else(|| self.late());
                self.schedule(after, Input::Received { id, result });
            }
            Action::Settle { id, settlements } => {
                let after = self.call(self.speed.settle);
                let result = after.map(|_| settlements.iter().map(|_| Ok(())).collect());
                let result = result.ok_or_else(|| self.late());
                self.schedule(after, Input::Settled { id, result });
            }
            Action::Reserve { batch } => inputs.push_back(Input::Reserved { batch }),
            Action::Invoke { batch, attempt, .. } => {
                let result = Ok(InvokeAnswer::from(Bytes::from_static(b"null")));
                let input = Input::Invoked {
                    batch,
                    attempt,
                    result,
                };
                self.schedule(Some(self.function), input);
            }
            Action::Report(Decision::CallsLimited { to, .. }) => self.limits.push((self.now, to)),
            _ => {}
        }
    }

    fn messages(&mut self, count: usize) -> Vec<QueueMessage> {
        let message = |number: u64| {
            let content = SqsMessage::new("{}").with_attribute("ApproximateReceiveCount", "1");
            let id = format!("m{number}");
            QueueMessage::new(id.clone(), Receipt(id), QueueContent::Sqs(content))
        };
        let first = self.sequence * 10;
        (0..count as u64)
            .map(|number| message(first + number))
            .collect()
    }

    fn late(&mut self) -> SourceError {
        self.timed_out += 1;
        SourceError::new(SourceErrorKind::Transient, "no answer in time")
    }

    fn schedule(&mut self, after: Option<Duration>, input: Input) {
        self.sequence += 1;
        let at = self.now + after.unwrap_or(PATIENCE);
        self.events.insert((at, self.sequence), input);
    }
}
