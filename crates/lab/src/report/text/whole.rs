//! The whole text.

use super::grid::{Grid, heading};
use super::mapping::mapping;
use super::tables::tables;
use crate::report::Report;
use crate::report::words::{came_about, expected, figure};

/// The narrowest and the widest that a text is made.
const WIDTHS: (usize, usize) = (60, 200);

/// Writes a report for a terminal of so many columns (from 60 to 200 are used; 100 and 80 read best): the answers first,
/// then expectations, each mapping, functions, sources, costs and notes. `✓` and `✗` mark what is good and what is not;
/// there is no colour. No text of the report can steer the terminal.
#[must_use]
pub fn text(report: &Report, width: usize) -> String {
    let width = width.clamp(WIDTHS.0, WIDTHS.1);
    let mut out = String::new();
    let mut title = Grid::new(width, 0);
    title.row(&[&report.name]);
    title.row(&[&came_about(report)]);
    title.write(&mut out);
    for answer in &report.answers {
        out.push('\n');
        let mut block = Grid::new(width, 0).first_column(3);
        block.row(&[&mark(answer.good), &answer.question]);
        block.row(&[&"", &answer.answer]);
        block.write(&mut out);
    }
    expectations(&mut out, report, width);
    for each in &report.mappings {
        mapping(&mut out, each, width);
    }
    tables(&mut out, report, width);
    if !report.notes.is_empty() {
        heading(&mut out, "Notes");
        let mut notes = Grid::new(width, 2).first_column(3);
        for note in &report.notes {
            notes.row(&[&"·", note]);
        }
        notes.write(&mut out);
    }
    out
}

fn expectations(out: &mut String, report: &Report, width: usize) {
    if report.expectations.is_empty() {
        return;
    }
    let broken = report
        .expectations
        .iter()
        .filter(|each| !each.holds)
        .count();
    match (broken, report.expectations.len()) {
        (0, 1) => heading(out, "The expectation holds"),
        (0, all) => heading(out, format!("All {all} expectations hold")),
        (broken, all) => heading(out, format!("Of {all} expectations {broken} broken")),
    }
    let mut grid = Grid::new(width, 2);
    for each in &report.expectations {
        let seen = figure(each.expectation.metric, each.seen);
        grid.row(&[&mark(each.holds), &expected(each), &format!("was {seen}")]);
    }
    grid.write(out);
}

fn mark(good: bool) -> &'static str {
    if good { "✓" } else { "✗" }
}
