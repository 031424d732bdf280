//! Faults of what is read.

use std::future::pending;
use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{TopicFetch, TopicPage};
use tokio::time::sleep;

use crate::consumer::FaultyConsumer;
use crate::fault::Fault;
use crate::records;

pub(crate) async fn fetch(
    faulty: &FaultyConsumer,
    request: TopicFetch,
) -> Result<TopicPage, SourceError> {
    let fetches = {
        let mut state = faulty.state();
        state.fetches += 1;
        state.fetches
    };
    match faulty.fault {
        Fault::EmptyPagesBetween if fetches % 2 == 1 && is_owned(faulty, request).await => {
            return Ok(TopicPage::default());
        }
        Fault::FetchFailsNowAndThen if fetches % 3 == 1 && is_owned(faulty, request).await => {
            let text = "no broker answers";
            return Err(SourceError::new(SourceErrorKind::Transient, text));
        }
        _ => {}
    }
    let asked = delay(faulty, request).await;
    let deleted = is_deleted(faulty, request.owned.partition);
    let mut page = match faulty.inner.fetch(asked).await {
        Err(_) if faulty.is(Fault::OldEpochIsRead) => return Ok(TopicPage::default()),
        page => page?,
    };
    if deleted && faulty.is(Fault::DeletedFails) {
        return Err(SourceError::new(SourceErrorKind::Trimmed, "out of range"));
    }
    alter(faulty, request, &mut page, deleted);
    let found = page.records.into_iter();
    page.records = found
        .filter_map(|record| records::alter(faulty.fault, record))
        .collect();
    Ok(page)
}

/// Tells whether a fetch would not fail. It reads nothing.
async fn is_owned(faulty: &FaultyConsumer, request: TopicFetch) -> bool {
    let nothing = TopicFetch::new(request.owned, 0, 0);
    faulty.inner.fetch(nothing).await.is_ok()
}

/// Tells whether the log no longer holds what was committed.
fn is_deleted(faulty: &FaultyConsumer, partition: i32) -> bool {
    let fresh = faulty.state().fresh.get(&partition).copied();
    let marks = faulty.topic.watermarks();
    let low = marks[partition.unsigned_abs() as usize].low;
    fresh.flatten().is_some_and(|committed| committed < low)
}

/// Waits as a fault would; returns what to ask for then.
async fn delay(faulty: &FaultyConsumer, mut request: TopicFetch) -> TopicFetch {
    match faulty.fault {
        Fault::FetchHangs => pending().await,
        Fault::NoWait => request.wait = Duration::ZERO,
        Fault::WaitsTooLong => request.wait += Duration::from_secs(20),
        Fault::WaitsThoughNotAsked if request.wait.is_zero() => {
            request.wait = Duration::from_secs(10);
        }
        Fault::WaitNotEndedByAPut => {
            sleep(request.wait).await;
            request.wait = Duration::ZERO;
        }
        Fault::WaitHoldsUpOthers => {
            let turn = faulty.common.turn.lock().await;
            if request.owned.partition == 0 {
                sleep(request.wait).await;
                request.wait = Duration::ZERO;
            }
            drop(turn);
        }
        Fault::LimitIgnored => request.limit = 1000,
        Fault::OneRecordAPage => request.limit = 1,
        Fault::BytesIgnored => request.bytes = usize::MAX,
        _ => {}
    }
    request
}

fn alter(faulty: &FaultyConsumer, request: TopicFetch, page: &mut TopicPage, deleted: bool) {
    let partition = request.owned.partition;
    let mut state = faulty.state();
    let before = state.last.get(&partition).cloned();
    let fresh = if page.records.is_empty() {
        None
    } else {
        state.fresh.remove(&partition)
    };
    if let Some(last) = page.records.last() {
        state.last.insert(partition, last.clone());
    }
    let full = page.records.len() == request.limit;
    match (faulty.fault, fresh) {
        (Fault::LargeRecordNever, _) if request.bytes == 1 => page.records.clear(),
        (Fault::OrderSwapped, _) if page.records.len() > 1 => page.records.swap(0, 1),
        (Fault::RepeatsAtPages, None) if !page.records.is_empty() => {
            page.records.splice(0..0, before);
            page.records.truncate(request.limit);
        }
        (Fault::SkipsAtPages, _) if full => drop(page.records.pop()),
        (Fault::PositionAhead | Fault::OffsetPlusOne, _) => {
            page.position = page.position.map(|position| position + 1)
        }
        (Fault::PositionBehind, _) => page.position = page.records.last().map(|last| last.offset),
        (Fault::PositionStaysAtRecords, _) => {
            let last = state.last.get(&partition);
            page.position = last.map(|last| last.offset + 1);
        }
        (Fault::PositionNotTold, _) => page.position = None,
        (Fault::RecordLostAtAMove, Some(Some(committed))) if committed > 0 => {
            page.records.remove(0);
        }
        (Fault::RecordRepeatedAtAMove, Some(Some(committed))) if committed > 0 => {
            let mut repeated = page.records[0].clone();
            repeated.offset = committed - 1;
            page.records.insert(0, repeated);
        }
        (Fault::AllRepeatedAtAMove, Some(Some(committed))) if committed > 0 => {
            let mut repeated = page.records.clone();
            for (record, offset) in repeated.iter_mut().zip(0..) {
                record.offset = offset;
            }
            page.records.splice(0..0, repeated);
            page.records.truncate(request.limit);
        }
        (Fault::AddedAtLatest, Some(None)) if partition >= faulty.began => page.records.clear(),
        (Fault::DeletedIsLatest, _) if deleted => page.records.clear(),
        (Fault::AnewNeverRead, _) => {
            let read = before.map_or(-1, |before| before.offset);
            page.records.retain(|record| record.offset > read);
        }
        _ => {}
    }
}
