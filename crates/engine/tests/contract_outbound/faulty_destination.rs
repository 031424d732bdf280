//! A destination in memory with a fault.

use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use lambda_esm_core::fault::DeliveryError;
use lambda_esm_engine::ports::{FailureDestination, FailureRecord};
use tokio::task::yield_now;
use tokio::time::sleep;

/// What is wrong with a destination, or odd and yet legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    BodiesAreAscii,
    BodiesAreCut,
    BodiesAreEscaped,
    BodiesAreReformatted,
    BodiesAreWrapped,
    BodiesEndLines,
    ComesLate,
    ComesMuchLater,
    ComesTwice,
    DroppedStillComes,
    DropsWhatIsLarge,
    FirstOfBodyWins,
    KeepsLatest,
    KeysAreLost,
    KeysAreLowerCase,
    KeysAreOfBodies,
    KeysAreShort,
    NeverEnds,
    ReadsAndWritesAll,
    RefusesAgain,
    RefusesLarge,
    SaysOkAndDrops,
    WaitsForDropped,
}

#[derive(Default)]
struct State {
    records: Vec<FailureRecord>,
    is_busy: bool,
}

/// A destination that keeps its promises but for one fault, as a bucket does (one record under each key) if the
/// records have keys; clones are the same destination.
#[derive(Clone)]
pub(crate) struct FaultyDestination {
    fault: Option<Fault>,
    state: Arc<Mutex<State>>,
}

impl FaultyDestination {
    pub(crate) fn new(fault: Option<Fault>) -> Self {
        let state = Arc::default();
        Self { fault, state }
    }

    pub(crate) fn records(&self) -> Vec<FailureRecord> {
        self.lock().records.clone()
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the record as it is kept.
    fn changed(&self, mut record: FailureRecord) -> FailureRecord {
        let body = String::from_utf8(record.body.to_vec()).unwrap();
        let key = record.object_key.clone();
        let changed = match self.fault {
            Some(Fault::BodiesAreAscii) => body.replace(|c: char| !c.is_ascii(), "?"),
            Some(Fault::BodiesAreCut) => body.chars().take(50_000).collect(),
            Some(Fault::BodiesAreEscaped) => body.replace('&', "&amp;"),
            Some(Fault::BodiesAreReformatted) => {
                let value: serde_json::Value = serde_json::from_str(&body).unwrap();
                value.to_string()
            }
            Some(Fault::BodiesAreWrapped) => format!("{{\"Message\":{body:?}}}"),
            Some(Fault::BodiesEndLines) => body + "\n",
            _ => body,
        };
        record.body = changed.into();
        record.object_key = match self.fault {
            Some(Fault::KeysAreLost) => String::new(),
            Some(Fault::KeysAreLowerCase) => key.to_lowercase(),
            Some(Fault::KeysAreShort) => key.rsplit('/').next().unwrap_or_default().to_owned(),
            _ => key,
        };
        record
    }

    fn keep(&self, record: FailureRecord) {
        let record = self.changed(record);
        let mut state = self.lock();
        if self.has(Fault::KeepsLatest) {
            state.records.clear();
        }
        let by_body = self.has(Fault::KeysAreOfBodies);
        let is_known = |known: &FailureRecord| known.body == record.body;
        if self.has(Fault::FirstOfBodyWins) && state.records.iter().any(is_known) {
            return;
        }
        let has_key = !record.object_key.is_empty();
        state.records.retain(|known| {
            let same_key = has_key && known.object_key == record.object_key;
            !(same_key || (by_body && is_known(known)))
        });
        state.records.push(record);
    }
}

#[async_trait]
impl FailureDestination for FaultyDestination {
    async fn deliver(&self, record: FailureRecord) -> Result<(), DeliveryError> {
        let is_large = record.body.len() > 100_000;
        let store = self.clone();
        match self.fault {
            Some(Fault::NeverEnds) => pending().await,
            Some(Fault::SaysOkAndDrops) => return Ok(()),
            Some(Fault::DropsWhatIsLarge) if is_large => return Ok(()),
            Some(Fault::RefusesLarge) if is_large => return Err(DeliveryError::new("too large")),
            Some(Fault::RefusesAgain) if self.records().contains(&record) => {
                return Err(DeliveryError::new("there is one already"));
            }
            Some(Fault::ReadsAndWritesAll) => {
                let mut all = self.records();
                yield_now().await;
                all.push(record);
                self.lock().records = all;
                return Ok(());
            }
            Some(Fault::WaitsForDropped) => {
                while self.lock().is_busy {
                    sleep(Duration::from_secs(1)).await;
                }
                self.lock().is_busy = true;
                yield_now().await;
                self.lock().is_busy = false;
            }
            Some(late @ (Fault::ComesLate | Fault::ComesMuchLater)) => {
                let seconds = if late == Fault::ComesLate { 5 } else { 60 };
                tokio::spawn(async move {
                    sleep(Duration::from_secs(seconds)).await;
                    store.keep(record);
                });
                return Ok(());
            }
            Some(Fault::DroppedStillComes) => {
                let kept = tokio::spawn(async move {
                    yield_now().await;
                    store.keep(record);
                });
                kept.await.unwrap();
                return Ok(());
            }
            Some(Fault::ComesTwice) => self.lock().records.push(record.clone()),
            _ => {}
        }
        self.keep(record);
        Ok(())
    }
}
