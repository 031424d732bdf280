//! A sweep for a terminal.

use std::collections::BTreeMap;
use std::fmt::Display;

use lambda_esm_core::text::Plain;
use serde_json::Value;

use super::outcome::{
    ConfigurationReport, ConfigurationResult, Constraint, Recommendation, SweepReport, Verdict,
};
use super::wording::{bound, broken, changes_in_words, diff_lines, order, plain};
use crate::report::{Grid, figure_name, heading, shown_figure};
use crate::scenario::Metric;

/// How many configurations are shown unless all are asked for.
const SHOWN: usize = 20;
/// The narrowest and the widest that a text is made.
const WIDTHS: (usize, usize) = (60, 200);
/// Figures that each configuration is shown with, besides what it is ranked by.
const COLUMNS: [Metric; 5] = [
    Metric::Cost,
    Metric::P99,
    Metric::Age,
    Metric::Invocations,
    Metric::Concurrency,
];

/// Writes what came of a sweep for a terminal of so many columns: the recommended change first, then the best configurations,
/// 20 unless `all` are wanted, and what was refused. No text of the scenario can steer the terminal.
#[must_use]
pub fn text(report: &SweepReport, width: usize, all: bool) -> String {
    let width = width.clamp(WIDTHS.0, WIDTHS.1);
    let mut out = String::new();
    let mut title = Grid::new(width, 0);
    title.row(&[&report.name]);
    title.row(&[&summary(report)]);
    title.write(&mut out);
    out.push('\n');
    verdict(&mut out, report, width);
    table(&mut out, report, width, all);
    refused(&mut out, report, width);
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

/// Says what was tried.
pub(super) fn summary(report: &SweepReport) -> String {
    let count = |wanted: fn(&ConfigurationResult) -> bool| {
        let all = report.configurations.iter();
        all.filter(|one| wanted(&one.result)).count()
    };
    let mut parts = vec![format!(
        "{} configurations with seed {}",
        report.configurations.len(),
        report.seed
    )];
    let further = [
        (
            count(|result| matches!(result, ConfigurationResult::RuledOut { .. })),
            "ruled out",
        ),
        (
            count(|result| matches!(result, ConfigurationResult::Refused(_))),
            "refused",
        ),
        (
            count(|result| matches!(result, ConfigurationResult::Failed { .. })),
            "failed",
        ),
        (
            count(|result| matches!(result, ConfigurationResult::NotRun)),
            "not tried, as it was stopped",
        ),
    ];
    let further = further.into_iter().filter(|(count, _)| *count > 0);
    parts.extend(further.map(|(count, what)| format!("{count} {what}")));
    let (implied, asked): (Vec<&Constraint>, Vec<&Constraint>) =
        report.constraints.iter().partition(|one| one.implied);
    let asked = asked.iter().map(|one| bound(&one.expectation));
    let mut conditions: Vec<String> = asked.collect();
    if !implied.is_empty() {
        let names = implied
            .iter()
            .map(|one| figure_name(one.expectation.metric));
        let names = names.collect::<Vec<_>>().join(", ");
        conditions.push(format!("no more than today: {names}"));
    }
    format!(
        "{}; {}; {}",
        parts.join(", "),
        order(report.objective),
        conditions.join(", ")
    )
}

/// Says what to do, in sentences, the first of which is the verdict.
pub(super) fn advice(report: &SweepReport) -> Vec<String> {
    let of = |index: usize| match report.configurations.get(index) {
        Some(one) => configuration(one),
        None => String::new(),
    };
    match &report.verdict {
        Verdict::Change(change) => recommended(report, change),
        Verdict::Keep => vec![format!(
            "Leave it as it is: of {} configurations none is better by more than half a percent.",
            report.simulated
        )],
        Verdict::NothingFits { hardest, nearest } => {
            let mut sentences = vec!["Nothing fulfils the constraints.".to_owned()];
            if let Some(constraint) = report.constraints.get(*hardest) {
                sentences.push(format!(
                    "The hardest is {}: {} of {} configurations fulfil it.",
                    bound(&constraint.expectation),
                    constraint.fulfilled_by,
                    report.simulated
                ));
            }
            sentences.push(format!(
                "The nearest is {}, which breaks {}.",
                of(*nearest),
                ruled_out_by(report, *nearest)
            ));
            sentences
        }
        Verdict::Unknown => {
            vec!["Nothing can be said: the scenario itself was not simulated.".to_owned()]
        }
    }
}

fn recommended(report: &SweepReport, change: &Recommendation) -> Vec<String> {
    let mut sentences = vec![
        format!("Change {}.", changes_in_words(&change.changes)),
        format!("It buys: {}.", change.buys),
        seeds(report, change),
    ];
    if !change.left_out.is_empty() {
        let all = changes_in_words(&change.left_out);
        sentences.push(format!("The very best has {all}, which gets hardly more."));
    }
    sentences
}

/// Says whether a change holds with other seeds.
fn seeds(report: &SweepReport, change: &Recommendation) -> String {
    let metric = report.objective.metric;
    let name = figure_name(metric);
    let tried = change.seeds.len();
    if tried < 2 {
        return "It was not compared with other seeds, as the sweep was stopped.".to_owned();
    }
    if !change.holds {
        let failed = change.seeds.iter().filter(|check| !check.holds);
        let failed: Vec<String> = failed
            .map(|check| {
                let (before, after) = (check.before, check.after);
                let (before, after) = (shown_figure(metric, before), shown_figure(metric, after));
                let breaks = match broken(report, &check.broken) {
                    none if none.is_empty() => none,
                    some => format!(", breaks {some}"),
                };
                format!("seed {}: {name} {before} → {after}{breaks}", check.seed)
            })
            .collect();
        return format!(
            "It does not hold with {} of {tried} seeds, so chance is part of it: {}.",
            failed.len(),
            failed.join("; ")
        );
    }
    let ratios = change.seeds.iter().map(|check| check.after / check.before);
    let (least, most) = ratios.fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, most), ratio| (least.min(ratio), most.max(ratio)),
    );
    if !least.is_finite() || !most.is_finite() {
        return format!("It holds with all {tried} seeds.");
    }
    let (least, most) = (
        format!("{:.0} %", 100.0 * least),
        format!("{:.0} %", 100.0 * most),
    );
    let span = if least == most {
        least
    } else {
        format!("{least} to {most}")
    };
    format!("It holds with all {tried} seeds: the {name} is {span} of what it was.")
}

