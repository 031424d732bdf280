//! Checks that need facts from outside: the queue, the broker, the other mappings.

mod mapping_common;

use std::time::Duration;

use lambda_esm_core::mapping::{
    MqEngine, check_broker_engine, check_function_timeout, duplicate_error,
};
use mapping_common::{
    BROKER, CONSUMER, FIFO, QUEUE, SECRET, STREAM, TABLE, accepted, minimal, with,
};
use serde_json::{Value, json};

#[test]
fn a_queue_must_hide_messages_as_long_as_the_function_runs() {
    let mapping = accepted(minimal("sqs"));
    let seconds = Duration::from_secs;
    assert_eq!(
        check_function_timeout(&mapping, seconds(30), Some(seconds(30))),
        Ok(())
    );
    assert_eq!(check_function_timeout(&mapping, seconds(900), None), Ok(()));
    let error = check_function_timeout(&mapping, seconds(180), Some(seconds(60))).unwrap_err();
    assert_eq!(
        (error.code.name(), error.status()),
        ("InvalidParameterValueException", 400)
    );
    assert_eq!(
        error.message,
        "Queue visibility timeout: 60 seconds is less than Function timeout: 180 seconds",
    );
}

#[test]
fn brokers_allow_functions_of_fourteen_minutes() {
    for (kind, limited) in [
        ("kinesis", false),
        ("dynamodb", false),
        ("msk", true),
        ("kafka", true),
        ("mq", true),
        ("documentdb", true),
    ] {
        let mapping = accepted(minimal(kind));
        assert_eq!(
            check_function_timeout(&mapping, Duration::from_secs(840), None),
            Ok(())
        );
        let longer = check_function_timeout(&mapping, Duration::from_secs(900), None);
        let text = "Function timeout: 900 seconds is greater than the maximum of 840 seconds for given event \
                    source mapping type.";
        let refused = longer.err().map(|error| error.message);
        assert_eq!(refused.as_deref(), limited.then_some(text), "{kind}");
    }
}

#[test]
fn an_activemq_broker_has_no_virtual_host() {
    let access = json!([
        {"Type": "BASIC_AUTH", "URI": SECRET}, {"Type": "VIRTUAL_HOST", "URI": "/shop"}
    ]);
    let mapping = accepted(with("mq", json!({"SourceAccessConfigurations": access})));
    assert_eq!(check_broker_engine(&mapping, MqEngine::RabbitMq), Ok(()));
    let error = check_broker_engine(&mapping, MqEngine::ActiveMq).unwrap_err();
    assert_eq!(error.field, Some("SourceAccessConfigurations"));
    assert_eq!(
        check_broker_engine(&accepted(minimal("mq")), MqEngine::ActiveMq),
        Ok(())
    );
}

#[test]
fn a_second_mapping_of_the_same_source_and_function_conflicts() {
    let uuid = "00000000-0000-0000-0000-000000000007";
    let ending =
        format!("already exists. Please update or delete the existing mapping with UUID {uuid}");
    let function = "arn:aws:lambda:us-east-1:123456789012:function:f";
    let by_arn = |arn: &str| {
        format!("The event source arn (\" {arn} \") and function (\" f \") provided mapping")
    };
    let kafka = |source: &str| {
        format!(
            "An event source mapping with event source (\"{source}\"), function (\"{function}\"), topics (\"clicks\")"
        )
    };
    for (kind, beginning) in [
        (
            "sqs",
            format!("An event source mapping with SQS arn (\" {QUEUE} \") and function (\" f \")"),
        ),
        (
            "fifo",
            format!("An event source mapping with SQS arn (\" {FIFO} \") and function (\" f \")"),
        ),
        ("kinesis", by_arn(STREAM)),
        ("dynamodb", by_arn(TABLE)),
        ("kafka", kafka("kafka:1000")),
        ("msk", kafka(mapping_common::CLUSTER)),
        ("mq", by_arn(BROKER)),
        ("documentdb", by_arn(mapping_common::DOCS)),
    ] {
        let (old, new) = (
            accepted(minimal(kind)),
            accepted(with(kind, json!({"BatchSize": 3}))),
        );
        let error = duplicate_error(&old, &new).unwrap();
        assert_eq!(error.message, format!("{beginning} {ending}"));
        assert_eq!(
            (error.code.name(), error.status()),
            ("ResourceConflictException", 409)
        );
        let same_spelled_out = accepted(with(kind, json!({"FunctionName": function})));
        assert!(duplicate_error(&old, &same_spelled_out).is_some(), "{kind}");
        for other in ["g", "f:1"] {
            let other = accepted(with(kind, json!({"FunctionName": other})));
            assert_eq!(duplicate_error(&old, &other), None, "{kind}");
        }
    }
}

#[test]
fn any_shared_bootstrap_server_with_the_same_topic_conflicts() {
    let kafka = |servers: Value, topic: &str, group: &str| {
        accepted(with(
            "kafka",
            json!({
                "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}},
                "Topics": [topic], "SelfManagedKafkaEventSourceConfig": {"ConsumerGroupId": group}
            }),
        ))
    };
    let old = kafka(json!(["kafka:1000"]), "clicks", "a");
    let both = kafka(json!(["kafka:1000", "kafka:2000"]), "clicks", "b");
    let error = duplicate_error(&old, &both).unwrap();
    assert!(
        error
            .message
            .contains("event source (\"kafka:1000,kafka:2000\")"),
        "{error}"
    );
    assert_eq!(
        duplicate_error(&old, &kafka(json!(["kafka:2000"]), "clicks", "a")),
        None
    );
    assert_eq!(
        duplicate_error(&old, &kafka(json!(["kafka:1000"]), "views", "a")),
        None
    );
}

#[test]
fn different_sources_of_one_function_do_not_conflict() {
    let all: Vec<_> = mapping_common::KINDS
        .iter()
        .map(|kind| accepted(minimal(kind)))
        .collect();
    for (index, old) in all.iter().enumerate() {
        for (other, new) in all.iter().enumerate() {
            assert_eq!(duplicate_error(old, new).is_some(), index == other);
        }
    }
    let consumer = accepted(with("kinesis", json!({"EventSourceArn": CONSUMER})));
    assert_eq!(
        duplicate_error(&accepted(minimal("kinesis")), &consumer),
        None
    );
}
