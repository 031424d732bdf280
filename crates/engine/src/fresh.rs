//! What must be new each time: UUIDs and seeds, unless a seed makes the whole run the same as another.

use std::sync::{Mutex, PoisonError};

use lambda_esm_core::backoff::Random;
use uuid::Uuid;

/// Yields what was not there before.
#[derive(Debug)]
pub(crate) struct Fresh(Option<Mutex<Random>>);

impl Fresh {
    /// With a seed, the same things in the same order.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(seed.map(|seed| Mutex::new(Random::new(seed))))
    }

    pub(crate) fn uuid(&self) -> Uuid {
        match &self.0 {
            Some(random) => random.lock().unwrap_or_else(PoisonError::into_inner).uuid(),
            None => Uuid::new_v4(),
        }
    }

    pub(crate) fn seed(&self) -> u64 {
        self.uuid().as_u64_pair().0
    }
}
