//! What every [`Store`] must do, wherever it keeps things.

use super::promise::holds;
use super::store_races::{calls_at_the_same_time, dropped_calls};
use super::stored::{Stored, checkpoint, mapping, same, uuid};
use crate::store::{Store, StoreError, StoredCheckpoint};

/// Texts that databases, encodings and shells are known to change.
const TEXTS: [&str; 6] = [
    "",
    " spaces ",
    "{\"a\": \"ä€😀\", \"n\" : 1.0}\r\n\t<&>\"\\ 'x' -- ; %s ${x}",
    "e\u{301} is not \u{e9}",
    "null",
    "0123456789012345678901234567890123456789",
];

/// Partitions that differ little.
const PARTITIONS: [&str; 14] = [
    "",
    "shardId-000000000001",
    "shardId-00000000000",
    "shardId-0000000000010",
    "SHARDID-000000000001",
    "shardId-000000000001 ",
    " shardId-000000000001",
    "topic/0",
    "topic%2F0",
    "topic",
    "../topic",
    "t_pic",
    "e\u{301}😀",
    "\u{e9}😀",
];

/// A mapping in the middle of others, whose UUIDs differ little from its own.
const MIDDLE: u128 = 0x0123_4567_89ab_4def_8000_0000_0000_0100;

const OTHERS: [u128; 6] = [
    0,
    MIDDLE - 1,
    MIDDLE + 1,
    MIDDLE ^ (1 << 127),
    MIDDLE.swap_bytes(),
    u128::MAX,
];

const COMMITTED: &str = "checkpoints are returned as they were committed";
const REFUSED: &str = "a commit under a lower fence is refused as Fenced";
const NOT_REFUSED: &str = "a commit is refused only under a lower fence than its partition's";
const WHOLE: &str = "a refused commit keeps nothing";

/// Checks the promises of [`Store`] on an empty store, and leaves things in it.
///
/// `reopen` closes the store, as the end of a process does, and opens what it has kept; a store in memory is
/// returned as it is.
///
/// The promises, each of which is named when it is broken:
///
/// * Mappings and checkpoints come back as they were given, to the letter: any text of 100 kB, any UUID, any partition
///   of up to 1,000 bytes, any fence. 200 mappings and 1,000 checkpoints in one commit are not too many.
/// * A put replaces the mapping with its UUID, and leaves its checkpoints. A commit replaces the checkpoints it
///   names. Nothing else changes: neither mappings with UUIDs next to it, nor partitions with names alike.
/// * A removal forgets the mapping, its checkpoints and their fences; what is not there is no error.
/// * A commit under a lower fence than that kept for its partition is `Fenced`, and nothing of it is kept, also of
///   its other partitions and mappings. The same fence is accepted.
/// * A commit for a mapping that is not there is accepted, for a mapping that is being deleted ends its last batches.
///   A removal forgets what it may have left.
/// * A forget forgets the partitions it names, and their fences; or nothing at all, if the store does not forget.
/// * Changes at the same time are all kept, and of commits to one partition the one with the highest fence.
/// * A change is durable when it returns: it is there after `reopen`.
/// * A put, a removal or a commit whose future is dropped is done as a whole or not at all, and stops no later one.
/// * Every call ends, within a minute.
///
/// It may run on tokio's paused time if the store waits for nothing but that. A store that has threads, files or
/// a server needs the real time: stopped time flies while they work.
///
/// ```
/// use lambda_esm_engine::contract::store_contract;
/// use lambda_esm_engine::memory::MemoryStore;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// store_contract(MemoryStore::default(), async |store| store).await;
/// # }
/// ```
///
/// # Panics
/// Panics if a promise is broken.
pub async fn store_contract<S: Store>(store: S, reopen: impl AsyncFn(S) -> S) {
    let mut stored = Stored::new(store, reopen);
    stored
        .check("the contract begins with an empty store")
        .await;
    stored = mappings(stored).await;
    stored = checkpoints(stored).await;
    stored = removals(stored).await;
    stored = fences(stored).await;
    stored = forgetting(stored).await;
    stored = calls_at_the_same_time(stored).await;
    dropped_calls(stored).await;
}

