//! `lambda-esm filter test`: patterns and events in, verdicts out.

mod cases;
mod events;
mod patterns;
mod samples;
mod source;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use lambda_esm_filter::{Dialect, Explanation, Filters, Limits};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;
use source::{Seen, SourceChoice};

const EXAMPLES: &str = "\
An event matches if any of the patterns does. Without --event and --event-file, events are read from \
standard input: JSON values one after another, or one text per line.

Examples:
  lambda-esm filter test --pattern '{\"a\": [{\"prefix\": \"x\"}]}' --event '{\"a\": \"xyz\"}'
  lambda-esm filter test --pattern-file p.json --event-file events.jsonl --json
  lambda-esm filter test --source sqs --pattern '{\"body\": {\"n\": [{\"numeric\": [\">\", 1]}]}}' \\
      --event '{\"messageId\": \"1\", \"body\": \"{\\\"n\\\": 2}\"}'
  lambda-esm filter test --cases cases.jsonl
  lambda-esm filter test --pattern-file p.json --source sqs --samples messages.jsonl
  lambda-esm filter test --config my.yaml --samples recordings/*.jsonl

A line of a cases file is {\"pattern\": TEXT, \"event\": TEXT, \"match\": BOOL}, or \
{\"pattern\": TEXT, \"valid\": BOOL}; other members are ignored.

Samples that are records of a Lambda event, or of a recording, tell themselves which source they are of.

Exit codes: 0 done, whatever the verdicts; 1 a case disagrees; 2 or 78 an invalid configuration; 64 wrong usage or pattern.";

/// Arguments of `filter test`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// A filter pattern; repeat it for a set of filters.
    #[arg(short, long, value_name = "PATTERN", required_unless_present_any = ["pattern_file", "cases", "config"])]
    pattern: Vec<String>,
    /// A file with one pattern, or with a FilterCriteria object.
    #[arg(long, value_name = "FILE")]
    pattern_file: Option<PathBuf>,
    /// An event; repeat it for several.
    #[arg(short, long, value_name = "EVENT")]
    event: Vec<String>,
    /// A file of events: JSON values one after another, or one text per line.
    #[arg(long, value_name = "FILE")]
    event_file: Option<PathBuf>,
    /// Treat events as records of this kind of source, and decode their data as the service does.
    #[arg(long, value_enum)]
    source: Option<SourceChoice>,
    /// Which operators patterns may use.
    #[arg(
        long,
        default_value_t = Dialect::Lambda,
        value_parser = PossibleValuesParser::new(["lambda", "eventbridge"]).try_map(|name| name.parse::<Dialect>())
    )]
    dialect: Dialect,
    /// Count how many of these events match, and what each clause of a pattern loses: files of JSON lines, of a JSON
    /// array, of events as functions get them, or recordings of `run --record`.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["event", "event_file"])]
    samples: Vec<PathBuf>,
    /// Take the patterns, their dialect and the kind of source from the mappings of a configuration.
    #[arg(long, value_name = "FILE", requires = "samples", conflicts_with_all = ["pattern", "pattern_file", "source", "dialect"])]
    config: Option<PathBuf>,
    /// Of the configuration's mappings, take this one only, counted from 0.
    #[arg(long, value_name = "INDEX", requires = "config")]
    mapping: Option<usize>,
    /// Compare verdicts with a file of expected ones.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["pattern", "pattern_file", "event", "event_file", "source", "samples", "config"])]
    cases: Option<PathBuf>,
    /// Print one JSON object per event, or per disagreement, with the summary last.
    #[arg(long)]
    json: bool,
}

/// Tests patterns.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    if let Some(file) = &args.cases {
        return cases::run(file, args.dialect, args.json);
    }
    if !args.samples.is_empty() {
        return samples::run(args);
    }
    let patterns = patterns::read(&args.pattern, args.pattern_file.as_deref())?;
    let filters = Filters::compile(&patterns, args.dialect, Limits::default())
        .map_err(|error| Failure::Usage(format!("{}: {error}", error.service_message())))?;
    for event in events::read(&args.event, args.event_file.as_deref())? {
        let explanation = Seen::new(args.source, &event.text).explain(&filters);
        if args.json {
            output::json(&verdict(&event.name, &explanation))?;
        } else {
            output::line(&sentence(&event.name, &explanation))?;
        }
    }
    Ok(())
}

fn verdict(name: &str, explanation: &Explanation) -> Value {
    let mut verdict = json!({ "event": name });
    if let (Value::Object(verdict), Value::Object(explanation)) =
        (&mut verdict, explanation.to_json())
    {
        verdict.extend(explanation);
    }
    verdict
}

fn sentence(name: &str, explanation: &Explanation) -> String {
    if explanation.is_match() {
        return format!("{name}: match");
    }
    let reasons = explanation.to_string().replace('\n', "\n  ");
    format!("{name}: no match\n  {reasons}")
}
