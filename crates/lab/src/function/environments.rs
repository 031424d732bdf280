//! The environments that a function runs in.

use std::collections::VecDeque;
use std::time::Duration;

use lambda_esm_core::Timestamp;

/// The environments that wait for an invocation. The one used last is taken first, so that the others age.
#[derive(Debug)]
pub(super) struct Environments {
    lifetime: Duration,
    /// When each was used last, the earliest first.
    idle: VecDeque<Timestamp>,
    /// How often all of them were replaced.
    generation: u64,
}

/// The environment of an invocation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Environment {
    generation: u64,
    pub(super) is_new: bool,
}

impl Environments {
    pub(super) const fn new(lifetime: Duration) -> Self {
        Self {
            lifetime,
            idle: VecDeque::new(),
            generation: 0,
        }
    }

    pub(super) fn take(&mut self, now: Timestamp) -> Environment {
        while let Some(&used) = self.idle.front()
            && now.since(used) >= self.lifetime
        {
            self.idle.pop_front();
        }
        Environment {
            generation: self.generation,
            is_new: self.idle.pop_back().is_none(),
        }
    }

    pub(super) fn give_back(&mut self, environment: Environment, now: Timestamp) {
        if environment.generation == self.generation {
            self.idle.push_back(now);
        }
    }

    /// Replaces all, those with an invocation as soon as it ends.
    pub(super) fn replace(&mut self) {
        self.generation += 1;
        self.idle.clear();
    }
}
