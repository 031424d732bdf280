//! Timelines made by hand: lanes in which batches follow each other, and some fail and are split.

use lambda_esm_lab::report::{Attempt, BatchBar, Lane, LogLine, Outcome, Timeline};

/// How long an invocation takes, and how long a batch waits for it.
const TAKES_MS: u64 = 420;
const WAITS_MS: u64 = 35;

struct Making {
    timeline: Timeline,
    now_ms: u64,
    lane: usize,
}

/// Makes a timeline of about so many batches in so many lanes.
pub(crate) fn timeline(mapping: &str, lanes: usize, batches: usize) -> Timeline {
    let names = (0..lanes)
        .map(|at| Lane {
            name: format!("shardId-{at:012}"),
        })
        .collect();
    let mut making = Making {
        timeline: Timeline {
            mapping: mapping.to_owned(),
            lanes: names,
            batches: Vec::new(),
            omitted: 34_500,
        },
        now_ms: 0,
        lane: 0,
    };
    for lane in 0..lanes {
        making.lane = lane;
        making.now_ms = 80 * lane as u64;
        let before = making.timeline.batches.len();
        let mut number = 0;
        while making.timeline.batches.len() - before < batches / lanes {
            number += 1;
            match number % 13 {
                5 => making.split(None, 10, 7),
                9 => making.partly(),
                11 => making.throttled(),
                _ => {
                    making.plain(None, 10, Outcome::Processed, "count");
                }
            }
            if number == 14 {
                // Long after, something else went wrong.
                making.now_ms += 1_500_000;
            }
        }
    }
    if let Some(last) = making.timeline.batches.last_mut()
        && let Some(attempt) = last.attempts.last_mut()
    {
        attempt.outcome = Outcome::Open;
    }
    making
        .timeline
        .batches
        .sort_by_key(|batch| (batch.closed_ms, batch.id));
    making.timeline
}

impl Making {
    /// A batch of one try.
    fn plain(&mut self, parent: Option<u64>, records: u64, outcome: Outcome, reason: &str) -> u64 {
        let id = self.timeline.batches.len() as u64 + 1;
        let closed_ms = self.now_ms;
        let began_ms = closed_ms + WAITS_MS;
        let ended_ms = began_ms + TAKES_MS + id * 7 % 90;
        let bytes = records * 911;
        let ending = match outcome {
            Outcome::Processed => format!("batch {id} succeeded, {records} records"),
            Outcome::PartlyProcessed => {
                format!("batch {id} failed in part: 2 of {records} records")
            }
            Outcome::NotReached => format!("batch {id} was throttled; next try in 0.9 s"),
            Outcome::Failed => {
                format!(
                    "batch {id} failed: function error Unhandled: cannot parse order {}",
                    id * 17
                )
            }
            Outcome::Open => String::new(),
        };
        self.timeline.batches.push(BatchBar {
            id,
            parent,
            lane: self.lane,
            closed_ms,
            reason: reason.to_owned(),
            records,
            bytes,
            attempts: vec![Attempt {
                began_ms,
                ended_ms,
                outcome,
            }],
            log: vec![
                line(
                    closed_ms,
                    format!("batch {id} closed with {records} records, {bytes} bytes: {reason}"),
                ),
                line(
                    began_ms,
                    format!("batch {id} sent to the function, {records} records, try 1"),
                ),
                line(ended_ms, ending),
            ],
        });
        self.now_ms = ended_ms + 20;
        id
    }

    /// A batch with one record that always fails: it is split until that stands alone, tried again and given up.
    fn split(&mut self, parent: Option<u64>, records: u64, poison: u64) {
        let id = self.plain(
            parent,
            records,
            Outcome::Failed,
            if parent.is_some() { "split" } else { "count" },
        );
        let at = self.now_ms;
        if records > 1 {
            let half = records / 2;
            self.log(
                id,
                at,
                format!(
                    "batch {id} split into halves of {half} and {} records",
                    records - half
                ),
            );
            if poison < half {
                self.split(Some(id), half, poison);
                self.plain(Some(id), records - half, Outcome::Processed, "split");
            } else {
                self.plain(Some(id), half, Outcome::Processed, "split");
                self.split(Some(id), records - half, poison - half);
            }
            return;
        }
        for again in 2..=4 {
            let began_ms = self.now_ms + 200 * again;
            let ended_ms = began_ms + TAKES_MS;
            self.log(
                id,
                began_ms,
                format!("batch {id} sent to the function, 1 record, try {again}"),
            );
            self.log(
                id,
                ended_ms,
                format!("batch {id} failed: function error Unhandled: cannot parse order 9"),
            );
            self.batch(id).attempts.push(Attempt {
                began_ms,
                ended_ms,
                outcome: Outcome::Failed,
            });
            self.now_ms = ended_ms + 20;
        }
        let at = self.now_ms;
        self.log(id, at, format!("batch {id} given up: RetryAttemptsExhausted; told arn:aws:sqs:us-east-1:123456789012:dead"));
    }

    /// A batch of which the function names failed records: they go again by themselves.
    fn partly(&mut self) {
        let id = self.plain(None, 10, Outcome::PartlyProcessed, "window");
        self.plain(Some(id), 2, Outcome::Processed, "rest");
    }

    /// A batch that reaches the function at the second try.
    fn throttled(&mut self) {
        let id = self.plain(None, 10, Outcome::NotReached, "count");
        let began_ms = self.now_ms + 900;
        let ended_ms = began_ms + TAKES_MS;
        self.batch(id).attempts.push(Attempt {
            began_ms,
            ended_ms,
            outcome: Outcome::Processed,
        });
        self.log(id, ended_ms, format!("batch {id} succeeded, 10 records"));
        self.now_ms = ended_ms + 20;
    }

    fn batch(&mut self, id: u64) -> &mut BatchBar {
        self.timeline
            .batches
            .iter_mut()
            .find(|batch| batch.id == id)
            .unwrap()
    }

    fn log(&mut self, id: u64, at_ms: u64, text: String) {
        self.batch(id).log.push(line(at_ms, text));
    }
}

fn line(at_ms: u64, text: String) -> LogLine {
    LogLine { at_ms, text }
}
