//! A file that is not as it was left is refused, and left alone; or everything is still there.

#![expect(clippy::unwrap_used, reason = "a broken promise stops the test")]

mod support;

use std::fs;

use lambda_esm_engine::store::{Store, StoreError, StoredCheckpoint, StoredMapping};
use lambda_esm_store::RedbStore;
use redb::{Database, TableDefinition};
use support::{Directory, checkpoint, mapping};
use tokio::runtime::Runtime;

const MAPPINGS: u128 = 60;
/// redb's header: flags and geometry, then two commit slots.
const SLOTS: usize = 64;
const HEADER: usize = 320;

type State = (Vec<StoredMapping>, Vec<Vec<StoredCheckpoint>>);

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

async fn state(store: &RedbStore) -> State {
    let mut checkpoints = Vec::new();
    for number in 0..=MAPPINGS {
        checkpoints.push(
            store
                .checkpoints(uuid::Uuid::from_u128(number))
                .await
                .unwrap(),
        );
    }
    (store.load().await.unwrap(), checkpoints)
}

/// A file of many transactions: as a clean stop leaves it, and as a crash does.
fn files(directory: &Directory) -> (State, [Vec<u8>; 2]) {
    runtime().block_on(async {
        let store = RedbStore::open(directory.path()).unwrap();
        for number in 0..MAPPINGS {
            store.put(mapping(number)).await.unwrap();
            for partition in ["a", "b"] {
                let checkpoint = checkpoint(number, partition, 1, 1);
                store.commit(vec![checkpoint]).await.unwrap();
            }
        }
        store.remove(uuid::Uuid::from_u128(3)).await.unwrap();
        store.put(mapping(MAPPINGS)).await.unwrap();
        let state = state(&store).await;
        let crashed = fs::read(directory.file()).unwrap();
        drop(store);
        (state, [fs::read(directory.file()).unwrap(), crashed])
    })
}

/// Opens those bytes; `Ok` if all is there, else the refusal.
fn open(
    directory: &Directory,
    bytes: &[u8],
    expected: &State,
    what: &str,
) -> Result<(), StoreError> {
    fs::write(directory.file(), bytes).unwrap();
    match RedbStore::open(directory.path()) {
        Ok(store) => {
            let found = runtime().block_on(state(&store));
            assert!(found == *expected, "{what}: opened, with something lost");
            Ok(())
        }
        Err(error) => {
            assert!(
                fs::read(directory.file()).unwrap() == bytes,
                "{what}: refused, but overwritten"
            );
            Err(error)
        }
    }
}

fn assert_intact_or_refused(
    directory: &Directory,
    bytes: &[u8],
    expected: &State,
    what: &str,
) -> bool {
    match open(directory, bytes, expected, what) {
        Ok(()) => true,
        Err(StoreError::Corrupt(text)) => {
            assert!(
                text.contains(&directory.file().display().to_string()),
                "{text}"
            );
            assert!(text.contains("restore it from a backup"), "{text}");
            false
        }
        Err(error) => panic!("{what}: {error:?}"),
    }
}

#[test]
fn damage_anywhere_is_refused_or_harmless() {
    let directory = Directory::new();
    let (expected, files) = files(&directory);
    for (file, name) in files.iter().zip(["stopped", "crashed"]) {
        let seed = 0x5EED;
        let mut random = fastrand::Rng::with_seed(seed);
        let mut intact = 0;
        let rounds = 300;
        assert!(assert_intact_or_refused(
            &directory,
            file,
            &expected,
            "untouched"
        ));
        for round in 0..rounds {
            let mut bytes = file.clone();
            let kind = damage(&mut bytes, &mut random);
            let what = format!("{name} file, seed {seed}, round {round}, {kind}");
            intact += usize::from(assert_intact_or_refused(
                &directory, &bytes, &expected, &what,
            ));
        }
        println!("{name}: {intact} of {rounds} damaged files still whole, the others refused");
        assert!(intact < rounds, "the damage reaches something that matters");
    }
}

