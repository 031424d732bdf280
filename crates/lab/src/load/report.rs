//! From what was measured to the report.

use std::time::Duration;

use lambda_esm_engine::Engine;

use super::open_loop::Produced;
use super::steady::is_steady;
use super::test::{LoadTest, Measured};
use crate::recorder::kind_of;
use crate::report::{FunctionReport, MappingReport, Mode, Report, SourceReport};

/// What a producer must reach of what was due, to keep up.
const KEEPS_UP: f64 = 0.98;
/// How late half of the records may be sent, to be on time.
const ON_TIME_MS: f64 = 20.0;

impl LoadTest {
    /// Returns the report of what was measured.
    pub(super) fn report(&self, engine: &Engine, measured: Measured) -> Report {
        let scenario = &self.plan.scenario;
        let notes = self.notes(&measured);
        let Measured {
            recorded,
            mut unarrived,
            bytes,
            calls,
            begins,
            arrivals,
            ran,
            ..
        } = measured;
        let mut arrived = vec![0; scenario.sources.len()];
        let plans = scenario.mappings.iter().zip(recorded.mappings).enumerate();
        let mut mappings = Vec::new();
        for (place, (plan, mut mapping)) in plans {
            let others = unarrived[plan.source].min(mapping.records.processed);
            mapping.records.processed -= others;
            if kind_of(&scenario.sources[plan.source].kind).is_shared() {
                unarrived[plan.source] -= others;
            }
            let records = &mut mapping.records;
            records.waiting += records.lost;
            records.lost = 0;
            arrived[plan.source] = records.arrived;
            let uuid = self.uuids.get(place);
            let echo = uuid.and_then(|uuid| engine.get(*uuid).ok());
            let configuration = echo.and_then(|echo| serde_json::to_value(echo).ok());
            mappings.push(MappingReport {
                label: plan.label.clone(),
                source: scenario.sources[plan.source].name.clone(),
                function: scenario.functions[plan.function].name.clone(),
                configuration: configuration.unwrap_or_default(),
                ..mapping
            });
        }
        let functions = scenario.functions.iter().zip(recorded.functions);
        let functions = functions.map(|(function, seen)| FunctionReport {
            name: function.name.clone(),
            memory_mb: function.memory_mb,
            gb_seconds: seen.gb_seconds * f64::from(function.memory_mb) / 1024.0,
            ..seen
        });
        let sources = scenario.sources.iter().zip(arrived).zip(bytes).zip(calls);
        let sources = sources.map(|(((source, arrived), bytes), calls)| SourceReport {
            name: source.name.clone(),
            arn: source.arn.clone(),
            kind: kind_of(&source.kind).as_str(),
            arrived,
            bytes,
            call_time: Some(calls.call_time()),
            calls: calls.made,
            empty_reads: calls.empty,
            ..SourceReport::default()
        });
        let report = Report {
            name: scenario.name.clone(),
            mode: Mode::Measured,
            begins_ms: begins.millis(),
            arrivals_ms: millis(arrivals),
            ran_ms: millis(ran),
            answers: Vec::new(),
            expectations: Vec::new(),
            functions: functions.collect(),
            sources: sources.collect(),
            mappings,
            costs: Vec::new(),
            cost: 0.0,
            series: recorded.series,
            timelines: recorded.timelines,
            notes,
        };
        report.finish(&scenario.expectations, &scenario.prices)
    }

    fn notes(&self, measured: &Measured) -> Vec<String> {
        let scenario = &self.plan.scenario;
        let mut notes = Vec::new();
        if measured.is_cut_short {
            notes.push(
                "The test was ended before its time; figures are of what was seen.".to_owned(),
            );
        }
        for (place, source) in scenario.sources.iter().enumerate() {
            let name = &source.name;
            if let Some(Some(produced)) = measured.produced.get(place) {
                let took = self.plan.warm_up + measured.arrivals;
                notes.push(production(name, produced, took));
            } else {
                notes.push(format!(
                    "Nothing was put into {name} here: of its records there are neither latencies nor ages."
                ));
            }
            let strangers = measured.strangers.get(place).copied().unwrap_or_default();
            if strangers > 0 {
                notes.push(format!(
                    "{name} had {strangers} records of others; they were invoked with, and are in no figure of records."
                ));
            }
        }
        if measured.open > 0 && !measured.is_cut_short {
            notes.push(format!(
                "{} records were not processed within {} s after the last was due.",
                measured.open,
                scenario.drain.as_secs()
            ));
        }
        if !is_steady(&measured.windows) {
            notes.push(
                "No steady state was reached: in the last three windows the rate of processed records or their age \
                 differs by more than 10 %. A longer --warm-up or --duration shows whether it comes to rest."
                    .to_owned(),
            );
        }
        if !self.plan.warm_up.is_zero() {
            notes.push(format!(
                "The first {} s were warm-up, and are in no figure.",
                self.plan.warm_up.as_secs_f64()
            ));
        }
        notes.push(
            "Cold starts are part of durations. Costs are those of functions and of requests to queues, not of shards."
                .to_owned(),
        );
        notes
    }
}

/// Says how putting went.
fn production(name: &str, produced: &Produced, took: Duration) -> String {
    if let Some(problem) = &produced.problem {
        let refused = produced.refused;
        return format!(
            "{refused} of {} records were not put into {name}: {problem}",
            produced.due
        );
    }
    let seconds = took.as_secs_f64().max(1e-3);
    if !reaches(produced) {
        return format!(
            "The producer reached {:.0}/s of {:.0}/s in {name}: figures are of that.",
            produced.put as f64 / seconds,
            produced.due as f64 / seconds
        );
    }
    let (late, took) = (produced.lateness.summary(), produced.took.summary());
    let late = if late.p50 > ON_TIME_MS {
        format!(
            "half of the records were sent {} ms late or later, and ",
            late.p50
        )
    } else {
        String::new()
    };
    format!(
        "Putting is part of latencies: in {name} {late}a request took {} ms in the median, and {} ms at the 99th \
         percentile.",
        took.p50, took.p99
    )
}

/// Returns why no more could be put, if that was the case.
pub(super) fn producer_limit(produced: &[Option<Produced>]) -> Option<String> {
    let mut produced = produced.iter().flatten();
    let limited = produced.find(|each| !reaches(each))?;
    let reason = || {
        format!(
            "{} of {} records were sent in time",
            limited.put, limited.due
        )
    };
    Some(limited.problem.clone().unwrap_or_else(reason))
}

fn reaches(produced: &Produced) -> bool {
    produced.put as f64 >= produced.due as f64 * KEEPS_UP
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
