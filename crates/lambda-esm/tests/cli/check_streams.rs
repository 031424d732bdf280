//! `check` of what belongs to streams: sources, destinations, endpoints, the role; and of builds without clients.

use crate::support::{file, lambda_esm};

/// Asserts that the file is refused with exactly these problems, without `error: FILE:`.
fn refused(name: &str, text: &str, problems: &[&str]) {
    let path = file(name, text);
    let said = lambda_esm(&["check", &path]);
    let prefix = format!("error: {path}:");
    let found = said.err.lines();
    let found: Vec<_> = found
        .map(|line| line.strip_prefix(&prefix).unwrap_or(line))
        .collect();
    assert_eq!(found, problems);
    assert_eq!((said.code, said.out.as_str()), (2, ""));
}

#[test]
fn the_role_must_be_the_arn_of_a_role() {
    for (index, role) in [
        "lambda-role",
        "arn:aws:iam::12345:role/lambda-role",
        "arn:aws:iam::000000000000:user/lambda-role",
        "arn:aws:iam::000000000000:role/",
        "arn:aws:iam:us-east-1:000000000000:role/lambda-role",
        "arn:aws:sts::000000000000:role/lambda-role",
    ]
    .into_iter()
    .enumerate()
    {
        let problem = format!(
            "1:11: role_arn is \"{role}\": must be the ARN of an IAM role such as \
             arn:aws:iam::000000000000:role/lambda-role"
        );
        let text = format!("role_arn: '{role}'\napi: {{}}\n");
        refused(&format!("role-{index}.yaml"), &text, &[&problem]);
    }
    let role = "arn:aws-cn:iam::123456789012:role/service-role/my-role";
    let path = file("role.yaml", &format!("role_arn: {role}\napi: {{}}\n"));
    let said = lambda_esm(&["check", &path]);
    assert_eq!(said.code, 0, "{}", said.err);
    let line = format!("  role            {role}\n");
    assert!(said.out.contains(&line), "{}", said.out);
    let said = lambda_esm(&["check", "--json", &path]);
    assert_eq!(said.json()[0]["role_arn"], role);
}

#[cfg(feature = "rabbitmq")]
#[test]
fn a_broker_that_nobody_says_the_place_of_is_refused() {
    let text = "\
functions: {f: {backend: simulated}}
mappings:
  - EventSourceArn: arn:aws:mq:us-east-1:000000000000:broker:b:b-1
    FunctionName: f
    Queues: [clicks]
    SourceAccessConfigurations: [{Type: BASIC_AUTH, URI: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:b'}]
";
    refused(
        "mq.yaml",
        text,
        &[
            "3:5: mappings[0].EventSourceArn: where arn:aws:mq:us-east-1:000000000000:broker:b:b-1 is, is not known; add \
             it to endpoints.arns, for example `arn:aws:mq:us-east-1:000000000000:broker:b:b-1: amqp://127.0.0.1:5672`",
        ],
    );
}

/// A mapping of a stream at line 3.
fn of_stream(more: &str) -> String {
    let stream = "EventSourceArn: arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    format!(
        "functions: {{f: {{backend: simulated}}}}\nmappings:\n  \
         - {{{stream}, FunctionName: f, StartingPosition: TRIM_HORIZON{more}}}\n"
    )
}

/// A stream mapping whose discarded batches go to this ARN.
fn with_destination(arn: &str) -> String {
    of_stream(&format!(
        ", DestinationConfig: {{OnFailure: {{Destination: '{arn}'}}}}"
    ))
}

#[cfg(not(feature = "aws"))]
#[test]
fn a_build_without_aws_clients_says_how_to_get_them() {
    let text = "endpoints: {sqs: http://h}\nfunctions: {f: {backend: lambda-api}}\nmappings:\n  \
                - {EventSourceArn: arn:aws:sqs:us-east-1:000000000000:orders, FunctionName: f}\n";
    refused(
        "no-aws.yaml",
        text,
        &[
            "1:12: endpoints: this build of lambda-esm calls no AWS service; build it with `--features full`, \
             or with those you need of sqs, kinesis, dynamodb, sns, s3, lambda-api",
            "2:26: functions.f.backend is \"lambda-api\": this build of lambda-esm has no Lambda API client; \
             build it with `--features lambda-api` or `--features full`",
            "4:22: mappings[0].EventSourceArn is \"arn:aws:sqs:us-east-1:000000000000:orders\": this build of \
             lambda-esm has no SQS client; build it with `--features sqs` or `--features full`",
        ],
    );
}

#[test]
fn a_source_or_destination_without_a_client_is_refused_with_the_feature_that_brings_it() {
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/clicks";
    let table = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2024-01-01T00:00:00.000";
    let no_client = |path: &str, arn: &str, client: &str, feature: &str| {
        format!(
            "{path} is \"{arn}\": this build of lambda-esm has no {client} client; build it with \
             `--features {feature}` or `--features full`"
        )
    };
    let source = "mappings[0].EventSourceArn";
    let destination = "mappings[0].DestinationConfig.OnFailure.Destination";
    let kinesis = cfg!(feature = "kinesis");
    for (index, (arn, is_built, client, feature)) in [
        (
            "arn:aws:sqs:us-east-1:000000000000:q",
            cfg!(feature = "sqs"),
            "SQS",
            "sqs",
        ),
        (
            "arn:aws:sns:us-east-1:000000000000:t",
            cfg!(feature = "sns"),
            "SNS",
            "sns",
        ),
        ("arn:aws:s3:::bucket", cfg!(feature = "s3"), "S3", "s3"),
    ]
    .into_iter()
    .enumerate()
    {
        let path = file(&format!("clients-{index}.yaml"), &with_destination(arn));
        let said = lambda_esm(&["check", &path]);
        for (is_built, problem) in [
            (is_built, no_client(destination, arn, client, feature)),
            (kinesis, no_client(source, stream, "Kinesis", "kinesis")),
        ] {
            assert_eq!(
                said.err.contains(&problem),
                !is_built,
                "{problem}\n{}",
                said.err
            );
        }
        assert_eq!(said.code == 0, is_built && kinesis, "{}", said.err);
    }
    let text = of_stream("").replace(stream, table);
    let said = lambda_esm(&["check", &file("clients-table.yaml", &text)]);
    let problem = no_client(source, table, "DynamoDB Streams", "dynamodb");
    assert_eq!(
        said.err.contains(&problem),
        !cfg!(feature = "dynamodb"),
        "{}",
        said.err
    );
}

#[cfg(all(
    feature = "sqs",
    feature = "kinesis",
    feature = "dynamodb",
    feature = "sns",
    feature = "s3",
    feature = "lambda-api"
))]
mod with_all_clients {
    use super::*;

