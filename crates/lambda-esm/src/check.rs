//! `lambda-esm check`: validates a configuration, and says what it will do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lambda_esm_api::Auth;
use lambda_esm_core::mapping::Source;
use lambda_esm_core::pacing::Pacing;
use lambda_esm_core::queue::ShareGroupRetries;
use lambda_esm_core::text::url;
use lambda_esm_engine::EngineOptions;
use lambda_esm_engine::simulated::{Behaviour, Runtime};
use serde_json::{Value, json};

use crate::config::{Backend, Configuration, FunctionSettings, MappingSettings, Problem};
use crate::failure::Failure;
use crate::traps;
use crate::warnings;
use crate::{check_scenario, output};

const EXAMPLES: &str = "\
Connects to nothing: whether queues, streams and functions exist is told by `run`. Endpoints and the region may \
come from the file, the environment or the AWS profile; who named each is told, and so are mappings that mix AWS \
itself with what stands in for it. Warnings are about settings that are legal, and do what hardly anybody wants: \
traps, with a way out and where that is written. They change no exit code.

Examples:
  lambda-esm check my.yaml
  lambda-esm check template.yaml         SAM, CloudFormation, CDK, serverless.yml, Terraform; or a scenario
  lambda-esm check --json my.yaml | jq .problems
  lambda-esm check --json my.yaml | jq '.mappings[].traps'

Exit codes: 0 valid, 2 invalid, 64 wrong usage.";

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The configuration, scenario or template, YAML or JSON.
    config: PathBuf,
    /// Print one JSON object: `valid`, `problems`, and the effective settings.
    #[arg(long)]
    json: bool,
}

/// Checks a file.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut read = Configuration::load(&args.config);
    if read.is_err()
        && let Some(other) = check_scenario::read(&args.config)
    {
        match other {
            Ok(checked) => return checked.tell(args.json),
            Err(problems) => read = Err(problems),
        }
    }
    match (read, args.json) {
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
        .map(|function| (function.name.clone(), json!(runs(configuration, function))))
        .collect();
    let mappings: Vec<Value> = configuration
        .mappings
        .iter()
        .zip(traps::of(configuration))
        .map(|(settings, traps)| {
            json!({
                "line": settings.location.line,
                "request": settings.request,
                "explanation": settings.mapping.explain(),
                "notes": notes(configuration, settings),
                "traps": traps,
            })
        })
        .collect();
    let options = &configuration.options;
    json!({
        "valid": true,
        "problems": [],
        "region": options.region,
        "region_origin": configuration.region_origin,
        "notes": configuration.notes,
        "warnings": warnings(configuration),
        "account_id": options.account_id,
        "role_arn": options.role_arn,
        "pacing": options.pacing,
        "share_group_retries": options.share_group_retries,
        "filters": {
            "dialect": options.dialect.to_string(),
            "maximum": options.filter_limits.max_filters,
        },
        "drain_seconds": options.drain_limit.as_secs_f64(),
        "decisions": decisions(options),
        "state_dir": configuration.state_dir,
        "record": configuration.record.as_ref().map(|record| json!({
            "folder": record.folder,
            "payloads": record.payloads,
            "redact": record.redaction.paths(),
            "limit_mb": record.limit / 1_000_000,
        })),
        "api": configuration.api.as_ref().map(|api| api.listen.to_string()),
        "endpoints": endpoints(configuration),
        "endpoint_origins": endpoint_origins(configuration),
        "functions": functions,
        "mappings": mappings,
    })
}

fn warnings(configuration: &Configuration) -> Vec<String> {
    warnings::of(configuration, warnings::most_files())
}

fn state(configuration: &Configuration) -> String {
    let mappings = &configuration.mappings;
    match &configuration.state_dir {
        Some(folder) => format!("kept in {}", folder.display()),
        None if mappings.iter().any(MappingSettings::is_stream) => {
            "in memory, gone with the process: streams are then read from their StartingPosition again; \
             add `state_dir: state` to keep positions"
                .to_owned()
        }
        None if mappings.iter().any(MappingSettings::has_group_by_uuid) => {
            "in memory, gone with the process: consumer groups that are named by a mapping's UUID are then others, \
             and begin at the StartingPosition again; add `state_dir: state`, or a ConsumerGroupId to the mapping"
                .to_owned()
        }
        None => "in memory, gone with the process".to_owned(),
    }
}

