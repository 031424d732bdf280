//! The four answers, for each kind of situation.

use lambda_esm_lab::report::{
    Answer, MappingReport, MappingSeries, Records, Report, Summary, answers,
};
use lambda_esm_lab::scenario::{Comparison, Metric};

use crate::build;

type Mapping = (MappingReport, MappingSeries);

pub(crate) const LABEL: &str = "orders -> charge";

/// Changes a mapping that keeps up.
pub(crate) fn steady(change: impl FnOnce(&mut MappingReport, &mut MappingSeries)) -> Mapping {
    let (mut mapping, mut series) = build::steady(LABEL);
    change(&mut mapping, &mut series);
    (mapping, series)
}

pub(crate) fn about<'a>(answers: &'a [Answer], about: &str) -> &'a Answer {
    answers.iter().find(|each| each.about == about).unwrap()
}

/// Asserts one answer about a report: whether it is good, and what it says.
pub(crate) fn says(report: &Report, question: &str, good: bool, parts: &[&str]) {
    let all = answers(report);
    let answer = about(&all, question);
    assert_eq!(answer.good, good, "{}", answer.answer);
    for part in parts {
        assert!(
            answer.answer.contains(part),
            "no {part:?} in: {}",
            answer.answer
        );
    }
}

pub(crate) fn none_processed(mapping: &mut MappingReport, series: &mut MappingSeries) {
    series.processed.fill(0);
    mapping.records.processed = 0;
    mapping.records.waiting = 360_000;
    mapping.latency = Summary::default();
    mapping.batch_sizes.clear();
}

#[test]
fn the_four_questions_stand_in_their_order() {
    let all = answers(&build::full());
    let order: Vec<_> = all.iter().map(|each| each.about).collect();
    assert_eq!(order, ["keeps_up", "latency", "cost", "losses"]);
    assert!(
        all.iter()
            .all(|each| each.question.ends_with('?') && each.answer.ends_with('.'))
    );
}

#[test]
fn each_situation_of_one_mapping_is_told_as_it_is() {
    let all_failing = steady(|mapping, series| {
        none_processed(mapping, series);
        mapping.errors = mapping.invocations;
    });
    let only_one_failing = steady(|mapping, series| {
        none_processed(mapping, series);
        (mapping.errors, mapping.invocations, mapping.records.arrived) = (1, 1, 1);
    });
    let throttled_away = steady(|mapping, series| {
        none_processed(mapping, series);
        (mapping.invocations, mapping.throttles) = (0, 5_856);
    });
    let never_invoked = steady(|mapping, series| {
        none_processed(mapping, series);
        mapping.invocations = 0;
    });
    let throttled = {
        let (mut mapping, series) = build::behind(LABEL);
        mapping.throttles = 10_000;
        (mapping, series)
    };
    let retrying = {
        let (mut mapping, series) = build::behind(LABEL);
        (mapping.errors, mapping.retries) = (15_000, 14_000);
        (mapping, series)
    };
    let reading_slowly = {
        let (mut mapping, series) = build::behind(LABEL);
        mapping.mean_concurrency = 1.5;
        (mapping, series)
    };
    let half_empty = {
        let (mut mapping, series) = build::behind(LABEL);
        mapping.batch_sizes = [(1, 1_000)].into();
        (mapping, series)
    };
    let drained_late = {
        let (mut mapping, series) = build::behind(LABEL);
        mapping.records = Records {
            arrived: 360_000,
            processed: 360_000,
            ..Records::default()
        };
        (mapping, series)
    };
    let undrained = {
        let (mut mapping, series) = build::burst(LABEL);
        mapping.records.processed -= 500;
        mapping.records.waiting = 500;
        (mapping, series)
    };
    let bursts = steady(|_, series| {
        for (at, each) in series.arrivals.iter_mut().enumerate() {
            *each = if at % 60 == 0 { 90_000 } else { 0 };
        }
    });
    let nothing = steady(|mapping, series| {
        *mapping = MappingReport {
            label: LABEL.to_owned(),
            ..MappingReport::default()
        };
        series.arrivals.fill(0);
    });
    let all_filtered = steady(|mapping, series| {
        none_processed(mapping, series);
        (mapping.records.filtered, mapping.records.waiting) = (360_000, 0);
    });
    let cases: Vec<(Mapping, bool, &[&str])> = vec![
        (
            build::steady(LABEL),
            true,
            &[
                "It keeps up, in a steady state: 100.0/s arrive and 100.0/s are processed.",
                "4.9 invocations ran at a time",
            ],
        ),
        (
            build::behind(LABEL),
            false,
            &[
                "It does not keep up: 100.0/s arrive and 83.1/s are processed; the backlog grows by 61,000 an hour.",
                "Its 5 batches at a time are the limit: an invocation takes 600 ms on average for 10 records",
                "a greater MaximumConcurrency",
                "At the end 60,720 records still wait.",
            ],
        ),
        (
            throttled,
            false,
            &[
                "The function's concurrency is the limit: 25 % of the tries to invoke it were throttled.",
            ],
        ),
        (
            retrying,
            false,
            &[
                "Failures hold it up: 50 % of the invocations failed, and 14,000 repeated what had failed",
            ],
        ),
        (
            reading_slowly,
            false,
            &["Neither failures nor concurrency is the limit (1.5 of at most 5"],
        ),
        (
            half_empty,
            false,
            &[
                "for 1 record,",
                "Batches hold 1 of at most 10 records: a batching window would fill them.",
            ],
        ),
        (drained_late, false, &["the backlog grows"]),
        (
            build::burst(LABEL),
            true,
            &[
                "It works off the burst: 200,000 records arrived within 15 s",
                "8 min 30 s",
                "only a burst",
            ],
        ),
        (
            undrained,
            false,
            &[
                "It does not work off the burst",
                "500 records still waited at the end.",
            ],
        ),
        (
            bursts,
            true,
            &["It works off the bursts: 360,000 records arrived in 4 bursts"],
        ),
        (nothing, false, &["Nothing arrived: nothing can be said."]),
        (
            all_failing,
            false,
            &["It processes nothing: 360,000 records arrived, and all 36,000 invocations failed."],
        ),
        (
            only_one_failing,
            false,
            &["It processes nothing: 1 record arrived, and its only invocation failed."],
        ),
        (
            throttled_away,
            false,
            &["all 5,856 tries to invoke the function were throttled"],
        ),
        (never_invoked, false, &["the function was never invoked"]),
        (all_filtered, true, &["It keeps up"]),
    ];
    for (mapping, good, parts) in cases {
        says(&build::of(vec![mapping]), "keeps_up", good, parts);
    }
}

