//! From the SDK's record to a polled one.

use std::borrow::Cow;

use aws_sdk_dynamodbstreams::types::{Identity, OperationType, Record};
use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use lambda_esm_core::record::{DynamoDbRecord, StreamContent, StreamRecord, UserIdentity};
use lambda_esm_core::time::Timestamp;

use super::item::{UnknownKind, json};

/// Returns the record of a change.
///
/// # Errors
/// Fails if it lacks what its place in the stream depends on, or has an attribute value of an unknown
/// kind.
pub(super) fn record(record: Record) -> Result<StreamRecord, SourceError> {
    let change = record.dynamodb.ok_or_else(|| lacks("dynamodb"))?;
    let sequence = change
        .sequence_number
        .ok_or_else(|| lacks("SequenceNumber"))?;
    let arrival = change
        .approximate_creation_date_time
        .and_then(|time| time.to_millis().ok())
        .ok_or_else(|| lacks("ApproximateCreationDateTime"))?;
    let unknown = |UnknownKind| {
        SourceError::new(
            SourceErrorKind::Fatal,
            format!(
                "record {sequence} has an attribute value of a kind that this version does not know; update lambda-esm"
            ),
        )
    };
    let image = |image: Option<_>| image.as_ref().map(json).transpose().map_err(unknown);
    let content = DynamoDbRecord {
        event_id: record.event_id.unwrap_or_default(),
        event_name: record
            .event_name
            .as_ref()
            .map(event_name)
            .ok_or_else(|| lacks("eventName"))?,
        keys: json(&change.keys.unwrap_or_default()).map_err(unknown)?,
        new_image: image(change.new_image)?,
        old_image: image(change.old_image)?,
        size_bytes: change
            .size_bytes
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or_default(),
        stream_view_type: Cow::Owned(
            change
                .stream_view_type
                .map(|view| view.as_str().to_owned())
                .unwrap_or_default(),
        ),
        user_identity: record.user_identity.map(user_identity),
    };
    Ok(StreamRecord {
        sequence: sequence.into(),
        arrival: Timestamp(arrival),
        content: StreamContent::DynamoDb(Box::new(content)),
    })
}

fn event_name(operation: &OperationType) -> Cow<'static, str> {
    match operation {
        OperationType::Insert => Cow::Borrowed("INSERT"),
        OperationType::Modify => Cow::Borrowed("MODIFY"),
        OperationType::Remove => Cow::Borrowed("REMOVE"),
        other => Cow::Owned(other.as_str().to_owned()),
    }
}

fn user_identity(identity: Identity) -> UserIdentity {
    UserIdentity {
        kind: identity.r#type.unwrap_or_default(),
        principal_id: identity.principal_id.unwrap_or_default(),
    }
}

fn lacks(field: &str) -> SourceError {
    SourceError::new(
        SourceErrorKind::Fatal,
        format!("read a record without {field}; is the endpoint really DynamoDB Streams?"),
    )
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodbstreams::primitives::DateTime;
    use aws_sdk_dynamodbstreams::types::builders::StreamRecordBuilder;
    use aws_sdk_dynamodbstreams::types::{AttributeValue, StreamRecord as Change, StreamViewType};

    use super::*;

    fn change() -> StreamRecordBuilder {
        Change::builder()
            .sequence_number("000000000000000000042")
            .approximate_creation_date_time(DateTime::from_millis(1_678_831_218_000))
            .keys("Id", AttributeValue::N("101".to_owned()))
            .size_bytes(26)
            .stream_view_type(StreamViewType::NewAndOldImages)
    }

    fn of(change: StreamRecordBuilder, name: OperationType) -> Record {
        Record::builder()
            .event_id("c4ca")
            .event_name(name)
            .dynamodb(change.build())
            .build()
    }

    fn content(polled: StreamRecord) -> DynamoDbRecord {
        let StreamContent::DynamoDb(content) = polled.content else {
            panic!("{polled:?}")
        };
        *content
    }

    #[test]
    fn a_change_keeps_its_place_time_and_images() {
        let full = change()
            .new_image("Message", AttributeValue::S("New item!".to_owned()))
            .new_image("Id", AttributeValue::N("101".to_owned()));
        let polled = record(of(full, OperationType::Insert)).unwrap();
        assert_eq!(&*polled.sequence, "000000000000000000042");
        assert_eq!(polled.arrival, Timestamp(1_678_831_218_000));
        let expected = DynamoDbRecord {
            event_id: "c4ca".to_owned(),
            event_name: "INSERT".into(),
            keys: r#"{"Id":{"N":"101"}}"#.to_owned(),
            new_image: Some(r#"{"Id":{"N":"101"},"Message":{"S":"New item!"}}"#.to_owned()),
            old_image: None,
            size_bytes: 26,
            stream_view_type: "NEW_AND_OLD_IMAGES".into(),
            user_identity: None,
        };
        assert_eq!(content(polled), expected);
    }

    #[test]
    fn a_deletion_by_time_to_live_says_who_made_it() {
        let mut expired = of(
            change().old_image("Id", AttributeValue::N("101".to_owned())),
            OperationType::Remove,
        );
        expired.user_identity = Some(
            Identity::builder()
                .r#type("Service")
                .principal_id("dynamodb.amazonaws.com")
                .build(),
        );
        let content = content(record(expired).unwrap());
        assert_eq!(content.event_name, "REMOVE");
        assert_eq!(
            (content.new_image, content.old_image.as_deref()),
            (None, Some(r#"{"Id":{"N":"101"}}"#))
        );
        let identity = content.user_identity.unwrap();
        assert_eq!(
            (identity.kind.as_str(), identity.principal_id.as_str()),
            ("Service", "dynamodb.amazonaws.com")
        );
    }

    #[test]
    fn a_record_without_a_place_or_a_time_is_refused() {
        let nowhere = Change::builder().approximate_creation_date_time(DateTime::from_secs(1));
        let never = Change::builder().sequence_number("1");
        let unnamed = Record::builder().dynamodb(change().build()).build();
        for (wrong, field) in [
            (of(nowhere, OperationType::Insert), "SequenceNumber"),
            (
                of(never, OperationType::Insert),
                "ApproximateCreationDateTime",
            ),
            (unnamed, "eventName"),
            (Record::builder().build(), "dynamodb"),
        ] {
            let error = record(wrong).unwrap_err();
            assert_eq!(error.kind, SourceErrorKind::Fatal);
            assert!(error.message.contains(field), "{error}");
        }
    }
}
