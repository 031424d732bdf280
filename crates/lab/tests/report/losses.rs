//! What is given up, lost or repeated, in words.

use std::collections::BTreeMap;

use lambda_esm_lab::report::{Records, answers};
use lambda_esm_lab::scenario::{Comparison, Metric};

use crate::answers::{LABEL, about, says, steady};
use crate::build;

#[test]
fn what_is_given_up_is_told_with_its_reason() {
    let given_up = |dead: &[(&str, u64)], dropped: &[(&str, u64)]| {
        let map = |of: &[(&str, u64)]| -> BTreeMap<String, u64> {
            of.iter()
                .map(|(reason, number)| ((*reason).to_owned(), *number))
                .collect()
        };
        let all: u64 = dead.iter().chain(dropped).map(|each| each.1).sum();
        build::of(vec![steady(|mapping, _| {
            mapping.records.processed -= all;
            (mapping.records.dead_lettered, mapping.records.dropped) = (map(dead), map(dropped));
        })])
    };
    says(
        &build::of(vec![build::steady(LABEL)]),
        "losses",
        true,
        &["Nothing: all 360,000 records were processed."],
    );
    says(&build::empty(), "losses", true, &["Nothing arrived"]);
    let dead = given_up(
        &[("RetryAttemptsExhausted", 360), ("RecordAgeExceeded", 36)],
        &[],
    );
    says(
        &dead,
        "losses",
        false,
        &[
            "396 records (0.11 %) were dead-lettered (360 after as many retries as MaximumRetryAttempts allows and 36 for being older than MaximumRecordAgeInSeconds).",
        ],
    );
    says(
        &given_up(&[], &[("RecordAgeExceeded", 1)]),
        "losses",
        false,
        &[
            "1 record (under 0.01 %) was dropped for being older than MaximumRecordAgeInSeconds, and nobody was told. An on-failure destination would be.",
        ],
    );
    let expired = answers(&given_up(&[], &[("RetentionExceeded", 2)]));
    assert_eq!(
        about(&expired, "losses").answer,
        "2 records (under 0.01 %) were dropped as the stream kept them no longer, and nobody was told."
    );
    says(
        &given_up(&[("Strange", 7)], &[]),
        "losses",
        false,
        &["7 records (under 0.01 %) were dead-lettered for Strange."],
    );
    let mut allowed = dead;
    allowed.expectations = vec![build::expect(
        Metric::DeadLetters,
        Comparison::AtMost,
        400.0,
        396.0,
        None,
    )];
    says(&allowed, "losses", true, &["396 records"]);
    allowed.expectations[0].expectation.metric = Metric::Lost;
    says(&allowed, "losses", false, &["396 records"]);
}

#[test]
fn what_is_nowhere_unmatched_or_repeated_is_told() {
    let with = |change: fn(&mut Records)| {
        build::of(vec![steady(|mapping, _| change(&mut mapping.records))])
    };
    let lost = with(|records| (records.lost, records.processed) = (1, 359_999));
    says(
        &lost,
        "losses",
        false,
        &["1 record is nowhere", "That is a fault of this program."],
    );
    let unmatched = with(|records| (records.filtered, records.processed) = (360_000, 0));
    says(
        &unmatched,
        "losses",
        false,
        &["nothing reached a function: none of the 360,000 records matched a filter."],
    );
    let some = with(|records| {
        (
            records.filtered,
            records.processed,
            records.waiting,
            records.repeats,
        ) = (9, 359_990, 1, 1);
    });
    says(
        &some,
        "losses",
        true,
        &[
            "Nothing: 359,990 of 360,000 records were processed.",
            "9 records (under 0.01 %) matched no filter.",
            "1 record waited or was under way at the end.",
            "1 time",
        ],
    );
    let mut report = build::of(vec![build::steady("a -> f"), build::failing("b -> g")]);
    says(&report, "losses", false, &["All of that is of `b -> g`."]);
    report.mappings[0]
        .records
        .dropped
        .insert("RecordAgeExceeded".to_owned(), 1);
    says(
        &report,
        "losses",
        false,
        &["The most of that, 490 records, is of `b -> g`."],
    );
}

#[test]
fn without_figures_over_time_what_is_left_tells() {
    let mut report = build::of(vec![build::behind(LABEL)]);
    report.series.mappings.clear();
    says(
        &report,
        "keeps_up",
        false,
        &["the backlog grows by 61,000 an hour"],
    );
    let mut report = build::of(vec![build::steady(LABEL)]);
    report.series.mappings.clear();
    says(&report, "keeps_up", true, &["steady state"]);
}
