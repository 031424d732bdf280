//! `lambda-esm check`: validates a configuration, and says what it will do.

use std::fmt::Write as _;
use std::path::PathBuf;

use lambda_esm_engine::simulated::{Behaviour, Runtime};
use serde_json::{Value, json};

use crate::config::{Backend, Configuration, FunctionSettings, MappingSettings, Problem};
use crate::failure::Failure;
use crate::output;

const EXAMPLES: &str = "\
Connects to nothing: whether queues and functions exist is told by `run`.

Examples:
  lambda-esm check my.yaml
  lambda-esm check --json my.yaml | jq .problems

Exit codes: 0 valid, 2 invalid, 64 wrong usage.";

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration file, YAML or JSON.
    config: PathBuf,
    /// Print one JSON object: `valid`, `problems`, and the effective settings.
    #[arg(long)]
    json: bool,
}

/// Checks a file.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match (Configuration::load(&args.config), args.json) {
        (Ok(configuration), true) => output::json(&described(&configuration)),
        (Ok(configuration), false) => output::line(&explained(&configuration)),
        (Err(problems), true) => {
            output::json(&refused(&problems))?;
            Err(Failure::Invalid(Vec::new()))
        }
        (Err(problems), false) => Err(Failure::Invalid(problems)),
    }
}

fn refused(problems: &[Problem]) -> Value {
    json!({ "valid": false, "problems": problems })
}

fn described(configuration: &Configuration) -> Value {
    let functions: serde_json::Map<String, Value> = configuration
        .functions
        .iter()
        .map(|function| (function.name.clone(), json!(runs(function))))
        .collect();
    let mappings: Vec<Value> = configuration
        .mappings
        .iter()
        .map(|settings| {
            json!({
                "line": settings.place.line,
                "request": settings.request,
                "explanation": settings.mapping.explain(),
                "notes": settings.notes,
            })
        })
        .collect();
    json!({
        "valid": true,
        "problems": [],
        "region": configuration.region,
        "account_id": configuration.account_id,
        "pacing": configuration.pacing,
        "filters": {
            "dialect": configuration.dialect.to_string(),
            "maximum": configuration.filter_limits.max_filters,
        },
        "drain_seconds": configuration.drain.as_secs_f64(),
        "decisions": decisions(configuration),
        "endpoints": endpoints(configuration),
        "functions": functions,
        "mappings": mappings,
    })
}

const fn decisions(configuration: &Configuration) -> &'static str {
    if configuration.detail {
        "detailed"
    } else {
        "brief"
    }
}

/// Says what the configuration comes to.
fn explained(configuration: &Configuration) -> String {
    let mut text = String::new();
    for (index, settings) in configuration.mappings.iter().enumerate() {
        text.push_str(&mapping(index, settings));
    }
    text.push_str("settings\n");
    let mut setting = |name: &str, value: &str| writeln!(text, "  {name:<14} {value}");
    let limits = configuration.filter_limits;
    let filters = format!(
        "{}, at most {} per mapping",
        configuration.dialect, limits.max_filters
    );
    let drain = format!("{} s at most", configuration.drain.as_secs_f64());
    // Writing to a string cannot fail.
    let _infallible = setting("region", &configuration.region)
        .and_then(|()| setting("account", &configuration.account_id))
        .and_then(|()| setting("pacing", &configuration.pacing.to_string()))
        .and_then(|()| setting("filters", &filters))
        .and_then(|()| setting("draining", &drain))
        .and_then(|()| setting("decisions", decisions(configuration)));
    text.push_str("endpoints\n");
    for (name, url) in endpoints(configuration) {
        text.push_str(&format!("  {name:<14} {url}\n"));
    }
    text.push_str("functions\n");
    for function in &configuration.functions {
        text.push_str(&format!("  {:<14} {}\n", function.name, runs(function)));
    }
    let count = configuration.mappings.len();
    text.push_str(&format!(
        "{}: valid, {count} mapping",
        configuration.file.display()
    ));
    if count != 1 {
        text.push('s');
    }
    text
}

fn mapping(index: usize, settings: &MappingSettings) -> String {
    let mut text = format!("mappings[{index}] (line {})\n", settings.place.line);
    for sentence in settings.mapping.explain() {
        text.push_str(&format!("  {sentence}\n"));
    }
    for note in &settings.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    text
}

/// Says what runs a function. Shows no secret.
fn runs(function: &FunctionSettings) -> String {
    match &function.backend {
        #[cfg(feature = "lambda-api")]
        Backend::LambdaApi(options) => {
            let place = options.endpoint.as_ref().map_or_else(
                || "the Lambda API at the endpoint above".to_owned(),
                |endpoint| format!("the Lambda API at {endpoint}"),
            );
            format!("{place}, waiting up to {} s", options.timeout.as_secs_f64())
        }
        Backend::Process(config) => format!(
            "the process `{}`, up to {} at a time, with a timeout of {} s",
            config.command.join(" "),
            config.concurrency,
            config.timeout.as_secs_f64()
        ),
        Backend::Http(http) => {
            format!(
                "POST {}, waiting up to {} s",
                http.url,
                http.timeout.as_secs_f64()
            )
        }
        Backend::Simulated(behaviour) => simulation(behaviour),
    }
}

fn simulation(behaviour: &Behaviour) -> String {
    let time = match behaviour.runtime {
        Runtime::Constant(time) => format!("takes {time:?}"),
        Runtime::Uniform(low, high) => format!("takes {low:?} to {high:?}"),
        Runtime::LogNormal { p50, p99 } => {
            format!("takes {p50:?} in the median and {p99:?} at the 99th percentile")
        }
    };
    let mut text = format!("simulated: {time}");
    for (what, rate) in [
        ("failing invocations", behaviour.error_rate),
        ("throttled invocations", behaviour.throttle_rate),
        ("failing records", behaviour.record_error_rate),
    ] {
        if rate > 0.0 {
            text.push_str(&format!(", {what} {}%", rate * 100.0));
        }
    }
    if let Some(limit) = behaviour.concurrency {
        text.push_str(&format!(", up to {limit} at a time"));
    }
    text
}

#[cfg(any(feature = "sqs", feature = "lambda-api"))]
fn endpoints(configuration: &Configuration) -> std::collections::BTreeMap<String, String> {
    let endpoints = &configuration.endpoints;
    let service = |name: &str| {
        let endpoint = endpoints.resolve(name, None);
        let real = || format!("AWS in {}", configuration.region);
        (
            name.to_owned(),
            endpoint.map_or_else(real, ToString::to_string),
        )
    };
    let arns = endpoints
        .arns
        .iter()
        .map(|(arn, url)| (arn.clone(), url.to_string()));
    ["sqs", "lambda"]
        .into_iter()
        .map(service)
        .chain(arns)
        .collect()
}

#[cfg(not(any(feature = "sqs", feature = "lambda-api")))]
fn endpoints(_: &Configuration) -> std::collections::BTreeMap<String, String> {
    [(
        "none".to_owned(),
        "this build calls no AWS service".to_owned(),
    )]
    .into()
}
