//! Function names in all their forms, and the ARNs of sources.

mod mapping_common;

use lambda_esm_core::mapping::{Arn, FunctionRef, SourceKind};
use mapping_common::{CONSUMER, accepted, create, echo, with};
use serde_json::json;

const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:my-func";

#[test]
fn the_answer_keeps_exactly_the_qualifier_that_was_given() {
    for (given, arn) in [
        ("my-func", FUNCTION.to_owned()),
        ("my-func:$LATEST", format!("{FUNCTION}:$LATEST")),
        ("my-func:1", format!("{FUNCTION}:1")),
        ("my-func:live", format!("{FUNCTION}:live")),
        ("function:my-func", FUNCTION.to_owned()),
        ("123456789012:function:my-func", FUNCTION.to_owned()),
        (
            "123456789012:function:my-func:live",
            format!("{FUNCTION}:live"),
        ),
        (
            "us-east-1:123456789012:function:my-func:2",
            format!("{FUNCTION}:2"),
        ),
        (FUNCTION, FUNCTION.to_owned()),
        (&format!("{FUNCTION}:7"), format!("{FUNCTION}:7")),
        (
            &format!("{FUNCTION}:$LATEST"),
            format!("{FUNCTION}:$LATEST"),
        ),
    ] {
        let mapping = accepted(with("sqs", json!({"FunctionName": given})));
        assert_eq!(echo(&mapping)["FunctionArn"], arn, "{given}");
        assert_eq!(mapping.function.name(), "my-func", "{given}");
    }
}

#[test]
fn every_form_displays_as_something_that_parses_to_the_same() {
    for text in [
        "f",
        "f:live",
        "123456789012:function:f",
        "us-gov-west-1:function:f:3",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:$LATEST",
    ] {
        let function = FunctionRef::parse(text).unwrap();
        assert_eq!(
            FunctionRef::parse(&function.to_string()),
            Some(function),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_function_name_is_refused() {
    for text in [
        "",
        "a b",
        "f:",
        "f:a:b",
        "f:$NEWEST",
        "arn:aws:lambda:us-east-1:123456789012:function",
        "arn:aws:lambda:us-east-1:123456789012:layer:f",
        "arn:aws:sqs:us-east-1:123456789012:function:f",
        "arn:aws:lambda:us-east-1:12345:function:f",
        "arn:aws:lambda",
        "ärger",
    ] {
        assert_eq!(FunctionRef::parse(text), None, "{text}");
        let error = create(with("sqs", json!({"FunctionName": text}))).unwrap_err();
        assert_eq!(error.code.name(), "ValidationException", "{text}");
    }
    assert_eq!(FunctionRef::parse("arn:live").unwrap().name(), "arn");
}

#[test]
fn the_kind_of_source_is_in_the_arn() {
    let kind = |arn: &str| Arn::parse(arn).as_ref().and_then(SourceKind::of);
    for (arn, expected) in [
        (
            "arn:aws:sqs:elasticmq:000000000000:q",
            SourceKind::SqsStandard,
        ),
        (
            "arn:aws-cn:sqs:cn-north-1:000000000000:q.fifo",
            SourceKind::SqsFifo,
        ),
        (
            "arn:aws:kinesis:us-east-1:000000000000:stream/s",
            SourceKind::Kinesis,
        ),
        (CONSUMER, SourceKind::KinesisConsumer),
        (
            "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2024",
            SourceKind::DynamoDbStream,
        ),
        (
            "arn:aws:kafka:us-east-1:000000000000:cluster/c/1",
            SourceKind::Msk,
        ),
        (
            "arn:aws:kafka:us-east-1:000000000000:vpc-connection/1/c/2",
            SourceKind::Msk,
        ),
        (
            "arn:aws:mq:us-east-1:000000000000:broker:b:b-1",
            SourceKind::AmazonMq,
        ),
        (
            "arn:aws:rds:us-east-1:000000000000:cluster:c",
            SourceKind::DocumentDb,
        ),
    ] {
        assert_eq!(kind(arn), Some(expected), "{arn}");
    }
    assert_eq!(Arn::parse("arn:aws:sqs:us-east-1:000000000000"), None);
    assert_eq!(Arn::parse("arn:aws::us-east-1:000000000000:x"), None);
    assert_eq!(Arn::parse("urn:aws:sqs:us-east-1:000000000000:x"), None);
    let arn = Arn::parse("arn:aws:mq:us-east-1:000000000000:broker:b:b-1").unwrap();
    assert_eq!(
        (arn.region(), arn.account(), arn.resource_name()),
        ("us-east-1", "000000000000", "b")
    );
}
