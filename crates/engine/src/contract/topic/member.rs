//! A member of a group, which notes what it owns.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lambda_esm_core::record::KafkaRecord;
use tokio::time::{Instant, sleep};

use super::calls::{A_WHILE, MANY_BYTES, PATIENCE, PLENTY, passes, try_commit, try_fetch};
use crate::contract::promise::{broken, holds, succeeds};
use crate::ports::{Assignment, OwnedPartition, TopicConsumer, TopicFetch, TopicPage};

/// A partition that a member owns.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) owned: OwnedPartition,
    /// What was committed when it was assigned.
    pub(super) committed: Option<i64>,
    /// Whether the group has asked for it.
    pub(super) asked: bool,
    /// No record before this offset may come any more.
    next: i64,
}

pub(super) struct Member {
    pub(super) consumer: Arc<dyn TopicConsumer>,
    pub(super) held: BTreeMap<i32, Held>,
    /// Whether it has heard that it is a member.
    pub(super) is_in: bool,
    /// The greatest epoch so far of each partition.
    epochs: BTreeMap<i32, u64>,
    /// What was let go of with success.
    pub(super) let_go: BTreeSet<OwnedPartition>,
}

impl Member {
    pub(super) fn new(consumer: Arc<dyn TopicConsumer>) -> Self {
        Self {
            consumer,
            held: BTreeMap::new(),
            is_in: false,
            epochs: BTreeMap::new(),
            let_go: BTreeSet::new(),
        }
    }

    pub(super) fn is_assigned(&mut self, assignment: Assignment) {
        let owned = assignment.owned;
        let before = self.epochs.insert(owned.partition, owned.epoch);
        holds(
            "each assignment of a partition has a greater epoch than all before it",
            before.is_none_or(|before| owned.epoch > before),
            format_args!("more than {before:?}"),
            &owned,
        );
        let held = Held {
            owned,
            committed: assignment.committed,
            asked: false,
            next: assignment.committed.unwrap_or(0),
        };
        let twice = self.held.insert(owned.partition, held);
        holds(
            "partitions are assigned beside those that a member has",
            twice.is_none(),
            "a partition that it does not have",
            &twice,
        );
    }

    pub(super) fn is_asked_for(&mut self, owned: OwnedPartition) {
        let held = self.held.get_mut(&owned.partition);
        match held.filter(|held| held.owned == owned && !held.asked) {
            Some(held) => held.asked = true,
            None => broken(
                "the group asks once for a partition, which is owned",
                format_args!("one of {:?}", self.held),
                &owned,
            ),
        }
    }

    pub(super) fn loses(&mut self, owned: OwnedPartition) {
        holds(
            "no event tells of a partition that was let go of",
            !self.let_go.contains(&owned),
            "nothing",
            &owned,
        );
        if self
            .held(owned.partition)
            .is_some_and(|held| held.owned == owned)
        {
            self.held.remove(&owned.partition);
        }
    }

    fn held(&self, partition: i32) -> Option<&Held> {
        self.held.get(&partition)
    }

    /// Returns the partition that it owns.
    pub(super) fn owned(&self, partition: i32) -> OwnedPartition {
        match self.held(partition) {
            Some(held) => held.owned,
            None => broken(
                "a partition stays with its owner until the group asks for it",
                format_args!("partition {partition}"),
                &self.held.keys(),
            ),
        }
    }

    /// Returns what was committed in a partition when it was assigned.
    pub(super) fn committed(&self, partition: i32) -> Option<i64> {
        self.held(partition).and_then(|held| held.committed)
    }

    /// Returns a request for all that there is.
    pub(super) fn request(&self, partition: i32) -> TopicFetch {
        TopicFetch::new(self.owned(partition), PLENTY, MANY_BYTES).with_wait(A_WHILE)
    }

    /// Reads on; the page is empty if what failed may succeed soon.
    pub(super) async fn page(&mut self, request: TopicFetch) -> TopicPage {
        let page = match try_fetch(&*self.consumer, request).await {
            Err(error) if passes(&error) => {
                sleep(A_WHILE).await;
                return TopicPage::default();
            }
            page => succeeds("a partition is read by its owner", page),
        };
        holds(
            "a page has at most as many records as were asked for",
            page.records.len() <= request.limit,
            format_args!("at most {}", request.limit),
            &page.records.len(),
        );
        if let Some(held) = self.held.get_mut(&request.owned.partition) {
            for record in &page.records {
                holds(
                    "records come in the order of their offsets, each once in an epoch, from the committed offset on",
                    record.offset >= held.next,
                    format_args!("{} or more", held.next),
                    &record.offset,
                );
                held.next = record.offset + 1;
            }
            holds(
                "the position of a page lies behind all of its records, and never goes back",
                page.position.is_none_or(|position| position >= held.next),
                format_args!("{} or more", held.next),
                &page.position,
            );
            // What comes before it was delivered: it does not come later.
            held.next = page.position.unwrap_or(held.next);
        }
        page
    }

    /// Reads until so many records have come, or none comes any more.
    pub(super) async fn read(&mut self, partition: i32, number: usize) -> Vec<KafkaRecord> {
        let mut found = Vec::new();
        let mut heard = Instant::now();
        while found.len() < number && heard.elapsed() < PATIENCE {
            let page = self.page(self.request(partition)).await;
            if !page.records.is_empty() {
                heard = Instant::now();
            }
            found.extend(page.records);
        }
        found
    }

    /// Returns the first record after the topic was made anew, if it has come: offsets begin again.
    pub(super) async fn first_of_another_log(&mut self, partition: i32) -> Option<KafkaRecord> {
        let request = self.request(partition);
        match try_fetch(&*self.consumer, request).await {
            Ok(page) => page.records.into_iter().next(),
            Err(_) => {
                sleep(A_WHILE).await;
                None
            }
        }
    }

    /// Tells whether nothing was read of a partition since it was assigned.
    pub(super) fn is_fresh(&self, partition: i32) -> bool {
        let held = self.held(partition);
        held.is_some_and(|held| held.next == held.committed.unwrap_or(0))
    }

    /// Commits, however often that is refused because partitions are changing hands.
    pub(super) async fn commit(&self, partition: i32, offset: i64) {
        let start = Instant::now();
        loop {
            match try_commit(&*self.consumer, self.owned(partition), offset).await {
                Err(error) if passes(&error) && start.elapsed() < PATIENCE => sleep(A_WHILE).await,
                result => return succeeds("the owner of a partition commits its offsets", result),
            }
        }
    }
}
