//! Functions, sources and costs.

use super::grid::{Grid, heading};
use crate::report::units::{bytes, count, decimal, duration, money};
use crate::report::{CostLine, FunctionReport, Report, SourceReport};

const INDENT: usize = 2;

pub(super) fn tables(out: &mut String, report: &Report, width: usize) {
    functions(out, &report.functions, width);
    sources(out, &report.sources, width);
    costs(out, report, width);
}

fn functions(out: &mut String, functions: &[FunctionReport], width: usize) {
    if functions.is_empty() {
        return;
    }
    heading(out, "Functions");
    let mut grid = Grid::new(width, INDENT);
    grid.figures(&[
        &"",
        &"memory",
        &"invocations",
        &"cold",
        &"throttles",
        &"others'",
        &"p50",
        &"p99",
        &"at most",
        &"GB-s",
    ]);
    for each in functions {
        grid.figures(&[
            &each.name,
            &format!("{} MB", count(each.memory_mb.into())),
            &count(each.invocations),
            &count(each.cold_starts),
            &count(each.throttles),
            &count(each.other_throttles),
            &duration(each.duration.p50),
            &duration(each.duration.p99),
            &count(each.max_concurrency),
            &decimal(each.gb_seconds, 1),
        ]);
    }
    grid.write(out);
}

fn sources(out: &mut String, sources: &[SourceReport], width: usize) {
    if sources.is_empty() {
        return;
    }
    heading(out, "Sources");
    let mut grid = Grid::new(width, INDENT);
    for each in sources {
        let calls: Vec<String> = each
            .calls
            .iter()
            .map(|(call, &times)| format!("{} {call}", count(times)))
            .collect();
        let calls = if calls.is_empty() {
            "no calls".to_owned()
        } else {
            calls.join(", ")
        };
        let took = each.call_time.as_ref().filter(|took| took.count > 0);
        let took = took.map_or_else(String::new, |took| {
            let (p50, p99) = (duration(took.p50), duration(took.p99));
            format!("; a call took {p50} (p50), {p99} (p99)")
        });
        let arrived = format!("{} records, {}", count(each.arrived), bytes(each.bytes));
        grid.row(&[
            &each.name,
            &each.kind,
            &arrived,
            &format!("{calls}; {} found nothing{took}", count(each.empty_reads)),
        ]);
    }
    grid.write(out);
}

fn costs(out: &mut String, report: &Report, width: usize) {
    if report.costs.is_empty() {
        return;
    }
    heading(out, "Costs");
    let mut grid = Grid::new(width, INDENT);
    for CostLine {
        of,
        unit,
        quantity,
        cost,
    } in &report.costs
    {
        grid.figures(&[
            of,
            &format!("{} {unit}", decimal(*quantity, 1)),
            &money(*cost),
        ]);
    }
    grid.figures(&[&"in all", &"", &money(report.cost)]);
    grid.write(out);
}
