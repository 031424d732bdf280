//! What values come to.

use lambda_esm_lab::import::{Format, ImportSettings, ImportedFunction, ImportedSource, import};
use serde_json::json;

use super::{imported, template, text, with};

#[test]
fn parameters_choose_conditions_and_rows_of_mappings() {
    let dev = imported("sam-orders.yaml", &[]);
    let prod = imported("sam-orders.yaml", &[("Stage", "prod")]);
    assert_eq!(dev.mappings[0].request.batch_size, Some(5));
    assert_eq!(prod.mappings[0].request.batch_size, Some(10));
    assert_eq!(dev.mappings[1].request.enabled, Some(false));
    assert_eq!(prod.mappings[1].request.enabled, Some(true));
    assert_eq!(dev.functions[0].reserved_concurrency, Some(10));
    assert_eq!(prod.functions[0].reserved_concurrency, Some(100));
    // The function with the condition is there only then.
    assert_eq!(prod.mappings.len(), dev.mappings.len() + 1);
}

#[test]
fn functions_have_what_globals_say_and_events_call_the_published_alias() {
    let imported = imported("sam-orders.yaml", &[]);
    let ImportedFunction {
        name,
        timeout_seconds,
        memory_mb,
        runtime,
        ..
    } = &imported.functions[1];
    assert_eq!(name, "TakePayment");
    assert_eq!(*timeout_seconds, Some(10));
    assert_eq!(*memory_mb, Some(512));
    assert_eq!(runtime.as_deref(), Some("python3.13"));
    let called = imported.mappings[1].request.function_name.as_deref();
    assert_eq!(called, Some("TakePayment:live"));
}

#[test]
fn queues_have_their_visibility_timeout_and_dead_letter_queue() {
    let imported = imported("sam-orders.yaml", &[]);
    let queue = &imported.sources[0];
    let ImportedSource::Queue {
        arn,
        fifo,
        visibility_timeout_seconds,
        max_receive_count,
        dead_letter_queue,
        ..
    } = queue
    else {
        panic!("{queue:?}");
    };
    assert_eq!(arn, "arn:aws:sqs:us-east-1:000000000000:dev-orders");
    assert!(!fifo);
    assert_eq!(*visibility_timeout_seconds, Some(150));
    assert_eq!(*max_receive_count, Some(4));
    assert_eq!(
        dead_letter_queue.as_deref(),
        Some("arn:aws:sqs:us-east-1:000000000000:dev-orders-dead")
    );
}

#[test]
fn a_region_and_an_account_are_in_every_made_arn() {
    let mut settings = ImportSettings::new();
    settings.region = Some("cn-north-1".to_owned());
    settings.account_id = Some("111122223333".to_owned());
    let imported = import(&template("sam-streams.yaml"), &settings).unwrap();
    let arn = imported.mappings[1].request.event_source_arn.as_deref();
    assert_eq!(
        arn,
        Some("arn:aws-cn:kinesis:cn-north-1:111122223333:stream/clicks")
    );
}

#[test]
fn what_is_given_stands_in_place_of_an_export() {
    let arn = "arn:aws:kinesis:us-east-1:000000000000:stream/real";
    let given = [
        ("platform-ClickStreamArn", arn),
        ("Lot", "7"),
        ("Nobody", "1"),
    ];
    let imported = imported("cfn-imports.yaml", &given);
    let sources = imported
        .mappings
        .iter()
        .map(|mapping| mapping.request.event_source_arn.as_deref());
    assert!(sources.into_iter().any(|source| source == Some(arn)));
    assert_eq!(imported.mappings[0].request.batch_size, Some(7));
    let unused = imported
        .not_carried
        .iter()
        .find(|found| found.property == "Nobody")
        .unwrap();
    assert_eq!(unused.path, "--parameter");
}

#[test]
fn an_unknown_source_is_plain_to_see_and_of_the_kind_that_its_event_says() {
    let imported = text(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        E:\n          Type: DynamoDB\n          Properties:\n            Stream: !ImportValue Changes\n            StartingPosition: LATEST\n",
    );
    let arn = imported.mappings[0]
        .request
        .event_source_arn
        .as_deref()
        .unwrap();
    assert!(
        arn.starts_with("arn:aws:dynamodb:us-east-1:000000000000:table/UNRESOLVED-Changes/stream/"),
        "{arn}"
    );
    assert_eq!(imported.not_carried[0].line, 9);
}

