//! Faults of pages and of the fetches that bring them.

use std::future::pending;
use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::StreamRecord;
use lambda_esm_engine::ports::{
    Cursor, FetchRequest, Page, Shard, ShardId, Start, StreamSource as _,
};
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::fault::Fault;
use crate::faulty::Faulty;
use crate::starts::{LATEST, NOWHERE, TRIMMED};

/// Marks a position behind which a record is lost.
const SKIP: &str = "skip|";
/// How long a record needs until it is shown.
const LATE: Duration = Duration::from_secs(2);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Takes as long as a fault has a fetch take.
pub(crate) async fn delay(faulty: &Faulty, request: &FetchRequest) {
    match faulty.fault() {
        Some(Fault::FetchHangs) => pending().await,
        Some(Fault::FetchWaitsForEver) if !request.wait.is_zero() => pending().await,
        Some(Fault::WaitsForRecords) => sleep(request.wait).await,
        Some(Fault::WaitHoldsUpOthers) => {
            let turn = faulty.turn.lock().await;
            sleep(request.wait).await;
            drop(turn);
        }
        Some(Fault::FetchTakesTooLong) => sleep(Duration::from_secs(10)).await,
        Some(Fault::TakesASecond) => sleep(Duration::from_secs(1)).await,
        Some(Fault::ListHangsBesideAFetch) => {
            faulty.state().under_way += 1;
            yield_now().await;
            faulty.state().under_way -= 1;
        }
        Some(Fault::FetchHangsBesideAnother) => {
            faulty.state().under_way += 1;
            yield_now().await;
            if faulty.state().under_way > 1 {
                pending::<()>().await;
            }
            faulty.state().under_way -= 1;
        }
        _ => {}
    }
}

pub(crate) async fn fetch(faulty: &Faulty, request: FetchRequest) -> Result<Page, SourceError> {
    let Some(fault) = faulty.fault() else {
        return faulty.inner().fetch(request).await;
    };
    let mut request = match special(faulty, fault, request).await? {
        Ok(page) => return Ok(page),
        Err(request) => request,
    };
    let asked = request.clone();
    match fault {
        Fault::LimitIgnored => request.limit *= 10,
        Fault::OneRecordAPage => request.limit = 1,
        Fault::OnePositionPerShard => {
            request.cursor = faulty.state().current[&asked.shard].clone();
        }
        Fault::PositionMovesOn => {
            if let Some(next) = faulty.state().read.get(&asked.cursor) {
                request.cursor = next.clone();
            }
        }
        _ => {}
    }
    let mut page = match faulty.inner().fetch(request.clone()).await {
        Err(error) => return refused(faulty, fault, &request, error).await,
        Ok(page) => page,
    };
    if let Some(next) = &page.next
        && !page.records.is_empty()
    {
        let next = next.clone();
        let mut state = faulty.state();
        state.current.insert(asked.shard.clone(), next.clone());
        state.read.insert(asked.cursor.clone(), next);
    }
    if fault == Fault::EmptyPagesBetween && is_empty_now(faulty, &asked.cursor) {
        return Ok(nothing(Some(asked.cursor)));
    }
    if fault == Fault::FetchMixesUpShards {
        page.records = of_the_last_request(faulty, &asked).await?;
    }
    alter_ends(faulty, fault, &request, &mut page).await;
    alter_behind(fault, &mut page);
    alter_order(faulty, fault, &asked, &mut page);
    Ok(page)
}

/// Tells whether this fetch finds nothing, as the first two at each position do.
fn is_empty_now(faulty: &Faulty, cursor: &Cursor) -> bool {
    let mut state = faulty.state();
    let fetches = state.fetches.entry(cursor.clone()).or_default();
    *fetches += 1;
    *fetches <= 2
}

/// Returns what was asked for last, be it by another call.
async fn of_the_last_request(
    faulty: &Faulty,
    asked: &FetchRequest,
) -> Result<Vec<StreamRecord>, SourceError> {
    faulty.state().asked = Some(asked.clone());
    yield_now().await;
    let last = faulty.state().asked.clone().unwrap();
    Ok(faulty.inner().fetch(last).await?.records)
}

