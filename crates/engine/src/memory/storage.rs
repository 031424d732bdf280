//! The messages of an in-memory queue, and who may have them when. No locks, no clock.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use lambda_esm_core::Timestamp;
use lambda_esm_core::record::SqsMessage;

use super::log::{Log, Sequence};

/// A message in the queue.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) group: Option<String>,
    /// Body and sender's attributes; the system attributes are added on delivery.
    pub(super) message: SqsMessage,
    pub(super) sent: Timestamp,
    pub(super) deduplication_id: Option<String>,
    pub(super) receive_count: u32,
    pub(super) first_received: Option<Timestamp>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Visible,
    Delayed { until: Timestamp },
    InFlight { until: Timestamp, delivery: u32 },
}

/// The messages of one queue.
#[derive(Debug, Default)]
pub(super) struct Storage {
    messages: Log<Stored>,
    /// Visible messages without a group, oldest first.
    visible: BTreeSet<Sequence>,
    /// Visible messages by group; only for FIFO queues.
    groups: BTreeMap<String, BTreeSet<Sequence>>,
    /// In-flight messages of each locked group.
    locked: HashMap<String, usize>,
    /// When hidden messages become visible.
    hidden: BTreeSet<(Timestamp, Sequence)>,
}

/// One delivery of a message.
#[derive(Debug)]
pub(super) struct Delivered<'a> {
    pub(super) sequence: Sequence,
    pub(super) delivery: u32,
    pub(super) stored: &'a Stored,
}

impl Storage {
    pub(super) fn push(&mut self, mut stored: Stored, visible_at: Timestamp, now: Timestamp) {
        let group = stored.group.clone();
        let delayed = visible_at > now;
        if delayed {
            stored.state = State::Delayed { until: visible_at };
        }
        let sequence = self.messages.push(stored);
        if delayed {
            self.hidden.insert((visible_at, sequence));
        } else {
            self.show(sequence, group.as_deref());
        }
    }

    fn show(&mut self, sequence: Sequence, group: Option<&str>) {
        match group {
            None => {
                self.visible.insert(sequence);
            }
            Some(group) => match self.groups.get_mut(group) {
                Some(sequences) => {
                    sequences.insert(sequence);
                }
                None => {
                    self.groups
                        .insert(group.to_owned(), BTreeSet::from([sequence]));
                }
            },
        }
    }

    /// Makes visible what has been hidden long enough.
    pub(super) fn advance(&mut self, now: Timestamp) {
        while let Some(&(until, sequence)) = self.hidden.first() {
            if until > now {
                return;
            }
            self.hidden.pop_first();
            self.reappear(sequence);
        }
    }

    fn reappear(&mut self, sequence: Sequence) {
        let Some(stored) = self.messages.get_mut(sequence) else {
            return;
        };
        let was = std::mem::replace(&mut stored.state, State::Visible);
        let group = stored.group.clone();
        if matches!(was, State::InFlight { .. }) {
            self.unlock(group.as_deref());
        }
        self.show(sequence, group.as_deref());
    }

    fn unlock(&mut self, group: Option<&str>) {
        if let Some(group) = group
            && let Some(count) = self.locked.get_mut(group)
        {
            *count -= 1;
            if *count == 0 {
                self.locked.remove(group);
            }
        }
    }

    /// Returns when the next hidden message becomes visible.
    pub(super) fn next_visible(&self) -> Option<Timestamp> {
        self.hidden.first().map(|&(until, _)| until)
    }

    /// Chooses the next message to deliver: of a FIFO queue, the oldest of the group whose oldest
    /// message is the oldest, where `held` are groups that may be continued within this receive.
    pub(super) fn next(&self, held: &BTreeSet<String>) -> Option<Sequence> {
        if let Some(&sequence) = self.visible.first() {
            return Some(sequence);
        }
        let open = |group: &String| !self.locked.contains_key(group) || held.contains(group);
        self.groups
            .iter()
            .filter(|(group, _)| open(group))
            .filter_map(|(_, sequences)| sequences.first().copied())
            .min()
    }

