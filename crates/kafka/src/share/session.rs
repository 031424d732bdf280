//! A share session with one broker: one request at a time, over a connection of its own, since what a session has locked
//! is released when its connection ends.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use krafka::__private::network::BrokerConnection;
use krafka::__private::protocol::{
    ApiKey, ShareAcknowledgeResponse, ShareFetchResponse, ShareLeaderIdAndEpoch, ShareNodeEndpoint,
};
use krafka::error::ErrorCode;
use krafka::{BrokerInfo, KrafkaError};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout, timeout_at};

use super::acknowledge_request::AcknowledgeRequest;
use super::acknowledgement::{Bundle, Outcome};
use super::cluster::SHARE_VERSION;
use super::fetch_request::FetchRequest;
use super::group::{Group, Reporter};
use super::lock_book::{Origin, Place, SessionId, Step};
use super::records::page;
use super::whole_batches::Demand;
use crate::consumer::Copier;

/// How long a broker waits for a record: no other request of the session is answered meanwhile.
const WAIT: Duration = Duration::from_millis(500);
/// The same while something is held, which is to be settled soon.
const SHORT_WAIT: Duration = Duration::from_millis(50);
/// How long an answer may take: brokers write down what they are told where another may have to be elected first.
const ANSWER: Duration = Duration::from_secs(30);
/// How long a session waits after a failure, at first and at most.
const BACKOFF: Duration = Duration::from_millis(100);
const BACKOFF_MOST: Duration = Duration::from_secs(2);
/// How long a broker has to write down what it could not, before it is told again.
const AGAIN: Duration = Duration::from_millis(250);
/// Opens a session.
const FIRST: i32 = 0;
/// Ends a session: what is locked goes back.
const LAST: i32 = -1;

const LOST: &str = "was in a session that is lost";

/// What a fetch that was answered came to.
enum Fetched {
    All,
    /// A partition is led elsewhere.
    Moved,
    /// A partition was not read.
    NotAll(KrafkaError),
}

pub(super) struct Session {
    group: Arc<Group>,
    id: SessionId,
    wake: Arc<Notify>,
    connection: Option<BrokerConnection>,
    epoch: i32,
    /// The partitions that the broker reads for the session.
    reads: BTreeSet<Place>,
    failures: u32,
    copier: Copier,
}

impl Session {
    /// Returns one that is not open yet.
    pub(super) fn new(group: Arc<Group>, broker: i32, wake: Arc<Notify>) -> Self {
        let id = SessionId { broker, number: 0 };
        Self {
            group,
            id,
            wake,
            connection: None,
            epoch: FIRST,
            reads: BTreeSet::new(),
            failures: 0,
            copier: Copier::default(),
        }
    }

    /// Does what the books ask for, until the member leaves.
    pub(super) async fn run(mut self) {
        loop {
            if *self.group.closing.borrow() {
                self.end().await;
                return;
            }
            let partitions = self.partitions();
            let reads = match self.is_renewing_login().await {
                true => BTreeSet::new(),
                false => partitions.clone(),
            };
            let step = self
                .group
                .state()
                .book
                .step(Instant::now(), self.id, &reads);
            match step {
                Step::Wait(until) => {
                    if partitions.is_empty() {
                        self.group.recovered(Reporter::Session(self.id.broker));
                    }
                    // Woken or not, it looks again.
                    timeout_at(until, self.wake.notified()).await.ok();
                }
                Step::Fetch(demand, bundles) => {
                    let fetched = self.fetch(partitions, demand, bundles).await;
                    self.note(fetched).await;
                }
                Step::Acknowledge(bundles) => {
                    if let Err(error) = self.acknowledge(bundles, false).await {
                        self.note(Err(error)).await;
                    }
                }
            }
        }
    }

