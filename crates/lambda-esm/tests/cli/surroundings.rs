//! What the environment and the AWS profile add to a configuration, and what `check` says of it.

use serde_json::{Value, json};

use crate::support::{command, file};

/// Returns what `check --json` says of a configuration, with these variables in its environment.
fn check(name: &str, configuration: &Value, variables: &[(&str, &str)]) -> Value {
    let path = file(name, &configuration.to_string());
    let mut command = command(&["check", "--json", &path]);
    let output = command.envs(variables.iter().copied()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn reading(source: &str, functions: &Value, endpoints: &Value) -> Value {
    json!({
        "endpoints": endpoints,
        "functions": functions,
        "mappings": [{ "EventSourceArn": source, "FunctionName": "f" }],
    })
}

const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:orders";

#[test]
fn every_endpoint_and_the_region_are_told_with_who_named_them() {
    let profile = file(
        "surroundings.profile",
        "[profile dev]\nregion = eu-west-3\nendpoint_url = http://profile\nservices = s\n\
         [services s]\nkinesis =\n  endpoint_url = http://profile-kinesis\n",
    );
    let variables = [
        ("AWS_CONFIG_FILE", profile.as_str()),
        ("AWS_PROFILE", "dev"),
        ("AWS_ENDPOINT_URL_LAMBDA", "http://variable"),
    ];
    let lambda = json!({ "f": { "backend": "lambda-api" } });
    let configuration = reading(QUEUE, &lambda, &json!({ "sqs": "http://file" }));
    let said = check("surroundings.json", &configuration, &variables);
    for (service, endpoint, origin) in [
        ("sqs", "http://file", "endpoints.sqs"),
        ("lambda", "http://variable", "AWS_ENDPOINT_URL_LAMBDA"),
        (
            "kinesis",
            "http://profile-kinesis",
            "services s of profile dev",
        ),
        ("sns", "http://profile", "endpoint_url of profile dev"),
    ] {
        assert_eq!(said["endpoints"][service], endpoint);
        assert_eq!(said["endpoint_origins"][service], origin);
    }
    let runs = said["functions"]["f"].as_str().unwrap();
    assert!(runs.contains("the Lambda API at http://variable"), "{runs}");
    assert_eq!(said["region"], "eu-west-3");
    assert_eq!(said["region_origin"], "region of profile dev");

    let none = check("no-surroundings.json", &configuration, &[]);
    assert_eq!(none["endpoints"]["lambda"], "AWS in us-east-1");
    assert_eq!(none["endpoint_origins"], json!({ "sqs": "endpoints.sqs" }));
    assert_eq!(none["region_origin"], "the default");
}

#[test]
fn a_region_of_the_environment_is_used_or_is_said_to_be_ignored() {
    let simulated = json!({ "f": { "backend": "simulated" } });
    let mut configuration = reading(QUEUE, &simulated, &json!({}));
    let variables = [("AWS_DEFAULT_REGION", "cn-north-1")];
    let said = check("region-used.json", &configuration, &variables);
    assert_eq!(said["region"], "cn-north-1");
    assert_eq!(said["region_origin"], "AWS_DEFAULT_REGION");
    assert_eq!(
        said["role_arn"],
        "arn:aws-cn:iam::000000000000:role/lambda-role"
    );
    assert_eq!(said["notes"], json!([]));
    configuration["region"] = json!("us-east-1");
    let said = check("region-ignored.json", &configuration, &variables);
    assert_eq!(said["region"], "us-east-1");
    let note = "AWS_DEFAULT_REGION is cn-north-1, and is not used: the file says us-east-1";
    assert_eq!(said["notes"], json!([note]));
}

#[test]
fn a_profile_that_cannot_be_read_and_an_endpoint_that_is_none_are_said() {
    let simulated = json!({ "f": { "backend": "simulated" } });
    let configuration = reading(QUEUE, &simulated, &json!({ "aws": "http://here" }));
    let broken = file("broken.profile", "[profile dev\nregion = x\n");
    let said = check(
        "broken-profile.json",
        &configuration,
        &[("AWS_CONFIG_FILE", &broken)],
    );
    assert_eq!(said["valid"], true, "{said}");
    let note = said["notes"][0].as_str().unwrap();
    assert!(note.starts_with("the AWS profile cannot be read"), "{note}");
    let variables = [("AWS_ENDPOINT_URL_SNS", "localhost:4566")];
    let said = check("broken-variable.json", &configuration, &variables);
    assert_eq!(
        said["problems"][0]["field"], "AWS_ENDPOINT_URL_SNS",
        "{said}"
    );
}

#[test]
fn what_mixes_aws_with_what_stands_in_for_it_is_said() {
    const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let lambda = json!({ "f": { "backend": "lambda-api" } });
    let own = json!({ "f": { "backend": "lambda-api", "endpoint": "http://own" } });
    let other = json!({ "f": { "backend": "simulated" }, "*": { "backend": "lambda-api" } });
    let notes = |name: &str, configuration: &Value| {
        let said = check(name, configuration, &[]);
        assert_eq!(said["valid"], true, "{said}");
        said["mappings"][0]["notes"].clone()
    };
    let local = json!({ "sqs": "http://localstack:4566" });
    let mixed = "AWS and what stands in for it are mixed";
    let note = format!(
        "{mixed}: source orders at http://localstack:4566 (endpoints.sqs), function f in AWS itself; if that \
         is not meant, set endpoints.lambda"
    );
    assert_eq!(
        notes("mixed.json", &reading(QUEUE, &lambda, &local)),
        json!([note])
    );
    let reverse = format!(
        "{mixed}: source orders in AWS itself, function f at http://own (endpoint of the function); if that is \
         not meant, set endpoints.sqs"
    );
    assert_eq!(
        notes("reverse.json", &reading(QUEUE, &own, &json!({}))),
        json!([reverse])
    );
    let named = json!({
        "sqs": "https://sqs.us-east-1.amazonaws.com", "lambda": "http://127.0.0.1:9000",
    });
    let named = notes("mixed-by-name.json", &reading(QUEUE, &lambda, &named));
    assert!(named[0].as_str().unwrap().contains(mixed), "{named}");
    let mut stream = reading(STREAM, &own, &json!({ "kinesis": "http://here" }));
    let mapping = &mut stream["mappings"][0];
    mapping["StartingPosition"] = json!("LATEST");
    let destination = "arn:aws:sns:us-east-1:000000000000:failed";
    mapping["DestinationConfig"] = json!({ "OnFailure": { "Destination": destination } });
    let told = notes("mixed-destination.json", &stream);
    let missing = "destination failed in AWS itself; if that is not meant, set endpoints.sns";
    assert!(told[0].as_str().unwrap().ends_with(missing), "{told}");
    for (name, configuration) in [
        ("pure.json", reading(QUEUE, &own, &local)),
        ("real.json", reading(QUEUE, &lambda, &json!({}))),
        ("simulated.json", reading(QUEUE, &other, &local)),
    ] {
        assert_eq!(notes(name, &configuration), json!([]), "{name}");
    }
}
