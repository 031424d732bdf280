//! Runs a load test, once or until the highest rate is found that holds.

use lambda_esm_engine::Engine;
use tokio::sync::watch;

use super::open_loop::Wish;
use super::report::producer_limit;
use super::search::Search;
use super::test::{LoadProgress, LoadTest};
use crate::report::{Report, figure};
use crate::scenario::{Expectation, Metric};

/// What breaks a rate where nothing else is expected: records that wait for so long.
const OLDEST_MS: f64 = 10_000.0;

/// What a search found.
#[derive(Clone, Debug)]
pub struct Highest {
    /// The report at the highest rate that held; if none did, at the lowest that was tried.
    pub report: Report,
    /// What was found, in words.
    pub found: String,
    /// Whether any rate held.
    pub holds: bool,
}

/// A rate that was tried.
struct Trial {
    /// Records per second, of all sources together.
    rate: f64,
    report: Report,
}

impl LoadTest {
    /// Runs the test as its scenario says.
    pub async fn run(
        &self,
        engine: &Engine,
        wish: watch::Receiver<Wish>,
        progress: impl Fn(LoadProgress) + Send + Sync,
    ) -> Report {
        let measured = self.measure(1.0, 0, wish, &progress).await;
        self.report(engine, measured)
    }

    /// Searches the highest rate at which all holds that is expected, or else records wait less than 10 s, and no backlog
    /// grows: doubles it until something breaks, and bisects then within 5 %. Each rate is tried for the whole duration.
    ///
    /// Returns `None` if it is ended before the first rate was tried.
    pub async fn find_max(
        &self,
        engine: &Engine,
        wish: watch::Receiver<Wish>,
        progress: impl Fn(LoadProgress) + Send + Sync,
    ) -> Option<Highest> {
        let mut search = Search::new(1.0);
        let (mut held, mut lowest): (Option<Trial>, Option<Trial>) = (None, None);
        let mut above = String::from("no higher rate was tried");
        let mut phase = 0;
        while let Some(factor) = search.next() {
            let measured = self.measure(factor, phase, wish.clone(), &progress).await;
            if measured.is_cut_short {
                break;
            }
            phase += 2;
            let seconds = measured.arrivals.as_secs_f64().max(1e-3);
            let left = measured.open;
            let limit = producer_limit(&measured.produced);
            let report = self.report(engine, measured);
            let arrived: u64 = report.sources.iter().map(|source| source.arrived).sum();
            let rate = arrived as f64 / seconds;
            let trial = Trial { rate, report };
            match broken(&trial.report, &self.plan.scenario.expectations) {
                Some(why) => {
                    search.tried(false);
                    above = format!("at {rate:.0}/s {why}");
                    if held.is_none() {
                        lowest = Some(trial);
                    }
                }
                None => {
                    search.tried(true);
                    held = Some(trial);
                }
            }
            if arrived == 0 {
                above = "nothing arrived".to_owned();
                break;
            }
            if let Some(limit) = limit {
                above = format!("more could not be put: {limit}");
                break;
            }
            if left > 0 {
                above.push_str("; the search ended there, since records were left that would count with the next rate");
                break;
            }
        }
        let holds = held.is_some();
        let Trial { rate, report } = held.or(lowest)?;
        let found = if holds {
            format!("The highest rate that held is {rate:.0}/s; {above}.")
        } else {
            format!("No rate held: {above}.")
        };
        Some(Highest {
            report,
            found,
            holds,
        })
    }
}

/// Returns what of the expectations is broken, in words.
fn broken(report: &Report, expectations: &[Expectation]) -> Option<String> {
    let expected = report.expectations.iter().find(|each| !each.holds);
    if let Some(broken) = expected {
        let Expectation {
            metric,
            comparison,
            bound,
            ..
        } = &broken.expectation;
        let seen = broken.seen;
        let name = serde_json::to_value(metric).ok();
        let name = name
            .as_ref()
            .and_then(|name| name.as_str())
            .unwrap_or("a figure");
        return Some(format!("{name} was {seen:.0}, not {comparison} {bound:.0}"));
    }
    let oldest = figure(report, None, Metric::Age).unwrap_or_default();
    if expectations.is_empty() && oldest >= OLDEST_MS {
        return Some(format!("the oldest record waited {:.1} s", oldest / 1000.0));
    }
    // Judged as the report judges it, so that a rate that held is never said to be too much.
    let mut answers = report.answers.iter();
    let falls_behind = answers.any(|each| each.about == "keeps_up" && !each.good);
    falls_behind.then(|| "records arrived faster than they were processed".to_owned())
}
