//! The port of a consumer with a fault.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::KafkaRecord;
use lambda_esm_engine::memory::MemoryTopic;
use lambda_esm_engine::ports::{
    GroupEvent, OwnedPartition, PartitionOffset, TopicConsumer, TopicFetch, TopicPage, Watermarks,
};

use crate::fault::Fault;
use crate::faulty::Common;
use crate::{events, pages};

pub(crate) struct FaultyConsumer {
    pub(crate) inner: Arc<dyn TopicConsumer>,
    pub(crate) topic: MemoryTopic,
    pub(crate) fault: Fault,
    pub(crate) common: Arc<Common>,
    /// How many partitions there were when it joined.
    pub(crate) began: i32,
    state: Mutex<State>,
}

/// What a fault remembers.
#[derive(Default)]
pub(crate) struct State {
    /// Events that are to be told before others.
    pub(crate) queue: VecDeque<GroupEvent>,
    /// The real epochs of partitions.
    pub(crate) epochs: HashMap<i32, u64>,
    /// What was committed in partitions of which nothing was read yet.
    pub(crate) fresh: HashMap<i32, Option<i64>>,
    /// The last record of each partition.
    pub(crate) last: HashMap<i32, KafkaRecord>,
    pub(crate) fetches: usize,
    pub(crate) commits: usize,
}

impl FaultyConsumer {
    pub(crate) fn new(
        inner: Arc<dyn TopicConsumer>,
        topic: MemoryTopic,
        fault: Fault,
        common: Arc<Common>,
    ) -> Self {
        Self {
            inner,
            began: i32::try_from(topic.watermarks().len()).unwrap(),
            topic,
            fault,
            common,
            state: Mutex::default(),
        }
    }

    pub(crate) fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Returns a partition under its real epoch.
    pub(crate) fn real(&self, owned: OwnedPartition) -> OwnedPartition {
        if !self.is(Fault::EpochReused) {
            return owned;
        }
        let state = self.state();
        let epoch = state.epochs.get(&owned.partition).copied();
        OwnedPartition {
            epoch: epoch.unwrap_or_default(),
            ..owned
        }
    }
}

#[async_trait]
impl TopicConsumer for FaultyConsumer {
    async fn next_event(&self) -> GroupEvent {
        loop {
            let queued = self.state().queue.pop_front();
            if let Some(event) = queued {
                return event;
            }
            if self.is(Fault::EventsComeLate) {
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
            let event = self.inner.next_event().await;
            if self.is(Fault::EventLostWhenDropped) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            if let Some(event) = events::alter(self, event).await {
                return event;
            }
        }
    }

    async fn fetch(&self, mut request: TopicFetch) -> Result<TopicPage, SourceError> {
        request.owned = self.real(request.owned);
        pages::fetch(self, request).await
    }

    async fn commit(&self, mut offsets: Vec<PartitionOffset>) -> Result<(), SourceError> {
        for each in &mut offsets {
            each.owned = self.real(each.owned);
        }
        let commits = {
            let mut state = self.state();
            state.commits += 1;
            state.commits
        };
        match self.fault {
            Fault::CommitForgotten => Ok(()),
            Fault::CommitThrottledAtFirst if commits % 2 == 1 && offsets[0].offset > 0 => {
                let text = "the group is being rebalanced";
                Err(SourceError::new(SourceErrorKind::Throttled, text))
            }
            Fault::OldEpochCommits => self.inner.commit(offsets).await.or(Ok(())),
            _ => self.inner.commit(offsets).await,
        }
    }

    async fn let_go(
        &self,
        mut partitions: Vec<OwnedPartition>,
        mut offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError> {
        for each in &mut partitions {
            *each = self.real(*each);
        }
        for each in &mut offsets {
            each.owned = self.real(each.owned);
        }
        match self.fault {
            Fault::LetGoDropsOffsets => offsets.clear(),
            Fault::LetGoCommitsWhatWasRead => {
                let state = self.state();
                offsets = partitions
                    .iter()
                    .filter_map(|owned| {
                        let last = state.last.get(&owned.partition)?;
                        Some(PartitionOffset {
                            owned: *owned,
                            offset: last.offset + 1,
                        })
                    })
                    .collect();
            }
            Fault::LossToldAfterLettingGo => {
                let lost = GroupEvent::Lost(partitions.clone());
                self.state().queue.push_back(lost);
            }
            Fault::TwoOwners => return Ok(()),
            _ => {}
        }
        let result = self.inner.let_go(partitions, offsets).await;
        if self.is(Fault::LateLetGoSucceeds) {
            return Ok(());
        }
        result
    }

    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError> {
        let mut marks = self.inner.watermarks().await?;
        match self.fault {
            Fault::WatermarksOfAll => marks = self.topic.watermarks(),
            Fault::WatermarksFromZero => marks.iter_mut().for_each(|each| each.low = 0),
            Fault::WatermarksOneTooHigh => marks.iter_mut().for_each(|each| each.high += 1),
            _ => {}
        }
        Ok(marks)
    }

    async fn leave(&self) {
        if self.is(Fault::LeaveKeepsPartitions) {
            self.common.kept.lock().unwrap().push(self.inner.clone());
        } else {
            self.inner.leave().await;
        }
    }
}

impl Drop for FaultyConsumer {
    fn drop(&mut self) {
        if self.is(Fault::DropKeepsPartitions) {
            self.common.kept.lock().unwrap().push(self.inner.clone());
        }
    }
}
