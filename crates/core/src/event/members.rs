//! Which members records have, as far as filters can name them.

use crate::mapping::SourceKind;

/// What stands at a place of a record.
enum Shape {
    /// A text, a number, a boolean, null, or a list of these.
    Value,
    /// Whatever the sender chose.
    Anything,
    /// These members.
    Members(&'static [(&'static str, Self)]),
    /// Members whose names the sender chose, all of one shape.
    Named(&'static Self),
}

use Shape::{Anything, Members, Named, Value};

static SQS: Shape = Members(&[
    ("messageId", Value),
    ("receiptHandle", Value),
    ("body", Anything),
    ("attributes", Named(&Value)),
    (
        "messageAttributes",
        Named(&Members(&[
            ("stringValue", Value),
            ("binaryValue", Value),
            ("stringListValues", Value),
            ("binaryListValues", Value),
            ("dataType", Value),
        ])),
    ),
    ("md5OfMessageAttributes", Value),
    ("md5OfBody", Value),
    ("eventSource", Value),
    ("eventSourceARN", Value),
    ("awsRegion", Value),
]);

/// The members of `kinesis` stand at the root.
static KINESIS: Shape = Members(&[
    ("data", Anything),
    ("kinesisSchemaVersion", Value),
    ("partitionKey", Value),
    ("sequenceNumber", Value),
    ("approximateArrivalTimestamp", Value),
    ("eventSource", Value),
    ("eventVersion", Value),
    ("eventID", Value),
    ("eventName", Value),
    ("invokeIdentityArn", Value),
    ("awsRegion", Value),
    ("eventSourceARN", Value),
]);

static DYNAMODB: Shape = Members(&[
    ("eventID", Value),
    ("eventName", Value),
    ("eventVersion", Value),
    ("eventSource", Value),
    ("awsRegion", Value),
    (
        "dynamodb",
        Members(&[
            ("ApproximateCreationDateTime", Value),
            ("Keys", Named(&ATTRIBUTE)),
            ("NewImage", Named(&ATTRIBUTE)),
            ("OldImage", Named(&ATTRIBUTE)),
            ("SequenceNumber", Value),
            ("SizeBytes", Value),
            ("StreamViewType", Value),
        ]),
    ),
    (
        "userIdentity",
        Members(&[("type", Value), ("principalId", Value)]),
    ),
    ("eventSourceARN", Value),
]);

static KAFKA: Shape = Members(&[
    ("topic", Value),
    ("partition", Value),
    ("offset", Value),
    ("timestamp", Value),
    ("timestampType", Value),
    ("key", Value),
    ("value", Anything),
    ("headers", Named(&Value)),
    ("keySchemaMetadata", SCHEMA),
    ("valueSchemaMetadata", SCHEMA),
]);

const SCHEMA: Shape = Members(&[("dataFormat", Value), ("schemaId", Value)]);

static MQ: Shape = Members(&[
    // RabbitMQ.
    (
        "basicProperties",
        Members(&[
            ("contentType", Value),
            ("contentEncoding", Value),
            ("headers", Anything),
            ("deliveryMode", Value),
            ("priority", Value),
            ("correlationId", Value),
            ("replyTo", Value),
            ("expiration", Value),
            ("messageId", Value),
            ("timestamp", Value),
            ("type", Value),
            ("userId", Value),
            ("appId", Value),
            ("clusterId", Value),
            ("bodySize", Value),
        ]),
    ),
    // ActiveMQ.
    ("messageID", Value),
    ("messageType", Value),
    ("deliveryMode", Value),
    ("replyTo", Value),
    ("type", Value),
    ("expiration", Value),
    ("priority", Value),
    ("correlationId", Value),
    ("correlationID", Value),
    ("destination", Members(&[("physicalName", Value)])),
    ("timestamp", Value),
    ("brokerInTime", Value),
    ("brokerOutTime", Value),
    ("properties", Named(&Value)),
    // Both.
    ("redelivered", Value),
    ("data", Anything),
]);

/// A value in DynamoDB JSON: one member, named after its type.
static ATTRIBUTE: Shape = Members(&[
    ("S", Value),
    ("N", Value),
    ("B", Value),
    ("BOOL", Value),
    ("NULL", Value),
    ("SS", Value),
    ("NS", Value),
    ("BS", Value),
    ("L", Anything),
    ("M", Named(&ATTRIBUTE)),
]);

/// Tells whether a value can stand at `path` (names joined by dots) of a record of this kind of source.
pub(crate) fn can_have(kind: SourceKind, path: &str) -> bool {
    let shape = match kind {
        SourceKind::SqsStandard | SourceKind::SqsFifo => &SQS,
        SourceKind::Kinesis | SourceKind::KinesisConsumer => &KINESIS,
        SourceKind::DynamoDbStream => &DYNAMODB,
        SourceKind::Msk | SourceKind::SelfManagedKafka => &KAFKA,
        SourceKind::AmazonMq => &MQ,
        // No filters are taken for it.
        SourceKind::DocumentDb => &Anything,
    };
    shape.has(Some(path))
}

impl Shape {
    /// Tells whether a value can stand at `path` below; `None` if the path ends here.
    fn has(&self, path: Option<&str>) -> bool {
        match (self, path) {
            (Anything, _) | (Value, None) => true,
            (Value, Some(_)) | (Members(_) | Named(_), None) => false,
            (Members(members), Some(path)) => {
                let (name, rest) = first(path);
                let mut members = members.iter();
                members.any(|(member, shape)| *member == name && shape.has(rest))
            }
            // The name itself may have dots.
            (Named(shape), Some(path)) => {
                let dots = path.match_indices('.').map(|(at, _)| Some(&path[at + 1..]));
                dots.chain([None]).any(|rest| shape.has(rest))
            }
        }
    }
}

fn first(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    }
}
