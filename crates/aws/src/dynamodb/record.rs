//! From changes of a table to records.

use std::borrow::Cow;

use aws_sdk_dynamodbstreams::primitives::DateTime;
use lambda_esm_core::record::{DynamoDbRecord, StreamContent, UserIdentity};
use lambda_esm_core::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::item::item;
use crate::json::{CALENDAR, Name};
use crate::shard_records::RecordFormat;

/// The records of DynamoDB Streams.
pub(super) static RECORD: RecordFormat = RecordFormat {
    sequence,
    missing: "the SequenceNumber of a record",
    content,
};

/// What is read of a record (DynamoDB Streams API reference, `Record`).
#[derive(Deserialize)]
struct Change<'a> {
    #[serde(rename = "eventID", default)]
    event_id: Option<String>,
    #[serde(rename = "eventName")]
    event_name: String,
    #[serde(borrow)]
    dynamodb: Images<'a>,
    #[serde(rename = "userIdentity", default)]
    user_identity: Option<Identity>,
}

/// What is read of its change (DynamoDB Streams API reference, `StreamRecord`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Images<'a> {
    /// In seconds.
    approximate_creation_date_time: f64,
    #[serde(borrow)]
    keys: &'a RawValue,
    #[serde(borrow, default)]
    new_image: Option<&'a RawValue>,
    #[serde(borrow, default)]
    old_image: Option<&'a RawValue>,
    /// Nothing depends on it, so that it may be anything.
    #[serde(borrow, default)]
    size_bytes: Option<&'a RawValue>,
    #[serde(default)]
    stream_view_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    #[serde(default)]
    principal_id: Option<String>,
    #[serde(default)]
    r#type: Option<String>,
}