/// Returns the page of a position that the stream itself does not know, or else what to ask it for.
async fn special(
    faulty: &Faulty,
    fault: Fault,
    mut request: FetchRequest,
) -> Result<Result<Page, FetchRequest>, SourceError> {
    let refused = |kind| Err(SourceError::new(kind, "refused"));
    match request.cursor.0.as_str() {
        LATEST => request.cursor = faulty.inner().open(&request.shard, &Start::Latest).await?,
        TRIMMED => return refused(SourceErrorKind::Trimmed),
        NOWHERE => return Ok(Ok(nothing(Some(request.cursor)))),
        _ => {}
    }
    let is_read = faulty.state().read.contains_key(&request.cursor);
    match fault {
        Fault::AlwaysEmpty => return Ok(Ok(nothing(Some(request.cursor)))),
        Fault::ClosedEndsAtOnce if faulty.is_closed(&request.shard) => {
            return Ok(Ok(nothing(None)));
        }
        Fault::DroppedFetchTakesRecords => {
            if !faulty.state().taken.insert(request.cursor.clone()) {
                return Ok(Ok(nothing(Some(request.cursor))));
            }
            yield_now().await;
            faulty.state().taken.remove(&request.cursor);
        }
        Fault::PositionOnlyOnce if is_read => return refused(SourceErrorKind::Expired),
        Fault::ShowsRecordsLate => return late(faulty, request).await.map(Ok),
        Fault::SkipsAtPages => {
            if let Some(cursor) = request.cursor.0.strip_prefix(SKIP) {
                request.cursor = Cursor(cursor.to_owned());
                let mut page = faulty.inner().fetch(request).await?;
                page.records.drain(..page.records.len().min(1));
                return Ok(Ok(page));
            }
        }
        Fault::FormerRecordsStay => {
            let (generation, cursor) = request.cursor.0.split_once('|').unwrap();
            if generation != faulty.state().generation.to_string() {
                return refused(SourceErrorKind::Expired);
            }
            request.cursor = Cursor(cursor.to_owned());
            let mut page = faulty.inner().fetch(request).await?;
            if let Some(next) = &mut page.next {
                next.0 = format!("{}|{}", faulty.state().generation, next.0);
            }
            return Ok(Ok(page));
        }
        _ => {}
    }
    Ok(Err(request))
}

fn nothing(next: Option<Cursor>) -> Page {
    Page::new(Vec::new(), next)
}

/// Returns only what has been there for a while.
async fn late(faulty: &Faulty, mut request: FetchRequest) -> Result<Page, SourceError> {
    let page = faulty.inner().fetch(request.clone()).await?;
    let now = faulty.now();
    let old = |arrival| arrival + LATE <= now;
    let shown = page.records.iter().filter(|each| old(each.arrival)).count();
    if shown == page.records.len() {
        return Ok(page);
    }
    if shown == 0 {
        return Ok(nothing(Some(request.cursor)));
    }
    request.limit = shown;
    faulty.inner().fetch(request).await
}

/// Returns what becomes of a refusal.
async fn refused(
    faulty: &Faulty,
    fault: Fault,
    request: &FetchRequest,
    error: SourceError,
) -> Result<Page, SourceError> {
    use SourceErrorKind::{Expired, Fatal, NotFound, Trimmed};
    let is_made_anew = faulty.state().generation > 0;
    let kind = match (fault, error.kind) {
        (Fault::ExpiredIsEmpty, Expired) => return Ok(nothing(Some(request.cursor.clone()))),
        (Fault::ExpiredEnds, Expired) => return Ok(nothing(None)),
        (Fault::TrimmedPositionGoesOn, Trimmed) => {
            return from_oldest(faulty, &request.shard).await;
        }
        (Fault::FormerPositionGoesOn, Expired) if is_made_anew => {
            return from_oldest(faulty, &request.shard).await;
        }
        (Fault::ExpiredIsFatal, Expired) => Fatal,
        (Fault::ExpiredIsNotFound, Expired) => NotFound,
        (Fault::TrimmedPositionExpires, Trimmed) => Expired,
        (_, kind) => kind,
    };
    Err(SourceError::new(kind, error.message))
}