    #[test]
    fn endpoints_are_known_for_every_service_that_is_called_and_for_single_resources() {
        let text = "\
endpoints:
  aws: http://aws
  kinesis: http://kinesis
  dynamodb: http://dynamodb
  s3: http://s3
  arns:
    'arn:aws:sqs:us-east-1:000000000000:dead': http://1
    'arn:aws:kinesis:us-east-1:000000000000:stream/clicks': http://2
    'arn:aws:kinesis:us-east-1:000000000000:stream/clicks/consumer/fast:1': http://3
    'arn:aws:dynamodb:us-east-1:000000000000:table/t': http://4
    'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2024-01-01T00:00:00.000': http://5
    'arn:aws:sns:us-east-1:000000000000:alarm': http://6
    'arn:aws:s3:::failed': http://7
";
        let path = file("arns.yaml", &format!("{text}{}", of_stream("")));
        let said = lambda_esm(&["check", "--json", &path]);
        assert_eq!(said.code, 0, "{}", said.out);
        let endpoints = &said.json()[0]["endpoints"];
        for (name, url) in [
            ("sqs", "http://aws"),
            ("kinesis", "http://kinesis"),
            ("dynamodbstreams", "http://dynamodb"),
            ("sns", "http://aws"),
            ("s3", "http://s3"),
            ("lambda", "http://aws"),
            (
                "arn:aws:dynamodb:us-east-1:000000000000:table/t",
                "http://4",
            ),
            ("arn:aws:s3:::failed", "http://7"),
        ] {
            assert_eq!(endpoints[name], url, "{name}");
        }
        assert_eq!(endpoints.as_object().unwrap().len(), 10 + 7);
        let own = text.replace(
            "http://dynamodb\n",
            "http://dynamodb\n  dynamodbstreams: http://own\n",
        );
        let path = file("own.yaml", &format!("{own}{}", of_stream("")));
        let report = lambda_esm(&["check", "--json", &path]).json();
        assert_eq!(report[0]["endpoints"]["dynamodbstreams"], "http://own");
    }

