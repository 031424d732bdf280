//! What the functions of the tests saw.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

/// A file that functions record to, in a folder of its own; removed with the value.
#[derive(Debug)]
pub struct Recording {
    folder: PathBuf,
    file: PathBuf,
}

/// One invocation, as its function recorded it.
#[derive(Clone, Debug, Deserialize)]
pub struct Invocation {
    /// The function's process.
    pub pid: u32,
    /// The invocation's identifier.
    pub request_id: String,
    /// When it began, in seconds since the Unix epoch.
    #[serde(default)]
    pub started: f64,
    /// When it ended.
    #[serde(default)]
    pub ended: f64,
    /// `start` or `end`, of a function that records both.
    #[serde(default)]
    pub phase: String,
    /// The messages of its event, in order.
    #[serde(default)]
    pub messages: Vec<Seen>,
}

/// One message, as a function saw it.
#[derive(Clone, Debug, Deserialize)]
pub struct Seen {
    /// Its identifier.
    pub id: String,
    /// Its body.
    pub body: String,
    /// `ApproximateReceiveCount`.
    pub receives: u32,
    /// Whether the function reported it as failed.
    #[serde(default)]
    pub failed: bool,
    /// Its group, on a FIFO queue.
    #[serde(default)]
    pub group: String,
    /// `done`, `failed` or `left`, on a FIFO queue.
    #[serde(default)]
    pub outcome: String,
}

impl Default for Recording {
    fn default() -> Self {
        let folder = std::env::temp_dir().join(format!("lambda-esm-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).unwrap();
        let file = folder.join("record.jsonl");
        fs::write(&file, "").unwrap();
        Self { folder, file }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning.
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Recording {
    /// Returns the file.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Returns a folder for the test's other files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the lines so far.
    #[must_use]
    pub fn lines<T: for<'a> Deserialize<'a>>(&self) -> Vec<T> {
        let text = fs::read_to_string(&self.file).unwrap();
        // The last line may still be on its way.
        let (whole, _) = text.rsplit_once('\n').unwrap_or_default();
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Returns the size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        fs::metadata(&self.file).unwrap().len()
    }

    /// Returns the invocations so far, in the order of their ends.
    #[must_use]
    pub fn invocations(&self) -> Vec<Invocation> {
        self.lines()
    }

    /// Returns how often each body was seen.
    #[must_use]
    pub fn times_seen(&self) -> HashMap<String, usize> {
        let mut times = HashMap::new();
        for message in self
            .invocations()
            .into_iter()
            .flat_map(|invocation| invocation.messages)
        {
            *times.entry(message.body).or_default() += 1;
        }
        times
    }
}

/// Returns the most invocations that ran at one moment.
#[must_use]
pub fn most_at_once(invocations: &[Invocation]) -> usize {
    let mut turns: Vec<(f64, i32)> = invocations
        .iter()
        .flat_map(|invocation| [(invocation.started, 1), (invocation.ended, -1)])
        .collect();
    // An end comes before a start of the same moment.
    turns.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let running = turns.iter().scan(0, |running, (_, turn)| {
        *running += turn;
        Some(*running)
    });
    usize::try_from(running.max().unwrap_or_default()).unwrap()
}
