//! The thread of a member: it makes the client, polls it as long as the membership lasts, and closes it. Whatever takes
//! its time is on it, and nothing waits for the function there, so that the group never takes a slow one for dead.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lambda_esm_core::fault::{ReasonCode, SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{Assignment, JoinRequest, OwnedPartition};
use rdkafka::config::{ClientConfig, FromClientConfigAndContext};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::beginning::{Begins, begins, bounds, committed};
use super::context::{Context, Membership};
use super::reader::Reader;
use crate::auth::ClientSettings;
use crate::client::{CALL_BOUND, configuration};
use crate::connect::Connect;
use crate::options::{GroupProtocol, Isolation, KafkaOptions};
use crate::problem::{Place, problem};
use crate::token_keeper::TokenKeeper;

/// How long one poll waits: within it, whatever else is to be done is seen.
const POLL: Duration = Duration::from_millis(50);
/// How often what failed is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How often it is looked whether a problem is over.
const PROBE: Duration = Duration::from_secs(2);
/// How long such a look waits for each answer where tokens have to be kept: nothing else is done meanwhile.
const ANSWER: Duration = Duration::from_secs(1);
/// How often settings are asked for anew while they are refused.
const SETTINGS: Duration = Duration::from_secs(10);
/// How often it is looked whether a token was renewed.
const TOKENS: Duration = Duration::from_secs(1);
/// How soon a member that the group accepts has its share, if there is one for it.
const IDLE: Duration = Duration::from_secs(6);
/// How long the owner of the first partition is waited for when a group is new.
const FIRST: Duration = Duration::from_secs(10);
/// How long a call may still use a client that is to be closed.
const USE: Duration = Duration::from_secs(10);
/// How long an assignment may fail to begin before it is told.
const PATIENCE: Duration = Duration::from_secs(3);

/// The client, while there is one; its thread waits for whoever uses it.
pub(super) type ClientSlot = Arc<Mutex<Option<Arc<BaseConsumer<Context>>>>>;

/// What the thread knows.
pub(super) struct Member {
    pub(super) group: Arc<Membership>,
    pub(super) client: ClientSlot,
    pub(super) connect: Arc<dyn Connect>,
    pub(super) topic: String,
    pub(super) request: JoinRequest,
    pub(super) options: KafkaOptions,
    /// Where the settings are asked for.
    pub(super) runtime: Handle,
}

type Answer = Receiver<Result<ClientSettings, SourceError>>;

/// What is to be done when, in the life of a client.
struct Duties {
    /// When an assignment began to fail to begin, and when it is tried again.
    stuck: Option<(Instant, Instant)>,
    probe: Instant,
    settings: Instant,
    asked: Option<Answer>,
    tokens: Option<TokenKeeper>,
    keep_tokens: Instant,
    /// The last look for a token found one, if one is needed.
    has_token: bool,
    /// When it is told that the member has nothing, if it has not heard of its assignment until then.
    idle: Option<Instant>,
}

impl Member {
    /// Is a member until it is told to leave.
    pub(super) fn run(&self) {
        while catch_unwind(AssertUnwindSafe(|| self.be_member())).is_err() {
            *self.slot() = None;
            for reader in self.group.lose_all() {
                reader.end();
            }
            self.group.problem(SourceError::new(
                SourceErrorKind::Transient,
                format!(
                    "the consumer of topic {} panicked, and is made anew",
                    self.topic
                ),
            ));
            self.group.pause(SETTINGS);
        }
        self.group.end();
    }

    fn be_member(&self) {
        while let Some(settings) = self.first_settings() {
            self.live(&settings);
            // Whatever it was is given a moment to pass.
            self.group.pause(PROBE);
        }
    }

    /// Asks for settings until there are some; `None` if the member leaves.
    fn first_settings(&self) -> Option<ClientSettings> {
        while !self.group.is_leaving() {
            let answer = self.ask_settings();
            let answer = loop {
                match answer.recv_timeout(POLL) {
                    Err(RecvTimeoutError::Timeout) if self.group.is_leaving() => return None,
                    Err(RecvTimeoutError::Timeout) => {}
                    // The runtime is gone, and everybody with it.
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Ok(answer) => break answer,
                }
            };
            match answer {
                Ok(settings) => return Some(settings),
                Err(error) => {
                    self.group.problem(error);
                    self.group.pause(PROBE);
                }
            }
        }
        None
    }

