//! What was acknowledged is there, however the process ended.

#![expect(clippy::unwrap_used, reason = "a broken promise stops the test")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use lambda_esm_engine::store::{Store, StoreError};
use lambda_esm_store::RedbStore;
use support::{Directory, checkpoint, mapping};
use uuid::Uuid;

/// Set for the processes that the tests below start from this binary.
const DIRECTORY: &str = "LAMBDA_ESM_STORE_TEST_DIRECTORY";
const FIRST: &str = "LAMBDA_ESM_STORE_TEST_FIRST";
const ROUNDS: u64 = 30;
const WRITERS: u128 = 8;

fn start(directory: &Path, round: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "other_process", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(FIRST, (round * 1_000_000).to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Not a test: what the other process does.
#[test]
fn other_process() {
    let (Ok(directory), Ok(first)) = (std::env::var(DIRECTORY), std::env::var(FIRST)) else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    runtime.block_on(async {
        let store = match RedbStore::open(directory.as_ref()) {
            Ok(store) => Arc::new(store),
            Err(error) => return say(&format!("refused {error}")),
        };
        say("opened");
        let first: u128 = first.parse().unwrap();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| tokio::spawn(churn(Arc::clone(&store), first + writer * 10_000)))
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
    });
}

/// Makes mappings, moves their checkpoints, and removes every third.
async fn churn(store: Arc<RedbStore>, first: u128) {
    for number in first.. {
        store.put(mapping(number)).await.unwrap();
        say(&format!("put {number}"));
        let shared = first % 1_000_000 / 10_000;
        for partition in [format!("p{number}"), "all".to_owned()] {
            let checkpoint = checkpoint(shared, &partition, u64::try_from(number).unwrap(), 0);
            store.commit(vec![checkpoint]).await.unwrap();
            say(&format!("moved {shared} {partition} {number}"));
        }
        if number % 3 == 0 {
            say(&format!("removing {number}"));
            store.remove(Uuid::from_u128(number)).await.unwrap();
            say(&format!("removed {number}"));
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n> {line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What a process said it had done.
#[derive(Default)]
struct Told {
    kept: BTreeSet<u128>,
    gone: BTreeSet<u128>,
    checkpoints: BTreeMap<(u128, String), u64>,
    lines: usize,
}

impl Told {
    /// A line cut off by the kill has no end, and does not count.
    fn hear(&mut self, line: &str) {
        let Some(words) = line
            .strip_prefix("> ")
            .and_then(|line| line.strip_suffix('\n'))
        else {
            return;
        };
        self.lines += 1;
        match words.split(' ').collect::<Vec<_>>()[..] {
            ["put", number] => drop(self.kept.insert(number.parse().unwrap())),
            ["removing", number] => drop(self.kept.remove(&number.parse().unwrap())),
            ["removed", number] => drop(self.gone.insert(number.parse().unwrap())),
            ["moved", mapping, partition, to] => {
                let key = (mapping.parse().unwrap(), partition.to_owned());
                self.checkpoints.insert(key, to.parse().unwrap());
            }
            ["opened"] => {}
            _ => panic!("{words}"),
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let directory = Directory::new();
    let mut told = Told::default();
    let mut random = fastrand::Rng::with_seed(9);
    for round in 1..=ROUNDS {
        let mut child = start(directory.path(), round);
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let until = told.lines
            + if round % 6 == 0 {
                0
            } else {
                random.usize(1..400)
            };
        let mut line = String::new();
        while told.lines < until && out.read_line(&mut line).unwrap() > 0 {
            told.hear(&line);
            line.clear();
        }
        for _ in 0..random.usize(..300_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        while out.read_line(&mut line).unwrap() > 0 {
            told.hear(&line);
            line.clear();
        }
        child.wait().unwrap();
        verify(&directory, &told, round).await;
    }
    println!(
        "{ROUNDS} kills, {} acknowledgements, {} mappings and {} checkpoints there",
        told.lines,
        told.kept.len(),
        told.checkpoints.len()
    );
    assert!(told.kept.len() > 100 && told.gone.len() > 50);
}

async fn verify(directory: &Directory, told: &Told, round: u64) {
    let store = RedbStore::open(directory.path()).unwrap();
    let kept: BTreeMap<u128, _> = store
        .load()
        .await
        .unwrap()
        .into_iter()
        .map(|mapping| (mapping.uuid.as_u128(), mapping))
        .collect();
    for number in &told.kept {
        assert_eq!(kept.get(number), Some(&mapping(*number)), "round {round}");
    }
    for number in &told.gone {
        assert!(
            !kept.contains_key(number),
            "round {round}: {number} is back"
        );
    }
    for shared in 0..WRITERS {
        let checkpoints: BTreeMap<String, u64> = store
            .checkpoints(Uuid::from_u128(shared))
            .await
            .unwrap()
            .into_iter()
            .map(|checkpoint| (checkpoint.partition, checkpoint.record.parse().unwrap()))
            .collect();
        for ((_, partition), to) in told.checkpoints.iter().filter(|((m, _), _)| *m == shared) {
            assert!(
                checkpoints.get(partition) >= Some(to),
                "round {round}: {shared} {partition}"
            );
        }
    }
}

#[test]
fn a_second_process_is_refused_until_the_first_is_gone() {
    let directory = Directory::new();
    let store = RedbStore::open(directory.path()).unwrap();
    let child = start(directory.path(), 1);
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let file = directory.file().display().to_string();
    assert!(
        said.contains(&format!("refused {file} is in use by another lambda-esm")),
        "{said}"
    );
    drop(store);

    let mut child = start(directory.path(), 1);
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while line != "> opened\n" {
        line.clear();
        assert!(out.read_line(&mut line).unwrap() > 0, "the process ended");
    }
    let error = RedbStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, StoreError::Locked(_)), "{error:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    RedbStore::open(directory.path()).unwrap();
}
