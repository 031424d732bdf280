//! An open cursor, and what it has brought that nobody has fetched yet.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt as _;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::StreamRecord;
use lambda_esm_engine::ports::{Cursor, Page};
use mongodb::bson::Timestamp as ClusterTime;
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use tokio::time::{Instant, timeout_at};

use crate::change::Changes;
use crate::place::Place;
use crate::problem::problem;

/// A stream that is being read.
pub(crate) struct Reading {
    /// After what was handed out last.
    at: Place,
    batches: RawBatchCursor,
    changes: Changes,
    ready: VecDeque<(StreamRecord, Place)>,
    /// Up to where there is nothing but what is ready.
    read_to: Option<Place>,
    /// When the position was renewed last.
    renewed: Instant,
}

impl Reading {
    /// Returns the reading of a cursor that begins at a place.
    pub(crate) fn new(at: Place, batches: RawBatchCursor) -> Self {
        Self {
            at,
            batches,
            changes: Changes::default(),
            ready: VecDeque::new(),
            read_to: None,
            renewed: Instant::now(),
        }
    }

    /// Tells whether the next fetch at `place` is this reading's.
    pub(crate) fn is_at(&self, place: &Place) -> bool {
        self.at == *place
    }

    /// Returns the next page, with up to `limit` changes, at the `deadline` at the latest; `None` if the server has closed
    /// the cursor, as it does after an `invalidate`.
    pub(crate) async fn page(
        &mut self,
        limit: usize,
        deadline: Instant,
        renew: Duration,
    ) -> Result<Option<Page>, SourceError> {
        while self.ready.is_empty() {
            // The batch that is on its way when the time is over comes to the next page.
            let Ok(next) = timeout_at(deadline, self.batches.next()).await else {
                return Ok(Some(self.idle(renew)));
            };
            match next {
                None => return Ok(None),
                Some(batch) => self.take(&batch.map_err(|error| problem(&error))?)?,
            }
        }
        let some = limit.min(self.ready.len());
        let mut records = Vec::with_capacity(some);
        for (record, place) in self.ready.drain(..some) {
            records.push(record);
            self.at = place;
        }
        self.renewed = Instant::now();
        Ok(Some(Page::new(records, Some(self.cursor()))))
    }

    /// Returns a page without changes, which renews the position if it is time.
    fn idle(&mut self, renew: Duration) -> Page {
        let news = self.read_to.take_if(|place| place.renews(&self.at));
        let Some(place) = news.filter(|_| self.renewed.elapsed() >= renew) else {
            return Page::new(Vec::new(), Some(self.cursor()));
        };
        self.at = place;
        self.renewed = Instant::now();
        let read_to = Some(self.at.to_string().into());
        Page::new(Vec::new(), Some(self.cursor())).with_read_to(read_to)
    }

    fn cursor(&self) -> Cursor {
        Cursor(self.at.to_string())
    }

    fn take(&mut self, batch: &RawBatch) -> Result<(), SourceError> {
        let reply = batch.as_raw_document();
        let now = reply.get_timestamp("operationTime");
        let now = now.unwrap_or_else(|_| self.latest());
        let documents = batch.doc_slices().map_err(|error| problem(&error))?;
        for document in documents {
            let document = document.ok().and_then(|document| document.as_document());
            let document = document.ok_or_else(|| {
                let text = "the server sent something else than changes";
                SourceError::new(SourceErrorKind::Fatal, text)
            })?;
            self.ready.extend(self.changes.take(document, now)?);
        }
        let token = reply.get_document("cursor").ok();
        let token = token.and_then(|cursor| cursor.get_document("postBatchResumeToken").ok());
        // In the middle of a change there is no place to go on.
        let token = token.filter(|_| self.changes.is_between());
        self.read_to = token.and_then(|token| Place::after(now, token, false).ok());
        Ok(())
    }

    /// Returns the cluster time of what was read last.
    fn latest(&self) -> ClusterTime {
        self.ready
            .back()
            .map_or(self.at.time, |(_, place)| place.time)
    }
}