async fn mappings<S: Store, R: AsyncFn(S) -> S>(mut stored: Stored<S, R>) -> Stored<S, R> {
    const VERBATIM: &str = "a mapping is loaded once, and as it was put";
    for (number, text) in (1..).zip(TEXTS) {
        stored.put(mapping(number, text)).await;
        stored.check(VERBATIM).await;
    }
    let large = long(100_000);
    for number in 100..110 {
        stored.put(mapping(number, &large)).await;
    }
    stored.check(VERBATIM).await;
    stored.put(mapping(2, "second")).await;
    stored.put(mapping(101, "short")).await;
    stored.put(mapping(3, &long(10))).await;
    stored
        .check("a put replaces the mapping with its UUID")
        .await;
    stored = stored.reopened().await;
    stored.check("a put is durable when it returns").await;
    let alone = "a removal forgets its mapping alone";
    for number in (1..10).chain(100..110) {
        stored.remove(number).await;
        stored.check(alone).await;
    }
    for number in 1000..1200 {
        stored.put(mapping(number, "one of many")).await;
    }
    stored.check("all mappings are loaded, however many").await;
    for number in 1000..1200 {
        stored.remove(number).await;
    }
    stored.check(alone).await;
    stored = stored.reopened().await;
    stored.check("a removal is durable when it returns").await;
    stored
}

async fn checkpoints<S: Store, R: AsyncFn(S) -> S>(mut stored: Stored<S, R>) -> Stored<S, R> {
    let unknown = stored.checkpoints(uuid(7777)).await;
    same(
        "a mapping that is not there has no checkpoints",
        &unknown,
        &[],
    );
    stored.put(mapping(MIDDLE, "middle")).await;
    for other in OTHERS {
        stored.put(mapping(other, "other")).await;
    }
    for (partition, text) in PARTITIONS.into_iter().zip(TEXTS.into_iter().cycle()) {
        let row = checkpoint(MIDDLE, partition, text, 1);
        stored.commit(COMMITTED, vec![row]).await;
        stored.check(COMMITTED).await;
    }
    for other in OTHERS {
        let rows = all_partitions(other, "other", 1);
        stored.commit(COMMITTED, rows).await;
    }
    let large = [
        checkpoint(MIDDLE, "large", &long(100_000), 1),
        checkpoint(MIDDLE, &format!("{}1", "p".repeat(999)), "first", 1),
        checkpoint(MIDDLE, &format!("{}2", "p".repeat(999)), "second", 1),
    ];
    stored.commit(COMMITTED, large.into()).await;
    stored
        .commit("a commit of nothing succeeds", Vec::new())
        .await;
    stored.check(COMMITTED).await;

    let again = all_partitions(MIDDLE, "again", 2).into_iter().step_by(2);
    stored.commit(COMMITTED, again.collect()).await;
    stored
        .check("a commit replaces the checkpoints that it names alone")
        .await;
    stored.put(mapping(MIDDLE, "changed")).await;
    stored
        .check("a put leaves the checkpoints of its mapping")
        .await;
    stored = stored.reopened().await;
    stored.check("a commit is durable when it returns").await;

    let many = (0..1000).map(|shard| checkpoint(1, &format!("shard-{shard}"), "many", 1));
    stored.put(mapping(1, "many")).await;
    stored.commit(COMMITTED, many.collect()).await;
    stored
        .check("all checkpoints of a commit are kept, however many")
        .await;
    stored.remove(1).await;
    stored
}

async fn removals<S: Store, R: AsyncFn(S) -> S>(mut stored: Stored<S, R>) -> Stored<S, R> {
    let promise = "a removal forgets the checkpoints of its mapping, and no others";
    stored.remove(MIDDLE).await;
    stored.check(promise).await;
    stored.put(mapping(MIDDLE, "anew")).await;
    stored
        .check("a mapping that is put again has no checkpoints from before")
        .await;
    stored = stored.reopened().await;
    stored.check("a removal is durable when it returns").await;
    for other in OTHERS {
        stored.remove(other).await;
        stored.check(promise).await;
    }

    let accepted = "a commit for a mapping that is not there is accepted";
    stored
        .commit(accepted, vec![checkpoint(OTHERS[0], "a", "late", 1)])
        .await;
    stored.remove(OTHERS[0]).await;
    stored.check(promise).await;
    stored
}

