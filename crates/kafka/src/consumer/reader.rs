//! Reads one partition under one assignment.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambda_esm_core::record::KafkaRecord;
use lambda_esm_engine::ports::TopicPage;
use rdkafka::consumer::ConsumerContext;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use tokio::sync::Notify;

use super::end_of_partition;
use super::record::Copier;

/// A page starts with memory for so many records at most.
const RECORDS: usize = 1024;

/// A partition's own queue, from the assignment to its end.
pub(super) struct Reader<C: ConsumerContext + 'static> {
    more: Arc<Notify>,
    inner: Mutex<Inner<C>>,
}

struct Inner<C: ConsumerContext + 'static> {
    /// `None` when the assignment is over.
    queue: Option<PartitionQueue<C>>,
    position: Option<i64>,
    copier: Copier,
}

/// What a read finds.
pub(super) enum Read {
    /// Records, or the end of what the log holds beyond the last one.
    Page(TopicPage),
    /// Nothing new; all before the position was delivered.
    Nothing(Option<i64>),
    /// The assignment is over.
    Over,
    /// What comes next is damaged, and would be passed over.
    Damaged,
}

impl<C: ConsumerContext + 'static> Reader<C> {
    /// Returns the reader of a queue, which begins at `position` if that is known.
    pub(super) fn new(mut queue: PartitionQueue<C>, position: Option<i64>) -> Self {
        let more = Arc::new(Notify::new());
        let waker = Arc::clone(&more);
        queue.set_nonempty_callback(move || waker.notify_one());
        Self {
            more,
            inner: Mutex::new(Inner {
                queue: Some(queue),
                position,
                copier: Copier::default(),
            }),
        }
    }

    /// Waits until there may be something to read.
    pub(super) async fn more(&self) {
        self.more.notified().await;
    }

    /// Reads what is there.
    pub(super) fn read(&self, limit: usize, bytes: usize) -> Read {
        let mut inner = self.lock();
        let Inner {
            queue,
            position,
            copier,
        } = &mut *inner;
        let Some(queue) = queue.as_ref() else {
            return Read::Over;
        };
        let before = *position;
        let mut records: Vec<KafkaRecord> = Vec::new();
        copier.begin();
        while records.len() < limit && copier.taken() < bytes {
            match queue.poll(Duration::ZERO) {
                None => break,
                Some(Ok(message)) => {
                    if records.is_empty() {
                        records.reserve(limit.min(RECORDS));
                    }
                    let record = copier.copy(&message);
                    *position = Some(record.offset + 1);
                    records.push(record);
                }
                Some(Err(KafkaError::PartitionEOF(_))) => {
                    *position = end_of_partition::take().or(*position);
                }
                // librdkafka goes on behind it.
                Some(Err(KafkaError::MessageConsumption(
                    RDKafkaErrorCode::BadMessage
                    | RDKafkaErrorCode::BadCompression
                    | RDKafkaErrorCode::NotImplemented,
                ))) => return Read::Damaged,
                // Told by the client's context; librdkafka tries again.
                Some(Err(_)) => {}
            }
        }
        if records.is_empty() && *position == before {
            return Read::Nothing(before);
        }
        Read::Page(TopicPage::new(records, *position))
    }

    /// Ends it: nothing is read under this assignment any more.
    pub(super) fn end(&self) {
        let queue = self.lock().queue.take();
        drop(queue);
        self.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner<C>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
