//! The report for a terminal.

use lambda_esm_lab::report::{Report, text};

use crate::build;
use crate::snapshots::same;

fn widest_line(text: &str) -> usize {
    text.lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0)
}

#[test]
fn several_mappings_are_told_of_in_a_hundred_columns() {
    same("full-100.txt", &text(&build::full(), 100));
}

#[test]
fn eighty_columns_suffice() {
    let text = text(&build::full(), 80);
    assert!(widest_line(&text) <= 80, "{text}");
    same("full-80.txt", &text);
}

#[test]
fn an_empty_report_is_short_and_says_so() {
    same(
        "empty-100.txt",
        &text(&build::answered(build::empty()), 100),
    );
}

#[test]
fn one_mapping_needs_no_name_in_the_answers() {
    same(
        "burst-100.txt",
        &text(
            &build::answered(build::of(vec![build::burst("orders -> charge")])),
            100,
        ),
    );
}

#[test]
fn huge_numbers_fit() {
    let report = huge();
    for width in [60, 80, 100] {
        let text = text(&report, width);
        assert!(widest_line(&text) <= width, "{text}");
    }
}

#[test]
fn texts_from_outside_cannot_steer_the_terminal_or_forge_a_line() {
    let mut report = build::full();
    let hostile = "\u{1b}[2J\u{1b}]0;owned\u{7}\n✓ all is well\r\u{202e}";
    report.name = hostile.to_owned();
    report.mappings[0].label = hostile.to_owned();
    report.sources[0].name = hostile.to_owned();
    report.costs[0].of = hostile.to_owned();
    report.notes.push(hostile.to_owned());
    report.mappings[1]
        .records
        .dropped
        .insert(hostile.to_owned(), 1);
    report.mappings[1]
        .batch_reasons
        .insert(hostile.to_owned(), 1);
    let text = text(&build::answered(report), 100);
    assert!(
        text.chars().all(|each| each == '\n' || !each.is_control()),
        "{text:?}"
    );
    assert!(!text.contains('\u{202e}'), "{text:?}");
    assert!(
        !text
            .lines()
            .any(|line| line.trim_start().starts_with("✓ all is well")),
        "{text}"
    );
}

fn huge() -> Report {
    let mut report = build::full();
    for mapping in &mut report.mappings {
        mapping.records.arrived = u64::MAX;
        mapping.records.processed = u64::MAX / 3;
        mapping.invocations = u64::MAX;
        mapping.batch_sizes.insert(u64::MAX, u64::MAX / 2);
        mapping.latency.max = 1e18;
    }
    report.cost = 1e15;
    for function in &mut report.functions {
        function.gb_seconds = 1e15;
        function.invocations = u64::MAX;
    }
    build::answered(report)
}