fn recording(configuration: &Configuration) -> String {
    let Some(record) = &configuration.record else {
        return "none; add `record: { folder: recordings }` to keep what sources deliver"
            .to_owned();
    };
    let what = match record.redaction.paths() {
        _ if !record.payloads => "times, sizes and pseudonyms of keys".to_owned(),
        [] => "whole records".to_owned(),
        paths => format!("records without {}", paths.join(", ")),
    };
    let (folder, limit) = (record.folder.display(), record.limit / 1_000_000);
    format!("{what}, into {folder}, at most {limit} MB for each mapping")
}

fn api(configuration: &Configuration) -> String {
    match &configuration.api {
        Some(api) => {
            let who = match api.auth {
                Auth::None => "for every process of this machine",
                Auth::SigV4 { .. } => "for requests signed with a configured key",
                Auth::Bearer { .. } => "for clients with the token",
                _ => "for clients that authenticate",
            };
            format!("http://{}, {who}", api.listen)
        }
        None => "none; add `api: {}` to manage mappings over HTTP".to_owned(),
    }
}

const fn decisions(options: &EngineOptions) -> &'static str {
    if options.detail { "detailed" } else { "brief" }
}

/// Says what the configuration comes to.
fn explained(configuration: &Configuration) -> String {
    let mut text = String::new();
    let mappings = configuration.mappings.iter().zip(traps::of(configuration));
    for (index, (settings, traps)) in mappings.enumerate() {
        text.push_str(&mapping(index, settings, &notes(configuration, settings)));
        text.extend(traps.iter().map(traps::lines));
    }
    let options = &configuration.options;
    let (dialect, limits) = (options.dialect, options.filter_limits);
    let mut settings = vec![
        (
            "region",
            format!("{}, from {}", options.region, configuration.region_origin),
        ),
        ("account", options.account_id.clone()),
        ("role", options.role_arn.clone()),
        ("pacing", pacing(configuration)),
        (
            "filters",
            format!("{dialect}, at most {} per mapping", limits.max_filters),
        ),
        (
            "draining",
            format!("{} s at most", options.drain_limit.as_secs_f64()),
        ),
        ("decisions", decisions(options).to_owned()),
        ("state", state(configuration)),
        ("recording", recording(configuration)),
        ("api", api(configuration)),
    ];
    settings.extend(share_groups(configuration).map(|says| ("share groups", says.to_owned())));
    let functions = configuration.functions.iter();
    let functions =
        functions.map(|function| (function.name.as_str(), runs(configuration, function)));
    let mut endpoints = endpoints(configuration);
    for (name, origin) in endpoint_origins(configuration) {
        if let Some(endpoint) = endpoints.get_mut(&name) {
            endpoint.push_str(&format!(", from {origin}"));
        }
    }
    let endpoints = endpoints
        .iter()
        .map(|(name, url)| (name.as_str(), url.clone()));
    text.push_str(&table("settings", settings.into_iter()));
    for note in &configuration.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    for warning in warnings(configuration) {
        text.push_str(&format!("  warning: {warning}\n"));
    }
    text.push_str(&table("endpoints", endpoints));
    text.push_str(&table("functions", functions));
    let (file, count) = (configuration.file.display(), configuration.mappings.len());
    let plural = if count == 1 { "" } else { "s" };
    text.push_str(&format!("{file}: valid, {count} mapping{plural}"));
    text
}

/// Says what the pacing means. The sentences about mappings speak of the service's own rates and scaling.
fn pacing(configuration: &Configuration) -> String {
    let pacing = configuration.options.pacing;
    let (what, patience) = match pacing {
        Pacing::Aws => ("by the service's documented rates and scaling", "2 minutes"),
        _ => (
            "as fast as the source allows, not by the service's rates and scaling",
            "1 s",
        ),
    };
    let mut mappings = configuration.mappings.iter();
    if mappings.any(|settings| settings.tumbling_window().is_some()) {
        format!(
            "{pacing}: {what}; a tumbling window of a quiet shard ends {patience} after its time"
        )
    } else {
        format!("{pacing}: {what}")
    }
}

/// Says what `MaximumRetryAttempts` counts in Queue mode, if a mapping has that. The sentences about mappings speak of the
/// default.
fn share_groups(configuration: &Configuration) -> Option<&'static str> {
    let mut mappings = configuration.mappings.iter();
    let in_queue_mode = |settings: &MappingSettings| matches!(&settings.mapping.source, Source::Kafka(kafka) if kafka.is_queue());
    if !mappings.any(in_queue_mode) {
        return None;
    }
    Some(match configuration.options.share_group_retries {
        ShareGroupRetries::Total => {
            "total: MaximumRetryAttempts counts the deliveries of a record, whose failed batch is not retried during one"
        }
        _ => "in_poller: MaximumRetryAttempts counts invocations during each delivery of a record",
    })
}