    #[test]
    fn endpoints_of_what_is_not_called_are_refused() {
        let text = "\
api: {}
endpoints:
  kinesis: 127.0.0.1:4567
  kinesys: http://h
  mq: http://h
  arns:
    'arn:aws:mq:us-east-1:000000000000:broker:b:c': 'amqp://guest:hunter2@h/v'
    'arn:aws:kinesis:us-east-1:000000000000:clicks': http://h
    'arn:aws:dynamodb:us-east-1:000000000000:t': http://h
    'arn:aws:s3:::failed/prefix': http://h
    'clicks': http://h
";
        let arn = |line: u32, arn: &str| {
            format!(
                "{line}:5: endpoints.arns.{arn}: must be the ARN of an SQS queue, a Kinesis stream, a \
                 DynamoDB table or its stream, an Amazon MSK or DocumentDB cluster, an Amazon MQ broker, an SNS topic \
                 or an S3 bucket; a function has an endpoint of its own: functions.NAME.endpoint"
            )
        };
        let problems = [
            "3:12: endpoints.kinesis: endpoint `127.0.0.1:4567` must start with http:// or https:// and name \
             a host"
                .to_owned(),
            "4:3: endpoints.kinesys: unknown key; did you mean kinesis?".to_owned(),
            "5:3: endpoints.mq: brokers and clusters are reached one by one; name each by its ARN: \
             endpoints.arns.ARN"
                .to_owned(),
            "7:53: endpoints.arns.\"arn:aws:mq:us-east-1:000000000000:broker:b:c\": must be amqp://host[:port] or \
             amqps://host[:port], such as amqp://127.0.0.1:5672; the virtual host and the credentials are the \
             mapping's"
                .to_owned(),
            arn(8, "\"arn:aws:kinesis:us-east-1:000000000000:clicks\""),
            arn(9, "\"arn:aws:dynamodb:us-east-1:000000000000:t\""),
            arn(10, "\"arn:aws:s3:::failed/prefix\""),
            arn(11, "clicks"),
        ];
        let problems: Vec<&str> = problems.iter().map(String::as_str).collect();
        refused("no-endpoints.yaml", text, &problems);
    }

    #[test]
    fn a_stream_mapping_is_explained_with_its_effective_settings() {
        let more = ", TumblingWindowInSeconds: 60, MaximumRetryAttempts: 3, BisectBatchOnFunctionError: true, \
                    DestinationConfig: {OnFailure: {Destination: 'arn:aws:sqs:us-east-1:000000000000:dead'}}";
        let path = file("stream.yaml", &of_stream(more));
        let said = lambda_esm(&["check", &path]);
        assert_eq!((said.code, said.err.as_str()), (0, ""));
        for line in [
            "  reads the Kinesis stream clicks with up to 100 records per batch, without waiting to fill it\n",
            "  starts at the oldest record\n",
            "  runs one batch per shard at a time, and carries the function's state through windows of 60 s\n",
            "  splits a failed batch in two, down to single records, without waiting and without using a retry\n",
            "  retries a record that fails alone up to 3 times\n",
            "  tells the queue dead which records it gives up, not what is in them\n",
            "; a tumbling window of a quiet shard ends 1 s after its time\n",
            "  state           in memory, gone with the process: streams are then read from their \
             StartingPosition again; add `state_dir: state` to keep positions\n",
            "  kinesis         AWS in us-east-1\n",
            "  dynamodbstreams AWS in us-east-1\n",
        ] {
            assert!(said.out.contains(line), "{line}\nis not in\n{}", said.out);
        }
        let path = file("paced.yaml", &format!("pacing: aws\n{}", of_stream(more)));
        let paced = lambda_esm(&["check", &path]).out;
        let line = "aws: by the service's documented rates and scaling; a tumbling window of a quiet shard \
                    ends 2 minutes after its time\n";
        assert!(paced.contains(line), "{paced}");
    }

    #[test]
    fn what_the_aws_cli_prints_of_a_stream_can_be_pasted() {
        let text = r#"{"functions": {"f": {"backend": "simulated"}}, "mappings": [{
            "UUID": "14e0db71-5d35-4eb5-b481-8945cf9d10c2", "StartingPosition": "TRIM_HORIZON", "BatchSize": 100,
            "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1,
            "EventSourceArn": "arn:aws:kinesis:us-east-1:000000000000:stream/clicks",
            "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
            "LastModified": "2026-01-02T03:04:05+00:00", "LastProcessingResult": "No records processed",
            "State": "Enabled", "StateTransitionReason": "User action", "DestinationConfig": {"OnFailure": {}},
            "MaximumRecordAgeInSeconds": -1, "BisectBatchOnFunctionError": false, "MaximumRetryAttempts": -1,
            "TumblingWindowInSeconds": 0, "FunctionResponseTypes": []}]}"#;
        let said = lambda_esm(&["check", &file("pasted-stream.json", text)]);
        assert_eq!(said.code, 0, "{}", said.err);
        let sentence = "  retries a failed batch until it succeeds or leaves the source\n";
        assert!(said.out.contains(sentence), "{}", said.out);
    }
}
