//! When records arrived, and what became of each.

use std::collections::VecDeque;

use lambda_esm_core::Timestamp;

use super::identity::RecordId;

/// What became of a record for a reader: it was sent to the function, processed by it, or settled without it.
const SENT: u8 = 1;
const PROCESSED: u8 = 2;
const SETTLED: u8 = 4;
const FINAL: u8 = PROCESSED | SETTLED;

/// The arrival time of a record that is processed before it is known to have arrived.
const UNKNOWN: i64 = i64::MIN;

/// The records of one source, and what became of them for each of its readers. What is final for all is forgotten.
#[derive(Debug)]
pub(super) struct Fates {
    lanes: Vec<Lane>,
    readers: usize,
    arrived: u64,
    settled: Vec<u64>,
}

#[derive(Debug, Default)]
struct Lane {
    /// The place of the oldest record that is kept.
    first: u64,
    records: VecDeque<Kept>,
    /// By reader, the place of the oldest record whose fate is not final.
    open: Vec<u64>,
    /// By reader and record.
    states: Vec<VecDeque<u8>>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    arrival: i64,
    /// When it was processed first and for which reader, if that was before its arrival was known.
    processed: Option<(usize, i64)>,
}

/// What the function's success with a record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Processed {
    /// It is the first, so long after the record arrived, in milliseconds; not known yet where the arrival is not.
    First(Option<u64>),
    /// It was processed before.
    Again,
    /// It had been given up.
    Late,
}

impl Fates {
    pub(super) fn new(readers: usize) -> Self {
        Self {
            lanes: Vec::new(),
            readers,
            arrived: 0,
            settled: vec![0; readers],
        }
    }

    pub(super) const fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Returns how many records have arrived and are not settled.
    pub(super) fn backlog(&self, reader: usize) -> u64 {
        self.arrived.saturating_sub(self.settled(reader))
    }

    /// Returns how many records are settled.
    pub(super) fn settled(&self, reader: usize) -> u64 {
        self.settled.get(reader).copied().unwrap_or_default()
    }

    fn lane(&mut self, lane: u32) -> &mut Lane {
        let at = lane as usize;
        if self.lanes.len() <= at {
            let readers = self.readers;
            self.lanes.resize_with(at + 1, || Lane::new(readers));
        }
        &mut self.lanes[at]
    }

    /// A record has arrived; returns for which reader it was processed before that was known, and how long that took.
    pub(super) fn arrive(&mut self, id: RecordId, at: Timestamp) -> Option<(usize, u64)> {
        self.arrived += 1;
        let lane = self.lane(id.lane);
        lane.reach(id.index);
        let kept = lane.kept_mut(id.index)?;
        kept.arrival = at.millis();
        let (reader, processed) = kept.processed.take()?;
        Some((reader, since(processed, at.millis())))
    }

    /// Tells whether any of the records was sent to the function before, and remembers that they are now.
    pub(super) fn send(&mut self, reader: usize, records: &[RecordId]) -> bool {
        let mut again = false;
        for id in records {
            let lane = self.lane(id.lane);
            lane.reach(id.index);
            match lane.state(reader, id.index) {
                Some(state) => {
                    again |= *state & SENT != 0;
                    *state |= SENT;
                }
                None => again = true,
            }
        }
        again
    }

    pub(super) fn process(&mut self, reader: usize, id: RecordId, now: Timestamp) -> Processed {
        let lane = self.lane(id.lane);
        lane.reach(id.index);
        let Some(state) = lane.state(reader, id.index) else {
            return Processed::Again;
        };
        if *state & FINAL != 0 {
            let before = *state;
            *state |= PROCESSED;
            return if before & PROCESSED != 0 {
                Processed::Again
            } else {
                Processed::Late
            };
        }
        *state |= PROCESSED;
        let mut latency = None;
        if let Some(kept) = lane.kept_mut(id.index) {
            if kept.arrival == UNKNOWN {
                kept.processed.get_or_insert_with(|| (reader, now.millis()));
            } else {
                latency = Some(since(now.millis(), kept.arrival));
            }
        }
        lane.advance(reader);
        self.count(reader);
        Processed::First(latency)
    }

