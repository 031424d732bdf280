//! What is lost or dead-lettered, and why?

use std::collections::BTreeMap;

use super::stated;
use crate::report::units::{count, counted, list, records, share};
use crate::report::{Answer, MappingReport, Report};
use crate::scenario::Metric;

/// Reasons that no on-failure destination is told of.
const UNTOLD: &str = "DestinationFailed";
const EARLY: &str = "BeforeStartingPosition";
const EXPIRED: &str = "RetentionExceeded";

pub(super) fn answer(report: &Report) -> Answer {
    let all = Totals::of(report);
    let stated = |metric| stated::holds(report, &[metric]).unwrap_or(false);
    let bad = all.dropped() > 0 && !stated(Metric::Drops)
        || all.dead_lettered() > 0 && !stated(Metric::DeadLetters);
    let unmatched = all.arrived > 0 && all.filtered == all.arrived;
    Answer {
        about: "losses",
        question: "What is lost or dead-lettered, and why?",
        answer: text(report, &all),
        good: !bad && all.lost == 0 && !unmatched,
    }
}

/// Of all mappings together.
#[derive(Default)]
struct Totals<'a> {
    arrived: u64,
    processed: u64,
    filtered: u64,
    waiting: u64,
    lost: u64,
    repeats: u64,
    dropped: BTreeMap<&'a str, u64>,
    dead_lettered: BTreeMap<&'a str, u64>,
}

impl<'a> Totals<'a> {
    fn of(report: &'a Report) -> Self {
        let mut all = Self::default();
        for records in report.mappings.iter().map(|each| &each.records) {
            add(&mut all.arrived, records.arrived);
            add(&mut all.processed, records.processed);
            add(&mut all.filtered, records.filtered);
            add(&mut all.waiting, records.waiting);
            add(&mut all.lost, records.lost);
            add(&mut all.repeats, records.repeats);
            for (reason, number) in &records.dropped {
                add(all.dropped.entry(reason).or_default(), *number);
            }
            for (reason, number) in &records.dead_lettered {
                add(all.dead_lettered.entry(reason).or_default(), *number);
            }
        }
        all
    }

    fn dropped(&self) -> u64 {
        sum(self.dropped.values())
    }

    fn dead_lettered(&self) -> u64 {
        sum(self.dead_lettered.values())
    }
}

/// Figures that are too large stay as large as they can be.
fn add(to: &mut u64, number: u64) {
    *to = to.saturating_add(number);
}

fn sum<'a>(numbers: impl Iterator<Item = &'a u64>) -> u64 {
    numbers.fold(0, |sum, number| sum.saturating_add(*number))
}

fn text(report: &Report, all: &Totals<'_>) -> String {
    if all.arrived == 0 {
        return "Nothing arrived, so nothing was lost.".to_owned();
    }
    let arrived = all.arrived as f64;
    let mut sentences = Vec::new();
    if all.lost > 0 {
        sentences.push(format!(
            "{} {} nowhere: neither processed, nor waiting, nor given up. That is a fault of this program.",
            records(all.lost),
            is_or_are(all.lost)
        ));
    }
    if all.dropped() > 0 {
        sentences.push(format!(
            "{} ({}) {} dropped{}, and nobody was told.",
            records(all.dropped()),
            share(all.dropped() as f64, arrived),
            was_or_were(all.dropped()),
            reasons(&all.dropped)
        ));
        if report.mappings.iter().any(could_be_told) {
            sentences.push("An on-failure destination would be.".to_owned());
        }
    }
    if all.dead_lettered() > 0 {
        sentences.push(format!(
            "{} ({}) {} dead-lettered{}.",
            records(all.dead_lettered()),
            share(all.dead_lettered() as f64, arrived),
            was_or_were(all.dead_lettered()),
            reasons(&all.dead_lettered)
        ));
    }
    if sentences.is_empty() {
        sentences.push(nothing_lost(all));
    } else {
        sentences.extend(most_of_it(report));
    }
    if all.filtered > 0 && all.filtered < all.arrived {
        sentences.push(format!(
            "{} ({}) matched no filter.",
            records(all.filtered),
            share(all.filtered as f64, arrived)
        ));
    }
    if all.waiting > 0 {
        let or = if all.waiting == 1 {
            "waited or was"
        } else {
            "waited or were"
        };
        sentences.push(format!(
            "{} {or} under way at the end.",
            records(all.waiting)
        ));
    }
    if all.repeats > 0 {
        sentences.push(format!(
            "Functions saw records again that they had processed before, {}: they should be idempotent.",
            counted(all.repeats, "time", "times")
        ));
    }
    sentences.join(" ")
}

