//! `mappings list`: one line for each mapping.

use std::collections::HashMap;

use lambda_esm_core::text::plain;
use serde_json::{Value, json};

use super::find;
use crate::client::Client;
use crate::failure::Failure;
use crate::output;

/// Arguments of `list`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print the JSON of `ListEventSourceMappings`, all pages as one.
    #[arg(long)]
    json: bool,
}

const HEADINGS: [&str; 7] = [
    "UUID",
    "STATE",
    "SOURCE",
    "FUNCTION",
    "BATCH",
    "LAST RESULT",
    "PROBLEM",
];

pub(super) async fn run(client: &Client, args: &Args) -> Result<(), Failure> {
    let mappings = find::all(client).await?;
    if args.json {
        let all = json!({ "EventSourceMappings": mappings });
        return output::line(&format!("{all:#}"));
    }
    if mappings.is_empty() {
        return output::line(
            "no mappings yet; create one with `lambda-esm mappings create --source ARN --function NAME`",
        );
    }
    let status = client.get("/status").await?;
    let empty = Vec::new();
    let status: HashMap<&str, &Value> = status["mappings"]
        .as_array()
        .unwrap_or(&empty)
        .iter()
        .filter_map(|mapping| Some((mapping["uuid"].as_str()?, mapping)))
        .collect();
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(mappings.iter().map(|mapping| row(mapping, &status)));
    output::line(&table(&rows))
}

/// Returns the source as `service:name`, or as it is if it is no ARN. Of a table's stream that is the table, of
/// a Kinesis consumer `stream/consumer`.
pub(crate) fn short_source(source: &str) -> String {
    let parts: Vec<&str> = source.splitn(6, ':').collect();
    let ["arn", _, service, _, _, resource] = parts.as_slice() else {
        return source.to_owned();
    };
    let path: Vec<&str> = resource.split('/').collect();
    match (*service, path.as_slice()) {
        ("kinesis", ["stream", stream, "consumer", consumer]) => {
            let consumer = consumer.split(':').next().unwrap_or_default();
            format!("kinesis:{stream}/{consumer}")
        }
        ("kinesis" | "dynamodb", [_, name, ..]) => format!("{service}:{name}"),
        _ => format!("{service}:{resource}"),
    }
}

fn row(mapping: &Value, status: &HashMap<&str, &Value>) -> [String; 7] {
    let text = |value: &Value| match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => plain(text).into_owned(),
        other => other.to_string(),
    };
    let uuid = mapping["UUID"].as_str().unwrap_or_default();
    // One that came or went since the list was made has no status.
    let status = status.get(uuid).copied().unwrap_or(&Value::Null);
    let source = match &mapping["EventSourceArn"] {
        Value::Null => &status["source"],
        source => source,
    };
    let function = match &status["function"] {
        Value::Null => &mapping["FunctionArn"],
        function => function,
    };
    [
        &mapping["UUID"],
        &mapping["State"],
        source,
        function,
        &mapping["BatchSize"],
        &mapping["LastProcessingResult"],
        &status["problem"],
    ]
    .map(text)
}

/// Aligns all columns but the last.
fn table(rows: &[[String; 7]]) -> String {
    let mut widths = [0; 7];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 7]| {
        let cells = row.iter().zip(widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_shortened_to_service_and_name() {
        for (arn, short) in [
            ("arn:aws:sqs:us-east-1:000000000000:orders", "sqs:orders"),
            (
                "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
                "kinesis:clicks",
            ),
            (
                "arn:aws:kinesis:us-east-1:000000000000:stream/clicks/consumer/fast:1700000000",
                "kinesis:clicks/fast",
            ),
            (
                "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2024-01-01T00:00:00",
                "dynamodb:t",
            ),
            (
                "arn:aws:kafka:us-east-1:000000000000:cluster/c/1-2",
                "kafka:cluster/c/1-2",
            ),
        ] {
            assert_eq!(short_source(arn), short);
        }
        assert_eq!(short_source("broker:9092"), "broker:9092");
    }
}
