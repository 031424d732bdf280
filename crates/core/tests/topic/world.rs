//! A world in which a test answers each call of a topic machine by hand. Turns come at once, unless they are held, and
//! the logs are measured as the test says.

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use lambda_esm_core::Timestamp;
use lambda_esm_core::decision::{BatchId, Decision};
use lambda_esm_core::fault::{
    DeliveryError, InvokeError, InvokeErrorKind, SourceError, SourceErrorKind,
};
use lambda_esm_core::on_failure_record::FailureRecord;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::record::KafkaRecord;
use lambda_esm_core::response::InvokeAnswer;
use lambda_esm_core::stream::CallId;
use lambda_esm_core::topic::{
    Action, Assignment, GroupEvent, Input, OwnedPartition, TopicConfig, TopicFetch, TopicMachine,
    TopicPage, Watermarks,
};
use serde_json::Value;

use crate::mapping::{START, settings};

/// A place in the topic: partition and offset.
pub(crate) type Place = (i32, i64);

/// An invocation.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) batch: BatchId,
    pub(crate) attempt: u32,
    pub(crate) places: Vec<Place>,
    pub(crate) payload: Bytes,
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) machine: TopicMachine,
    pub(crate) fetches: BTreeMap<OwnedPartition, (CallId, TopicFetch)>,
    /// Commits that are not answered.
    pub(crate) commits: VecDeque<(CallId, Vec<Place>)>,
    pub(crate) let_gos: Vec<(OwnedPartition, Option<i64>)>,
    /// All invocations.
    pub(crate) calls: Vec<Call>,
    /// Deliveries that are not answered.
    pub(crate) deliveries: VecDeque<(CallId, FailureRecord)>,
    pub(crate) decisions: Vec<Decision>,
    /// What is answered to whoever measures the logs.
    pub(crate) logs: Vec<Watermarks>,
    pub(crate) holds_turns: bool,
    turns: VecDeque<CallId>,
}

/// Returns a partition under an epoch.
pub(crate) const fn owned(partition: i32, epoch: u64) -> OwnedPartition {
    OwnedPartition { partition, epoch }
}

/// Returns a record with a short value.
pub(crate) fn record(offset: i64, time: Timestamp) -> KafkaRecord {
    KafkaRecord::new(offset, time, Some(Bytes::from_static(b"{}")))
}

/// Returns the places of an event's records; those of a partition in their order.
pub(crate) fn places(payload: &[u8]) -> Vec<Place> {
    let event: Value = serde_json::from_slice(payload).unwrap();
    let partitions = event["records"].as_object().unwrap().values();
    let records = partitions.flat_map(|records| records.as_array().unwrap());
    let number = |record: &Value, name: &str| record[name].as_i64().unwrap();
    records
        .map(|record| {
            let partition = i32::try_from(number(record, "partition")).unwrap();
            (partition, number(record, "offset"))
        })
        .collect()
}

impl World {
    /// Returns a world with a mapping of these parameters, which owns nothing.
    pub(crate) fn new(parameters: &Value) -> Self {
        Self::of(settings(Pacing::Eager, parameters))
    }

    pub(crate) fn of(config: TopicConfig) -> Self {
        Self {
            now: START,
            machine: TopicMachine::new(config, 7, START),
            fetches: BTreeMap::new(),
            commits: VecDeque::new(),
            let_gos: Vec::new(),
            calls: Vec::new(),
            deliveries: VecDeque::new(),
            decisions: Vec::new(),
            logs: Vec::new(),
            holds_turns: false,
            turns: VecDeque::new(),
        }
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
            Action::Fetch { id, request } => {
                let before = self.fetches.insert(request.owned, (id, request));
                assert!(before.is_none(), "{:?} is fetched twice", request.owned);
            }
            Action::Commit { id, offsets } => {
                assert!(self.commits.is_empty(), "one commit at a time");
                let places = offsets
                    .iter()
                    .map(|each| (each.owned.partition, each.offset));
                self.commits.push_back((id, places.collect()));
            }
            Action::LetGo { owned, offset } => {
                self.let_gos
                    .push((owned, offset.map(|offset| offset.offset)));
            }
            Action::Measure => {
                let result = Ok(self.logs.clone());
                return Some(Input::Measured { result });
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
                places: places(&payload),
                payload,
            }),
            Action::Deliver { id, record } => self.deliveries.push_back((id, record)),
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