    /// Returns the partitions that the broker leads.
    fn partitions(&self) -> BTreeSet<Place> {
        let (cluster, state) = (&self.group.cluster, self.group.state());
        let is_led_here = |(_, partition): &Place| {
            cluster.metadata().leader(&cluster.topic, *partition) == Some(self.id.broker)
        };
        state.assigned.iter().copied().filter(is_led_here).collect()
    }

    /// Tells whether the connection is to be made anew because its login ends soon; it is as soon as nothing of the
    /// session is held.
    async fn is_renewing_login(&mut self) -> bool {
        let ends = |connection: &BrokerConnection| connection.needs_reauthentication();
        if !self.connection.as_ref().is_some_and(ends) {
            return false;
        }
        if self.group.state().book.holds(self.id) {
            return true;
        }
        self.end().await;
        false
    }

    /// Takes note of what a fetch came to, and pauses after one that failed.
    async fn note(&mut self, done: Result<Fetched, KrafkaError>) {
        let reporter = Reporter::Session(self.id.broker);
        let problem = match done {
            Ok(Fetched::All) => {
                if self.failures > 0 {
                    self.failures = 0;
                    self.group.recovered(reporter);
                }
                return;
            }
            Ok(Fetched::Moved) => None,
            Ok(Fetched::NotAll(error)) => Some(error),
            Err(error) => {
                tracing::debug!(%error, broker = self.id.broker, "the share session is lost");
                self.lose(LOST, Vec::new());
                Some(error)
            }
        };
        if let Some(error) = problem {
            self.group
                .report(reporter, self.group.cluster.source_error(&error));
        }
        self.group.moved.notify_one();
        let wait = BACKOFF * 2_u32.saturating_pow(self.failures.min(8));
        self.failures += 1;
        self.pause(wait.min(BACKOFF_MOST)).await;
    }

    /// Waits, unless the member leaves.
    async fn pause(&self, wait: Duration) {
        let mut closing = self.group.closing.subscribe();
        let closes = closing.wait_for(|closing| *closing);
        timeout(wait, closes).await.ok();
    }

    /// Forgets the session and all that it holds. Its connection ends with it, so that the broker releases that too.
    fn lose(&mut self, why: &str, untold: Vec<Bundle>) {
        self.connection = None;
        self.epoch = FIRST;
        self.reads.clear();
        self.group.state().book.lose(self.id, untold, why);
        self.group.tell_arrived();
    }

    async fn connect(&mut self) -> Result<(), KrafkaError> {
        if self.connection.is_none() {
            self.connection = Some(self.group.cluster.open(self.id.broker).await?);
            let mut state = self.group.state();
            state.opened += 1;
            self.id.number = state.opened;
        }
        Ok(())
    }

    fn connection(&self) -> Result<&BrokerConnection, KrafkaError> {
        let none = || KrafkaError::timeout("connecting");
        self.connection.as_ref().ok_or_else(none)
    }

    /// Fetches records, and tells these bundles along with it.
    async fn fetch(
        &mut self,
        partitions: BTreeSet<Place>,
        demand: Demand,
        mut bundles: Vec<Bundle>,
    ) -> Result<Fetched, KrafkaError> {
        let asked = Instant::now();
        let answer = match self.ask(&partitions, demand, &mut bundles).await {
            Ok(answer) => answer,
            Err(error) => {
                self.lose(LOST, bundles);
                return Err(error);
            }
        };
        self.reads = partitions;
        self.advance();
        self.group.state().book.fetched(self.id.broker);
        let told = answer.responses.iter().flat_map(|topic| {
            let place = |partition| (topic.topic_id, partition);
            let partitions = topic.partitions.iter();
            partitions.map(move |one| (place(one.partition_index), one.acknowledge_error_code))
        });
        let outcomes = told.map(|(place, code)| (place, outcome(code))).collect();
        let fetched = self.take(asked, answer);
        self.told(bundles, outcomes, false).await;
        Ok(fetched)
    }

