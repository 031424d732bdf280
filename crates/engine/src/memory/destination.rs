//! An on-failure destination that keeps what it is given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use lambda_esm_core::fault::DeliveryError;

use crate::ports::{FailureDestination, FailureRecord};

/// A destination in memory. It keeps the latest records up to a number; clones share them.
#[derive(Clone, Debug)]
pub struct MemoryDestination {
    capacity: usize,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    records: VecDeque<FailureRecord>,
    delivered: u64,
    refused: u64,
    /// The causes of the failures ahead.
    failures: VecDeque<DeliveryError>,
}

impl MemoryDestination {
    /// Returns a destination that keeps the latest `capacity` records; 0 keeps none, and only counts.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let inner = Arc::default();
        Self { capacity, inner }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the records that it keeps, the oldest first.
    #[must_use]
    pub fn records(&self) -> Vec<FailureRecord> {
        self.lock().records.iter().cloned().collect()
    }

    /// Returns how many records were delivered, those it no longer keeps included.
    #[must_use]
    pub fn delivered(&self) -> u64 {
        self.lock().delivered
    }

    /// Returns how many deliveries failed as they were told to.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.lock().refused
    }

    /// Has the next `times` deliveries fail with this cause, after those that are to fail already.
    pub fn fail_next(&self, times: usize, cause: impl Into<String>) {
        let error = DeliveryError::new(cause);
        let failures = std::iter::repeat_n(error, times);
        self.lock().failures.extend(failures);
    }
}

impl Default for MemoryDestination {
    /// Returns a destination that keeps the latest 1,000 records.
    fn default() -> Self {
        Self::new(1000)
    }
}

#[async_trait]
impl FailureDestination for MemoryDestination {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        let mut inner = self.lock();
        if let Some(error) = inner.failures.pop_front() {
            inner.refused += 1;
            return Err(error);
        }
        inner.delivered += 1;
        inner.records.push_back(record);
        if inner.records.len() > self.capacity {
            inner.records.pop_front();
        }
        Ok(())
    }
}
