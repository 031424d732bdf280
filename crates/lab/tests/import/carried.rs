//! Every property is counted twice: in the text of the template, by its name alone, and in what comes of it.

use lambda_esm_lab::import::{Format, Imported, NotCarried};
use serde_json::Value;

use super::{imported, template};

/// Each template, what it is, and how many mappings it makes.
const TEMPLATES: [(&str, Format, usize); 17] = [
    ("sam-orders.yaml", Format::Sam, 2),
    ("sam-streams.yaml", Format::Sam, 4),
    ("sam-brokers.yaml", Format::Sam, 4),
    ("cfn-warehouse.json", Format::CloudFormation, 2),
    ("cfn-ledger.yaml", Format::CloudFormation, 3),
    ("cfn-imports.yaml", Format::CloudFormation, 5),
    ("cdk-checkout.template.json", Format::CloudFormation, 1),
    ("cdk-telemetry.template.json", Format::CloudFormation, 2),
    ("cdk-pipeline.template.json", Format::CloudFormation, 3),
    ("serverless-shop.yml", Format::Serverless, 3),
    ("serverless-streams.yml", Format::Serverless, 5),
    ("serverless-brokers.yml", Format::Serverless, 5),
    ("terraform-state.json", Format::Terraform, 2),
    ("terraform-plan.json", Format::Terraform, 3),
    ("terraform-modules.json", Format::Terraform, 5),
    ("cli-list.json", Format::Api, 3),
    ("cli-get.json", Format::Api, 1),
];

/// The names of settings in the API, in Terraform, and in the Serverless Framework where it has them.
const SETTINGS: [(&str, &str, &str); 36] = [
    ("BatchSize", "batch_size", "batchSize"),
    (
        "MaximumBatchingWindowInSeconds",
        "maximum_batching_window_in_seconds",
        "maximumBatchingWindow batchWindow",
    ),
    (
        "ParallelizationFactor",
        "parallelization_factor",
        "parallelizationFactor",
    ),
    ("StartingPosition", "starting_position", "startingPosition"),
    (
        "StartingPositionTimestamp",
        "starting_position_timestamp",
        "startingPositionTimestamp",
    ),
    (
        "MaximumRecordAgeInSeconds",
        "maximum_record_age_in_seconds",
        "maximumRecordAgeInSeconds",
    ),
    (
        "BisectBatchOnFunctionError",
        "bisect_batch_on_function_error",
        "bisectBatchOnFunctionError",
    ),
    (
        "MaximumRetryAttempts",
        "maximum_retry_attempts",
        "maximumRetryAttempts",
    ),
    (
        "TumblingWindowInSeconds",
        "tumbling_window_in_seconds",
        "tumblingWindowInSeconds",
    ),
    ("Enabled", "enabled", "enabled"),
    (
        "MaximumConcurrency",
        "maximum_concurrency",
        "maximumConcurrency",
    ),
    ("MinimumPollers", "minimum_pollers", ""),
    ("MaximumPollers", "maximum_pollers", ""),
    ("PollerGroupName", "poller_group_name", ""),
    (
        "FunctionResponseTypes",
        "function_response_types",
        "functionResponseType",
    ),
    ("FilterCriteria", "filter_criteria", "filterPatterns"),
    ("Pattern", "pattern", ""),
    ("KMSKeyArn KmsKeyArn", "kms_key_arn", ""),
    ("Metrics", "metrics", ""),
    ("SystemLogLevel", "system_log_level", ""),
    ("OnFailure", "on_failure", "onFailure"),
    ("Destination", "destination_arn", ""),
    ("Topics", "topics", "topic"),
    ("Queues", "queues", "queue"),
    ("ConsumerGroupId", "consumer_group_id", "consumerGroupId"),
    ("ConsumptionMode", "", ""),
    ("SchemaRegistryURI", "", ""),
    ("EventRecordFormat", "", ""),
    ("AccessConfigs", "", ""),
    ("SchemaValidationConfigs", "", ""),
    ("Attribute", "", ""),
    (
        "KAFKA_BOOTSTRAP_SERVERS KafkaBootstrapServers",
        "KAFKA_BOOTSTRAP_SERVERS",
        "bootstrapServers",
    ),
    ("DatabaseName", "database_name", "db"),
    ("CollectionName", "collection_name", "collection"),
    ("FullDocument", "full_document", "document"),
    (
        "SourceAccessConfigurations",
        "source_access_configuration",
        "",
    ),
];

/// What is carried and is not in the text by its name: a setting, how many, and where it comes from.
const SURPLUS: [(&str, &str, usize); 9] = [
    // `<<` repeats them, the framework sets them where the file does not, and one mapping is CloudFormation's.
    ("serverless-streams.yml", "BatchSize", 2),
    ("serverless-streams.yml", "ParallelizationFactor", 1),
    ("serverless-streams.yml", "StartingPosition", 2),
    ("serverless-streams.yml", "FunctionResponseTypes", 1),
    // The framework sets them.
    ("serverless-shop.yml", "BatchSize", 1),
    ("serverless-brokers.yml", "StartingPosition", 2),
    // Only the configuration of the plan has them, as references.
    ("terraform-plan.json", "Destination", 1),
    ("terraform-plan.json", "KMSKeyArn", 1),
    // The state is shown as Enabled or Disabled.
    ("cli-list.json", "Enabled", 3),
];

