//! What becomes of the settlements of one call.

use std::sync::{Mutex, PoisonError};

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use tokio::sync::Notify;

/// The outcomes of one call, as they are told one by one.
#[derive(Debug)]
pub(super) struct Settling {
    outcomes: Mutex<Outcomes>,
    all: Notify,
}

#[derive(Debug)]
struct Outcomes {
    of_each: Vec<Result<(), SourceError>>,
    open: usize,
}

impl Settling {
    /// Returns those of a call whose first outcomes are known already, and of which so many are open.
    pub(super) fn new(of_each: Vec<Result<(), SourceError>>, open: usize) -> Self {
        Self {
            outcomes: Mutex::new(Outcomes { of_each, open }),
            all: Notify::new(),
        }
    }

    /// Tells the outcome of one that was open.
    pub(super) fn tell(&self, index: usize, outcome: Result<(), SourceError>) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = outcomes.of_each.get_mut(index) {
            *place = outcome;
        }
        outcomes.open = outcomes.open.saturating_sub(1);
        if outcomes.open == 0 {
            self.all.notify_one();
        }
    }

    /// Waits until all are told, and returns them. To be called once.
    pub(super) async fn wait(&self) -> Vec<Result<(), SourceError>> {
        loop {
            {
                let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
                if outcomes.open == 0 {
                    return std::mem::take(&mut outcomes.of_each);
                }
            }
            self.all.notified().await;
        }
    }
}

/// Returns the outcome of a settlement whose record is not held.
pub(super) fn expired(why: &str) -> SourceError {
    SourceError::new(SourceErrorKind::Expired, format!("the record {why}"))
}