/// Says which configuration it is.
pub(super) fn configuration(one: &ConfigurationReport) -> String {
    match &one.name {
        Some(name) => format!("{name} ({})", changes_in_words(&one.changes)),
        None => changes_in_words(&one.changes),
    }
}

/// Says what a configuration breaks.
pub(super) fn ruled_out_by(report: &SweepReport, index: usize) -> String {
    let one = report.configurations.get(index);
    match one.map(|one| &one.result) {
        Some(ConfigurationResult::RuledOut { broken: all, .. }) => broken(report, all),
        _ => String::new(),
    }
}

fn verdict(out: &mut String, report: &SweepReport, width: usize) {
    let good = match &report.verdict {
        Verdict::Change(change) => change.holds,
        Verdict::Keep => true,
        Verdict::NothingFits { .. } | Verdict::Unknown => false,
    };
    let mut block = Grid::new(width, 0).first_column(3);
    for (place, sentence) in advice(report).iter().enumerate() {
        let mark = match (place, good) {
            (0, true) => "✓",
            (0, false) => "✗",
            _ => "",
        };
        block.row(&[&mark, sentence]);
    }
    block.write(out);
    let Verdict::Change(change) = &report.verdict else {
        return;
    };
    for diff in &change.mappings {
        heading(out, &diff.mapping);
        for line in diff_lines(&diff.before, &diff.after) {
            push_line(out, "  ", line);
        }
    }
    if !change.commands.is_empty() {
        heading(out, "In AWS");
        for command in &change.commands {
            // Not wrapped, so that it can be copied.
            push_line(out, "  ", command);
        }
    }
}

fn push_line(out: &mut String, indent: &str, line: impl Display) {
    out.push_str(indent);
    out.push_str(&Plain(line).to_string());
    out.push('\n');
}

/// The figures that are columns: what it is ranked by first.
pub(super) fn columns(report: &SweepReport) -> Vec<Metric> {
    let first = report.objective.metric;
    let others = COLUMNS.into_iter().filter(|metric| *metric != first);
    std::iter::once(first).chain(others).collect()
}

/// Returns what a configuration sets each parameter to.
pub(super) fn settings(report: &SweepReport, one: &ConfigurationReport) -> Vec<String> {
    let mut own: BTreeMap<&str, &Value> = BTreeMap::new();
    let all = report.configurations.iter().flat_map(|one| &one.changes);
    for change in all {
        own.entry(&change.parameter).or_insert(&change.from);
    }
    own.extend(
        one.changes
            .iter()
            .map(|change| (change.parameter.as_str(), &change.to)),
    );
    let of = |name: &String| {
        own.get(name.as_str())
            .map_or_else(String::new, |value| plain(value))
    };
    report.parameters.iter().map(of).collect()
}

