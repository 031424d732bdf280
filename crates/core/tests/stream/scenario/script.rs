//! The function, the destination, the source's faults and the store's, as a scenario scripts them.

use std::collections::HashMap;
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::{
    DeliveryError, InvokeError, InvokeErrorKind, SourceError, SourceErrorKind,
};
use lambda_esm_core::response::{InvokeAnswer, Run, Verdict, read_partial_failures};
use serde_json::{Map, Value, json};

use super::model::{Destination, Fault, Faulty, Kind, Rule, Scenario, Verb};
use super::text::{Span, names};
use crate::world::around::{Answer, Keeping, Reading, Surroundings};
use crate::world::call::{Call, Label, sequence};

pub(crate) struct Script {
    rules: Vec<(Rule, u32)>,
    destination: Destination,
    deliveries: usize,
    faults: Vec<(Fault, u32)>,
    latency: Duration,
    partial: bool,
    /// The names of records, by sequence number.
    pub(crate) names: HashMap<Label, String>,
}

impl Script {
    pub(crate) fn new(scenario: &Scenario, partial: bool) -> Self {
        Self {
            rules: scenario
                .function
                .iter()
                .map(|rule| (rule.clone(), 0))
                .collect(),
            destination: scenario.destination.unwrap_or_default(),
            deliveries: 0,
            faults: scenario
                .faults
                .iter()
                .map(|fault| (fault.clone(), 0))
                .collect(),
            latency: scenario.stream.latency.duration(),
            partial,
            names: HashMap::new(),
        }
    }

    /// Returns the names of a call's records.
    pub(crate) fn batch(&self, call: &Call) -> Vec<&str> {
        call.records
            .iter()
            .map(|record| self.names[record].as_str())
            .collect()
    }

    fn fits(&self, rule: &Rule, used: u32, call: &Call) -> bool {
        let batch = self.batch(call);
        let has = |wanted: &String| {
            names(wanted)
                .iter()
                .any(|name| batch.contains(&name.as_str()))
        };
        let is_last = call.window.as_ref().is_some_and(|window| window.is_final);
        rule.on.as_ref().is_none_or(|on| on.has(call.number))
            && rule.with.as_ref().is_none_or(has)
            && rule.report.as_ref().is_none_or(has)
            && rule.size.as_ref().is_none_or(|size| size.has(batch.len()))
            && rule.last.is_none_or(|last| last == is_last)
            && rule
                .shard
                .as_ref()
                .is_none_or(|shard| shard == call.shard.as_str())
            && rule.before.is_none_or(|before| call.at < before.at())
            && rule.times.is_none_or(|times| used < times)
    }