    async fn ask(
        &mut self,
        partitions: &BTreeSet<Place>,
        demand: Demand,
        bundles: &mut [Bundle],
    ) -> Result<ShareFetchResponse, KrafkaError> {
        self.connect().await?;
        let holds = self.group.state().book.holds_anything();
        let wait = match (bundles.is_empty(), holds) {
            (true, false) => WAIT,
            (true, true) => SHORT_WAIT,
            // Who is told of is waited for.
            (false, _) => Duration::ZERO,
        };
        let (group, member) = (&self.group.cluster.group, &self.group.member);
        let request = FetchRequest::new(group, member, self.epoch, wait, demand)
            .read(&self.reads, partitions)
            .tell(bundles);
        let connection = self.connection()?;
        let answer = connection.send_request_with_timeout(
            ApiKey::ShareFetch,
            SHARE_VERSION,
            ANSWER,
            |out| {
                request.encode(out);
                Ok(())
            },
        );
        let answer = ShareFetchResponse::decode_v2(&mut answer.await?)?;
        check(answer.error_code, answer.error_message.clone())?;
        Ok(answer)
    }

    /// Takes the records of an answer. Their locks have begun when they were asked for at the earliest.
    fn take(&mut self, asked: Instant, answer: ShareFetchResponse) -> Fetched {
        let mut fetched = Fetched::All;
        let (came, mut longest) = (Instant::now(), 0);
        for topic in answer.responses {
            for partition in topic.partitions {
                let place = (topic.topic_id, partition.partition_index);
                if is_moved(partition.acknowledge_error_code) {
                    self.moved(place, &partition.current_leader, &answer.node_endpoints);
                }
                if partition.error_code.is_ok() {
                    let ranges = &partition.acquired_records;
                    let page = page(&mut self.copier, partition.records.as_ref(), ranges);
                    longest = longest.max(page.longest);
                    let session = self.id;
                    let mut state = self.group.state();
                    if let Ok(lock @ 1..) = u64::try_from(answer.acquisition_lock_timeout_ms) {
                        state.book.lock = Duration::from_millis(lock);
                    }
                    state
                        .book
                        .acquire(asked, came, Origin { session, place }, page);
                } else if is_moved(partition.error_code) {
                    self.moved(place, &partition.current_leader, &answer.node_endpoints);
                    if matches!(fetched, Fetched::All) {
                        fetched = Fetched::Moved;
                    }
                } else {
                    let (code, message) = (partition.error_code, partition.error_message);
                    fetched = Fetched::NotAll(failure(code, message));
                }
            }
        }
        self.group.state().book.came(longest);
        self.group.tell_arrived();
        fetched
    }

    /// Takes note that a partition is led elsewhere.
    fn moved(&self, place: Place, leader: &ShareLeaderIdAndEpoch, brokers: &[ShareNodeEndpoint]) {
        let broker = brokers
            .iter()
            .find(|broker| broker.node_id == leader.leader_id);
        let broker = broker.map(|broker| {
            BrokerInfo::new(
                broker.node_id,
                broker.host.clone(),
                broker.port,
                broker.rack.clone(),
            )
        });
        let leader = (leader.leader_id, leader.leader_epoch);
        self.group.cluster.led_by(place.1, leader, broker);
        self.group.moved.notify_one();
    }