#[test]
fn what_the_api_refuses_is_listed_with_its_own_words_and_the_rest_is_carried() {
    let imported = text(
        "Resources:\n  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      EventSourceArn: arn:aws:sqs:us-east-1:000000000000:q\n      FunctionName: f\n      BatchSize: 10\n      ParallelizationFactor: 4\n      StartingPosition: LATEST\n",
    );
    let request = serde_json::to_value(&imported.mappings[0].request).unwrap();
    let expected = json!({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q", "FunctionName": "f", "BatchSize": 10});
    assert_eq!(request, expected);
    let listed: Vec<(usize, &str)> = imported
        .not_carried
        .iter()
        .map(|found| (found.line, found.property.as_str()))
        .collect();
    assert_eq!(
        listed,
        [(8, "ParallelizationFactor"), (9, "StartingPosition")]
    );
    let reason = &imported.not_carried[0].reason;
    assert!(
        reason.contains("Unsupported ParallelizationFactor parameter"),
        "{reason}"
    );
}

#[test]
fn of_two_mappings_that_read_the_same_the_second_is_listed() {
    let imported = text(
        "Resources:\n  A:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties: &same\n      EventSourceArn: arn:aws:sqs:us-east-1:000000000000:q\n      FunctionName: f\n  B:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties: *same\n",
    );
    assert_eq!(imported.mappings.len(), 1);
    assert_eq!(imported.not_carried.len(), 1);
    assert!(
        imported.not_carried[0].reason.contains("line 2"),
        "{:?}",
        imported.not_carried
    );
}

#[test]
fn a_share_group_is_carried() {
    let imported = text(
        "Resources:\n  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      FunctionName: f\n      Topics: [trades]\n      SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: ['k:9092'] } }\n      SourceAccessConfigurations: [{ Type: BASIC_AUTH, URI: 'arn:aws:secretsmanager:us-east-1:000000000000:secret:s' }]\n      SelfManagedKafkaEventSourceConfig: { ConsumerGroupId: g, ConsumptionMode: Queue }\n      ProvisionedPollerConfig: { MinimumPollers: 1 }\n",
    );
    let config = imported.mappings[0]
        .request
        .self_managed_kafka_event_source_config
        .as_ref()
        .unwrap();
    assert_eq!(config.consumer_group_id.as_deref(), Some("g"));
    assert_eq!(config.consumption_mode.as_deref(), Some("Queue"));
    assert!(
        imported.not_carried.is_empty(),
        "{:?}",
        imported.not_carried
    );
}

#[test]
fn variables_of_serverless_name_each_other_and_have_defaults() {
    let dev = imported("serverless-shop.yml", &[]);
    let prod = imported(
        "serverless-shop.yml",
        &[("stage", "prod"), ("INDEXING", "false")],
    );
    assert_eq!(dev.region, "eu-west-1");
    assert_eq!(dev.mappings[0].request.batch_size, Some(5));
    assert_eq!(prod.mappings[0].request.batch_size, Some(50));
    let arn = prod.mappings[0].request.event_source_arn.as_deref();
    assert_eq!(
        arn,
        Some("arn:aws:sqs:eu-west-1:000000000000:shop-orders-prod")
    );
    let index = prod
        .mappings
        .iter()
        .find(|mapping| mapping.request.starting_position.is_some())
        .unwrap();
    assert_eq!(index.request.enabled, Some(false));
    assert_eq!(prod.functions[0].name, "shop-prod-placeOrder");
}

#[test]
fn a_stream_has_the_shards_that_its_stage_says_and_so_has_its_consumer() {
    let imported = imported("serverless-streams.yml", &[]);
    let shards = imported.sources.iter().filter_map(|source| match source {
        ImportedSource::KinesisStream { arn, shards, .. } if arn.contains("Sensors") => {
            Some((arn.as_str(), *shards))
        }
        _ => None,
    });
    let shards: Vec<(&str, Option<u32>)> = shards.collect();
    let stream = "arn:aws:kinesis:us-east-1:000000000000:stream/Sensors";
    let consumer = format!("{stream}/consumer/Sensors:1");
    assert_eq!(shards, [(stream, Some(8)), (consumer.as_str(), Some(8))]);
}

#[test]
fn a_plan_names_resources_of_its_own_instance_of_a_module() {
    let imported = imported("terraform-modules.json", &[]);
    let arns: Vec<&str> = imported
        .mappings
        .iter()
        .filter(|mapping| mapping.origin.path.starts_with("module."))
        .map(|mapping| mapping.request.event_source_arn.as_deref().unwrap())
        .collect();
    let of = |name: &str| format!("arn:aws:sqs:us-east-1:000000000000:{name}-events");
    assert_eq!(arns, [of("eu"), of("us")]);
    assert!(
        imported
            .mappings
            .iter()
            .all(|mapping| mapping.request.function_name.as_deref() == Some("sink"))
    );
}

#[test]
fn a_state_has_the_redrive_policy_that_is_a_resource_by_itself() {
    let imported = imported("terraform-state.json", &[]);
    assert_eq!(imported.region, "us-west-2");
    assert_eq!(imported.account_id, "444455556666");
    let counts: Vec<Option<u32>> = imported
        .sources
        .iter()
        .filter_map(|source| match source {
            ImportedSource::Queue {
                max_receive_count, ..
            } => Some(*max_receive_count),
            _ => None,
        })
        .collect();
    assert_eq!(counts, [Some(6), None]);
    assert_eq!(imported.functions[0].reserved_concurrency, None);
    assert_eq!(imported.functions[1].reserved_concurrency, Some(30));
}

#[test]
fn what_the_command_line_printed_keeps_its_region_and_its_state() {
    let imported = imported("cli-list.json", &[]);
    assert_eq!(
        (imported.region.as_str(), imported.account_id.as_str()),
        ("eu-central-1", "123456789012")
    );
    let enabled: Vec<Option<bool>> = imported
        .mappings
        .iter()
        .map(|mapping| mapping.request.enabled)
        .collect();
    assert_eq!(enabled, [Some(true), Some(false), Some(true)]);
    assert_eq!(
        imported.mappings[1].request.starting_position_timestamp,
        Some(1_767_222_000.0)
    );
    assert_eq!(imported.not_carried.len(), 1);
    assert_eq!(imported.not_carried[0].property, "FilterCriteriaError");
}

#[test]
fn short_functions_are_the_long_ones() {
    let short = "Resources:\n  Q: { Type: AWS::SQS::Queue, Properties: { QueueName: !Join ['-', [a, !Select ['1', [b, c]]]] } }\n  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties: { EventSourceArn: !GetAtt Q.Arn, FunctionName: f }\n";
    let long = r#"{"Resources": {
        "Q": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": {"Fn::Join": ["-", ["a", {"Fn::Select": [1, ["b", "c"]]}]]}}},
        "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"EventSourceArn": {"Fn::GetAtt": "Q.Arn"}, "FunctionName": "f"}}
    }}"#;
    let (short, long) = (text(short), text(long));
    assert_eq!(short.mappings[0].request, long.mappings[0].request);
    let arn = short.mappings[0].request.event_source_arn.as_deref();
    assert_eq!(arn, Some("arn:aws:sqs:us-east-1:000000000000:a-c"));
}