fn table<'a>(title: &str, rows: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut text = format!("{title}\n");
    for (name, value) in rows {
        text.push_str(&format!("  {name:<15} {value}\n"));
    }
    text
}

fn mapping(index: usize, settings: &MappingSettings, notes: &[String]) -> String {
    let mut text = format!("mappings[{index}] (line {})\n", settings.location.line);
    for sentence in settings.mapping.explain() {
        text.push_str(&format!("  {sentence}\n"));
    }
    for note in notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    text
}

/// Returns what has no effect in a mapping, and whether it mixes AWS with what stands in for it.
#[cfg_attr(
    not(feature = "aws"),
    expect(unused_variables, reason = "nothing is mixed without AWS clients")
)]
fn notes(configuration: &Configuration, settings: &MappingSettings) -> Vec<String> {
    let notes = settings.notes.iter().cloned();
    #[cfg(feature = "aws")]
    let notes = notes
        .chain(crate::mixed_endpoints::MixedEndpoints::new(configuration).of(&settings.mapping));
    notes.collect()
}

/// Says what runs a function. Shows no secret.
#[cfg_attr(
    not(feature = "lambda-api"),
    expect(unused_variables, reason = "only the Lambda API has endpoints")
)]
fn runs(configuration: &Configuration, function: &FunctionSettings) -> String {
    match &function.backend {
        #[cfg(feature = "lambda-api")]
        Backend::LambdaApi(options) => {
            let endpoint = options.endpoint.as_ref().map(ToString::to_string);
            let place = endpoint.or_else(|| endpoints(configuration).remove("lambda"));
            let place = place.unwrap_or_default();
            let alone = place.ends_with("/invocations").then_some(1);
            let mut text = format!("the Lambda API at {place}");
            text.push_str(&at_a_time(options.concurrency.or(alone)));
            if let Some(wait) = options.timeout {
                text.push_str(&format!(", waiting up to {} s", wait.as_secs_f64()));
            }
            text
        }
        Backend::Process(config) => format!(
            "the process `{}`, up to {} at a time, with a timeout of {} s",
            config.command.join(" "),
            config.concurrency,
            config.timeout.as_secs_f64()
        ),
        Backend::Http(http) => {
            format!(
                "POST {}{}, waiting up to {} s",
                url(&http.url),
                at_a_time(http.most_at_a_time()),
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
        other => format!("takes {other:?}"),
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
    text.push_str(&at_a_time(behaviour.concurrency));
    text
}

fn at_a_time(concurrency: Option<usize>) -> String {
    concurrency.map_or_else(String::new, |most| format!(", up to {most} at a time"))
}

/// Says where each service is, and each resource that has an endpoint of its own.
#[cfg(feature = "aws")]
fn endpoints(configuration: &Configuration) -> BTreeMap<String, String> {
    let endpoints = &configuration.endpoints;
    let real = format!("AWS in {}", configuration.options.region);
    let services = crate::config::called_services().map(|names| {
        let endpoint = endpoints.of_services(names);
        let place = endpoint.map_or_else(|| real.clone(), |(endpoint, _)| endpoint.to_string());
        (names[0].to_owned(), place)
    });
    let arns = endpoints.arns.iter();
    let arns = arns.map(|(arn, url)| (arn.clone(), url.to_string()));
    #[cfg(feature = "kafka")]
    let arns = arns.chain(
        configuration
            .kafka
            .clusters
            .iter()
            .map(|(arn, address)| (arn.clone(), address.to_string())),
    );
    services.chain(arns).collect()
}

/// Says who named the endpoints.
#[cfg(feature = "aws")]
fn endpoint_origins(configuration: &Configuration) -> BTreeMap<String, String> {
    let endpoints = &configuration.endpoints;
    let services = crate::config::called_services().filter_map(|names| {
        let (_, origin) = endpoints.of_services(names)?;
        Some((names[0].to_owned(), origin))
    });
    let arns = endpoints.arns.keys();
    #[cfg(feature = "kafka")]
    let arns = arns.chain(configuration.kafka.clusters.keys());
    let arns = arns.map(|arn| (arn.clone(), "endpoints.arns".to_owned()));
    services.chain(arns).collect()
}

#[cfg(not(feature = "aws"))]
fn endpoints(_: &Configuration) -> BTreeMap<String, String> {
    [(
        "none".to_owned(),
        "this build calls no AWS service".to_owned(),
    )]
    .into()
}

#[cfg(not(feature = "aws"))]
const fn endpoint_origins(_: &Configuration) -> BTreeMap<String, String> {
    BTreeMap::new()
}