    /// Tells the broker what became of records. What it did not answer is known to be lost.
    async fn acknowledge(
        &mut self,
        mut bundles: Vec<Bundle>,
        is_last: bool,
    ) -> Result<(), KrafkaError> {
        let answer = self.send(&mut bundles, is_last).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.lose(LOST, bundles);
                return Err(error);
            }
        };
        self.advance();
        let mut outcomes: BTreeMap<Place, Outcome> = BTreeMap::new();
        for topic in &answer.responses {
            for partition in &topic.partitions {
                let place = (topic.topic_id, partition.partition_index);
                if is_moved(partition.error_code) {
                    self.moved(place, &partition.current_leader, &answer.node_endpoints);
                }
                outcomes.insert(place, outcome(partition.error_code));
            }
        }
        self.told(bundles, outcomes, is_last).await;
        Ok(())
    }

    /// Takes what a broker answered to what it was told, by partition.
    async fn told(
        &self,
        bundles: Vec<Bundle>,
        mut outcomes: BTreeMap<Place, Outcome>,
        is_last: bool,
    ) {
        let now = Instant::now();
        let mut is_again = false;
        for bundle in bundles {
            let place = (bundle.topic, bundle.partition);
            let unanswered = || Outcome::Lost("is in no answer of the broker".to_owned());
            let outcome = outcomes.remove(&place).unwrap_or_else(unanswered);
            is_again |= matches!(outcome, Outcome::Again(_));
            let mut state = self.group.state();
            state.book.acknowledged(now, self.id, bundle, outcome);
        }
        if is_again && !is_last {
            self.pause(AGAIN).await;
        }
    }

    async fn send(
        &self,
        bundles: &mut [Bundle],
        is_last: bool,
    ) -> Result<ShareAcknowledgeResponse, KrafkaError> {
        let (group, member) = (&self.group.cluster.group, &self.group.member);
        let epoch = if is_last { LAST } else { self.epoch };
        let request = AcknowledgeRequest::new(group, member, epoch, bundles);
        let connection = self.connection()?;
        let answer = connection.send_request_with_timeout(
            ApiKey::ShareAcknowledge,
            SHARE_VERSION,
            ANSWER,
            |out| {
                request.encode(out);
                Ok(())
            },
        );
        let answer = ShareAcknowledgeResponse::decode_v2(&mut answer.await?)?;
        check(answer.error_code, answer.error_message.clone())?;
        Ok(answer)
    }

    const fn advance(&mut self) {
        // After the greatest number comes the one behind the one that opens.
        self.epoch = if self.epoch == i32::MAX {
            1
        } else {
            self.epoch + 1
        };
    }

    /// Ends the session: tells what is to be told, and releases the rest.
    async fn end(&mut self) {
        while self.epoch != FIRST {
            let bundles = self.group.state().book.last_words(self.id.broker);
            let is_last = bundles.as_ref().is_none_or(|(_, more)| !more);
            let bundles = bundles.map(|(bundles, _)| bundles).unwrap_or_default();
            let told = self.acknowledge(bundles, is_last).await;
            if let Err(error) = &told {
                tracing::debug!(%error, broker = self.id.broker, "the share session is not ended");
            }
            if is_last || told.is_err() {
                break;
            }
        }
        self.lose("is released, since its session has ended", Vec::new());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.lose("is released, since its session has ended", Vec::new());
        self.group.state().sessions.remove(&self.id.broker);
    }
}

fn check(code: ErrorCode, message: Option<String>) -> Result<(), KrafkaError> {
    if code.is_ok() {
        Ok(())
    } else {
        Err(failure(code, message))
    }
}

fn failure(code: ErrorCode, message: Option<String>) -> KrafkaError {
    KrafkaError::broker(
        code,
        message.unwrap_or_else(|| "no reason given".to_owned()),
    )
}

/// Tells whether a broker does not lead a partition, or knows it no more.
const fn is_moved(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::NotLeaderForPartition
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::UnknownLeaderEpoch
            | ErrorCode::LeaderNotAvailable
            | ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
    )
}

fn outcome(code: ErrorCode) -> Outcome {
    if code.is_ok() {
        return Outcome::Done;
    }
    let why = format!("is not the member's any more ({code:?})");
    match code {
        ErrorCode::InvalidRecordState => Outcome::NoLock(why),
        ErrorCode::UnknownServerError => Outcome::Again(why),
        code if !is_moved(code) && code.is_retriable() => Outcome::Again(why),
        _ => Outcome::Lost(why),
    }
}
