//! A member of a group, as the engine has it.

use std::future::pending;
use std::sync::Arc;

use async_trait::async_trait;
use lambda_esm_core::Timestamp;
use lambda_esm_core::fault::SourceError;
use tokio::time::Instant;

use super::balance::MemberId;
use super::faults::TopicCall;
use super::shared::Shared;
use crate::clock::Clock;
use crate::ports::{
    GroupEvent, OwnedPartition, PartitionOffset, TopicConsumer, TopicFetch, TopicPage, Watermarks,
};

/// Leaves its group when it is dropped.
#[derive(Debug)]
pub(super) struct MemoryConsumer {
    pub(super) shared: Arc<Shared>,
    pub(super) group: String,
    pub(super) id: MemberId,
}

impl MemoryConsumer {
    fn leave_now(&self) {
        self.shared.change(|inner, now| {
            let (group, mut with) = inner.group(&self.group, &self.shared.options, now);
            group.leave(self.id, &mut with);
        });
    }

    /// Reads a page, and tells when the group next takes something by itself.
    fn read(&self, request: &TopicFetch) -> Result<(TopicPage, Option<Timestamp>), SourceError> {
        self.shared.look(|inner, now| {
            inner.works()?;
            let (group, with) = inner.group(&self.group, &self.shared.options, now);
            let page = group.read(self.id, request.owned, |position| {
                let number = usize::try_from(request.owned.partition);
                let log = number.ok().and_then(|number| with.logs.get(number));
                let page = log.map_or_else(TopicPage::default, |log| {
                    log.read(log.place(position), request.limit, request.bytes)
                });
                let position = page.position.unwrap_or(position);
                (page, position)
            })?;
            Ok((page, group.next_loss()))
        })
    }
}

#[async_trait]
impl TopicConsumer for MemoryConsumer {
    async fn next_event(&self) -> GroupEvent {
        loop {
            let changed = self.shared.changed.notified();
            let (event, until) = self.shared.look(|inner, now| {
                let (group, _) = inner.group(&self.group, &self.shared.options, now);
                (group.hear(self.id), group.next_loss())
            });
            if let Some(event) = event {
                return event;
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = reached(self.shared.clock, until) => {}
            }
        }
    }

    async fn fetch(&self, request: TopicFetch) -> Result<TopicPage, SourceError> {
        self.shared
            .look(|inner, _| inner.faults.meet(TopicCall::Fetch))?;
        let deadline = Instant::now().checked_add(request.wait);
        loop {
            let changed = self.shared.changed.notified();
            let (page, until) = self.read(&request)?;
            let over = deadline.is_some_and(|deadline| deadline <= Instant::now());
            if !page.records.is_empty() || over {
                return Ok(page);
            }
            tokio::select! {
                biased;
                () = changed => {}
                () = reached(self.shared.clock, until) => {}
                () = passed(deadline) => {}
            }
        }
    }

    async fn commit(&self, offsets: Vec<PartitionOffset>) -> Result<(), SourceError> {
        self.shared.look(|inner, now| {
            inner.faults.meet(TopicCall::Commit)?;
            inner.works()?;
            let (group, _) = inner.group(&self.group, &self.shared.options, now);
            group.commit(self.id, &offsets)
        })
    }

    async fn let_go(
        &self,
        partitions: Vec<OwnedPartition>,
        offsets: Vec<PartitionOffset>,
    ) -> Result<(), SourceError> {
        self.shared.change(|inner, now| {
            let met = inner.faults.meet(TopicCall::LetGo);
            let works = met.and_then(|()| inner.works());
            let (group, mut with) = inner.group(&self.group, &self.shared.options, now);
            let fails = works.is_err();
            let result = group.let_go(self.id, &partitions, &offsets, fails, &mut with);
            works.and(result)
        })
    }

    async fn watermarks(&self) -> Result<Vec<Watermarks>, SourceError> {
        self.shared.look(|inner, now| {
            inner.faults.meet(TopicCall::Watermarks)?;
            inner.works()?;
            let (group, with) = inner.group(&self.group, &self.shared.options, now);
            let owned = group.partitions(self.id);
            let logs = (0..).zip(with.logs);
            let logs = logs.filter(|(partition, _)| owned.contains(partition));
            Ok(logs
                .map(|(partition, log)| log.watermarks(partition))
                .collect())
        })
    }

    async fn leave(&self) {
        self.leave_now();
    }
}

impl Drop for MemoryConsumer {
    fn drop(&mut self) {
        self.leave_now();
    }
}

/// Waits until a clock shows a time, if there is one.
async fn reached(clock: Clock, time: Option<Timestamp>) {
    match time {
        Some(time) => clock.sleep_until(time).await,
        None => pending().await,
    }
}

/// Waits for a moment, if there is one.
async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => pending().await,
    }
}
