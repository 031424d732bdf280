//! Puts records when they are due, whatever became of those before.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_engine::ports::{NewRecord, Producer, PutLimits};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::recorder::Durations;

/// How many requests are under way at a time: enough for ten thousand messages per second where one takes 30 ms.
const AT_ONCE: usize = 32;
/// How often a record is tried that its source did not take, and the first wait, which doubles.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(50);

/// A record that is due.
#[derive(Clone, Debug)]
pub(super) struct Due {
    /// When, counted from the beginning.
    pub(super) at: Duration,
    /// Its partition key, message group or item.
    pub(super) key: Arc<str>,
    /// What is in it.
    pub(super) payload: Bytes,
}

/// What somebody who waits wants of a load test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wish {
    /// That it goes on.
    #[default]
    GoOn,
    /// That no more records are put, and that those under way are waited for.
    Drain,
    /// That it ends.
    End,
}

/// What is told of records as they are put.
pub(super) trait Arrived: Send + Sync + 'static {
    /// A record that was due so long after the beginning is about to be put: events of it may come before the answer.
    fn sending(&self, due: Duration);

    /// A record was due so long after the beginning, and was put: events name it by `id`.
    fn arrived(&self, due: Duration, id: Arc<str>, bytes: usize);
}

/// What came of putting.
#[derive(Debug, Default)]
pub(super) struct Produced {
    /// Records that were due until the end.
    pub(super) due: u64,
    /// Records that were put.
    pub(super) put: u64,
    /// Records that their source did not take, or may not have taken.
    pub(super) refused: u64,
    /// Records that were due and not sent any more when the end came.
    pub(super) unsent: u64,
    /// How long requests took, in milliseconds.
    pub(super) took: Durations,
    /// Why the first was refused.
    pub(super) problem: Option<String>,
    /// How much later than they were due records were sent, in milliseconds.
    pub(super) lateness: Durations,
}

/// What came of some requests.
#[derive(Debug, Default)]
struct Part {
    put: u64,
    refused: u64,
    problem: Option<String>,
    requests: Vec<u64>,
}

impl Produced {
    fn add(&mut self, other: Part) {
        self.put += other.put;
        for took in other.requests {
            self.took.add(took);
        }
        self.refused += other.refused;
        self.problem = self.problem.take().or(other.problem);
    }
}

/// Puts records until there are no more, until `end` or until told to stop; what is under way then is finished.
///
/// Records go one by one while that is fast enough, and together once they have to wait for each other. They are named
/// `NAME-0`, `NAME-1` and so on.
pub(super) async fn produce(
    producer: Arc<dyn Producer>,
    records: impl Iterator<Item = Due>,
    name: &str,
    span: (Instant, Instant),
    arrived: Arc<dyn Arrived>,
    mut wish: watch::Receiver<Wish>,
) -> Produced {
    let (begin, end) = span;
    let limits = producer.limits();
    let mut records = records.peekable();
    let mut produced = Produced::default();
    let free = Arc::new(Semaphore::new(AT_ONCE));
    let mut puts = JoinSet::new();
    while let Some(next) = records.peek() {
        let due = begin + next.at;
        tokio::select! {
            biased;
            _ = wish.wait_for(|wish| *wish > Wish::GoOn) => break,
            () = sleep_until(end), if Instant::now() >= end => {}
            () = sleep_until(due) => {}
        }
        let permit = tokio::select! {
            biased;
            _ = wish.wait_for(|wish| *wish > Wish::GoOn) => break,
            permit = free.clone().acquire_owned() => permit,
        };
        let Ok(permit) = permit else { break };
        if Instant::now() >= end {
            // What is left was due, or never will be.
            let left = records.by_ref();
            produced.unsent += left.take_while(|left| begin + left.at < end).count() as u64;
            break;
        }
        let batch = together(&mut records, limits, begin.elapsed(), name, produced.due);
        produced.due += batch.len() as u64;
        let now = begin.elapsed();
        for (at, _) in &batch {
            arrived.sending(*at);
            produced.lateness.add(millis(now.saturating_sub(*at)));
        }
        let (producer, arrived) = (producer.clone(), arrived.clone());
        puts.spawn(async move {
            let part = put(producer.as_ref(), batch, arrived.as_ref()).await;
            drop(permit);
            part
        });
        while let Some(part) = puts.try_join_next() {
            produced.add(part.unwrap_or_default());
        }
    }
    while let Some(part) = puts.join_next().await {
        produced.add(part.unwrap_or_default());
    }
    produced.due += produced.unsent;
    produced
}