    /// Returns the number of the message that was pushed last; 0 before the first.
    pub(super) const fn last(&self) -> Sequence {
        self.messages.last()
    }

    pub(super) fn get(&self, sequence: Sequence) -> Option<&Stored> {
        self.messages.get(sequence)
    }

    /// Delivers a visible message, hiding it until `until`.
    pub(super) fn deliver(
        &mut self,
        sequence: Sequence,
        now: Timestamp,
        until: Timestamp,
    ) -> Option<Delivered<'_>> {
        self.hide(sequence);
        let stored = self.messages.get_mut(sequence)?;
        stored.receive_count += 1;
        stored.first_received.get_or_insert(now);
        let delivery = stored.receive_count;
        stored.state = State::InFlight { until, delivery };
        self.hidden.insert((until, sequence));
        if let Some(group) = &stored.group {
            *self.locked.entry(group.clone()).or_default() += 1;
        }
        Some(Delivered {
            sequence,
            delivery,
            stored,
        })
    }

    /// Takes a visible message out of the lists it can be chosen from.
    fn hide(&mut self, sequence: Sequence) {
        let group = self
            .messages
            .get(sequence)
            .and_then(|stored| stored.group.as_deref());
        match group {
            None => {
                self.visible.remove(&sequence);
            }
            Some(group) => {
                if let Some(sequences) = self.groups.get_mut(group) {
                    sequences.remove(&sequence);
                    if sequences.is_empty() {
                        self.groups.remove(group);
                    }
                }
            }
        }
    }

    /// Removes a visible message, to move it elsewhere.
    pub(super) fn take_visible(&mut self, sequence: Sequence) -> Option<Stored> {
        self.hide(sequence);
        self.messages.remove(sequence)
    }

    /// Deletes a message by one of its deliveries. A message that is visible again is deleted too, as
    /// long as it was not delivered anew (SQS API reference, `DeleteMessage`). Returns whether the
    /// receipt was good; deleting twice is no error.
    pub(super) fn delete(&mut self, sequence: Sequence, delivery: u32) -> bool {
        let Some(stored) = self.messages.get(sequence) else {
            return self.messages.knows(sequence);
        };
        if stored.receive_count != delivery {
            return true;
        }
        match stored.state {
            State::InFlight { until, .. } => {
                self.hidden.remove(&(until, sequence));
                let group = stored.group.clone();
                self.unlock(group.as_deref());
            }
            State::Visible | State::Delayed { .. } => self.hide(sequence),
        }
        self.messages.remove(sequence);
        true
    }

    /// Makes an in-flight message visible after `after` from now. Returns whether the receipt was good.
    pub(super) fn change_visibility(
        &mut self,
        sequence: Sequence,
        delivery: u32,
        now: Timestamp,
        after: Duration,
    ) -> bool {
        let Some(stored) = self.messages.get_mut(sequence) else {
            return false;
        };
        let State::InFlight {
            until,
            delivery: current,
        } = stored.state
        else {
            return false;
        };
        if current != delivery {
            return false;
        }
        let later = now + after;
        stored.state = State::InFlight {
            until: later,
            delivery,
        };
        self.hidden.remove(&(until, sequence));
        self.hidden.insert((later, sequence));
        self.advance(now);
        true
    }

    /// Returns how many messages are visible, in flight and delayed.
    pub(super) fn counts(&self) -> (usize, usize, usize) {
        let in_flight = |stored: &&Stored| matches!(stored.state, State::InFlight { .. });
        let in_flight = self.messages.iter().filter(in_flight).count();
        let visible = self.visible.len() + self.groups.values().map(BTreeSet::len).sum::<usize>();
        (
            visible,
            in_flight,
            self.messages.len() - visible - in_flight,
        )
    }
}

impl Stored {
    pub(super) const fn new(
        id: String,
        group: Option<String>,
        deduplication_id: Option<String>,
        message: SqsMessage,
        sent: Timestamp,
    ) -> Self {
        Self {
            id,
            group,
            message,
            sent,
            deduplication_id,
            receive_count: 0,
            first_received: None,
            state: State::Visible,
        }
    }
}
