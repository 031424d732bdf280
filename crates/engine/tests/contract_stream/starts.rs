//! Faults of where reading begins.

use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::StreamRecord;
use lambda_esm_engine::ports::{Cursor, ShardId, Start, StreamSource as _};

use crate::fault::Fault;
use crate::faulty::Faulty;

/// A position that is looked up when it is fetched.
pub(crate) const LATEST: &str = "latest";
/// A position that turns out to be trimmed when it is fetched.
pub(crate) const TRIMMED: &str = "trimmed";
/// A position in no shard.
pub(crate) const NOWHERE: &str = "nowhere";

pub(crate) async fn open(
    faulty: &Faulty,
    shard: &ShardId,
    from: &Start,
) -> Result<Cursor, SourceError> {
    if faulty.is(Fault::LatestAtFirstFetch) && *from == Start::Latest {
        return Ok(Cursor(LATEST.to_owned()));
    }
    if faulty.is(Fault::PositionMovesOn) {
        // No two positions of one moment are the same.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let from = elsewhere(faulty, shard, from).await?;
    let opened = faulty.inner().open(shard, &from).await;
    let cursor = match (faulty.fault(), opened) {
        (Some(fault), Err(error)) => refused(faulty, fault, shard, error).await?,
        (_, opened) => opened?,
    };
    if faulty.is(Fault::OnePositionPerShard) {
        let current = cursor.clone();
        faulty.state().current.insert(shard.clone(), current);
    }
    Ok(if faulty.is(Fault::FormerRecordsStay) {
        let generation = faulty.state().generation;
        Cursor(format!("{generation}|{}", cursor.0))
    } else {
        cursor
    })
}

/// Returns where reading begins by mistake.
async fn elsewhere(faulty: &Faulty, shard: &ShardId, from: &Start) -> Result<Start, SourceError> {
    let Some(fault) = faulty.fault() else {
        return Ok(from.clone());
    };
    let all = faulty.all(shard).await;
    let after = |record: &StreamRecord| Start::After(record.sequence.clone());
    let elsewhere = match (fault, from) {
        (Fault::TrimHorizonIsLatest, Start::TrimHorizon)
        | (Fault::AfterIsLatest, Start::After(_))
        | (Fault::TimestampIsLatest, Start::Timestamp(_)) => Some(Start::Latest),
        (Fault::LatestIsTrimHorizon, Start::Latest)
        | (Fault::AfterIsTrimHorizon, Start::After(_))
        | (Fault::TimestampIsTrimHorizon, Start::Timestamp(_)) => Some(Start::TrimHorizon),
        (Fault::ChildBeginsWithItsNewest, Start::TrimHorizon) => {
            let shards = faulty.inner().shards();
            let is_child = shards
                .iter()
                .any(|each| each.id == *shard && !each.parents.is_empty());
            is_child.then_some(Start::Latest)
        }
        (Fault::LatestOfClosedIsTrimHorizon, Start::Latest) => {
            faulty.is_closed(shard).then_some(Start::TrimHorizon)
        }
        (Fault::ClosedForgetsWhatWasRead, Start::TrimHorizon) if faulty.is_closed(shard) => {
            all.iter().nth_back(5).map(after)
        }
        (Fault::AfterWithIt, Start::After(sequence)) => {
            let at = all.iter().position(|record| record.sequence == *sequence);
            let before = at.and_then(|at| at.checked_sub(1));
            Some(before.map_or(Start::TrimHorizon, |before| after(&all[before])))
        }
        (Fault::AfterSkipsOne, Start::After(sequence)) => {
            let mut rest = all.iter().skip_while(|record| record.sequence != *sequence);
            rest.nth(1).map(after)
        }
        (Fault::LastTrimmedIsTrimmed, Start::After(sequence)) => {
            let is_there = all.iter().any(|record| record.sequence == *sequence);
            if !is_there {
                return Err(SourceError::new(SourceErrorKind::Trimmed, "it is trimmed"));
            }
            None
        }
        (Fault::TimestampTooLate, Start::Timestamp(time)) => {
            Some(Start::Timestamp(*time + Duration::from_millis(1)))
        }
        (Fault::TimestampIsNewest, Start::Timestamp(_)) => all.iter().nth_back(1).map(after),
        (Fault::TimestampMustBeExact, Start::Timestamp(time)) => {
            if all.iter().all(|record| record.arrival != *time) {
                return Err(SourceError::new(
                    SourceErrorKind::Fatal,
                    "no record of then",
                ));
            }
            None
        }
        _ => None,
    };
    Ok(elsewhere.unwrap_or_else(|| from.clone()))
}

/// Returns what becomes of a refusal.
async fn refused(
    faulty: &Faulty,
    fault: Fault,
    shard: &ShardId,
    error: SourceError,
) -> Result<Cursor, SourceError> {
    match (fault, error.kind) {
        (Fault::TrimmedGoesOn, SourceErrorKind::Trimmed) => {
            faulty.inner().open(shard, &Start::TrimHorizon).await
        }
        (Fault::TrimmedIsNotFound, SourceErrorKind::Trimmed) => {
            Err(SourceError::new(SourceErrorKind::NotFound, error.message))
        }
        (Fault::TrimmedAtTheFetch, SourceErrorKind::Trimmed) => Ok(Cursor(TRIMMED.to_owned())),
        (Fault::UnknownShardIsEmpty, SourceErrorKind::NotFound) => Ok(Cursor(NOWHERE.to_owned())),
        (Fault::UnknownShardIsFatal, SourceErrorKind::NotFound) => {
            Err(SourceError::new(SourceErrorKind::Fatal, error.message))
        }
        _ => Err(error),
    }
}
