//! The records of a load test, by the names that their servers gave them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::recorder::{Identity, NamedRecord, RecordId, SourceType};

/// Knows the records that were put here, those of one phase at a time: of others, such as those of the warm-up once that
/// is over, there are no figures.
#[derive(Debug)]
pub(super) struct RealNames {
    sources: Vec<Source>,
    known: Mutex<Known>,
    /// Not part of what is known: the recorder asks for names while it ends a phase.
    entering: Mutex<()>,
}

#[derive(Debug)]
struct Source {
    kind: SourceType,
    arn: String,
}

#[derive(Debug, Default)]
struct Known {
    phase: u32,
    sources: Vec<SourceRecords>,
}

#[derive(Debug, Default)]
struct SourceRecords {
    records: HashMap<Arc<str>, Record>,
    /// How many records of this phase have a place.
    places: u64,
    /// How many of them are not known to have been put here in this phase: an answer that is still on its way tells so, or
    /// none ever.
    unarrived: u64,
    /// Which key a sequence number stands for.
    learnt: HashMap<Arc<str>, Arc<str>>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    phase: u32,
    place: u64,
    is_ours: bool,
}

impl RealNames {
    /// Returns the names of sources of these kinds and ARNs, in their order.
    pub(super) fn new(sources: impl IntoIterator<Item = (SourceType, String)>) -> Self {
        let sources = sources.into_iter();
        let sources: Vec<Source> = sources.map(|(kind, arn)| Source { kind, arn }).collect();
        let known = Known {
            phase: 0,
            sources: sources.iter().map(|_| SourceRecords::default()).collect(),
        };
        Self {
            sources,
            known: Mutex::new(known),
            entering: Mutex::default(),
        }
    }

    /// Keeps phases from beginning until it is dropped.
    pub(super) fn entering(&self) -> MutexGuard<'_, ()> {
        self.entering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a phase, if a later one has not begun; returns whether it did.
    pub(super) fn enter(&self, phase: u32) -> bool {
        let mut known = self.lock();
        if phase <= known.phase {
            return false;
        }
        known.phase = phase;
        for source in &mut known.sources {
            source.places = 0;
            source.unarrived = 0;
        }
        true
    }

    /// Takes it that a record was put here in a phase; returns it if that goes on.
    pub(super) fn arrived(&self, source: usize, name: &Arc<str>, phase: u32) -> Option<RecordId> {
        let mut known = self.lock();
        let now = known.phase;
        let source = known.sources.get_mut(source)?;
        if let Some(record) = source.records.get_mut(name) {
            if record.is_ours {
                return None;
            }
            record.is_ours = true;
            if record.phase != phase || phase != now {
                return None;
            }
            source.unarrived -= 1;
            return Some(id(*record));
        }
        let record = Record {
            phase,
            place: source.places,
            is_ours: true,
        };
        source.records.insert(name.clone(), record);
        if phase != now {
            return None;
        }
        source.places += 1;
        Some(id(record))
    }

    /// Returns how many records have a place in the phase and did not arrive in it.
    pub(super) fn unarrived(&self, source: usize) -> u64 {
        let known = self.lock();
        let source = known.sources.get(source);
        source.map_or(0, |source| source.unarrived)
    }

    /// Returns how many records were seen, in all phases, that are not known to have been put here.
    pub(super) fn strangers(&self, source: usize) -> u64 {
        let known = self.lock();
        let records = known
            .sources
            .get(source)
            .map(|source| source.records.values());
        let strangers = records
            .into_iter()
            .flatten()
            .filter(|record| !record.is_ours);
        strangers.count() as u64
    }

    /// Returns the place of a table's stream.
    pub(super) fn table(&self, arn: &str) -> Option<usize> {
        let mut sources = self.sources.iter();
        sources.position(|source| source.kind == SourceType::DynamoDb && source.arn == arn)
    }

    /// Takes it that a sequence number is that of an item.
    pub(super) fn learn(&self, source: usize, number: &str, key: &str) {
        let mut known = self.lock();
        if let Some(source) = known.sources.get_mut(source) {
            source.learnt.insert(Arc::from(number), Arc::from(key));
        }
    }
}

const fn id(record: Record) -> RecordId {
    RecordId {
        lane: record.phase,
        index: record.place,
    }
}

impl Identity for RealNames {
    fn record(&self, source: usize, name: NamedRecord<'_>) -> Option<RecordId> {
        let NamedRecord::Text(name) = name else {
            return None;
        };
        let kind = self.sources.get(source)?.kind;
        let mut known = self.lock();
        let phase = known.phase;
        let source = known.sources.get_mut(source)?;
        let name: Arc<str> = match kind {
            SourceType::DynamoDb => source.learnt.get(name)?.clone(),
            _ => Arc::from(name),
        };
        if let Some(record) = source.records.get(&name) {
            return (record.phase == phase).then(|| id(*record));
        }
        let record = Record {
            phase,
            place: source.places,
            is_ours: false,
        };
        source.places += 1;
        source.unarrived += 1;
        source.records.insert(name, record);
        Some(id(record))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> RealNames {
        RealNames::new([
            (SourceType::Sqs, "queue".to_owned()),
            (SourceType::DynamoDb, "table".to_owned()),
        ])
    }

    fn seen(names: &RealNames, source: usize, name: &str) -> Option<RecordId> {
        names.record(source, NamedRecord::Text(name))
    }

    #[test]
    fn a_record_is_the_same_whether_the_answer_or_the_event_comes_first() {
        let names = names();
        let (first, second) = (Arc::from("m-1"), Arc::from("m-2"));
        let put = names.arrived(0, &first, 0);
        assert!(put.is_some());
        assert_eq!(seen(&names, 0, "m-1"), put);
        let event = seen(&names, 0, "m-2");
        assert_ne!(event, put);
        assert_eq!(names.strangers(0), 1, "until it is known to be ours");
        assert_eq!(names.arrived(0, &second, 0), event);
        assert_eq!(names.strangers(0), 0);
    }

    #[test]
    fn records_of_others_are_strangers() {
        let names = names();
        assert!(seen(&names, 0, "m-1").is_some());
        assert_eq!(seen(&names, 0, "m-1"), seen(&names, 0, "m-1"));
        assert_eq!(names.strangers(0), 1);
    }

    #[test]
    fn records_of_an_earlier_phase_do_not_count() {
        let names = names();
        let (early, late) = (Arc::from("early"), Arc::from("late"));
        names.arrived(0, &early, 0);
        assert!(names.enter(1));
        assert!(!names.enter(1), "it has begun already");
        assert_eq!(seen(&names, 0, "early"), None);
        assert_eq!(names.arrived(0, &late, 0), None);
        assert_eq!(seen(&names, 0, "late"), None);
        assert!(seen(&names, 0, "later").is_some());
        assert_eq!(names.arrived(0, &Arc::from("later"), 0), None);
        assert_eq!((names.unarrived(0), names.strangers(0)), (1, 0));
        let now = names.arrived(0, &Arc::from("now"), 1);
        assert_eq!(now, Some(RecordId { lane: 1, index: 1 }));
        assert_eq!(names.strangers(0), 0);
    }

    #[test]
    fn records_of_a_table_are_known_once_their_keys_are_learnt() {
        let names = names();
        let put = names.arrived(1, &Arc::from("run-1"), 0);
        assert_eq!(seen(&names, 1, "100"), None);
        names.learn(1, "100", "run-1");
        assert_eq!(seen(&names, 1, "100"), put);
        assert_eq!(
            (names.table("table"), names.table("queue")),
            (Some(1), None)
        );
    }
}
