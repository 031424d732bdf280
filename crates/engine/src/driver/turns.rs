//! The turns that a driver has asked for, by whom they are for.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinSet};

use crate::turns::{Line, Turn};

#[derive(Debug)]
enum Held {
    Awaited(AbortHandle),
    Come(Turn),
}

/// Turns by their keys. Dropping it leaves all lines, and gives back what is not used.
#[derive(Debug)]
pub(super) struct Reservations<K> {
    line: Arc<Line>,
    held: HashMap<K, Held>,
    waits: JoinSet<(K, Turn)>,
    /// Those whose turn came at once.
    at_once: VecDeque<K>,
}

impl<K: Copy + Eq + Hash + Send + 'static> Reservations<K> {
    pub(super) fn new(line: Arc<Line>) -> Self {
        Self {
            line,
            held: HashMap::new(),
            waits: JoinSet::new(),
            at_once: VecDeque::new(),
        }
    }

    /// Lines up.
    pub(super) fn reserve(&mut self, key: K) {
        let held = match self.line.line_up() {
            Ok(turn) => {
                self.at_once.push_back(key);
                Held::Come(turn)
            }
            Err(place) => {
                let wait = async move { (key, place.turn().await) };
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

    /// Waits for the next turn, and returns whose it is; `None` if nobody waits, or one of them no more.
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Option<K> {
        let (key, turn) = self.waits.join_next().await?.ok()?;
        match self.held.get_mut(&key) {
            Some(held @ Held::Awaited(_)) => *held = Held::Come(turn),
            Some(Held::Come(_)) | None => return None,
        }
        Some(key)
    }

    /// Whether somebody waits.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waits.is_empty()
    }

    /// Goes over to another line: those that wait line up there.
    pub(super) fn move_to(&mut self, line: Arc<Line>) {
        if Arc::ptr_eq(&self.line, &line) {
            return;
        }
        self.line = line;
        let waits = |(key, held): (&K, &Held)| matches!(held, Held::Awaited(_)).then_some(*key);
        let waiting: Vec<K> = self.held.iter().filter_map(waits).collect();
        for key in waiting {
            self.forgo(key);
            self.reserve(key);
        }
    }
}
