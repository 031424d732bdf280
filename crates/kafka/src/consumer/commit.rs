//! Commits: one at a time, with what has come together meanwhile.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::PartitionOffset;
use rdkafka::error::KafkaResult;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::oneshot;

type Answer = oneshot::Sender<Result<(), SourceError>>;

/// Commits that wait for their turn. A later offset of a partition never overtakes an earlier one.
#[derive(Default)]
pub(super) struct Commits {
    waiting: Mutex<Vec<(Vec<PartitionOffset>, Answer)>>,
    turn: tokio::sync::Mutex<()>,
}

impl Commits {
    /// Commits offsets, together with those that others have given meanwhile. `permit` tells whether offsets may be
    /// committed now; `send` does it, and drops the permits when it is done.
    pub(super) async fn commit<P, F>(
        &self,
        offsets: Vec<PartitionOffset>,
        permit: impl Fn(&[PartitionOffset]) -> Result<P, SourceError>,
        send: impl FnOnce(Vec<(i32, i64)>, Vec<P>) -> F,
    ) -> Result<(), SourceError>
    where
        F: Future<Output = Result<(), SourceError>>,
    {
        let (answer, answered) = oneshot::channel();
        self.lock().push((offsets, answer));
        let turn = self.turn.lock().await;
        let mut callers = Vec::new();
        let mut permits = Vec::new();
        let mut together = BTreeMap::new();
        for (offsets, answer) in std::mem::take(&mut *self.lock()) {
            match permit(&offsets) {
                Ok(permit) => {
                    permits.push(permit);
                    let offsets = offsets.iter();
                    together.extend(offsets.map(|one| (one.owned.partition, one.offset)));
                    callers.push(answer);
                }
                Err(error) => reply(answer, Err(error)),
            }
        }
        if !callers.is_empty() {
            let done = send(together.into_iter().collect(), permits).await;
            for caller in callers {
                reply(caller, done.clone());
            }
        }
        drop(turn);
        let given_up = || SourceError::new(SourceErrorKind::Transient, "a commit was given up");
        answered.await.unwrap_or_else(|_| Err(given_up()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Vec<PartitionOffset>, Answer)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn reply(caller: Answer, answer: Result<(), SourceError>) {
    if caller.send(answer).is_err() {
        tracing::debug!("nobody waits for the answer to a commit");
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
            format!(
                "offsets were not committed, as the group is being rebalanced ({code}): what they stand for is delivered again"
            ),
        );
    }
    let kind = match code {
        Code::GroupAuthorizationFailed | Code::TopicAuthorizationFailed => SourceErrorKind::Denied,
        Code::UnknownTopicOrPartition => SourceErrorKind::NotFound,
        _ => SourceErrorKind::Transient,
    };
    SourceError::new(kind, format!("offsets were not committed: {code}"))
}
