//! What surrounds the machine in a random world: function, destination, store and source, each with its
//! moods, until the world calms down.

use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{
    DeliveryError, InvokeError, InvokeErrorKind, SourceError, SourceErrorKind,
};
use lambda_esm_core::stream::ShardId;
use serde_json::{Value, json};

use super::case::{Case, Dice};
use super::ledger::Ledger;
use crate::world::around::{Answer, Keeping, Reading, Surroundings, Watched};
use crate::world::call::Call;
use crate::world::log::Stream;

pub(crate) struct Host {
    pub(crate) case: Case,
    pub(crate) ledger: Ledger,
    /// Whether anything but poison may still go wrong.
    pub(crate) wild: bool,
    pub(crate) reads: usize,
    dice: Dice,
}

impl Host {
    pub(crate) fn new(case: &Case) -> Self {
        Self {
            case: case.clone(),
            ledger: Ledger::new(case),
            wild: true,
            reads: 0,
            dice: Dice::new(case.seed),
        }
    }

    fn mood(&mut self, share: f64) -> bool {
        self.wild && self.dice.chance(share)
    }

    fn refuses(&mut self, call: &Call) -> Option<InvokeError> {
        if self.mood(self.case.throttles) {
            let retry_after = self.dice.of(&[None, None, Some(Duration::from_secs(2))]);
            let kind = self.dice.of(&[
                InvokeErrorKind::throttled(retry_after),
                InvokeErrorKind::Unavailable,
                InvokeErrorKind::NotFound,
            ]);
            return Some(InvokeError::new(kind, "not now"));
        }
        let poisoned = call
            .records
            .iter()
            .any(|record| self.ledger.is_poison(record));
        let poisoned = poisoned || self.is_poison_window(call);
        // A poison record may also be reported, where that is possible.
        let reports = self.case.partial && !call.records.is_empty() && self.dice.chance(0.5);
        if self.mood(self.case.errors) || (poisoned && !reports) {
            let kind = if call.records.len() > 1 && self.dice.chance(0.1) {
                InvokeErrorKind::TOO_LARGE
            } else {
                InvokeErrorKind::Function
            };
            return Some(InvokeError::new(kind, "no"));
        }
        None
    }

    /// Tells whether a call is the final one of a window that the function never ends: one of three, where there
    /// is poison at all.
    fn is_poison_window(&self, call: &Call) -> bool {
        let length = i64::try_from(self.case.tumbling * 1_000).unwrap();
        let ends = call.window.as_ref().filter(|window| window.is_final);
        self.case.poison > 0.0 && ends.is_some_and(|window| window.start().0 / length % 3 == 0)
    }

    /// Returns how many records are processed.
    fn progress(&mut self, call: &Call) -> usize {
        let poison = call
            .records
            .iter()
            .position(|record| self.ledger.is_poison(record));
        let length = call.records.len();
        let whim = self.case.partial && length > 0 && self.mood(self.case.errors);
        let failing = whim.then(|| self.dice.within(0..length as u64) as usize);
        poison.into_iter().chain(failing).min().unwrap_or(length)
    }
}

impl Surroundings for Host {
    fn invoke(&mut self, call: &Call) -> Answer {
        let after = Some(Duration::from_millis(self.dice.of(&[0, 1, 40, 900, 4_000])));
        if let Some(error) = self.refuses(call) {
            let counts = matches!(
                error.kind,
                InvokeErrorKind::Function | InvokeErrorKind::TOO_LARGE
            );
            return Answer {
                after,
                result: Err(error),
                processed: 0,
                outcome: if counts { "error" } else { "throttled" }.to_owned(),
            };
        }
        let is_final = call.window.as_ref().is_some_and(|window| window.is_final);
        let reads_response = self.case.partial || (call.window.is_some() && !is_final);
        if reads_response && !is_final && self.mood(self.case.nonsense) {
            return Answer {
                after,
                result: Ok(Bytes::from_static(b"nonsense").into()),
                processed: 0,
                outcome: "error".to_owned(),
            };
        }
        let processed = self.progress(call);
        let mut body = json!({});
        if let Some(window) = &call.window {
            let mut state: Value = serde_json::from_str(window.state.get()).unwrap();
            let before = state["seen"].as_str().unwrap_or_default();
            let seen = before.split_whitespace();
            let now = call.records[..processed].iter().map(|record| &**record);
            state["seen"] = seen.chain(now).collect::<Vec<_>>().join(" ").into();
            body["state"] = state;
        }
        if let Some(failed) = call.records.get(processed) {
            body["batchItemFailures"] = json!([{ "itemIdentifier": &**failed }]);
        }
        Answer {
            after,
            result: Ok(Bytes::from(body.to_string()).into()),
            processed,
            outcome: if processed == call.records.len() {
                ""
            } else {
                "part"
            }
            .to_owned(),
        }
    }

    fn deliver(&mut self, _: Timestamp) -> (Duration, Result<(), DeliveryError>) {
        let after = Duration::from_millis(self.dice.of(&[0, 20, 2_000]));
        if self.mood(self.case.delivery_faults) {
            return (after, Err(DeliveryError::new("away")));
        }
        (after, Ok(()))
    }

    fn commit(&mut self, _: Timestamp) -> Keeping {
        let after = Duration::from_millis(self.dice.of(&[0, 3, 700]));
        let fails = self.mood(self.case.commit_faults);
        Keeping {
            after,
            // A store that cannot say that it kept something may have kept it.
            kept: !fails || self.dice.chance(0.5),
            result: if fails {
                Err("full".to_owned())
            } else {
                Ok(())
            },
        }
    }

    fn read(&mut self, _: Timestamp, reading: Reading<'_>) -> (Duration, Result<(), SourceError>) {
        self.reads += 1;
        let after = Duration::from_millis(self.case.page_latency);
        if !self.mood(self.case.source_faults) {
            return (after, Ok(()));
        }
        let kinds: &[SourceErrorKind] = match reading {
            Reading::List => &[SourceErrorKind::Throttled, SourceErrorKind::Transient],
            Reading::Open(_) => &[
                SourceErrorKind::Throttled,
                SourceErrorKind::Denied,
                // Though nothing was.
                SourceErrorKind::Trimmed,
            ],
            Reading::Fetch(_) => &[
                SourceErrorKind::Throttled,
                SourceErrorKind::Expired,
                SourceErrorKind::Trimmed,
                SourceErrorKind::Transient,
                SourceErrorKind::NotFound,
            ],
        };
        (after, Err(SourceError::new(self.dice.of(kinds), "a fault")))
    }

    fn watch(&mut self, now: Timestamp, stream: &Stream, watched: &Watched<'_>) {
        self.ledger.watch(now, stream, watched);
    }
}

/// Which shards take which keys: each an interval of `0..KEYS`, as Kinesis divides its hash keys.
#[derive(Default)]
pub(crate) struct Ring {
    pub(crate) open: Vec<(ShardId, u64, u64)>,
    made: usize,
}

impl Ring {
    pub(crate) fn name(&mut self) -> ShardId {
        self.made += 1;
        ShardId::new(format!("s{:02}", self.made))
    }

    pub(crate) fn shard_of(&self, key: u64) -> &ShardId {
        let takes = |(_, from, to): &&(ShardId, u64, u64)| (*from..*to).contains(&key);
        &self
            .open
            .iter()
            .find(takes)
            .expect("a shard for every key")
            .0
    }
}