fn nothing_lost(all: &Totals<'_>) -> String {
    if all.filtered == all.arrived {
        format!(
            "Nothing is lost, but nothing reached a function: none of the {} matched a filter.",
            records(all.arrived)
        )
    } else if all.processed == all.arrived && all.arrived > 1 {
        format!("Nothing: all {} were processed.", records(all.arrived))
    } else {
        format!(
            "Nothing: {} of {} {} processed.",
            count(all.processed),
            records(all.arrived),
            was_or_were(all.processed)
        )
    }
}

/// Names the mapping that gave up the most, if there are several.
fn most_of_it(report: &Report) -> Option<String> {
    let given_up = |each: &MappingReport| -> u64 {
        sum(each
            .records
            .dropped
            .values()
            .chain(each.records.dead_lettered.values()))
    };
    let total = report
        .mappings
        .iter()
        .map(given_up)
        .fold(0, u64::saturating_add);
    // The first of several that are equal.
    let most = report
        .mappings
        .iter()
        .rev()
        .max_by_key(|each| given_up(each))?;
    (report.mappings.len() > 1 && given_up(most) > 0).then(|| {
        if given_up(most) == total {
            format!("All of that is of `{}`.", most.label)
        } else {
            format!(
                "The most of that, {}, is of `{}`.",
                records(given_up(most)),
                most.label
            )
        }
    })
}

/// Tells whether an on-failure destination would have been told of what a mapping dropped.
fn could_be_told(mapping: &MappingReport) -> bool {
    let destination = &mapping.configuration["DestinationConfig"]["OnFailure"]["Destination"];
    let given_up = |reason: &String| !matches!(reason.as_str(), UNTOLD | EARLY | EXPIRED);
    destination.is_null() && mapping.records.dropped.keys().any(given_up)
}

/// Says why: one reason as part of the sentence, several as a list with the number of each.
fn reasons(of: &BTreeMap<&str, u64>) -> String {
    let mut sorted: Vec<_> = of.iter().filter(|(_, number)| **number > 0).collect();
    sorted.sort_by(|a, b| b.1.cmp(a.1));
    match sorted.as_slice() {
        [] => String::new(),
        [(reason, _)] => format!(" {}", in_words(reason)),
        several => {
            let parts: Vec<String> = several
                .iter()
                .map(|(reason, number)| format!("{} {}", count(**number), in_words(reason)))
                .collect();
            format!(" ({})", list(&parts))
        }
    }
}

/// Says a reason in words; one that has none stays as it is.
fn in_words(reason: &str) -> String {
    let words = match reason {
        "RetryAttemptsExhausted" => "after as many retries as MaximumRetryAttempts allows",
        "RecordAgeExceeded" => "for being older than MaximumRecordAgeInSeconds",
        "MaximumPayloadSizeExceeded" => "for being larger than an event may be",
        "SCHEMA_NOT_FOUND" => "for want of their schema",
        "DESERIALIZATION_ERROR" => "as they are not what their schema says",
        "RecordUnreadable" => "for being unreadable",
        "MaxReceiveCountExceeded" => "after as many receives as the queue's redrive policy allows",
        UNTOLD => "as their on-failure destination could not be reached",
        EARLY => "for having arrived before the mapping's starting position",
        EXPIRED => "as the stream kept them no longer",
        other => return format!("for {other}"),
    };
    words.to_owned()
}

fn is_or_are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

fn was_or_were(number: u64) -> &'static str {
    if number == 1 { "was" } else { "were" }
}
