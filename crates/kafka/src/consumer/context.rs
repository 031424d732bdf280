//! What librdkafka calls back: on the thread that polls the client, but for the ends of partitions and what else is
//! found in their queues, which whoever polls those is told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::TopicPartitionList;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::types::{RDKafkaErrorCode as Code, RDKafkaRespErr};

use super::commit::{list, refused};
use super::end_of_partition;
use super::group::Group;
use super::reader::Reader;
use crate::client;
use crate::problem::{Place, problem};

/// The state of a membership whose partitions are read from librdkafka's queues.
pub(super) type Membership = Group<Reader<Context>>;

/// The context of one client.
pub(super) struct Context {
    pub(super) group: Arc<Membership>,
    pub(super) place: Place,
    /// How long the group waits for what it asked for.
    pub(super) revoke_bound: Duration,
    /// Whether a rebalance ends with an assignment, even of nothing.
    pub(super) always_assigns: bool,
    /// Why the last connection failed that did.
    pub(super) last_failure: Mutex<String>,
    /// The client is being closed.
    pub(super) closing: AtomicBool,
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code().unwrap_or(Code::Unknown);
        if code == Code::PartitionEOF {
            end_of_partition::note(reason);
            return;
        }
        tracing::debug!(%code, reason, "client error");
        let mut last = self
            .last_failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if client::is_connection(code) {
            reason.clone_into(&mut last);
        }
        let problem = problem(code, reason, &last, &self.place);
        drop(last);
        if let Some(problem) = problem {
            self.group.problem(problem);
        }
    }
}

impl ConsumerContext for Context {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        what: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let partitions: Vec<i32> = list.elements().iter().map(|one| one.partition()).collect();
        match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => {
                tracing::debug!(?partitions, "assigned");
                if self.closing.load(Ordering::Relaxed) {
                    // It waits for an answer, also now.
                    self.log_failure(consumer.incremental_assign(&TopicPartitionList::new()));
                } else {
                    self.group.assigned(partitions);
                }
            }
            _ => self.revoke(consumer, &partitions),
        }
    }
}

impl Context {
    /// Gives partitions back: once they are let go of, what is settled is committed, still as their owner, and only then
    /// somebody else may have them.
    fn revoke(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) {
        let lost = consumer.assignment_lost() || self.group.is_leaving();
        tracing::debug!(?partitions, lost, "revoked");
        self.group.rebalance_begins();
        let asked = self.group.revoke(partitions, lost);
        let mut committed = Ok(());
        if !lost && !asked.is_empty() {
            let offsets = self.group.wait_let_go(self.revoke_bound);
            if !offsets.is_empty() {
                committed = self.commit(consumer, &offsets);
            }
        }
        self.log_failure(self.unassign(consumer, partitions));
        for reader in self.group.revoked(&asked, committed) {
            reader.end();
        }
        if !self.always_assigns {
            self.group.rebalance_ends();
        }
    }

    fn commit(
        &self,
        consumer: &BaseConsumer<Self>,
        offsets: &[(i32, i64)],
    ) -> Result<(), lambda_esm_core::fault::SourceError> {
        let list = list(&self.place.topic, offsets);
        let sent = list.and_then(|list| consumer.commit(&list, CommitMode::Sync));
        sent.map_err(|error| refused(error.rdkafka_error_code().unwrap_or(Code::Unknown)))
    }

    /// Takes partitions out of the client's assignment, where not all may be yet.
    fn unassign(&self, consumer: &BaseConsumer<Self>, partitions: &[i32]) -> KafkaResult<()> {
        let mut known = TopicPartitionList::new();
        for element in consumer.assignment()?.elements() {
            if partitions.contains(&element.partition()) {
                known.add_partition(element.topic(), element.partition());
            }
        }
        consumer.incremental_unassign(&known)
    }

    fn log_failure(&self, result: KafkaResult<()>) {
        if let Err(error) = result {
            tracing::warn!(%error, topic = self.place.topic, "the assignment was not taken on");
            self.group.fail();
        }
    }
}