async fn from_oldest(faulty: &Faulty, shard: &ShardId) -> Result<Page, SourceError> {
    let cursor = faulty.inner().open(shard, &Start::TrimHorizon).await?;
    Ok(faulty.fetch_inner(shard, cursor, 100).await)
}

/// Changes whether and how a shard ends.
async fn alter_ends(faulty: &Faulty, fault: Fault, request: &FetchRequest, page: &mut Page) {
    let shard = &request.shard;
    let closed = faulty.is_closed(shard);
    let some = !page.records.is_empty();
    match fault {
        Fault::OpenEnds => page.next = None,
        Fault::OpenEndsWithItsNewest if some => {
            if let Some(next) = page.next.clone() {
                let rest = faulty.fetch_inner(shard, next, 1).await.records;
                page.next = page.next.take().filter(|_| !rest.is_empty());
            }
        }
        Fault::ClosedEndsAfterAPage if closed && some => page.next = None,
        Fault::ClosedNeverEnds if closed && page.next.is_none() => {
            page.next = Some(request.cursor.clone());
            page.records.clear();
        }
        Fault::ClosedRepeatsItsLast if closed && !some => {
            page.records.extend(faulty.all(shard).await.pop());
        }
        Fault::NamesOneChild => page.children.truncate(1),
        Fault::NamesNoChildren => page.children.clear(),
        Fault::NamesChildrenWithoutHashKeys => {
            page.children
                .iter_mut()
                .for_each(|child| child.hash_keys = None);
        }
        Fault::NoHashKeys => page
            .children
            .iter_mut()
            .for_each(|child| child.hash_keys = None),
        Fault::NamesChildrenEarly if closed => {
            let is_child = |each: &Shard| each.parents.contains(shard);
            let shards = faulty.inner().shards().into_iter();
            page.children = shards.filter(is_child).collect();
        }
        _ => {}
    }
}

fn alter_behind(fault: Fault, page: &mut Page) {
    const MILLISECOND: Duration = Duration::from_millis(1);
    page.behind = match (fault, page.behind) {
        (Fault::BehindNotTold, _) => None,
        (Fault::BehindAYear, _) => Some(YEAR),
        (Fault::BehindNeverZero, behind) => behind.max(Some(MILLISECOND)),
        (Fault::BehindAlwaysZero, _) => Some(Duration::ZERO),
        (Fault::BehindZeroInTheSameMillisecond, Some(MILLISECOND)) => Some(Duration::ZERO),
        (_, behind) => behind,
    };
}

/// Changes how pages follow one another.
fn alter_order(faulty: &Faulty, fault: Fault, asked: &FetchRequest, page: &mut Page) {
    let full = page.records.len() == asked.limit;
    let Some(next) = &mut page.next else {
        return;
    };
    match fault {
        Fault::Reversed => page.records.reverse(),
        Fault::GoneOnceRead => {
            let mut state = faulty.state();
            page.records
                .retain(|record| state.seen.insert(record.sequence.clone()));
        }
        Fault::NextStays if !page.records.is_empty() => *next = asked.cursor.clone(),
        Fault::SkipsAtPages if full => next.0.insert_str(0, SKIP),
        Fault::RepeatsAtPages => {
            let mut state = faulty.state();
            if let Some(before) = state.before.get(&asked.cursor).cloned() {
                page.records.insert(0, before);
                page.records.truncate(asked.limit);
            }
            if let (true, Some(last)) = (full, page.records.last()) {
                state.before.insert(next.clone(), last.clone());
            }
        }
        _ => {}
    }
}
