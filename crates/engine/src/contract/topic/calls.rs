//! The calls of a consumer, each with a bound.

use std::time::Duration;

use lambda_esm_core::fault::{SourceError, SourceErrorKind};

use crate::contract::bound::{ends, ends_within};
use crate::contract::promise::holds;
use crate::ports::{OwnedPartition, PartitionOffset, TopicConsumer, TopicFetch, TopicPage};

/// How long the contract waits for what must happen on a server, as for partitions that change hands.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// How much later than asked for something may be answered.
pub(super) const SKEW: Duration = Duration::from_secs(5);

/// How long a fetch waits when the contract has nothing else to do.
pub(super) const A_WHILE: Duration = Duration::from_millis(500);

/// Enough for all that the contract puts into a partition.
pub(super) const PLENTY: usize = 100;
pub(super) const MANY_BYTES: usize = 10_000_000;

pub(super) async fn try_fetch(
    consumer: &dyn TopicConsumer,
    request: TopicFetch,
) -> Result<TopicPage, SourceError> {
    ends_within(request.wait + PATIENCE, "a fetch", consumer.fetch(request)).await
}

pub(super) async fn try_commit(
    consumer: &dyn TopicConsumer,
    owned: OwnedPartition,
    offset: i64,
) -> Result<(), SourceError> {
    let offsets = vec![PartitionOffset { owned, offset }];
    ends("a commit", consumer.commit(offsets)).await
}

/// Checks that nothing is done for one who does not own a partition under this epoch.
pub(super) async fn is_nothing_of(
    consumer: &dyn TopicConsumer,
    owned: OwnedPartition,
    whose: &str,
) {
    let request = TopicFetch::new(owned, PLENTY, MANY_BYTES);
    let fetched = try_fetch(consumer, request).await;
    holds(
        "a fetch fails as expired if the partition is not owned under that epoch",
        is(&fetched, SourceErrorKind::Expired),
        format_args!("Expired for {owned:?}, {whose}"),
        &fetched,
    );
    // Far behind what was settled, so that it would be noticed.
    let committed = try_commit(consumer, owned, 0).await;
    holds(
        "a commit fails as expired if the partition is not owned under that epoch",
        is(&committed, SourceErrorKind::Expired),
        format_args!("Expired for {owned:?}, {whose}"),
        &committed,
    );
}

pub(super) fn is<T>(result: &Result<T, SourceError>, kind: SourceErrorKind) -> bool {
    matches!(result, Err(error) if error.kind == kind)
}

/// Tells whether what failed may succeed soon.
pub(super) fn passes(error: &SourceError) -> bool {
    matches!(
        error.kind,
        SourceErrorKind::Throttled | SourceErrorKind::Transient
    )
}
