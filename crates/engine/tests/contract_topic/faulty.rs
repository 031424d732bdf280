//! A topic with a fault, around one without.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::SourceError;
use lambda_esm_core::mapping::StartingPosition;
use lambda_esm_engine::memory::MemoryTopic;
use lambda_esm_engine::ports::{JoinRequest, TopicConsumer, TopicSource};

use crate::consumer::FaultyConsumer;
use crate::fault::Fault;

pub(crate) struct FaultyTopic {
    topic: MemoryTopic,
    fault: Fault,
    joined: AtomicUsize,
    /// Where the first member began.
    began: OnceLock<StartingPosition>,
    common: Arc<Common>,
}

/// What the members of a group have in common.
#[derive(Default)]
pub(crate) struct Common {
    /// Consumers that should be gone.
    pub(crate) kept: Mutex<Vec<Arc<dyn TopicConsumer>>>,
    /// Held by a fetch that holds up others.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl FaultyTopic {
    pub(crate) fn new(topic: MemoryTopic, fault: Fault) -> Self {
        Self {
            topic,
            fault,
            joined: AtomicUsize::new(0),
            began: OnceLock::new(),
            common: Arc::default(),
        }
    }

    /// Returns the group that is joined by mistake.
    fn group(&self, request: &JoinRequest, joined: usize) -> String {
        let id = &request.group_id;
        let alone = self.topic.members(id).is_empty();
        let is_latest = request.start == StartingPosition::Latest;
        let began = *self.began.get_or_init(|| request.start);
        match self.fault {
            Fault::GroupForgets if alone => format!("{id}-{joined}"),
            Fault::LatestNotKept if is_latest => format!("{id}-{joined}"),
            Fault::StartWinsOverCommitted if request.start != began => format!("{id}-{joined}"),
            Fault::GroupsShareOffsets => "the one".to_owned(),
            _ => id.clone(),
        }
    }
}

#[async_trait]
impl TopicSource for FaultyTopic {
    async fn join(&self, mut request: JoinRequest) -> Result<Arc<dyn TopicConsumer>, SourceError> {
        if self.fault == Fault::JoinHangs {
            pending::<()>().await;
        }
        let joined = self.joined.fetch_add(1, Ordering::Relaxed);
        request.group_id = self.group(&request, joined);
        request.start = start(self.fault, request.start);
        let inner = self.topic.join(request).await?;
        let consumer =
            FaultyConsumer::new(inner, self.topic.clone(), self.fault, self.common.clone());
        Ok(Arc::new(consumer))
    }
}

/// Returns where a group begins by mistake.
fn start(fault: Fault, start: StartingPosition) -> StartingPosition {
    use StartingPosition::{AtTimestamp, Latest, TrimHorizon};
    let millisecond = Duration::from_millis(1);
    match (fault, start) {
        (Fault::EarliestIsLatest, TrimHorizon) | (Fault::TimestampIsLatest, AtTimestamp(_)) => {
            Latest
        }
        (Fault::LatestIsEarliest, Latest) | (Fault::TimestampIsEarliest, AtTimestamp(_)) => {
            TrimHorizon
        }
        (Fault::TimestampTooLate, AtTimestamp(time)) => AtTimestamp(time + millisecond),
        (Fault::TimestampTooEarly, AtTimestamp(time)) => {
            AtTimestamp(lambda_esm_core::Timestamp(time.0 - 60_000))
        }
        _ => start,
    }
}