fn sequence(json: &str) -> Option<Name> {
    #[derive(Deserialize)]
    struct Record {
        dynamodb: Change,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Change {
        sequence_number: Name,
    }
    let record: Record = serde_json::from_str(json).ok()?;
    Some(record.dynamodb.sequence_number)
}

fn content(json: &str) -> Result<(Timestamp, StreamContent), String> {
    let record = serde_json::from_str(json).and_then(polled);
    record.map_err(|error| error.to_string())
}

fn polled(record: Change<'_>) -> serde_json::Result<(Timestamp, StreamContent)> {
    let change = record.dynamodb;
    let image = |image: Option<&RawValue>| image.map(item).transpose();
    let content = DynamoDbRecord::new(
        record.event_id.unwrap_or_default(),
        Cow::Owned(record.event_name),
        item(change.keys)?,
    )
    .with_new_image(image(change.new_image)?)
    .with_old_image(image(change.old_image)?)
    .with_size_bytes(
        change
            .size_bytes
            .and_then(|bytes| bytes.get().parse().ok())
            .unwrap_or_default(),
    )
    .with_stream_view_type(Cow::Owned(change.stream_view_type.unwrap_or_default()))
    .with_user_identity(record.user_identity.map(|identity| {
        UserIdentity::new(
            identity.r#type.unwrap_or_default(),
            identity.principal_id.unwrap_or_default(),
        )
    }));
    let seconds = change.approximate_creation_date_time;
    if !CALENDAR.contains(&seconds) {
        let why = format_args!("ApproximateCreationDateTime: {seconds:e} is no time");
        return Err(serde::de::Error::custom(why));
    }
    let arrival = timestamp(seconds);
    Ok((arrival, StreamContent::DynamoDb(Box::new(content))))
}

/// Returns the time that many seconds after the Unix epoch, cut to the millisecond.
pub(super) fn timestamp(seconds: f64) -> Timestamp {
    Timestamp(
        DateTime::from_secs_f64(seconds)
            .to_millis()
            .unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use lambda_esm_core::fault::{SourceError, SourceErrorKind};
    use lambda_esm_core::record::StreamRecord;
    use serde_json::{Value, json};

    use super::super::failure::DYNAMODB_STREAMS;
    use super::*;
    use crate::failure::Call;
    use crate::service_endpoint::ServiceEndpoint;

    fn of(name: &str, members: Value) -> Value {
        let mut change = json!({
            "ApproximateCreationDateTime": 1_678_831_218, "Keys": {"Id": {"N": "101"}},
            "SequenceNumber": "000000000000000000042", "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        let Value::Object(members) = members else {
            panic!("{members}")
        };
        change.as_object_mut().unwrap().extend(members);
        json!({"eventID": "c4ca", "eventName": name, "dynamodb": change})
    }

    fn read(record: &Value) -> Result<StreamRecord, SourceError> {
        let raw = serde_json::value::to_raw_value(record).unwrap();
        let call = Call {
            service: &DYNAMODB_STREAMS,
            operation: "GetRecords",
            resource: "table/orders/stream/1",
            endpoint: &ServiceEndpoint::at("http://here"),
        };
        RECORD.read(&raw, Some(Timestamp(5)), call)
    }

    fn content(record: &Value) -> DynamoDbRecord {
        match read(record).unwrap().content {
            StreamContent::DynamoDb(content) => *content,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_change_keeps_its_place_time_and_images() {
        let image = json!({"Message": {"S": "New item!"}, "Id": {"N": "101"}});
        let full = of("INSERT", json!({"NewImage": image}));
        let polled = read(&full).unwrap();
        assert_eq!(&*polled.sequence, "000000000000000000042");
        assert_eq!(polled.arrival, Timestamp(1_678_831_218_000));
        let expected = DynamoDbRecord::new("c4ca", "INSERT", r#"{"Id":{"N":"101"}}"#)
            .with_new_image(Some(
                r#"{"Id":{"N":"101"},"Message":{"S":"New item!"}}"#.to_owned(),
            ))
            .with_size_bytes(26)
            .with_stream_view_type("NEW_AND_OLD_IMAGES".into());
        assert_eq!(content(&full), expected);
    }

    #[test]
    fn a_deletion_by_time_to_live_says_who_made_it() {
        let mut expired = of("REMOVE", json!({"OldImage": {"Id": {"N": "101"}}}));
        expired["userIdentity"] =
            json!({"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"});
        let content = content(&expired);
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
    fn what_nothing_depends_on_may_be_missing_or_anything() {
        for (members, size) in [
            (json!({"SizeBytes": null}), 0),
            (
                json!({"SizeBytes": "many", "NewImage": null, "New": [{}]}),
                0,
            ),
            (json!({"SizeBytes": 7, "StreamViewType": null}), 7),
        ] {
            let mut record = of("INSERT", members);
            record["eventID"].take();
            record["userIdentity"].take();
            let content = content(&record);
            assert_eq!((content.size_bytes, content.new_image), (size, None));
        }
    }

    #[test]
    fn a_record_that_cannot_be_read_keeps_its_place_and_what_came() {
        let mut unnamed = of("INSERT", json!({}));
        unnamed["eventName"].take();
        for (wrong, word) in [
            (of("INSERT", json!({"NewImage": "text"})), "a map"),
            (of("INSERT", json!({"Keys": []})), "a map"),
            (
                of("INSERT", json!({"ApproximateCreationDateTime": "today"})),
                "expected f64",
            ),
            (unnamed, "expected a string"),
        ] {
            let record = read(&wrong).unwrap();
            assert_eq!(&*record.sequence, "000000000000000000042");
            assert_eq!(record.arrival, Timestamp(5));
            let StreamContent::Unreadable(unreadable) = record.content else {
                panic!("{record:?}")
            };
            assert!(unreadable.because.contains(word), "{unreadable:?}");
            assert_eq!(unreadable.json, wrong.to_string());
        }
    }

    #[test]
    fn a_record_without_a_place_is_refused() {
        for wrong in [
            json!(7),
            json!({}),
            of("INSERT", json!({"SequenceNumber": null})),
        ] {
            let error = read(&wrong).unwrap_err();
            assert_eq!(error.kind, SourceErrorKind::Transient);
            assert!(error.message.contains("SequenceNumber"), "{error}");
        }
    }
}
