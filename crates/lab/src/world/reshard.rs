//! Streams that get another number of shards.

use lambda_esm_core::fault::SourceError;
use lambda_esm_engine::memory::{MemoryStream, StreamKind};
use lambda_esm_engine::ports::Shard;

/// Splits or merges shards until so many are open. A stream of DynamoDB, whose shards are never merged, has them rolled
/// over if there would be less.
pub(super) fn reshard(
    stream: &MemoryStream,
    kind: StreamKind,
    wanted: usize,
) -> Result<(), SourceError> {
    let open = || -> Vec<Shard> {
        let mut shards = stream.shards();
        shards.retain(|shard| !shard.closed);
        shards.sort_by_key(|shard| shard.hash_keys);
        shards
    };
    let wanted = wanted.max(1);
    if kind == StreamKind::DynamoDb && open().len() >= wanted {
        return open()
            .iter()
            .try_for_each(|shard| stream.roll(&shard.id).map(drop));
    }
    while open().len() < wanted {
        // The one that takes the most, and the first of those.
        let shards = open();
        let width = |shard: &&Shard| shard.hash_keys.map(|(first, last)| last - first);
        let Some(widest) = shards.iter().rev().max_by_key(width) else {
            return Ok(());
        };
        stream.split(&widest.id, None)?;
    }
    while open().len() > wanted {
        let shards = open();
        let both = |pair: &&[Shard]| {
            let first = pair.first().and_then(|shard| shard.hash_keys);
            let last = pair.last().and_then(|shard| shard.hash_keys);
            first.zip(last).map(|((first, _), (_, last))| last - first)
        };
        let Some([one, other]) = shards.windows(2).min_by_key(both) else {
            return Ok(());
        };
        stream.merge(&one.id, &other.id)?;
    }
    Ok(())
}