fn damage(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) -> String {
    let length = bytes.len();
    let at = random.usize(..length);
    match random.u8(..8) {
        0..=2 => {
            bytes[at] ^= 1 << random.u8(..8);
            format!("a bit of byte {at} of {length} flipped")
        }
        3 => {
            bytes[at] = random.u8(..);
            format!("byte {at} of {length} overwritten")
        }
        4 => {
            let block = at / 512 * 512;
            bytes[block..(block + 512).min(length)].fill(0);
            format!("512 bytes at {block} of {length} zeroed")
        }
        5 => {
            let (from, to) = (at / 4096 * 4096, random.usize(..length) / 4096 * 4096);
            bytes.copy_within(from..(from + 4096).min(length), to.min(length - 4096));
            format!("page at {from} of {length} copied to {to}")
        }
        6 => {
            bytes.truncate(at);
            format!("cut from {length} to {at}")
        }
        _ => {
            let more = random.usize(1..10_000);
            bytes.extend(std::iter::repeat_with(|| random.u8(..)).take(more));
            format!("{more} bytes appended to {length}")
        }
    }
}

#[test]
fn a_wrong_bit_in_the_header_is_refused_or_harmless() {
    let directory = Directory::new();
    let (expected, files) = files(&directory);
    for (file, name) in files.iter().zip(["stopped", "crashed"]) {
        // All bits of the flags and the geometry, which have no checksum, and one of each byte of
        // the slots, which have.
        let slots = (SLOTS..HEADER).map(|byte| (byte, byte % 8));
        let unguarded = (0..SLOTS).flat_map(|byte| (0..8).map(move |bit| (byte, bit)));
        for (byte, bit) in unguarded.chain(slots) {
            let mut bytes = file.clone();
            bytes[byte] ^= 1 << bit;
            let what = format!("{name} file, byte {byte}, bit {bit}");
            assert_intact_or_refused(&directory, &bytes, &expected, &what);
        }
    }
}

/// The picture a crash leaves between the two phases of a commit: the newer one is whole, and the
/// flags still name the older.
#[test]
fn a_commit_that_the_flags_do_not_name_yet_is_not_lost() {
    let directory = Directory::new();
    let (expected, [_, mut bytes]) = files(&directory);
    bytes[9] ^= 1;
    open(&directory, &bytes, &expected, "flags turned").unwrap();
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let directory = Directory::new();
    drop(RedbStore::open(directory.path()).unwrap());
    let database = Database::open(directory.file()).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(TableDefinition::<(), u64>::new("format"))
        .unwrap()
        .insert((), 3)
        .unwrap();
    write.commit().unwrap();
    drop(database);
    let before = fs::read(directory.file()).unwrap();
    let error = RedbStore::open(directory.path()).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Newer {
                found: 3,
                supported: 2
            }
        ),
        "{error:?}"
    );
    assert!(fs::read(directory.file()).unwrap() == before);
}

#[test]
fn files_of_something_else_are_refused_and_left_alone() {
    let directory = Directory::new();
    drop(RedbStore::open(directory.path()).unwrap());
    fs::remove_file(directory.file()).unwrap();
    drop(Database::create(directory.file()).unwrap());
    let other_redb = fs::read(directory.file()).unwrap();
    let cases: [(&str, &[u8]); 5] = [
        ("empty", b""),
        ("short", b"redb"),
        ("text", &b"mappings:\n".repeat(1000)),
        ("zeros", &[0; 100_000]),
        ("redb without tables", &other_redb),
    ];
    for (what, bytes) in cases {
        let expected = (Vec::new(), Vec::new());
        let error = open(&directory, bytes, &expected, what).unwrap_err();
        assert!(matches!(error, StoreError::Corrupt(_)), "{what}: {error:?}");
    }
}

#[test]
fn a_value_that_cannot_be_read_is_refused_at_the_start() {
    let directory = Directory::new();
    drop(RedbStore::open(directory.path()).unwrap());
    let database = Database::open(directory.file()).unwrap();
    let write = database.begin_write().unwrap();
    write
        .open_table(TableDefinition::<(u128, &str), &[u8]>::new("positions"))
        .unwrap()
        .insert((1, "a"), b"{\"fence\":1}".as_slice())
        .unwrap();
    write.commit().unwrap();
    drop(database);
    let error = RedbStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Corrupt(_)), "{error:?}");
}