async fn fences<S: Store, R: AsyncFn(S) -> S>(mut stored: Stored<S, R>) -> Stored<S, R> {
    for number in [10, 11] {
        stored.put(mapping(number, "fenced")).await;
    }
    let both = |text: &str, a, b| {
        let (first, second) = (checkpoint(10, "a", text, a), checkpoint(10, "b", text, b));
        [vec![first.clone(), second.clone()], vec![second, first]]
    };
    let elsewhere = checkpoint(11, "a", "elsewhere", 1);
    stored
        .commit(NOT_REFUSED, vec![checkpoint(10, "a", "first", 7)])
        .await;
    for late in both("late", 6, 6) {
        is_refused(&stored, late.clone()).await;
        is_refused(&stored, [vec![elsewhere.clone()], late].concat()).await;
    }
    stored.check(WHOLE).await;
    stored
        .commit(NOT_REFUSED, vec![checkpoint(10, "a", "same fence", 7)])
        .await;
    stored
        .commit(
            NOT_REFUSED,
            vec![checkpoint(10, "b", "another partition", 1)],
        )
        .await;
    stored.commit(NOT_REFUSED, vec![elsewhere]).await;
    for rows in both("higher", 8, 2) {
        stored.commit(NOT_REFUSED, rows).await;
    }
    stored.check(COMMITTED).await;

    // As text, as floating point numbers and as signed ones they are in another order.
    for pair in [
        [9, 10],
        [(1 << 53), (1 << 53) + 1],
        [i64::MAX as u64, u64::MAX],
    ] {
        for fence in pair {
            stored
                .commit(NOT_REFUSED, vec![checkpoint(10, "a", "higher", fence)])
                .await;
        }
        is_refused(&stored, vec![checkpoint(10, "a", "lower", pair[0])]).await;
        stored.check(WHOLE).await;
    }

    stored = stored.reopened().await;
    stored.check("a commit is durable when it returns").await;
    is_refused(&stored, vec![checkpoint(10, "b", "late", 1)]).await;
    stored.remove(10).await;
    stored.put(mapping(10, "anew")).await;
    let rows = vec![checkpoint(10, "a", "anew", 0)];
    stored.commit("what is removed has no fence", rows).await;
    stored
}

async fn is_refused<S: Store, R: AsyncFn(S) -> S>(
    stored: &Stored<S, R>,
    rows: Vec<StoredCheckpoint>,
) {
    let result = stored.try_commit(rows).await;
    let fenced = matches!(result, Err(StoreError::Fenced(_)));
    holds(REFUSED, fenced, "Err(Fenced)", &result);
}

async fn forgetting<S: Store, R: AsyncFn(S) -> S>(mut stored: Stored<S, R>) -> Stored<S, R> {
    let promise = "a forget forgets the partitions that it names alone, or nothing";
    for number in [20, 21] {
        stored.put(mapping(number, "forgetful")).await;
        let rows = ["a", "ab", "b", ""].map(|each| checkpoint(number, each, "kept", 5));
        stored.commit(COMMITTED, rows.into()).await;
    }
    stored.forget(20, &[]).await;
    stored.forget(20, &["unknown"]).await;
    stored.forget(7777, &["a"]).await;
    stored.check(promise).await;
    stored.forget(20, &["a", "unknown", "b"]).await;
    // The port's own default forgets nothing.
    let forgets = stored.checkpoints(uuid(20)).await.len() < 4;
    if forgets {
        stored.note_forgotten(20, "a");
        stored.note_forgotten(20, "b");
    }
    stored.check(promise).await;
    stored = stored.reopened().await;
    stored.check("a forget is durable when it returns").await;
    if forgets {
        let rows = vec![checkpoint(20, "a", "anew", 0)];
        stored.commit("what is forgotten has no fence", rows).await;
        stored.check(COMMITTED).await;
    }
    stored
}

fn all_partitions(number: u128, text: &str, fence: u64) -> Vec<StoredCheckpoint> {
    let rows = PARTITIONS.into_iter();
    rows.map(|partition| checkpoint(number, partition, text, fence))
        .collect()
}

/// Returns a text of so many bytes that is not the same anywhere.
fn long(bytes: usize) -> String {
    let words = (0_u32..).flat_map(|number| format!("{number}\"").into_bytes());
    words.take(bytes).map(char::from).collect()
}
