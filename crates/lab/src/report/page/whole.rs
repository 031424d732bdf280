//! The page as a whole.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use sha2::{Digest as _, Sha256};

use super::charts::charts;
use super::mapping::mapping;
use super::tables::{costs, expectations, functions, mark, sentence, sources};
use super::timeline::{data, timeline};
use crate::report::Report;
use crate::report::words::came_about;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes a report as one page of HTML that needs nothing else: no network, no other file. It follows the reader's choice
/// of light or dark and of less motion, and reads on a phone, on paper and without colour.
///
/// Its content security policy allows the style and the script of the page by their hashes, and nothing else: no text of
/// the report could run as a script, even were it not escaped.
#[must_use]
pub fn html(report: &Report) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                // Without it a browser asks the server for an icon.
                link rel="icon" href="data:,";
                title { (report.name) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (body(report))
                (data(&report.timelines))
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    page.into_string()
}

fn policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

fn body(report: &Report) -> Markup {
    markup! {
        header {
            h1 { (report.name) }
            p.about { (came_about(report)) }
            @if report.mappings.len() > 1 {
                nav aria-label="Mappings" {
                    ul {
                        @for (at, each) in report.mappings.iter().enumerate() {
                            li { a href=(format!("#mapping-{at}")) { (each.label) } }
                        }
                    }
                }
            }
        }
        main {
            section aria-labelledby="answers" {
                h2 id="answers" { "In short" }
                div.answers {
                    @for each in &report.answers {
                        article.good[each.good].bad[!each.good] {
                            h3 { (mark(each.good)) " " (each.question) }
                            p { (sentence(&each.answer)) }
                        }
                    }
                }
            }
            @if !report.expectations.is_empty() { (expectations(report)) }
            @for at in 0..report.mappings.len() { (one_mapping(report, at)) }
            section aria-labelledby="totals" {
                h2 id="totals" { "Functions, sources and costs" }
                @if !report.functions.is_empty() { (functions(report)) }
                @if !report.sources.is_empty() { (sources(report)) }
                @if !report.costs.is_empty() { (costs(report)) }
            }
            @if !report.notes.is_empty() {
                section aria-labelledby="notes" {
                    h2 id="notes" { "Notes" }
                    ul { @for note in &report.notes { li { (sentence(note)) } } }
                }
            }
        }
    }
}

fn one_mapping(report: &Report, at: usize) -> Markup {
    let each = &report.mappings[at];
    let heading = format!("mapping-{at}");
    markup! {
        section.mapping aria-labelledby=(heading) {
            h2 id=(heading) { (each.label) }
            p.about { "from " code { (each.source) } " to " code { (each.function) } }
            @if let Some(series) = report.series.mappings.get(at) { (charts(series, report.series.step_ms)) }
            (mapping(each))
            @for (number, lanes) in report.timelines.iter().enumerate().filter(|(_, lanes)| lanes.mapping == each.label) {
                (timeline(number, lanes))
            }
        }
    }
}