#[test]
fn a_plan_tells_what_is_known_to_be_nothing_from_what_is_not_known() {
    let plan = r#"{"format_version": "1.2", "planned_values": {"root_module": {"resources": [
        {"address": "aws_lambda_event_source_mapping.m", "type": "aws_lambda_event_source_mapping", "name": "m",
         "values": {"event_source_arn": "arn:aws:sqs:us-east-1:000000000000:q", "function_name": "f", "batch_size": null}},
        {"address": "aws_lambda_event_source_mapping.n", "type": "aws_lambda_event_source_mapping", "name": "n",
         "values": {"function_name": "f"}},
        {"address": "aws_sqs_queue.q", "type": "aws_sqs_queue", "name": "q", "values": {"name": "q"}}
    ]}}, "configuration": {"root_module": {"resources": [
        {"type": "aws_lambda_event_source_mapping", "name": "m", "expressions": {"batch_size": {"references": ["local.lot"]}}},
        {"type": "aws_lambda_event_source_mapping", "name": "n", "expressions":
            {"event_source_arn": {"references": ["aws_sqs_queue.q.name", "aws_sqs_queue.q"]}}}
    ]}}}"#;
    let plan = text(plan);
    assert_eq!(plan.mappings[0].request.batch_size, None);
    // An ARN that is put together of a name is not known.
    let arn = plan.mappings[1]
        .request
        .event_source_arn
        .as_deref()
        .unwrap();
    assert!(
        arn.starts_with("arn:aws:sqs:us-east-1:000000000000:UNRESOLVED-"),
        "{arn}"
    );
    let listed: Vec<&str> = plan
        .not_carried
        .iter()
        .map(|found| found.property.as_str())
        .collect();
    assert_eq!(listed, ["event_source_arn"]);
}

#[test]
fn outputs_of_nested_stacks_are_given_by_name() {
    let nested = "Resources:\n  N: { Type: AWS::CloudFormation::Stack }\n  M:\n    Type: AWS::Lambda::EventSourceMapping\n    Properties:\n      EventSourceArn: !GetAtt N.Outputs.QueueArn\n      FunctionName: f\n";
    let unknown = text(nested);
    assert_eq!(
        unknown.not_carried[0].way_out,
        "give it by --parameter N.Outputs.QueueArn=VALUE"
    );
    let arn = "arn:aws:sqs:us-east-1:000000000000:q";
    let known = import(nested.as_bytes(), &with(&[("N.Outputs.QueueArn", arn)])).unwrap();
    assert_eq!(
        known.mappings[0].request.event_source_arn.as_deref(),
        Some(arn)
    );
    assert_eq!(known.not_carried, []);
}

#[test]
fn events_may_depend_on_a_condition() {
    let imported = text(
        "Conditions: { Yes: !Equals [a, a] }\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Events:\n        Fn::If:\n          - Yes\n          - E: { Type: SQS, Properties: { Queue: 'arn:aws:sqs:us-east-1:000000000000:q' } }\n          - {}\n",
    );
    assert_eq!(imported.mappings.len(), 1);
}

#[test]
fn a_format_that_is_named_is_taken_at_its_word() {
    let mut settings = with(&[]);
    settings.format = Some(Format::Sam);
    let imported = import(&template("cfn-ledger.yaml"), &settings).unwrap();
    assert_eq!(imported.format, Format::Sam);
}
