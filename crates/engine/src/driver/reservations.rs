//! The turns that a driver has asked for, by whom they are for.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinSet};

use crate::function_concurrency::{Limiter, Turn};

#[derive(Debug)]
enum Held {
    Awaited(AbortHandle),
    Come(Turn),
}

/// Turns by their keys. Dropping it leaves all lines, and gives back what is not used.
#[derive(Debug)]
pub(super) struct Reservations<K> {
    limiter: Arc<Limiter>,
    held: HashMap<K, Held>,
    waits: JoinSet<(K, Turn)>,
    /// Those whose turn came at once.
    at_once: VecDeque<K>,
}

impl<K: Copy + Eq + Hash + Send + 'static> Reservations<K> {
    pub(super) fn new(limiter: Arc<Limiter>) -> Self {
        Self {
            limiter,
            held: HashMap::new(),
            waits: JoinSet::new(),
            at_once: VecDeque::new(),
        }
    }

    /// Lines up.
    pub(super) fn reserve(&mut self, key: K) {
        let held = match self.limiter.line_up() {
            Ok(turn) => {
                self.at_once.push_back(key);
                Held::Come(turn)
            }
            Err(waiter) => {
                let wait = async move { (key, waiter.turn().await) };
                Held::Awaited(self.waits.spawn(wait))
            }
        };
        self.held.insert(key, held);
    }

    /// Leaves the line, or gives the turn back.
    pub(super) fn forgo(&mut self, key: K) {
        if let Some(Held::Awaited(wait)) = self.held.remove(&key) {
            wait.abort();
        }
    }

    /// Returns the turn that has come for `key`.
    pub(super) fn take(&mut self, key: K) -> Option<Turn> {
        match self.held.remove(&key)? {
            Held::Come(turn) => Some(turn),
            Held::Awaited(wait) => {
                wait.abort();
                None
            }
        }
    }

    /// Returns whose turn came at once, and was not told yet.
    pub(super) fn at_once(&mut self) -> Option<K> {
        self.at_once.pop_front()
    }

    /// Waits for the next turn, and returns whose it is; for ever if nobody waits. Cancel safe.
    pub(super) async fn next(&mut self) -> K {
        while let Some(wait) = self.waits.join_next().await {
            // Who has left the line meanwhile is passed over.
            if let Ok((key, turn)) = wait
                && let Some(held @ Held::Awaited(_)) = self.held.get_mut(&key)
            {
                *held = Held::Come(turn);
                return key;
            }
        }
        std::future::pending().await
    }

    /// Goes over to another function: those that wait line up there.
    pub(super) fn move_to(&mut self, limiter: Arc<Limiter>) {
        if Arc::ptr_eq(&self.limiter, &limiter) {
            return;
        }
        self.limiter = limiter;
        let waits = |(key, held): (&K, &Held)| matches!(held, Held::Awaited(_)).then_some(*key);
        let waiting: Vec<K> = self.held.iter().filter_map(waits).collect();
        for key in waiting {
            self.forgo(key);
            self.reserve(key);
        }
    }
}
