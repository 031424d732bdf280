//! A sweep as a page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use sha2::{Digest as _, Sha256};

use super::outcome::{ConfigurationResult, Recommendation, SweepReport, Verdict};
use super::plot::svg;
use super::text::{advice, columns, in_words, is_recommended, reasons, remark, settings, summary};
use super::wording::diff_lines;
use crate::report::{figure_name, shown_figure};

/// What looks as in reports, and what only sweeps have.
const STYLE: &str = concat!(
    include_str!("../report/page/page.css"),
    include_str!("page.css")
);

/// The most rows of the table, so that the page stays small.
const MOST_ROWS: usize = 500;

/// Writes what came of a sweep as one page of HTML that needs nothing else: the recommended change, the trade-off as a
/// picture, the best configurations, 500 at most. It has no script, and its content security policy allows none.
#[must_use]
pub fn html(report: &SweepReport) -> String {
    let style = format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(STYLE)));
    let policy = format!(
        "default-src 'none'; style-src {style}; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (report.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (report.name) }
                    p.about { (summary(report)) }
                }
                main {
                    (verdict(report))
                    (trade_off(report))
                    (table(report))
                    (refused(report))
                    @if !report.notes.is_empty() {
                        section aria-labelledby="notes" {
                            h2 id="notes" { "Notes" }
                            ul { @for note in &report.notes { li { (note) } } }
                        }
                    }
                }
            }
        }
    };
    page.into_string()
}

fn verdict(report: &SweepReport) -> Markup {
    let good = match &report.verdict {
        Verdict::Change(change) => change.holds,
        Verdict::Keep => true,
        Verdict::NothingFits { .. } | Verdict::Unknown => false,
    };
    let sentences = advice(report);
    let (first, rest) = match sentences.split_first() {
        Some((first, rest)) => (first.as_str(), rest),
        None => ("", [].as_slice()),
    };
    markup! {
        section aria-labelledby="answers" {
            h2 id="answers" { "In short" }
            div.answers {
                article.good[good].bad[!good] {
                    h3 {
                        @if good { span.mark.good role="img" aria-label="good" { "✓" } }
                        @else { span.mark.bad role="img" aria-label="not good" { "✗" } }
                        " " (first)
                    }
                    @for sentence in rest { p { (sentence) } }
                }
            }
            @if let Verdict::Change(change) = &report.verdict { (changed(change)) }
        }
    }
}

fn changed(change: &Recommendation) -> Markup {
    markup! {
        @for diff in &change.mappings {
            h3 { (diff.mapping) }
            pre.diff tabindex="0" {
                @for line in diff_lines(&diff.before, &diff.after) {
                    @match line.chars().next() {
                        Some('+') => ins { (line) },
                        Some('-') => del { (line) },
                        _ => (line),
                    }
                    "\n"
                }
            }
        }
        @if !change.commands.is_empty() {
            h3 { "In AWS" }
            pre.commands tabindex="0" { @for command in &change.commands { (command) "\n" } }
        }
    }
}

fn trade_off(report: &SweepReport) -> Markup {
    let [across, up] = report.trade_off.metrics.map(figure_name);
    markup! {
        @if let Some(picture) = svg(report) {
            section aria-labelledby="trade-off" {
                h2 id="trade-off" { "What there is to choose" }
                p.hint {
                    "Each point is a configuration: " (across) " to the right, " (up) " upwards. Discs fulfil the \
                     constraints, rings do not; of those on the line none is better in both. The square is today's, the \
                     triangle the recommended one."
                }
                figure.chart.trade tabindex="0" { (PreEscaped(picture)) }
            }
        }
    }
}

fn table(report: &SweepReport) -> Markup {
    let columns = columns(report);
    let shown = report.ranking.iter().take(MOST_ROWS);
    let hidden = report.ranking.len().saturating_sub(MOST_ROWS);
    markup! {
        section aria-labelledby="configurations" {
            h2 id="configurations" { "Configurations" }
            div.wide tabindex="0" role="region" aria-labelledby="configurations" {
                table.figures {
                    thead {
                        tr {
                            th scope="col" { "" }
                            @for name in &report.parameters { th scope="col" { (in_words(name)) } }
                            @for metric in &columns { th scope="col" { (figure_name(*metric)) } }
                            th.text scope="col" { "" }
                        }
                    }
                    tbody { @for &index in shown { (row(report, index)) } }
                }
            }
            @if hidden > 0 { p.hint { "and " (hidden) " more, which " code { "--json" } " tells" } }
        }
    }
}

fn row(report: &SweepReport, index: usize) -> Markup {
    let columns = columns(report);
    markup! {
        @if let Some(one) = report.configurations.get(index) {
            @let rank = match one.result { ConfigurationResult::Fits { rank, .. } => Some(rank), _ => None };
            tr.chosen[is_recommended(report, index)] {
                th scope="row" {
                    @match rank { Some(rank) => (rank), None => span.mark.bad role="img" aria-label="ruled out" { "✗" } }
                }
                @for value in settings(report, one) { td { (value) } }
                @for metric in &columns {
                    td {
                        @if let Some(value) = one.result.figures().and_then(|figures| figures.get(metric)) {
                            (shown_figure(*metric, *value))
                        }
                    }
                }
                td.why { (remark(report, index)) }
            }
        }
    }
}

fn refused(report: &SweepReport) -> Markup {
    let reasons = reasons(report);
    markup! {
        @if !reasons.is_empty() {
            section aria-labelledby="refused" {
                h2 id="refused" { "Not simulated" }
                ul { @for (reason, all) in &reasons { li { (all.len()) " × " (reason) } } }
            }
        }
    }
}
