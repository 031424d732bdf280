//! What is written can be read again, and means the same.

use std::path::{Path, PathBuf};

use lambda_esm_lab::import::{ImportSettings, Imported, import};

use super::scenario;
use crate::scenario::ScenarioFile;

/// Imports every template.
fn templates() -> Vec<(String, Imported)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../lab/tests/templates");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    assert!(paths.len() >= 17, "{paths:?}");
    let imported = paths.into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let imported = import(&std::fs::read(&path).unwrap(), &ImportSettings::new());
        (name, imported.unwrap())
    });
    imported.collect()
}

fn words(problems: &[crate::config::Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[cfg(all(
    feature = "sqs",
    feature = "kinesis",
    feature = "dynamodb",
    feature = "kafka",
    feature = "rabbitmq",
    feature = "activemq",
    feature = "documentdb",
    feature = "sns",
    feature = "s3"
))]
#[test]
fn every_configuration_loads_and_has_the_same_mappings() {
    for (name, imported) in templates() {
        let text = super::configuration::write(&name, &imported).unwrap();
        let read = crate::config::Configuration::parse("lambda-esm.yaml", &text);
        let read = read.unwrap_or_else(|problems| panic!("{name}:\n{}\n{text}", words(&problems)));
        let mappings: Vec<_> = read
            .mappings
            .iter()
            .map(|read| read.request.clone())
            .collect();
        let expected: Vec<_> = imported
            .mappings
            .iter()
            .map(|found| found.request.clone())
            .collect();
        assert_eq!(mappings, expected, "{name}");
        assert_eq!(read.options.region, imported.region, "{name}");
        assert_eq!(read.functions.len(), imported.functions.len(), "{name}");
    }
}

#[test]
fn every_scenario_loads_and_has_the_same_mappings() {
    for (name, imported) in templates() {
        let text = scenario::write(&name, &imported).unwrap();
        let read = ScenarioFile::parse(Path::new("scenario.yaml"), &text);
        let read = read.unwrap_or_else(|problems| panic!("{name}:\n{}\n{text}", words(&problems)));
        let plans = &read.scenario.mappings;
        let mappings: Vec<_> = plans.iter().map(|plan| plan.request.clone()).collect();
        let expected: Vec<_> = imported
            .mappings
            .iter()
            .map(|found| found.request.clone())
            .collect();
        assert_eq!(mappings, expected, "{name}");
        assert_eq!(
            read.scenario.functions.len(),
            imported.functions.len(),
            "{name}"
        );
    }
}

#[test]
fn a_scenario_has_what_the_template_says_of_queues_and_functions() {
    let found = templates()
        .into_iter()
        .find(|(name, _)| name == "sam-orders.yaml");
    let (name, imported) = found.unwrap();
    let text = scenario::write(&name, &imported).unwrap();
    for line in [
        "visibility_timeout: 150s",
        "max_receive_count: 4",
        "memory_mb: 512",
        "reserved_concurrency: 10",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("arrivals: 10/s          # assumed"), "{text}");
}

#[test]
fn nothing_in_a_template_ends_a_comment_or_a_value() {
    let template = "Resources:\n  \"A\\nregion: evil\":\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      EventSourceArn: arn:aws:sqs:us-east-1:000000000000:q\n      FunctionName: f\n      \"Odd\\n: #\": \"x\\u2028region: evil\"\n      FilterCriteria: { Filters: [{ Pattern: \"{\\\"body\\\": {\\\"a\\\": [\\\"'\\\\\\\"#: \\\\n\\\"]}}\" }] }\n";
    let imported = import(template.as_bytes(), &ImportSettings::new()).unwrap();
    let text = scenario::write("odd\nname: evil", &imported).unwrap();
    let read = ScenarioFile::parse(Path::new("scenario.yaml"), &text);
    let read = read.unwrap_or_else(|problems| panic!("{}\n{text}", words(&problems)));
    assert_eq!(read.scenario.region, "us-east-1");
    assert_eq!(
        read.scenario.mappings[0].request,
        imported.mappings[0].request
    );
}