    pub(crate) fn assign(&mut self, partition: i32, epoch: u64, committed: impl Into<Option<i64>>) {
        let assignment = Assignment::new(owned(partition, epoch), committed.into());
        self.give(Input::Group(GroupEvent::Assigned(vec![assignment])));
    }

    pub(crate) fn revoke(&mut self, partition: i32, epoch: u64) {
        let event = GroupEvent::Revoking(vec![owned(partition, epoch)]);
        self.give(Input::Group(event));
    }

    pub(crate) fn lose(&mut self, partition: i32, epoch: u64) {
        let event = GroupEvent::Lost(vec![owned(partition, epoch)]);
        self.give(Input::Group(event));
    }

    /// Answers the fetch of a partition, under its latest epoch.
    pub(crate) fn fetched(&mut self, partition: i32, result: Result<TopicPage, SourceError>) {
        let of_it = self
            .fetches
            .keys()
            .rfind(|owned| owned.partition == partition);
        let owned = *of_it.unwrap_or_else(|| panic!("no fetch of {partition}"));
        let (id, _) = self.fetches.remove(&owned).unwrap();
        self.give(Input::Fetched { id, result });
    }

    /// Answers the fetch of a partition with records at these offsets.
    pub(crate) fn page(&mut self, partition: i32, offsets: impl IntoIterator<Item = i64>) {
        let now = self.now;
        let records = offsets.into_iter().map(|offset| record(offset, now));
        self.fetched(partition, Ok(TopicPage::new(records.collect(), None)));
    }

    pub(crate) fn is_fetched(&self, partition: i32) -> bool {
        self.fetches
            .keys()
            .any(|owned| owned.partition == partition)
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

    /// Answers the commit that is open, and returns what it was.
    pub(crate) fn commit(&mut self) -> Vec<Place> {
        let (id, places) = self.commits.pop_front().expect("a commit");
        self.give(Input::Committed { id, result: Ok(()) });
        places
    }

    /// Answers commits as long as there are, and returns what is committed then of each partition.
    pub(crate) fn commit_all(&mut self) -> Vec<Place> {
        let mut committed = BTreeMap::new();
        while !self.commits.is_empty() {
            committed.extend(self.commit());
        }
        committed.into_iter().collect()
    }

    pub(crate) fn fail_commit(&mut self, kind: SourceErrorKind) {
        let (id, _) = self.commits.pop_front().expect("a commit");
        let result = Err(SourceError::new(kind, "not now"));
        self.give(Input::Committed { id, result });
    }

    /// Answers the delivery that has waited longest, and returns its record.
    pub(crate) fn deliver(&mut self, result: Result<(), &str>) -> FailureRecord {
        let (id, record) = self.deliveries.pop_front().expect("a delivery");
        let result = result.map_err(DeliveryError::new);
        self.give(Input::Delivered { id, result });
        record
    }

    /// Answers that a partition was let go of.
    pub(crate) fn left(&mut self, partition: i32, epoch: u64) {
        self.give(Input::LetGo {
            owned: owned(partition, epoch),
            result: Ok(()),
        });
    }

    /// Returns the places of an invocation.
    #[track_caller]
    pub(crate) fn places(&self, call: usize) -> &[Place] {
        let call = self.calls.get(call);
        &call.expect("an invocation").places
    }

    /// Tells whether something like it was decided.
    pub(crate) fn decided(&self, is_it: impl Fn(&Decision) -> bool) -> bool {
        self.decisions.iter().any(is_it)
    }
}