/// Takes what is due, as much as one request takes.
fn together(
    records: &mut std::iter::Peekable<impl Iterator<Item = Due>>,
    limits: PutLimits,
    now: Duration,
    name: &str,
    number: u64,
) -> Vec<(Duration, NewRecord)> {
    let mut batch: Vec<(Duration, NewRecord)> = Vec::new();
    let mut bytes = 0;
    while batch.len() < limits.records {
        let fits = |next: &Due| {
            let size = next.key.len() + next.payload.len() + name.len() + 20;
            batch.is_empty() || (next.at <= now && bytes + size <= limits.bytes)
        };
        let Some(next) = records.next_if(fits) else {
            break;
        };
        let record = NewRecord::new(format!("{name}-{}", number + batch.len() as u64))
            .with_key(next.key)
            .with_payload(next.payload);
        bytes += record.size();
        batch.push((next.at, record));
    }
    batch
}

/// Puts records, and those again that are refused for a while.
async fn put(
    producer: &dyn Producer,
    mut batch: Vec<(Duration, NewRecord)>,
    arrived: &dyn Arrived,
) -> Part {
    let mut produced = Part::default();
    let mut wait = FIRST_WAIT;
    for attempt in 1..=TRIES {
        let records: Vec<NewRecord> = batch.iter().map(|(_, record)| record.clone()).collect();
        let sent = Instant::now();
        let results = producer.put(&records).await;
        produced.requests.push(millis(sent.elapsed()));
        let results = match results {
            Ok(results) => results,
            // Some may have been put: sent again they would be there twice.
            Err(error) => {
                produced.refused += batch.len() as u64;
                produced.problem.get_or_insert(error.message);
                return produced;
            }
        };
        let mut again = Vec::new();
        for ((at, record), result) in batch.into_iter().zip(results) {
            match result {
                Ok(id) => {
                    produced.put += 1;
                    arrived.arrived(at, id, record.payload.len());
                }
                Err(error) if attempt < TRIES && may_pass(&error) => again.push((at, record)),
                Err(error) => {
                    produced.refused += 1;
                    produced.problem.get_or_insert(error.message);
                }
            }
        }
        if again.is_empty() {
            break;
        }
        batch = again;
        sleep(wait).await;
        wait *= 2;
    }
    produced
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn may_pass(error: &SourceError) -> bool {
    matches!(
        error.kind,
        SourceErrorKind::Throttled | SourceErrorKind::Transient
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;

    /// Takes so long for each request, and keeps how many records came with it.
    struct Slow {
        takes: Duration,
        limit: usize,
        throttled: Mutex<u32>,
        requests: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Producer for Slow {
        fn limits(&self) -> PutLimits {
            PutLimits::new(self.limit, 1_000_000)
        }

        async fn put(
            &self,
            records: &[NewRecord],
        ) -> Result<Vec<Result<Arc<str>, SourceError>>, SourceError> {
            self.requests.lock().unwrap().push(records.len());
            sleep(self.takes).await;
            let mut throttled = self.throttled.lock().unwrap();
            if *throttled > 0 {
                *throttled -= 1;
                let error = SourceError::new(SourceErrorKind::Throttled, "slower");
                return Ok(vec![Err(error); records.len()]);
            }
            Ok(records.iter().map(|each| Ok(each.name.clone())).collect())
        }
    }

    /// What is known of records that are being put.
    #[derive(Default)]
    struct Seen {
        sending: Mutex<Vec<Duration>>,
        arrived: Mutex<Vec<(Duration, Arc<str>)>>,
    }

    impl Arrived for Seen {
        fn sending(&self, due: Duration) {
            self.sending.lock().unwrap().push(due);
        }

        fn arrived(&self, due: Duration, id: Arc<str>, _: usize) {
            let sending = self.sending.lock().unwrap();
            assert!(sending.contains(&due), "it was not told before it was put");
            self.arrived.lock().unwrap().push((due, id));
        }
    }

    fn every(step: Duration, count: u32) -> impl Iterator<Item = Due> {
        (0..count).map(move |number| Due {
            at: step * number,
            key: Arc::from("k"),
            payload: Bytes::from_static(b"{}"),
        })
    }

    async fn run(
        slow: Slow,
        step: Duration,
        count: u32,
        length: Duration,
    ) -> (Produced, Vec<usize>, usize) {
        let slow = Arc::new(slow);
        let seen = Arc::new(Seen::default());
        let begin = Instant::now();
        let (_go_on, wish) = watch::channel(Wish::GoOn);
        let records = every(step, count);
        let span = (begin, begin + length);
        let produced = produce(slow.clone(), records, "r", span, seen.clone(), wish).await;
        let requests = slow.requests.lock().unwrap().clone();
        let seen = seen.arrived.lock().unwrap().len();
        (produced, requests, seen)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_does_not_hold_up_the_next_record() {
        let slow = Slow {
            takes: Duration::from_millis(100),
            limit: 10,
            throttled: Mutex::new(0),
            requests: Mutex::default(),
        };
        let (produced, requests, seen) =
            run(slow, Duration::from_millis(10), 100, Duration::from_secs(1)).await;
        assert_eq!((produced.due, produced.put, seen), (100, 100, 100));
        assert_eq!(requests, vec![1; 100]);
        let lateness = produced.lateness.summary();
        assert!(lateness.max <= 2.0, "{lateness:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_producer_that_is_too_slow_tells_what_it_did_not_send() {
        let slow = Slow {
            takes: Duration::from_secs(1),
            limit: 1,
            throttled: Mutex::new(0),
            requests: Mutex::default(),
        };
        let (produced, _, seen) = run(
            slow,
            Duration::from_millis(1),
            10_000,
            Duration::from_secs(10),
        )
        .await;
        assert_eq!(produced.due, 10_000);
        assert_eq!(produced.put, 320, "32 at once, each a second, for 10 s");
        assert_eq!(produced.unsent, 10_000 - 320);
        assert_eq!(seen, 320);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_due_together_goes_together() {
        let slow = Slow {
            takes: Duration::from_millis(1),
            limit: 10,
            throttled: Mutex::new(0),
            requests: Mutex::default(),
        };
        let (produced, requests, _) = run(slow, Duration::ZERO, 25, Duration::from_secs(1)).await;
        assert_eq!(produced.put, 25);
        assert_eq!(requests, vec![10, 10, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_is_throttled_is_sent_again_and_then_given_up() {
        let slow = |throttled| Slow {
            takes: Duration::ZERO,
            limit: 10,
            throttled: Mutex::new(throttled),
            requests: Mutex::default(),
        };
        let second = Duration::from_secs(1);
        let (produced, requests, _) = run(slow(4), Duration::ZERO, 1, second).await;
        assert_eq!((produced.put, produced.refused, requests.len()), (1, 0, 5));
        let (produced, requests, _) = run(slow(9), Duration::ZERO, 1, second).await;
        assert_eq!((produced.put, produced.refused, requests.len()), (0, 1, 5));
        assert_eq!(produced.problem.as_deref(), Some("slower"));
    }
}