/// Tells whether a configuration is the recommended change.
pub(super) fn is_recommended(report: &SweepReport, index: usize) -> bool {
    let one = report.configurations.get(index);
    match &report.verdict {
        Verdict::Change(change) => one.is_some_and(|one| one.changes == change.changes),
        _ => false,
    }
}

/// Says what is special about a configuration.
pub(super) fn remark(report: &SweepReport, index: usize) -> String {
    let named = report.configurations.get(index);
    let mut remarks: Vec<String> = named.and_then(|one| one.name.clone()).into_iter().collect();
    if index == 0 {
        remarks.push("as today".to_owned());
    }
    if is_recommended(report, index) {
        remarks.push("recommended".to_owned());
    }
    if report.trade_off.knee == Some(index) {
        remarks.push("front, knee".to_owned());
    } else if report.trade_off.front.contains(&index) {
        remarks.push("front".to_owned());
    }
    let breaks = ruled_out_by(report, index);
    if !breaks.is_empty() {
        remarks.push(format!("✗ {breaks}"));
    }
    remarks.join(", ")
}

fn table(out: &mut String, report: &SweepReport, width: usize, all: bool) {
    if report.ranking.is_empty() {
        return;
    }
    heading(out, "Configurations");
    let columns = columns(report);
    let mut grid = Grid::new(width, 2);
    let mut cells = vec![String::new()];
    cells.extend(report.parameters.iter().map(|name| in_words(name)));
    cells.extend(columns.iter().map(|metric| figure_name(*metric).to_owned()));
    cells.push(String::new());
    grid.row(&as_display(&cells));
    let most = if all { usize::MAX } else { SHOWN };
    for &index in report.ranking.iter().take(most) {
        let Some(one) = report.configurations.get(index) else {
            continue;
        };
        let rank = match one.result {
            ConfigurationResult::Fits { rank, .. } => rank.to_string(),
            _ => "✗".to_owned(),
        };
        let mut cells = vec![rank];
        cells.extend(settings(report, one));
        let figures = one.result.figures();
        cells.extend(columns.iter().map(|metric| {
            let value = figures.and_then(|figures| figures.get(metric));
            value.map_or_else(String::new, |value| shown_figure(*metric, *value))
        }));
        cells.push(remark(report, index));
        grid.row(&as_display(&cells));
    }
    grid.write(out);
    let hidden = report.ranking.len().saturating_sub(most);
    if hidden > 0 {
        push_line(out, "  ", format!("… and {hidden} more; --all shows them"));
    }
}

/// Splits a name between its words, so that a column need not be as wide: `Batch Size`.
pub(super) fn in_words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && words.ends_with(|last: char| last.is_ascii_lowercase()) {
            words.push(' ');
        }
        words.push(letter);
        if letter == '.' {
            words.push(' ');
        }
    }
    words
}

fn as_display(cells: &[String]) -> Vec<&dyn Display> {
    cells.iter().map(|cell| cell as &dyn Display).collect()
}

/// What the service would not take, and what could not be simulated: each reason once.
pub(super) fn reasons(report: &SweepReport) -> Vec<(String, Vec<usize>)> {
    let mut reasons: Vec<(String, Vec<usize>)> = Vec::new();
    for one in &report.configurations {
        let reason = match &one.result {
            ConfigurationResult::Refused(refusal) => {
                format!("{}: {}: {}", refusal.of, refusal.code, refusal.message)
            }
            ConfigurationResult::Failed { error } => error.clone(),
            _ => continue,
        };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, all)) => all.push(one.index),
            None => reasons.push((reason, vec![one.index])),
        }
    }
    reasons
}

fn refused(out: &mut String, report: &SweepReport, width: usize) {
    let reasons = reasons(report);
    if reasons.is_empty() {
        return;
    }
    heading(out, "Not simulated");
    let mut grid = Grid::new(width, 2);
    for (reason, all) in reasons {
        let first = all
            .first()
            .and_then(|&index| report.configurations.get(index));
        let first = first.map_or_else(String::new, configuration);
        grid.row(&[&format!("{} ×", all.len()), &reason, &format!("as {first}")]);
    }
    grid.write(out);
}
