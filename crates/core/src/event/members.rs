//! Which members records have, as far as filters can name them.

use lambda_esm_filter::Standing;

use crate::mapping::SourceKind;

/// What stands at a place of a record.
enum Shape {
    /// A text, a number, a boolean, null, or a list of these.
    Value,
    /// A text, or a list of texts.
    Text,
    Number,
    Boolean,
    /// Whatever the sender chose.
    Anything,
    /// These members.
    Members(&'static [(&'static str, Self)]),
    /// Members whose names the sender chose, all of one shape.
    Named(&'static Self),
}

use Shape::{Anything, Boolean, Members, Named, Number, Text, Value};

static SQS: Shape = Members(&[
    ("messageId", Text),
    ("receiptHandle", Text),
    ("body", Anything),
    ("attributes", Named(&Text)),
    (
        "messageAttributes",
        Named(&Members(&[
            ("stringValue", Text),
            ("binaryValue", Text),
            ("stringListValues", Text),
            ("binaryListValues", Text),
            ("dataType", Text),
        ])),
    ),
    ("md5OfMessageAttributes", Value),
    ("md5OfBody", Text),
    ("eventSource", Text),
    ("eventSourceARN", Text),
    ("awsRegion", Text),
]);

/// The members of `kinesis` stand at the root.
static KINESIS: Shape = Members(&[
    ("data", Anything),
    ("kinesisSchemaVersion", Text),
    ("partitionKey", Text),
    ("sequenceNumber", Text),
    ("approximateArrivalTimestamp", Number),
    ("eventSource", Text),
    ("eventVersion", Text),
    ("eventID", Text),
    ("eventName", Text),
    ("invokeIdentityArn", Text),
    ("awsRegion", Text),
    ("eventSourceARN", Text),
]);

static DYNAMODB: Shape = Members(&[
    ("eventID", Text),
    ("eventName", Text),
    ("eventVersion", Text),
    ("eventSource", Text),
    ("awsRegion", Text),
    (
        "dynamodb",
        Members(&[
            ("ApproximateCreationDateTime", Number),
            ("Keys", Named(&ATTRIBUTE)),
            ("NewImage", Named(&ATTRIBUTE)),
            ("OldImage", Named(&ATTRIBUTE)),
            ("SequenceNumber", Text),
            ("SizeBytes", Number),
            ("StreamViewType", Text),
        ]),
    ),
    (
        "userIdentity",
        Members(&[("type", Text), ("principalId", Text)]),
    ),
    ("eventSourceARN", Text),
]);

static KAFKA: Shape = Members(&[
    ("topic", Text),
    ("partition", Number),
    ("offset", Number),
    ("timestamp", Number),
    ("timestampType", Text),
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
    ("redelivered", Boolean),
    ("data", Anything),
]);

/// A value in DynamoDB JSON: one member, named after its type.
static ATTRIBUTE: Shape = Members(&[
    ("S", Text),
    ("N", Text),
    ("B", Text),
    ("BOOL", Boolean),
    ("NULL", Boolean),
    ("SS", Text),
    ("NS", Text),
    ("BS", Text),
    ("L", Anything),
    ("M", Named(&ATTRIBUTE)),
]);

/// Tells which values can stand at `path` (names joined by dots) of a record of this kind of source.
pub(crate) fn standing(kind: SourceKind, path: &str) -> Standing {
    let shape = match kind {
        SourceKind::SqsStandard | SourceKind::SqsFifo => &SQS,
        SourceKind::Kinesis | SourceKind::KinesisConsumer => &KINESIS,
        SourceKind::DynamoDbStream => &DYNAMODB,
        SourceKind::Msk | SourceKind::SelfManagedKafka => &KAFKA,
        SourceKind::AmazonMq => &MQ,
        // No filters are taken for it.
        SourceKind::DocumentDb => &Anything,
    };
    shape.at(Some(path)).unwrap_or(Standing::Nothing)
}

impl Shape {
    /// Tells which values can stand at `path` below, if any can; `None` for the path if it ends here.
    fn at(&self, path: Option<&str>) -> Option<Standing> {
        match (self, path) {
            (Anything, _) | (Value, None) => Some(Standing::Anything),
            (Text, None) => Some(Standing::Text),
            (Number, None) => Some(Standing::Number),
            (Boolean, None) => Some(Standing::Boolean),
            (Value | Text | Number | Boolean, Some(_)) | (Members(_) | Named(_), None) => None,
            (Members(members), Some(path)) => {
                let (name, rest) = first(path);
                let mut members = members.iter().filter(|(member, _)| *member == name);
                members.find_map(|(_, shape)| shape.at(rest))
            }
            // The name itself may have dots.
            (Named(shape), Some(path)) => {
                let dots = path.match_indices('.').map(|(at, _)| Some(&path[at + 1..]));
                dots.chain([None]).find_map(|rest| shape.at(rest))
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