#[test]
fn a_backlog_that_a_batching_window_gathers_does_not_grow() {
    let sawtooth = steady(|mapping, series| {
        mapping.configuration["MaximumBatchingWindowInSeconds"] = 300.into();
        for (at, each) in series.backlog.iter_mut().enumerate() {
            *each = (at as u64 % 20) * 1_500;
        }
    });
    says(
        &build::of(vec![sawtooth]),
        "keeps_up",
        true,
        &[
            "steady state",
            "At most 28,500 records waited, after 5 min.",
        ],
    );
}

#[test]
fn a_run_of_few_steps_tells_nothing_of_a_steady_state() {
    let mut report = build::of(vec![build::steady(LABEL)]);
    (report.arrivals_ms, report.ran_ms) = (15_000, 15_000);
    let series = &mut report.series.mappings[0];
    for figures in [
        &mut series.arrivals,
        &mut series.processed,
        &mut series.backlog,
    ] {
        figures.truncate(1);
    }
    says(
        &report,
        "keeps_up",
        true,
        &["arrived within 15 s", "This was only a burst"],
    );
}

#[test]
fn of_several_mappings_the_worst_is_named() {
    let report = build::of(vec![
        build::steady("a -> f"),
        build::behind("b -> g"),
        build::steady("c -> h"),
    ]);
    says(
        &report,
        "keeps_up",
        false,
        &["Of 3 mappings 2 keep up. `b -> g` does not keep up: 100.0/s arrive"],
    );
    says(
        &report,
        "latency",
        false,
        &[
            "Latest are those of `b -> g`",
            "they hold for 1 h of arrivals only",
        ],
    );
    let mut nothing = build::steady("c -> h");
    nothing.0.records = Records::default();
    let report = build::of(vec![
        build::steady("a -> f"),
        build::steady("b -> g"),
        nothing,
    ]);
    says(
        &report,
        "keeps_up",
        true,
        &["All 3 mappings keep up. (For 1 of them nothing arrived.) The fullest: `a -> f`"],
    );
    let report = build::of(vec![build::behind("a -> f"), build::behind("b -> g")]);
    says(
        &report,
        "keeps_up",
        false,
        &["None of the 2 mappings keeps up. The worst: `a -> f`"],
    );
}

#[test]
fn latency_is_told_with_what_makes_it() {
    let windowed = steady(|mapping, _| {
        mapping.configuration["MaximumBatchingWindowInSeconds"] = 2.into();
    });
    says(
        &build::of(vec![windowed]),
        "latency",
        true,
        &[
            "Half of the records are processed within 810 ms of their arrival, 99 in 100 within 2.7 s; the slowest took 6.3 s.",
            "at most 5.6 s old",
            "an invocation takes 600 ms on average, and batches wait up to 2 s for more records",
        ],
    );
    let unprocessed = steady(none_processed);
    says(
        &build::of(vec![unprocessed]),
        "latency",
        false,
        &[
            "Nothing was processed",
            "The oldest record that was not settled was 5.6 s old.",
        ],
    );
    let mut report = build::of(vec![build::steady(LABEL)]);
    report.expectations = vec![build::expect(
        Metric::P99,
        Comparison::Less,
        1_000.0,
        2_700.0,
        None,
    )];
    says(&report, "latency", false, &["2.7 s"]);
}

#[test]
fn cost_is_told_for_a_day_only_where_the_load_goes_on() {
    let bill = |mut report: Report| {
        report.costs = vec![
            build::cost("charge", "GB-seconds", 10_800.0, 0.3),
            build::cost("orders", "requests", 1.0, 0.1),
        ];
        report.cost = 0.4;
        report
    };
    let steady = bill(build::of(vec![build::steady(LABEL)]));
    says(
        &steady,
        "cost",
        true,
        &[
            "$0.400 for 1 h of arrivals, which makes $9.60 a day and $288.00 in 30 days if it goes on so; $1.11 for a million processed records.",
            "75 %, is for GB-seconds of `charge`",
        ],
    );
    let burst = bill(build::of(vec![build::burst(LABEL)]));
    says(
        &burst,
        "cost",
        true,
        &[
            "$0.400 for 1 h of arrivals; $2.00 for a million",
            "depends on how often",
        ],
    );
    says(
        &build::of(vec![build::steady(LABEL)]),
        "cost",
        true,
        &["Nothing that has a price was used."],
    );
    let mut dear = steady;
    dear.expectations = vec![build::expect(
        Metric::CostPerDay,
        Comparison::Less,
        1.0,
        9.6,
        None,
    )];
    says(&dear, "cost", false, &[]);
}
