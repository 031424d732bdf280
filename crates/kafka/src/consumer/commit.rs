//! Commits that wait for their answers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;

/// An offset of each partition.
pub(super) type Offsets = Vec<(i32, i64)>;

/// The commits that were sent and not answered. An answer says which offsets it is about, so that it finds its commit
/// whatever the order; two of the same offsets are as good as each other.
#[derive(Default)]
pub(super) struct Commits {
    sent: Mutex<Vec<(Offsets, oneshot::Sender<Result<(), Code>>)>>,
}

impl Commits {
    /// Notes a commit that is about to be sent. What is returned becomes ready with its answer, or fails if there will
    /// be none.
    pub(super) fn sending(&self, mut offsets: Offsets) -> oneshot::Receiver<Result<(), Code>> {
        let (answer, answered) = oneshot::channel();
        offsets.sort_unstable();
        let mut sent = self.lock();
        // Whoever waits no more has given it up.
        sent.retain(|(_, answer)| !answer.is_closed());
        sent.push((offsets, answer));
        answered
    }

    /// Takes an answer: that of all, and what the list says of each.
    pub(super) fn answered(&self, all: Result<(), Code>, offsets: &TopicPartitionList) {
        let mut answer = all;
        let mut of = Vec::with_capacity(offsets.count());
        for element in offsets.elements() {
            if let (Ok(()), Err(error)) = (&answer, element.error()) {
                answer = Err(error.rdkafka_error_code().unwrap_or(Code::Unknown));
            }
            if let Offset::Offset(offset) = element.offset() {
                of.push((element.partition(), offset));
            }
        }
        of.sort_unstable();
        let mut sent = self.lock();
        if let Some(index) = sent.iter().position(|(offsets, _)| *offsets == of) {
            let (_, caller) = sent.remove(index);
            if caller.send(answer).is_err() {
                tracing::debug!("nobody waits for the answer to a commit");
            }
        }
    }

    /// Gives up all: no answer will come.
    pub(super) fn give_up(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Offsets, oneshot::Sender<Result<(), Code>>)>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the list of `offsets`, as the client wants it.
pub(super) fn list(topic: &str, offsets: &[(i32, i64)]) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::with_capacity(offsets.len());
    for (partition, offset) in offsets {
        list.add_partition_offset(topic, *partition, Offset::Offset(*offset))?;
    }
    Ok(list)
}

/// Tells whether an answer means that the group is being rebalanced, or the member is no more in it: what was not
/// committed is delivered again, here or elsewhere.
pub(super) const fn is_rebalance(code: Code) -> bool {
    matches!(
        code,
        Code::RebalanceInProgress
            | Code::IllegalGeneration
            | Code::UnknownMemberId
            | Code::StaleMemberEpoch
            | Code::FencedMemberEpoch
            | Code::FencedInstanceId
            | Code::State
            | Code::AssignmentLost
            | Code::Fenced
    )
}

/// Returns what a failed commit means.
pub(super) fn refused(code: Code) -> SourceError {
    if is_rebalance(code) {
        return SourceError::new(
            SourceErrorKind::Throttled,
            format!("offsets were not committed, as the group is being rebalanced ({code}): what they stand for is delivered again"),
        );
    }
    let kind = match code {
        Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed => SourceErrorKind::Denied,
        Code::UnknownTopicOrPartition => SourceErrorKind::NotFound,
        _ => SourceErrorKind::Transient,
    };
    SourceError::new(kind, format!("offsets were not committed: {code}"))
}
