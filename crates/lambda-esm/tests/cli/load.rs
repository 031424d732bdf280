//! `load`, as far as it needs no server.

use crate::support::{file, lambda_esm};

const FUNCTIONS: &str = "functions: { f: { backend: simulated, duration_ms: 1 } }\n";

#[test]
fn aws_itself_is_not_called_before_the_price_is_agreed_to() {
    let queue = "arn:aws:sqs:us-east-1:000000000000:orders";
    let text = format!("{FUNCTIONS}mappings: [{{ EventSourceArn: {queue}, FunctionName: f }}]\n");
    let config = file("load-aws.yaml", &text);
    let said = lambda_esm(&["load", &config, "--rate", "1000", "--duration", "50s"]);
    assert_eq!(said.code, 64, "{}", said.err);
    for expected in [
        "source orders in AWS itself",
        "about 0.10 US dollars for 60000 records",
        "--yes",
    ] {
        assert!(said.err.contains(expected), "{expected}: {}", said.err);
    }
}

#[cfg(feature = "rabbitmq")]
#[test]
fn a_source_that_nothing_here_puts_records_into_is_refused_with_the_way_out() {
    let broker = "arn:aws:mq:us-east-1:000000000000:broker:orders:b-1";
    let text = format!(
        "{FUNCTIONS}endpoints: {{ arns: {{ \"{broker}\": \"amqp://guest:guest@127.0.0.1:1\" }} }}\n\
         mappings:\n  - EventSourceArn: {broker}\n    FunctionName: f\n    Queues: [orders]\n    \
         SourceAccessConfigurations:\n      - {{ Type: VIRTUAL_HOST, URI: / }}\n      - \
         {{ Type: BASIC_AUTH, URI: \"arn:aws:secretsmanager:us-east-1:000000000000:secret:mq\" }}\n"
    );
    let config = file("load-rabbitmq.yaml", &text);
    let said = lambda_esm(&["load", &config, "--yes"]);
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(
        said.err.contains("puts records into orders"),
        "{}",
        said.err
    );
    assert!(said.err.contains("--no-produce"), "{}", said.err);
}

#[test]
fn a_rate_or_duration_that_is_none_is_wrong_usage() {
    for (flag, value) in [("--rate", "0"), ("--rate", "many"), ("--duration", "60")] {
        let said = lambda_esm(&["load", "any.yaml", flag, value]);
        assert_eq!(said.code, 64, "{flag} {value}: {}", said.err);
        assert!(said.err.contains("for example"), "{}", said.err);
    }
}
