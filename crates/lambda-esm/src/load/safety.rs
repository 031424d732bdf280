//! What is said before AWS itself is called.

use std::time::Duration;

use lambda_esm_lab::scenario::{Arrivals, Scenario, SourceKind};

use crate::config::Configuration;
use crate::failure::Failure;

/// How many rates a search may try, about.
const TRIED: f64 = 12.0;
/// The bytes of a request of SQS (pricing page of SQS).
const REQUEST_KB: u32 = 64;

/// Refuses a test that calls AWS itself, and says what it may cost, unless that is agreed to.
pub(super) fn check(
    configuration: &Configuration,
    scenario: &Scenario,
    is_search: bool,
    agreed: bool,
) -> Result<(), Failure> {
    let called = called(configuration);
    if called.is_empty() || agreed {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "this puts records into AWS itself: {}. It costs about {}; add --yes if that is meant, or set endpoints in {}",
        called.join(", "),
        cost(scenario, is_search),
        configuration.file.display()
    )))
}

#[cfg(feature = "aws")]
fn called(configuration: &Configuration) -> Vec<String> {
    let parties = crate::mixed_endpoints::MixedEndpoints::new(configuration);
    let mappings = configuration.mappings.iter();
    let mut called: Vec<String> = mappings
        .flat_map(|settings| parties.at_aws(&settings.mapping))
        .collect();
    called.sort_unstable();
    called.dedup();
    called
}

#[cfg(not(feature = "aws"))]
const fn called(_: &Configuration) -> Vec<String> {
    Vec::new()
}

/// Says what a test costs at most: each record put and invoked with by itself, for 100 ms.
fn cost(scenario: &Scenario, is_search: bool) -> String {
    let prices = &scenario.prices;
    let tried = if is_search { TRIED } else { 1.0 };
    let mut dollars = 0.0;
    let mut records = 0.0;
    for source in &scenario.sources {
        let arrivals = &source.workload.arrivals;
        let count: f64 = arrivals
            .iter()
            .map(|each| expected(each, scenario.duration))
            .sum();
        let count = count * tried;
        records += count;
        dollars += match source.kind {
            // Sent, received and deleted.
            SourceKind::Sqs { fifo: true, .. } => {
                3.0 * count * prices.sqs_fifo_million_requests / 1e6
            }
            SourceKind::Sqs { .. } => 3.0 * count * prices.sqs_million_requests / 1e6,
            _ => 0.0,
        };
        let memory = 128.0 / 1024.0;
        dollars +=
            count * (prices.lambda_million_requests / 1e6 + 0.1 * memory * prices.lambda_gb_second);
    }
    format!(
        "{dollars:.2} US dollars for {records:.0} records of at most {REQUEST_KB} KB, invoked with one by one for 100 ms each \
         ({}), beside what streams and tables charge for writes",
        prices.name
    )
}

/// Returns how many records arrive, about.
fn expected(arrivals: &Arrivals, duration: Duration) -> f64 {
    let seconds =
        |from: Duration, until: Duration| until.min(duration).saturating_sub(from).as_secs_f64();
    match arrivals {
        Arrivals::Constant { rate, span } | Arrivals::Poisson { rate, span } => {
            rate * seconds(span.from, span.until)
        }
        Arrivals::Bursts { count, every, span } => {
            let bursts = every.map_or(1.0, |every| {
                (seconds(span.from, span.until) / every.as_secs_f64().max(1e-3)).ceil()
            });
            *count as f64 * bursts
        }
        Arrivals::Daily { high, span, .. } => high * seconds(span.from, span.until),
        Arrivals::Ramp { from, to, span } => from.max(*to) * seconds(span.from, span.until),
        Arrivals::Times(times) => times.len() as f64,
        Arrivals::Counts { counts, .. } => counts.iter().sum::<u64>() as f64,
        Arrivals::Recorded(records) => records.len() as f64,
    }
}