    /// Settles a record without the function; returns whether its fate was open.
    pub(super) fn settle(&mut self, reader: usize, id: RecordId) -> bool {
        let lane = self.lane(id.lane);
        lane.reach(id.index);
        let Some(state) = lane.state(reader, id.index) else {
            return false;
        };
        if *state & FINAL != 0 {
            return false;
        }
        *state |= SETTLED;
        lane.advance(reader);
        self.count(reader);
        true
    }

    /// Settles those of a lane from `first` to `last` that are open, at most `most`; returns how many.
    pub(super) fn settle_range(
        &mut self,
        reader: usize,
        lane: u32,
        (first, last): (u64, u64),
        most: u64,
    ) -> u64 {
        let open = self.lane(lane).open.get(reader).copied();
        let first = first.max(open.unwrap_or_default());
        let mut settled = 0;
        for index in first..=last.min(self.lane(lane).end().saturating_sub(1)) {
            if settled < most && self.settle(reader, RecordId { lane, index }) {
                settled += 1;
            }
        }
        settled
    }

    /// Settles those of a lane that are open and arrived before `before`; returns how many.
    pub(super) fn settle_older(&mut self, reader: usize, lane: u32, before: Timestamp) -> u64 {
        let end = {
            let lane = self.lane(lane);
            let older = lane.records.iter();
            let older = older.take_while(|kept| kept.arrival < before.millis());
            lane.first + older.count() as u64
        };
        match end.checked_sub(1) {
            Some(last) => self.settle_range(reader, lane, (0, last), u64::MAX),
            None => 0,
        }
    }

    /// Returns when the oldest record arrived whose fate is open.
    pub(super) fn oldest(&self, reader: usize) -> Option<Timestamp> {
        let oldest = self.lanes.iter().filter_map(|lane| {
            let open = lane.open.get(reader)?.checked_sub(lane.first)?;
            let kept = lane.records.get(usize::try_from(open).ok()?)?;
            (kept.arrival != UNKNOWN).then_some(kept.arrival)
        });
        oldest.min().map(Timestamp)
    }

    /// Returns, by lane, the place before which all records are final for all readers.
    pub(super) fn settled_places(&self) -> impl Iterator<Item = (u32, u64)> {
        (0..).zip(self.lanes.iter().map(|lane| lane.first))
    }

    fn count(&mut self, reader: usize) {
        if let Some(settled) = self.settled.get_mut(reader) {
            *settled += 1;
        }
    }
}

impl Lane {
    fn new(readers: usize) -> Self {
        Self {
            open: vec![0; readers],
            states: vec![VecDeque::new(); readers],
            ..Self::default()
        }
    }

    fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Makes room for the record at `index`, and those before it that have not arrived.
    fn reach(&mut self, index: u64) {
        while self.end() <= index {
            self.records.push_back(Kept {
                arrival: UNKNOWN,
                processed: None,
            });
            for states in &mut self.states {
                states.push_back(0);
            }
        }
    }

    fn place(&self, index: u64) -> Option<usize> {
        usize::try_from(index.checked_sub(self.first)?).ok()
    }

    fn kept_mut(&mut self, index: u64) -> Option<&mut Kept> {
        let place = self.place(index)?;
        self.records.get_mut(place)
    }

    fn state(&mut self, reader: usize, index: u64) -> Option<&mut u8> {
        let place = self.place(index)?;
        self.states.get_mut(reader)?.get_mut(place)
    }

    /// Moves on over what is final, and forgets what is so for all readers.
    fn advance(&mut self, reader: usize) {
        let first = self.first;
        let (Some(open), Some(states)) = (self.open.get_mut(reader), self.states.get(reader))
        else {
            return;
        };
        let is_final = |open: u64| {
            let place = usize::try_from(open - first).ok();
            let state = place.and_then(|place| states.get(place));
            state.is_some_and(|state| state & FINAL != 0)
        };
        while is_final(*open) {
            *open += 1;
        }
        let all = self.open.iter().copied().min().unwrap_or(first);
        while self.first < all {
            let arrived = self
                .records
                .front()
                .is_some_and(|kept| kept.arrival != UNKNOWN);
            if !arrived {
                return;
            }
            self.records.pop_front();
            for states in &mut self.states {
                states.pop_front();
            }
            self.first += 1;
        }
    }
}

/// Returns the milliseconds from the one to the other; 0 if that is negative, as where clocks differ.
fn since(later: i64, earlier: i64) -> u64 {
    u64::try_from(later.saturating_sub(earlier)).unwrap_or_default()
}