    /// The body of a successful answer.
    fn body(&self, rule: &Rule, call: &Call) -> String {
        let mut body = Map::new();
        if let Some(window) = &call.window {
            let state = match (&rule.state, rule.state_bytes) {
                (Some(state), _) => serde_json::from_str(state).expect("a state in JSON"),
                (None, Some(bytes)) => json!({"x": "x".repeat(bytes - r#"{"x":""}"#.len())}),
                (None, None) => self.folded(window.state.get(), call),
            };
            body.insert("state".to_owned(), state);
        }
        if let Some(report) = &rule.report {
            let wanted = names(report);
            let named = call
                .records
                .iter()
                .filter(|record| wanted.contains(&self.names[*record]));
            let failures: Vec<Value> = named
                .map(|record| json!({"itemIdentifier": sequence(record)}))
                .collect();
            body.insert("batchItemFailures".to_owned(), failures.into());
        }
        Value::Object(body).to_string()
    }

    /// What the function does with a window's state unless told otherwise: notes what it has seen.
    fn folded(&self, state: &str, call: &Call) -> Value {
        let mut state: Value = serde_json::from_str(state).expect("a state in JSON");
        let before = state["seen"].as_str().unwrap_or_default().to_owned();
        let words = before.split_whitespace().chain(self.batch(call));
        state["seen"] = words.collect::<Vec<_>>().join(" ").into();
        state
    }

    fn succeed(&self, rule: &Rule, call: &Call) -> Result<(String, usize, String), InvokeError> {
        let body = match &rule.respond {
            Some(text) => {
                let spelled = |text: String, (label, name): (&Label, &String)| {
                    text.replace(&format!("<{name}>"), sequence(label))
                };
                self.names.iter().fold(text.clone(), spelled)
            }
            None => self.body(rule, call),
        };
        if !self.partial {
            return Ok((body, call.records.len(), String::new()));
        }
        let records = call.records.iter().map(|record| sequence(record));
        let (processed, outcome) = match read_partial_failures(body.as_bytes(), records) {
            Verdict::Success => (call.records.len(), String::new()),
            Verdict::Failed(failed) => {
                let names: Vec<&str> = failed
                    .iter()
                    .map(|&index| self.names[&call.records[index]].as_str())
                    .collect();
                (failed[0], format!("reports {}", names.join(" ")))
            }
            Verdict::Invalid(_) => (0, "invalid response".to_owned()),
        };
        Ok((body, processed, outcome))
    }
}

fn failure(rule: &Rule) -> Option<(InvokeErrorKind, &'static str)> {
    Some(match rule.verb {
        Verb::Succeed | Verb::Hang => return None,
        Verb::Error => (InvokeErrorKind::Function, "error"),
        Verb::Throttle => {
            let retry_after = rule.retry_after.map(Span::duration);
            (InvokeErrorKind::throttled(retry_after), "throttled")
        }
        Verb::NotFound => (InvokeErrorKind::NotFound, "not found"),
        Verb::Denied => (InvokeErrorKind::Denied, "denied"),
        Verb::Unavailable => (InvokeErrorKind::Unavailable, "unavailable"),
        Verb::TooLarge => (InvokeErrorKind::TOO_LARGE, "too large"),
        Verb::Refused => {
            let (status, may_pass) = (400, false);
            (InvokeErrorKind::refused(status, may_pass), "refused")
        }
        Verb::Busy => {
            let (status, may_pass) = (409, true);
            (InvokeErrorKind::refused(status, may_pass), "busy")
        }
    })
}

impl Surroundings for Script {
    fn invoke(&mut self, call: &Call) -> Answer {
        let found = self
            .rules
            .iter()
            .position(|(rule, used)| self.fits(rule, *used, call));
        let rule = match found {
            Some(index) => {
                self.rules[index].1 += 1;
                self.rules[index].0.clone()
            }
            None => Rule::default(),
        };
        let run = Run::default()
            .with_request_id(rule.request_id.clone())
            .with_executed_version(rule.version.clone());
        let result = match failure(&rule) {
            Some((kind, word)) => Err(InvokeError::new(kind, word).of(run.clone())),
            None => self.succeed(&rule, call),
        };
        let (result, processed, outcome) = match result {
            Ok((body, processed, outcome)) => (
                Ok(InvokeAnswer::new(body.into()).of(run)),
                processed,
                outcome,
            ),
            Err(error) => {
                let word = error.message.clone();
                (Err(error), 0, word)
            }
        };
        Answer {
            after: (rule.verb != Verb::Hang).then(|| rule.takes.duration()),
            result,
            processed,
            outcome,
        }
    }

    fn deliver(&mut self, _: Timestamp) -> (Duration, Result<(), DeliveryError>) {
        self.deliveries += 1;
        let result = if self.deliveries <= self.destination.fails {
            Err(DeliveryError::new("no such queue"))
        } else {
            Ok(())
        };
        (self.destination.takes.duration(), result)
    }

    fn commit(&mut self, now: Timestamp) -> Keeping {
        let result = self
            .fault(now, Faulty::Commit, None)
            .map_err(|error| error.message);
        Keeping {
            after: Duration::ZERO,
            kept: result.is_ok(),
            result,
        }
    }

    fn read(
        &mut self,
        now: Timestamp,
        reading: Reading<'_>,
    ) -> (Duration, Result<(), SourceError>) {
        let (call, shard) = match reading {
            Reading::List => (Faulty::List, None),
            Reading::Open(shard) => (Faulty::Open, Some(shard.as_str())),
            Reading::Fetch(shard) => (Faulty::Fetch, Some(shard.as_str())),
        };
        (self.latency, self.fault(now, call, shard))
    }
}

impl Script {
    fn fault(
        &mut self,
        now: Timestamp,
        call: Faulty,
        shard: Option<&str>,
    ) -> Result<(), SourceError> {
        let fits = |(fault, used): &&mut (Fault, u32)| {
            let here = fault
                .shard
                .as_deref()
                .is_none_or(|wanted| Some(wanted) == shard);
            fault.call == call && here && *used < fault.times && now >= fault.from.at()
        };
        let Some((fault, used)) = self.faults.iter_mut().find(fits) else {
            return Ok(());
        };
        *used += 1;
        let kind = match fault.error {
            Kind::Throttled => SourceErrorKind::Throttled,
            Kind::NotFound => SourceErrorKind::NotFound,
            Kind::Denied => SourceErrorKind::Denied,
            Kind::Expired => SourceErrorKind::Expired,
            Kind::Trimmed => SourceErrorKind::Trimmed,
            Kind::Transient => SourceErrorKind::Transient,
            Kind::Fatal => SourceErrorKind::Fatal,
        };
        Err(SourceError::new(kind, "a scripted fault"))
    }
}