    fn ask_settings(&self) -> Answer {
        let (answer, answered) = mpsc::sync_channel(1);
        let connect = Arc::clone(&self.connect);
        self.runtime.spawn(async move {
            let settings = connect.settings().await;
            // The member may have left.
            drop(answer.send(settings));
        });
        answered
    }

    /// Lives with one client until it cannot go on, or the member leaves.
    fn live(&self, settings: &ClientSettings) {
        let consumer = match self.create(settings) {
            Ok(consumer) => Arc::new(consumer),
            Err(error) => {
                self.group.problem(unusable(&error));
                self.group.pause(SETTINGS);
                return;
            }
        };
        *self.slot() = Some(Arc::clone(&consumer));
        let now = Instant::now();
        let mut duties = Duties {
            stuck: None,
            probe: now + PROBE,
            settings: now + SETTINGS,
            asked: None,
            tokens: settings.tokens().cloned().map(TokenKeeper::new),
            keep_tokens: now,
            has_token: settings.tokens().is_none(),
            idle: (self.options.group_protocol == GroupProtocol::Consumer).then_some(now + IDLE),
        };
        while !self.group.is_leaving() && !self.group.has_failed() {
            self.keep_tokens(&consumer, &mut duties);
            let polled = consumer.poll(POLL);
            // Each partition has a queue of its own: a record that came here would be passed over.
            if let Some(Ok(_) | Err(KafkaError::MessageConsumptionFatal(_))) = polled {
                self.group.fail();
            }
            self.begin(&consumer, &mut duties);
            self.tell_of_nothing(&consumer, &mut duties);
            self.look_after_problem(&consumer, &mut duties);
            if self.is_rotated(settings, &mut duties) {
                break;
            }
        }
        self.close(consumer);
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Arc<BaseConsumer<Context>>>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn create(&self, settings: &ClientSettings) -> KafkaResult<BaseConsumer<Context>> {
        let context = Context {
            group: Arc::clone(&self.group),
            place: self.place(settings),
            revoke_bound: self.options.revoke_bound,
            always_assigns: self.options.group_protocol == GroupProtocol::Classic,
            last_failure: Mutex::default(),
            closing: AtomicBool::new(false),
        };
        let config = self.configuration(settings);
        let consumer = BaseConsumer::from_config_and_context(&config, context)?;
        consumer.subscribe(&[&self.topic])?;
        Ok(consumer)
    }

    fn place(&self, settings: &ClientSettings) -> Place {
        Place {
            topic: self.topic.clone(),
            group: Some(self.request.group_id.clone()),
            servers: settings.bootstrap_servers().to_owned(),
        }
    }

    fn configuration(&self, settings: &ClientSettings) -> ClientConfig {
        let mut config = configuration(settings);
        config.set("group.id", &self.request.group_id);
        match self.options.group_protocol {
            GroupProtocol::Classic => {
                let session = self.options.session_timeout.as_millis();
                config.set("partition.assignment.strategy", "cooperative-sticky");
                config.set("session.timeout.ms", session.to_string());
                // At its next heartbeat a member hears of a rebalance, which waits for all of them.
                config.set("heartbeat.interval.ms", (session / 12).to_string());
            }
            GroupProtocol::Consumer => {
                config.set("group.protocol", "consumer");
            }
        }
        let isolation = match self.options.isolation {
            Isolation::ReadCommitted => "read_committed",
            Isolation::ReadUncommitted => "read_uncommitted",
        };
        config.set("isolation.level", isolation);
        let prefetch = self.options.prefetch_kib.max(1);
        config.set("queued.max.messages.kbytes", prefetch.to_string());
        config.set(
            "fetch.message.max.bytes",
            (u64::from(prefetch) * 1024).to_string(),
        );
        for (name, value) in [
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            ("allow.auto.create.topics", "false"),
            ("enable.partition.eof", "true"),
            ("check.crcs", "true"),
            ("queued.min.messages", "100000"),
            // A queue that was full is filled again soon, and one that is empty does not wait for the others' long.
            ("fetch.queue.backoff.ms", "10"),
            ("fetch.wait.max.ms", "100"),
        ] {
            config.set(name, value);
        }
        config
    }

    /// Begins with what was assigned, if that can be done now: nowhere else than where it should begin.
    fn begin(&self, consumer: &Arc<BaseConsumer<Context>>, duties: &mut Duties) {
        let Some(partitions) = self.group.to_begin() else {
            duties.stuck = None;
            return;
        };
        let now = Instant::now();
        let (since, next) = *duties.stuck.get_or_insert((now, now));
        if now < next {
            return;
        }
        let start = self.request.start;
        let alone = now.duration_since(since) > FIRST;
        let found = begins(consumer, &self.topic, start, &partitions, alone);
        match found.and_then(|begins| self.assign(consumer, &begins)) {
            Ok(()) => duties.stuck = None,
            Err(error) => {
                tracing::debug!(%error, topic = self.topic, "an assignment does not begin yet");
                if now.duration_since(since) > PATIENCE {
                    self.group.problem(self.not_begun(&error, consumer));
                }
                duties.stuck = Some((since, Instant::now() + RETRY));
            }
        }
    }

    fn assign(&self, consumer: &Arc<BaseConsumer<Context>>, begins: &[Begins]) -> KafkaResult<()> {
        let mut list = TopicPartitionList::with_capacity(begins.len());
        let mut readers = Vec::with_capacity(begins.len());
        for Begins {
            partition,
            committed,
        } in begins
        {
            let offset = committed.map_or(Offset::Beginning, Offset::Offset);
            list.add_partition_offset(&self.topic, *partition, offset)?;
            // Before anything is fetched, or it would come to the client's own queue.
            let queue = consumer.split_partition_queue(&self.topic, *partition);
            let queue = queue.ok_or_else(|| KafkaError::Subscription(self.topic.clone()))?;
            let owned = OwnedPartition {
                partition: *partition,
                epoch: self.group.next_epoch(),
            };
            let reader = Reader::new(queue, *committed);
            readers.push((Assignment::new(owned, *committed), reader));
        }
        consumer.incremental_assign(&list)?;
        if !begins.is_empty() {
            self.group.recovered();
        }
        self.group.begun(readers);
        Ok(())
    }

    fn keep_tokens(&self, consumer: &BaseConsumer<Context>, duties: &mut Duties) {
        if let Some(tokens) = &mut duties.tokens
            && Instant::now() >= duties.keep_tokens
        {
            let kept = tokens.keep(consumer.client());
            // Without one it may have waited; the group is looked after meanwhile.
            let pause = if kept.is_ok() { TOKENS } else { SETTINGS };
            duties.keep_tokens = Instant::now() + pause;
            duties.has_token = kept.is_ok();
            if let Err(error) = kept {
                self.group.problem(error.into());
            }
        }
    }

    /// Tells that the member has nothing, which it does not hear with the protocol of KIP-848: there an assignment that
    /// does not differ from the last one, which was empty, is none.
    fn tell_of_nothing(&self, consumer: &BaseConsumer<Context>, duties: &mut Duties) {
        let Some(at) = duties.idle else {
            return;
        };
        if self.group.to_begin().is_some() || !self.group.owned().is_empty() {
            duties.idle = None;
        } else if Instant::now() >= at {
            let joined = self.group.has_problem().is_none() && self.answers(consumer, duties, &[]);
            duties.idle = (!joined).then(|| Instant::now() + PROBE);
            if joined {
                self.group.begun(Vec::new());
            }
        }
    }

    fn not_begun(&self, error: &KafkaError, consumer: &BaseConsumer<Context>) -> SourceError {
        let place = &consumer.context().place;
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        let known = problem(code, &error.to_string(), "", place);
        known.unwrap_or_else(|| {
            let group = &self.request.group_id;
            let servers = &place.servers;
            SourceError::new(
                SourceErrorKind::Transient,
                format!(
                    "the offsets that consumer group {group} has committed of topic {} cannot be read at {servers}: \
                     {error}; it begins once they can",
                    self.topic
                ),
            )
        })
    }

    /// Looks whether a problem is over: topic and group answer, and after a refusal the leaders of what is read. That the
    /// topic may not be read shows only in reading.
    fn look_after_problem(&self, consumer: &BaseConsumer<Context>, duties: &mut Duties) {
        let Some(problem) = self.group.problem_to_look_after() else {
            return;
        };
        // Connections that there are may outlive their token, and no other can be made without one.
        if !duties.has_token || self.group.to_begin().is_some() || Instant::now() < duties.probe {
            return;
        }
        let led = match problem.kind {
            SourceErrorKind::Denied => self.group.owned(),
            _ => Vec::new(),
        };
        if self.answers(consumer, duties, &led) {
            self.group.recovered_from(&problem);
        }
        duties.probe = Instant::now() + PROBE;
    }

    /// Tells whether topic and group answer, and the leaders of these partitions.
    fn answers(&self, consumer: &BaseConsumer<Context>, duties: &Duties, led: &[i32]) -> bool {
        let patience = match duties.tokens {
            Some(_) => ANSWER,
            None => CALL_BOUND,
        };
        let topic = &self.topic;
        let metadata = consumer.fetch_metadata(Some(topic), patience);
        let topics = metadata.as_ref().map(|metadata| metadata.topics());
        let there = |topics: &[rdkafka::metadata::MetadataTopic]| {
            topics.iter().all(|topic| topic.error().is_none())
        };
        topics.is_ok_and(there)
            && committed(consumer, topic, &[0], patience).is_ok()
            && bounds(consumer, topic, led, Offset::End, patience).is_ok()
    }

    /// Tells whether the settings do not work, and others are to be had: a secret was rotated, or brokers have moved.
    fn is_rotated(&self, settings: &ClientSettings, duties: &mut Duties) -> bool {
        let problem = self.group.has_problem();
        if !matches!(
            problem,
            Some(SourceErrorKind::Denied | SourceErrorKind::Transient)
        ) {
            return false;
        }
        if let Some(answer) = &duties.asked {
            match answer.try_recv() {
                Err(TryRecvError::Empty) => return false,
                Ok(Ok(new)) if new != *settings => return true,
                Ok(Err(error)) => self.group.problem(error),
                Ok(Ok(_)) | Err(TryRecvError::Disconnected) => {}
            }
            duties.asked = None;
            duties.settings = Instant::now() + SETTINGS;
        } else if Instant::now() >= duties.settings {
            if let Some(tokens) = &duties.tokens {
                tokens.renew();
            }
            duties.asked = Some(self.ask_settings());
        }
        false
    }

    /// Closes the client: it leaves the group.
    fn close(&self, consumer: Arc<BaseConsumer<Context>>) {
        *self.slot() = None;
        consumer.context().closing.store(true, Ordering::Relaxed);
        let assigned = self.group.to_begin().is_some();
        for reader in self.group.lose_all() {
            reader.end();
        }
        if assigned {
            drop(consumer.incremental_assign(&TopicPartitionList::new()));
        }
        // The last one closes it, which takes its time: that is to be here.
        let deadline = Instant::now() + USE;
        while Arc::strong_count(&consumer) > 1 && Instant::now() < deadline {
            drop(consumer.poll(POLL));
        }
        drop(consumer);
    }
}

/// Returns why no client can be made. Never shows what was set.
fn unusable(error: &KafkaError) -> SourceError {
    let text = match error {
        KafkaError::ClientConfig(_, text, name, _) => format!("{name}: {text}"),
        KafkaError::ClientCreation(text) => text.clone(),
        other => other.to_string(),
    };
    let of_certificate = ["ssl.certificate", "ssl.key", "ssl.ca", "private key"];
    match of_certificate.iter().any(|name| text.contains(name)) {
        true => SourceError::new(
            SourceErrorKind::Denied,
            format!(
                "Provided certificate or private key is invalid: {text}: correct the mapping's secret, or the password of \
                 its key there"
            ),
        )
        .with_reason(ReasonCode::ConfigNotValid),
        false => SourceError::new(
            SourceErrorKind::Fatal,
            format!("no client can be made: {text}"),
        ),
    }
}
