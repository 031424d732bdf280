//! Asks a daemon what its mappings do, and keeps what the next screen compares it with.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde::Deserialize;
use tokio::time::timeout;

use super::rates::Counts;
use crate::client::{Client, Told};
use crate::failure::Failure;

/// How many decisions are kept: more than a screen shows.
const KEPT: usize = 200;
/// How many of each mapping are asked for.
const ASKED: usize = 50;
/// How many questions are open at a time.
const AT_ONCE: usize = 8;
/// How long all answers may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What `/status` answers.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Status {
    pub(super) version: String,
    pub(super) time_ms: i64,
    pub(super) mappings: Vec<Mapping>,
}

/// A mapping at one moment.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Mapping {
    pub(super) uuid: String,
    pub(super) source: String,
    pub(super) function: String,
    pub(super) state: String,
    pub(super) problem: Option<String>,
    pub(super) activity: Activity,
    pub(super) counts: Counts,
}

/// What it is busy with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Activity {
    pub(super) concurrency: usize,
    pub(super) running: usize,
    pub(super) waiting: usize,
    pub(super) gathering: usize,
    pub(super) backing_off_until: Option<i64>,
    /// Of a topic, how many records are not committed; `None` while that is not known.
    #[serde(default)]
    pub(super) sum_offset_lag: Option<u64>,
}

/// What a screen shows.
pub(super) struct View<'a> {
    pub(super) endpoint: &'a str,
    pub(super) now: &'a Status,
    pub(super) before: Option<&'a Status>,
    pub(super) decisions: &'a VecDeque<Told>,
    /// By mapping, the iterator age of its last invocation in milliseconds.
    pub(super) ages: &'a HashMap<String, u64>,
    /// Why the last look failed.
    pub(super) trouble: Option<&'a str>,
}

pub(super) struct Collector<'a> {
    client: &'a Client,
    now: Status,
    before: Option<Status>,
    /// How far the decisions of each mapping were read.
    read: HashMap<String, u64>,
    decisions: VecDeque<Told>,
    ages: HashMap<String, u64>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self {
            client,
            now: Status::default(),
            before: None,
            read: HashMap::new(),
            decisions: VecDeque::new(),
            ages: HashMap::new(),
        }
    }

    pub(super) fn view<'v>(&'v self, trouble: Option<&'v str>) -> View<'v> {
        View {
            endpoint: self.client.endpoint(),
            now: &self.now,
            before: self.before.as_ref(),
            decisions: &self.decisions,
            ages: &self.ages,
            trouble,
        }
    }

    /// Looks again.
    pub(super) async fn collect(&mut self) -> Result<(), Failure> {
        match timeout(PATIENCE, self.ask()).await {
            Ok(asked) => asked,
            Err(_) => Err(Failure::general(format!(
                "the daemon at {} did not answer in {} s",
                self.client.endpoint(),
                PATIENCE.as_secs()
            ))),
        }
    }

    async fn ask(&mut self) -> Result<(), Failure> {
        self.client.renew();
        let answer = self.client.get("/status").await?;
        let status = Status::deserialize(answer).map_err(|error| {
            Failure::general(format!(
                "/status of {} is not what this version knows: {error}",
                self.client.endpoint()
            ))
        })?;
        let changed = self.changed(&status);
        let looked = self.now.time_ms > 0;
        let before = std::mem::replace(&mut self.now, status);
        self.before = looked.then_some(before);
        let mut pages = stream::iter(changed)
            .map(|(uuid, read)| page(self.client, uuid, read))
            .buffer_unordered(AT_ONCE);
        let mut new = Vec::new();
        while let Some(page) = pages.next().await {
            new.extend(page?);
        }
        drop(pages);
        self.keep(new);
        Ok(())
    }

    /// Returns the mappings that may have decided something, and how far their decisions were read. A
    /// mapping that rests is not asked, so that many cost little.
    fn changed(&self, status: &Status) -> Vec<(String, u64)> {
        let before: HashMap<&str, &Mapping> = self
            .now
            .mappings
            .iter()
            .map(|mapping| (mapping.uuid.as_str(), mapping))
            .collect();
        let changed = |mapping: &&Mapping| before.get(mapping.uuid.as_str()) != Some(mapping);
        let mappings = status.mappings.iter().filter(changed);
        let read = |uuid: &str| self.read.get(uuid).copied().unwrap_or(0);
        mappings
            .map(|mapping| (mapping.uuid.clone(), read(&mapping.uuid)))
            .collect()
    }

    fn keep(&mut self, mut new: Vec<Told>) {
        new.sort_by_key(|told| (told.time_ms, told.sequence));
        for told in new {
            self.read.insert(told.mapping.clone(), told.sequence);
            if let Some(age) = told.event.iterator_age_ms {
                self.ages.insert(told.mapping.clone(), age);
            }
            if self.decisions.len() == KEPT {
                self.decisions.pop_front();
            }
            self.decisions.push_back(told);
        }
        let mappings = &self.now.mappings;
        let is_there = |uuid: &String| mappings.iter().any(|mapping| mapping.uuid == *uuid);
        self.read.retain(|uuid, _| is_there(uuid));
        self.ages.retain(|uuid, _| is_there(uuid));
    }
}

async fn page(client: &Client, uuid: String, read: u64) -> Result<Vec<Told>, Failure> {
    let path = format!("/mappings/{uuid}/events?last={ASKED}&after={read}");
    match client.get(&path).await {
        Ok(page) => Told::page(&page),
        // It was deleted in between.
        Err(Failure::General(text)) if text.starts_with("ResourceNotFoundException") => {
            Ok(Vec::new())
        }
        Err(failure) => Err(failure),
    }
}
