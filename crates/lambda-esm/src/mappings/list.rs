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

const HEADINGS: [&str; 8] = [
    "UUID",
    "STATE",
    "SOURCE",
    "FUNCTION",
    "BATCH",
    "LAG",
    "LAST RESULT",
    "PROBLEM",
];

/// The column of what only topics have.
const LAG: usize = 5;

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
    let has_topics = mappings.iter().any(is_topic);
    output::line(&table(&rows, |column| has_topics || column != LAG))
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
        // A broker's name and its ID; a cluster's name.
        ("mq" | "rds", _) => {
            let name = resource.split(':').nth(1).unwrap_or(resource);
            format!("{service}:{name}")
        }
        _ => format!("{service}:{resource}"),
    }
}

/// Tells whether a source, by its ARN or its bootstrap servers, is a Kafka cluster.
pub(crate) fn is_kafka(source: &str) -> bool {
    let mut parts = source.split(':');
    parts.next() != Some("arn") || parts.nth(1) == Some("kafka")
}

fn is_topic(mapping: &Value) -> bool {
    !mapping["Topics"].is_null()
}

/// Returns what a mapping reads of its cluster or broker, which has many such; `None` of one that reads its source whole.
fn part(mapping: &Value) -> Option<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let documents = &mapping["DocumentDBEventSourceConfig"];
    let database = text(&documents["DatabaseName"]).map(|database| {
        text(&documents["CollectionName"])
            .map_or_else(|| database.clone(), |name| format!("{database}.{name}"))
    });
    let topic = text(&mapping["Topics"][0]);
    topic.or_else(|| text(&mapping["Queues"][0])).or(database)
}

fn row(mapping: &Value, status: &HashMap<&str, &Value>) -> [String; 8] {
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
    let source = match (part(mapping), source) {
        (Some(part), Value::String(whole)) => &json!(format!("{part} of {whole}")),
        _ => source,
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
        &status["activity"]["sum_offset_lag"],
        &mapping["LastProcessingResult"],
        &status["problem"],
    ]
    .map(text)
}

/// Aligns all columns but the last, of those that are shown.
fn table(rows: &[[String; 8]], is_shown: impl Fn(usize) -> bool) -> String {
    let mut widths = [0; 8];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 8]| {
        let cells = row.iter().zip(widths).enumerate();
        let cells = cells.filter(|(column, _)| is_shown(*column));
        let cells = cells.map(|(_, (cell, width))| format!("{cell:<width$}"));
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
            (
                "arn:aws:mq:us-east-1:000000000000:broker:shop:b-1234",
                "mq:shop",
            ),
            (
                "arn:aws:rds:us-east-1:000000000000:cluster:docs",
                "rds:docs",
            ),
        ] {
            assert_eq!(short_source(arn), short);
        }
        assert_eq!(short_source("broker:9092"), "broker:9092");
    }
    #[test]
    fn a_mapping_is_listed_with_its_part_of_the_source() {
        let source = "arn:aws:mq:r:0:broker:b:1";
        let shown = |members: Value| {
            let mut mapping = json!({ "UUID": "1", "EventSourceArn": source });
            let members = members.as_object().unwrap().clone();
            mapping.as_object_mut().unwrap().extend(members);
            row(&mapping, &HashMap::new())[2].clone()
        };
        let documents = |config: Value| shown(json!({ "DocumentDBEventSourceConfig": config }));
        assert_eq!(shown(json!({})), source);
        assert_eq!(
            shown(json!({ "Queues": ["jobs"] })),
            format!("jobs of {source}")
        );
        assert_eq!(
            documents(json!({ "DatabaseName": "shop" })),
            format!("shop of {source}")
        );
        assert_eq!(
            documents(json!({ "DatabaseName": "shop", "CollectionName": "orders" })),
            format!("shop.orders of {source}")
        );
    }

    #[test]
    fn a_topic_is_listed_with_its_cluster_and_its_lag() {
        let topic =
            json!({ "UUID": "1", "State": "Enabled", "Topics": ["orders"], "BatchSize": 100 });
        let queue = json!({ "UUID": "2", "State": "Enabled", "EventSourceArn": "arn:aws:sqs:r:0:q",
            "BatchSize": 10 });
        let of_topic = json!({ "source": "b-1:9092", "function": "f",
            "activity": { "sum_offset_lag": 7, "max_offset_lag": 4 } });
        let status = HashMap::from([("1", &of_topic)]);
        let row = row(&topic, &status);
        let shown = [
            "1",
            "Enabled",
            "orders of b-1:9092",
            "f",
            "100",
            "7",
            "-",
            "-",
        ];
        assert_eq!(row, shown);
        assert!(is_topic(&topic) && !is_topic(&queue));
        let text = table(&[HEADINGS.map(str::to_owned)], |column| column != LAG);
        let headings = "UUID  STATE  SOURCE  FUNCTION  BATCH  LAST RESULT  PROBLEM";
        assert_eq!(text, headings, "no topic, no lag");
    }
}
