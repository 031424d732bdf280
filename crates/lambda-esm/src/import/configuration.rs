//! Writes a configuration of the daemon.

use lambda_esm_lab::import::{Imported, ImportedFunction, ImportedSource};

use super::lines::{comment, head, mappings, place, scalar};
use crate::failure::Failure;

/// The most filters of a mapping without an increase of the quota (Lambda developer guide, "Lambda event filtering").
const USUAL_FILTERS: usize = 5;

/// Writes the file. `name` is that of the template.
pub(super) fn write(name: &str, imported: &Imported) -> Result<String, Failure> {
    let mut out = String::new();
    head(&mut out, name, imported);
    out.push_str(&format!("\nregion: {}\n", scalar(&imported.region)));
    out.push_str(&format!("account_id: {}\n", scalar(&imported.account_id)));
    let filters = imported.mappings.iter().filter_map(|mapping| {
        let criteria = mapping.request.filter_criteria.as_ref()?;
        Some(criteria.filters.as_ref()?.len())
    });
    let most = filters.max().unwrap_or_default();
    if most > USUAL_FILTERS {
        out.push_str(&format!("filters: {{ maximum: {most} }}\n"));
    }
    comment(
        &mut out,
        0,
        "state_dir: state          # keeps how far streams and topics were processed",
    );
    endpoints(&mut out, imported);
    secrets(&mut out, imported);
    functions(&mut out, &imported.functions);
    mappings(&mut out, imported)?;
    Ok(out)
}

/// Says where the sources are. Brokers and clusters of which AWS says nothing need an address, so one is assumed.
fn endpoints(out: &mut String, imported: &Imported) {
    out.push('\n');
    comment(
        out,
        0,
        "Where the sources are: AWS itself, unless an endpoint says otherwise.",
    );
    let needed: Vec<(&str, &str)> = imported.sources.iter().filter_map(address).collect();
    let is_read = |arn: &str| {
        imported
            .mappings
            .iter()
            .any(|mapping| mapping.request.event_source_arn.as_deref() == Some(arn))
    };
    let mut written: Vec<&str> = Vec::new();
    for (arn, url) in needed.into_iter().filter(|(arn, _)| is_read(arn)) {
        if written.contains(&arn) {
            continue;
        }
        if written.is_empty() {
            out.push_str("endpoints:\n");
            comment(out, 2, "aws: http://127.0.0.1:4566");
            out.push_str("  arns:\n");
            comment(
                out,
                4,
                "Assumed: replace each with the address of the broker or cluster.",
            );
        }
        written.push(arn);
        out.push_str(&format!("    {}: {url}\n", scalar(arn)));
    }
    if written.is_empty() {
        comment(out, 0, "endpoints:");
        comment(
            out,
            0,
            "  aws: http://127.0.0.1:4566   # or sqs: http://127.0.0.1:9324, kinesis: …, dynamodb: …",
        );
    }
}

/// Returns the ARN and an address of a source that must have one.
fn address(source: &ImportedSource) -> Option<(&str, &'static str)> {
    match source {
        ImportedSource::BrokerQueue { arn, engine, .. } => {
            let is_activemq = engine
                .as_deref()
                .is_some_and(|engine| engine.eq_ignore_ascii_case("ACTIVEMQ"));
            let url = if is_activemq {
                "activemq://127.0.0.1:5672"
            } else {
                "amqp://127.0.0.1:5672"
            };
            Some((arn, url))
        }
        ImportedSource::DocumentDb { arn, .. } => {
            Some((arn, "mongodb://127.0.0.1:27017/?directConnection=true"))
        }
        _ => None,
    }
}

/// Says where secrets could stand.
fn secrets(out: &mut String, imported: &Imported) {
    let mut arns: Vec<&str> = Vec::new();
    for mapping in &imported.mappings {
        for access in mapping
            .request
            .source_access_configurations
            .iter()
            .flatten()
        {
            let arn = access.uri.as_deref().unwrap_or_default();
            if arn.contains(":secretsmanager:") && !arns.contains(&arn) {
                arns.push(arn);
            }
        }
    }
    if arns.is_empty() {
        return;
    }
    out.push('\n');
    comment(
        out,
        0,
        "Secrets are asked of Secrets Manager, unless they stand here.",
    );
    comment(out, 0, "secrets:");
    for arn in arns {
        comment(
            out,
            0,
            &format!("  {}: {{ username: …, password: … }}", scalar(arn)),
        );
    }
}

fn functions(out: &mut String, functions: &[ImportedFunction]) {
    out.push('\n');
    comment(
        out,
        0,
        "Simulated: each only takes time. Replace by what runs the function, for example",
    );
    comment(
        out,
        0,
        "  backend: process, command: [python3, -m, awslambdaric, app.handler], timeout: 30   # a process of this machine",
    );
    comment(
        out,
        0,
        "  backend: lambda-api                                                                # AWS or an emulator",
    );
    out.push_str("functions:\n");
    for function in functions {
        let said = described(function);
        if !said.is_empty() {
            comment(out, 2, &said);
        }
        out.push_str(&format!(
            "  {}:\n    backend: simulated\n",
            scalar(&function.name)
        ));
        comment(out, 4, &replacement(function));
        out.push_str("    duration_ms: 100        # assumed\n");
        if let Some(concurrency) = function.reserved_concurrency.filter(|most| *most > 0) {
            out.push_str(&format!("    concurrency: {concurrency}\n"));
        }
    }
}

/// Says what the template says of a function.
pub(super) fn described(function: &ImportedFunction) -> String {
    let parts = [
        function.origin.as_ref().map(place),
        function
            .timeout_seconds
            .map(|seconds| format!("timeout {seconds} s")),
        function.memory_mb.map(|memory| format!("{memory} MB")),
        function.runtime.clone(),
        function.handler.clone(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        "Not in the template".to_owned()
    } else {
        parts.join(", ")
    }
}

/// Says what to write to run the function itself.
fn replacement(function: &ImportedFunction) -> String {
    let runtime = function.runtime.as_deref().unwrap_or_default();
    let handler = function.handler.as_deref().unwrap_or("app.handler");
    let command = if runtime.starts_with("nodejs") {
        format!("[npx, aws-lambda-ric, {handler}]")
    } else if runtime.starts_with("python") {
        format!("[python3, -m, awslambdaric, {handler}]")
    } else {
        "[PROGRAM, ARGUMENT]".to_owned()
    };
    let timeout = function.timeout_seconds.unwrap_or(3);
    format!("The real one: {{ backend: process, command: {command}, timeout: {timeout} }}")
}