#[test]
fn every_template_is_told_by_its_content_and_all_its_mappings_are_found() {
    for (name, format, mappings) in TEMPLATES {
        let imported = imported(name, &[]);
        assert_eq!(imported.format, format, "{name}");
        assert_eq!(
            imported.mappings.len(),
            mappings,
            "{name}: {:#?}",
            imported.not_carried
        );
        assert!(
            imported
                .mappings
                .iter()
                .all(|mapping| mapping.origin.line > 0),
            "{name}"
        );
    }
}

#[test]
fn every_property_of_every_mapping_is_carried_or_listed() {
    let mut seen = 0;
    for (name, format, _) in TEMPLATES {
        let text = String::from_utf8(template(name)).unwrap();
        // Behind it, Terraform repeats what was planned.
        let text = text.split("\"configuration\"").next().unwrap();
        let imported = imported(name, &[]);
        let skips_unset = format == Format::Terraform;
        for (api, terraform, serverless) in SETTINGS {
            let spelled = match format {
                Format::Terraform => terraform,
                Format::Serverless => serverless,
                _ => api,
            };
            if spelled.is_empty() {
                continue;
            }
            let api = api.split(' ').next().unwrap();
            let written = lines_with(text, spelled, skips_unset);
            seen += written.len();
            // What a plan does not know yet has the line of its resource.
            let listed = |line: &usize| {
                imported
                    .not_carried
                    .iter()
                    .any(|found| found.line == *line || !skips_unset && covers(text, found, *line))
            };
            let expected = written.iter().filter(|line| !listed(line)).count();
            let surplus = SURPLUS
                .iter()
                .find(|(file, setting, _)| *file == name && *setting == api);
            let surplus = surplus.map_or(0, |(.., count)| *count);
            let carried = carried(&imported, api, skips_unset);
            // `State` becomes `Enabled` in a single mapping, too.
            let surplus = if name == "cli-get.json" && api == "Enabled" {
                1
            } else {
                surplus
            };
            assert_eq!(
                carried,
                expected + surplus,
                "{name}: {api} in lines {written:?}: {:#?}",
                imported.not_carried
            );
        }
    }
    assert!(seen > 250, "the templates have only {seen} properties");
}

/// Returns the lines in which one of the names is a key, once for each time.
fn lines_with(text: &str, names: &str, skips_unset: bool) -> Vec<usize> {
    let mut lines = Vec::new();
    // A value that is AWS::NoValue is none, and so is a destination without an ARN.
    let is_none = |line: &str| line.contains("AWS::NoValue") || line.contains("\"OnFailure\": {}");
    let lines_of_text = text.lines().enumerate();
    for (index, line) in lines_of_text.filter(|(_, line)| !is_none(line)) {
        for name in names.split(' ').filter(|name| !name.is_empty()) {
            for (at, _) in line.match_indices(name) {
                let before = line[..at].chars().next_back();
                let after = line[at + name.len()..].trim_start_matches('"');
                let is_key = after.starts_with(':')
                    && !before.is_some_and(|before| {
                        before.is_ascii_alphanumeric() || "_.:\\".contains(before)
                    });
                let value = after.trim_start_matches(':').trim().trim_end_matches(',');
                let is_unset = skips_unset && ["null", "0", "false", "\"\"", "[]"].contains(&value);
                if is_key && !is_unset {
                    lines.push(index + 1);
                }
            }
        }
    }
    lines
}

/// Tells whether what is listed is in a line, or the line in what is listed: all between is indented more.
fn covers(text: &str, found: &NotCarried, line: usize) -> bool {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '-']).len();
    let lines: Vec<&str> = text.lines().collect();
    let first = indent(lines[found.line - 1]);
    found.line == line
        || found.line < line
            && lines[found.line..line]
                .iter()
                .all(|line| line.trim().is_empty() || indent(line) > first)
}

/// Counts a key in all requests, but for values that are not known.
fn carried(imported: &Imported, key: &str, skips_unset: bool) -> usize {
    let requests = imported
        .mappings
        .iter()
        .map(|mapping| serde_json::to_value(&mapping.request).unwrap());
    requests
        .map(|request| count(&request, key, skips_unset))
        .sum()
}

fn count(value: &Value, key: &str, skips_unset: bool) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| count(item, key, skips_unset)).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| {
                let is_unset = skips_unset
                    && (value == &Value::from(0)
                        || value == &Value::from(false)
                        || value == &Value::from(""));
                let is_known = !value
                    .as_str()
                    .is_some_and(|text| text.contains("UNRESOLVED-"));
                usize::from(name == key && is_known && !is_unset) + count(value, key, skips_unset)
            })
            .sum(),
        _ => 0,
    }
}
