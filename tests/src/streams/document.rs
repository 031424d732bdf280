//! What an on-failure destination must be told, byte for byte.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::mailbox::Letter;
use super::record::Known;

/// What a document says of the function's last answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response {
    /// Nothing: the member is absent.
    Absent,
    /// The function failed.
    Unhandled,
    /// It answered, but not that the batch succeeded: `functionError` is null.
    Answered,
}

/// What a document must say. Identifier and time are its own.
#[derive(Clone, Copy, Debug)]
pub struct Document<'a> {
    /// The function's name.
    pub function: &'a str,
    /// `condition`.
    pub condition: &'a str,
    /// `approximateInvokeCount`.
    pub invokes: usize,
    /// `responseContext`.
    pub response: Response,
    /// The stream.
    pub arn: &'a str,
    /// The first and the last of the records, and those between them.
    pub records: &'a [Known],
}

/// Returns a time as ISO 8601 writes it, in UTC.
///
/// # Panics
/// Panics if it lies outside the calendar.
#[must_use]
pub fn iso(millis: i64, with_millis: bool) -> String {
    let format = if with_millis {
        "%Y-%m-%dT%H:%M:%S.%3fZ"
    } else {
        "%Y-%m-%dT%H:%M:%SZ"
    };
    let time = Timestamp::from_millisecond(millis).unwrap();
    time.strftime(format).to_string()
}

impl Document<'_> {
    /// Checks a document: its members in the order recorded from the service, and nothing else. `event` is
    /// the event of the records if it comes from a bucket, `mapping` the mapping.
    ///
    /// # Panics
    /// Panics if it says anything else.
    pub fn check(&self, letter: &Letter, mapping: Uuid, event: Option<&[u8]>) {
        let body: Value = serde_json::from_str(&letter.body).unwrap();
        let id = body["requestContext"]["requestId"].as_str().unwrap();
        assert_eq!(Uuid::parse_str(id).unwrap().to_string(), id, "requestId");
        let time = body["timestamp"].as_str().unwrap();
        let parsed: Timestamp = time.parse().unwrap();
        assert_eq!(iso(parsed.as_millisecond(), true), time, "timestamp");
        let mut expected = self.text(id, time);
        assert_eq!(letter.key.is_some(), event.is_some(), "an object has a key");
        if let (Some(key), Some(event)) = (&letter.key, event) {
            let event = serde_json::to_string(str::from_utf8(event).unwrap()).unwrap();
            expected.truncate(expected.len() - 1);
            expected += &format!(",\"payload\":{event}}}");
            check_key(key, mapping, &self.records[0].shard, parsed);
        }
        assert_eq!(letter.body, expected);
    }

    fn text(&self, id: &str, time: &str) -> String {
        let Self {
            function,
            condition,
            invokes,
            arn,
            records,
            ..
        } = self;
        let (first, last) = (&records[0], &records[records.len() - 1]);
        let (info, millis) = if arn.starts_with("arn:aws:kinesis:") {
            ("KinesisBatchInfo", true)
        } else {
            ("DDBStreamBatchInfo", false)
        };
        let response = match self.response {
            Response::Absent => "",
            Response::Unhandled => {
                r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"#
            }
            Response::Answered => {
                r#""responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":null},"#
            }
        };
        let function = format!("arn:aws:lambda:us-east-1:000000000000:function:{function}");
        let request = format!(
            r#"{{"requestId":"{id}","functionArn":"{function}","condition":"{condition}","approximateInvokeCount":{invokes}}}"#
        );
        let batch = format!(
            r#"{{"shardId":"{}","startSequenceNumber":"{}","endSequenceNumber":"{}","approximateArrivalOfFirstRecord":"{}","approximateArrivalOfLastRecord":"{}","batchSize":{},"streamArn":"{arn}"}}"#,
            first.shard,
            first.sequence,
            last.sequence,
            iso(first.arrival_ms, millis),
            iso(last.arrival_ms, millis),
            records.len(),
        );
        format!(
            r#"{{"requestContext":{request},{response}"version":"1.0","timestamp":"{time}","{info}":{batch}}}"#
        )
    }
}

/// Checks `aws/lambda/MAPPING/SHARD/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID` (Lambda developer guide, "Configuring
/// destinations"; recorded).
fn check_key(key: &str, mapping: Uuid, shard: &str, time: Timestamp) {
    let folder = time.strftime("%Y/%m/%d");
    let name = time.strftime("%Y-%m-%dT%H.%M.%S");
    let prefix = format!("aws/lambda/{mapping}/{shard}/{folder}/{name}-");
    let unique = key.strip_prefix(&prefix);
    let unique = unique.unwrap_or_else(|| panic!("{key} does not begin with {prefix}"));
    assert_eq!(Uuid::parse_str(unique).unwrap().to_string(), unique);
}
