//! Writes a scenario.

use lambda_esm_core::mapping::{Arn, CreateEventSourceMapping};
use lambda_esm_lab::import::{Imported, ImportedFunction, ImportedSource};

use super::configuration::described;
use super::lines::{comment, head, mappings, scalar};
use crate::failure::Failure;

/// The shards that an on-demand stream begins with (Kinesis developer guide, "Choose the data stream capacity mode").
const ON_DEMAND_SHARDS: u32 = 4;

/// Writes the file. `name` is that of the template.
pub(super) fn write(name: &str, imported: &Imported) -> Result<String, Failure> {
    let mut out = String::new();
    head(&mut out, name, imported);
    out.push_str(&format!("\nname: {}\nduration: 1h\n", scalar(name)));
    out.push_str(&format!("region: {}\n", scalar(&imported.region)));
    out.push_str(&format!("account_id: {}\n", scalar(&imported.account_id)));
    sources(&mut out, imported);
    functions(&mut out, &imported.functions);
    mappings(&mut out, imported)?;
    Ok(out)
}

fn sources(out: &mut String, imported: &Imported) {
    out.push('\n');
    comment(
        out,
        0,
        "Every number of arrivals is an assumption: write how many records come, and how large they are.",
    );
    out.push_str("sources:\n");
    let mut names: Vec<String> = Vec::new();
    for source in &imported.sources {
        let name = name_of(source);
        if !is_read(source, imported) || names.contains(&name) {
            continue;
        }
        out.push_str(&format!("  {}:\n", scalar(&name)));
        for line in settings(source) {
            out.push_str(&format!("    {line}\n"));
        }
        if !is_servers(source) {
            out.push_str(&format!("    arn: {}\n", scalar(source.arn())));
        }
        out.push_str("    arrivals: 10/s          # assumed: replace it with the real rate\n");
        out.push_str("    size: 1KB               # assumed\n");
        if readers(source, imported).any(|request| request.filter_criteria.is_some()) {
            comment(
                out,
                4,
                "A mapping has filters, which filler hardly matches: write what comes, for example \
                 bodies: [{ payload: { kind: order }, weight: 3 }, { payload: { kind: other } }]",
            );
        }
        names.push(name);
    }
}

/// Tells whether a mapping reads the source.
fn is_read(source: &ImportedSource, imported: &Imported) -> bool {
    readers(source, imported).next().is_some()
}

/// Returns the mappings that read the source.
fn readers<'a>(
    source: &'a ImportedSource,
    imported: &'a Imported,
) -> impl Iterator<Item = &'a CreateEventSourceMapping> {
    let requests = imported.mappings.iter().map(|mapping| &mapping.request);
    requests.filter(move |request| match source {
        ImportedSource::Topic { topic, .. } => {
            request.topics.iter().flatten().any(|name| name == topic)
        }
        ImportedSource::BrokerQueue { queue, .. } => {
            request.queues.iter().flatten().any(|name| name == queue)
        }
        _ => request.event_source_arn.as_deref() == Some(source.arn()),
    })
}

const fn is_servers(source: &ImportedSource) -> bool {
    matches!(source, ImportedSource::Topic { .. })
}

/// Returns the name by which a scenario finds the source of a mapping.
fn name_of(source: &ImportedSource) -> String {
    match source {
        ImportedSource::Topic { topic, .. } => topic.clone(),
        ImportedSource::BrokerQueue { queue, .. } => queue.clone(),
        _ => {
            let arn = source.arn();
            Arn::parse(arn).map_or_else(|| arn.to_owned(), |arn| arn.resource_name().to_owned())
        }
    }
}

fn settings(source: &ImportedSource) -> Vec<String> {
    match source {
        ImportedSource::Queue {
            visibility_timeout_seconds,
            max_receive_count,
            ..
        } => {
            let visibility = visibility_timeout_seconds.filter(|seconds| *seconds > 0);
            let visibility = visibility.map(|seconds| format!("visibility_timeout: {seconds}s"));
            let receives = max_receive_count.map(|count| format!("max_receive_count: {count}"));
            std::iter::once("kind: sqs".to_owned())
                .chain(visibility)
                .chain(receives)
                .collect()
        }
        ImportedSource::KinesisStream {
            shards,
            on_demand,
            retention_hours,
            ..
        } => {
            let shards = match (shards, on_demand) {
                (Some(shards), _) => format!("shards: {shards}"),
                (None, true) => format!(
                    "shards: {ON_DEMAND_SHARDS}               # on demand: what it begins with"
                ),
                (None, false) => "shards: 1               # assumed".to_owned(),
            };
            let retention = retention_hours.map(|hours| format!("retention: {hours}h"));
            ["kind: kinesis".to_owned(), shards]
                .into_iter()
                .chain(retention)
                .collect()
        }
        ImportedSource::TableStream { .. } => {
            vec![
                "kind: dynamodb".to_owned(),
                "shards: 1               # assumed".to_owned(),
            ]
        }
        ImportedSource::Topic { partitions, .. } => {
            let partitions = match partitions {
                Some(partitions) => format!("partitions: {partitions}"),
                None => "partitions: 3           # assumed".to_owned(),
            };
            vec!["kind: kafka".to_owned(), partitions]
        }
        ImportedSource::BrokerQueue { engine, .. } => {
            let is_activemq = engine
                .as_deref()
                .is_some_and(|engine| engine.eq_ignore_ascii_case("ACTIVEMQ"));
            vec![format!(
                "kind: {}",
                if is_activemq { "activemq" } else { "rabbitmq" }
            )]
        }
        ImportedSource::DocumentDb { .. } => vec!["kind: documentdb".to_owned()],
    }
}

fn functions(out: &mut String, functions: &[ImportedFunction]) {
    out.push('\n');
    comment(
        out,
        0,
        "Every duration is an assumption: write how long the function takes.",
    );
    out.push_str("functions:\n");
    for function in functions {
        comment(out, 2, &described(function));
        out.push_str(&format!("  {}:\n", scalar(&function.name)));
        out.push_str(
            "    duration: 100ms         # assumed: for example { p50: 80ms, p99: 600ms }\n",
        );
        if let Some(timeout) = function.timeout_seconds {
            out.push_str(&format!("    timeout: {timeout}s\n"));
        }
        if let Some(memory) = function.memory_mb {
            out.push_str(&format!("    memory_mb: {memory}\n"));
        }
        if let Some(reserved) = function.reserved_concurrency {
            out.push_str(&format!("    reserved_concurrency: {reserved}\n"));
        }
    }
}
