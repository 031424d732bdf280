//! What an on-failure destination must be told of records of a topic, byte for byte.

use jiff::Timestamp;
use lambda_esm_tests::streams::{Letter, iso};
use serde_json::Value;
use uuid::Uuid;

/// What a document says of the function's last answer.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    /// The function was not called.
    None,
    /// The function failed.
    Unhandled,
    /// It answered, but not that the batch succeeded.
    Answered,
}

/// The records of one partition: their first and last offsets, and the times of those in milliseconds.
pub(crate) struct Part {
    pub(crate) partition: i32,
    pub(crate) offsets: [i64; 2],
    pub(crate) times: [i64; 2],
}

/// What a document must say. Identifier and time are its own.
pub(crate) struct Document<'a> {
    pub(crate) function: &'a str,
    pub(crate) condition: &'a str,
    pub(crate) invokes: usize,
    pub(crate) answer: Answer,
    /// The broker.
    pub(crate) servers: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) records: usize,
    pub(crate) parts: Vec<Part>,
    /// The event of the records.
    pub(crate) event: &'a [u8],
}

impl Document<'_> {
    /// Checks what arrived at a queue, a topic of SNS or a bucket.
    pub(crate) fn check(&self, letter: &Letter, mapping: Uuid) {
        let (id, time) = stamp(&letter.body);
        let parts = self.parts.iter().map(|part| {
            format!(
                r#""{}-{}":{{"firstRecordOffset":"{}","lastRecordOffset":"{}","firstRecordTimestamp":"{}","lastRecordTimestamp":"{}"}}"#,
                self.topic,
                part.partition,
                part.offsets[0],
                part.offsets[1],
                iso(part.times[0], true),
                iso(part.times[1], true),
            )
        });
        let parts = parts.collect::<Vec<_>>().join(",");
        let mut expected = self.head(&id, &time, self.condition, "");
        expected += &format!(r#","recordsInfo":{{{parts}}}}}"#);
        if let Some(key) = &letter.key {
            let event = serde_json::to_string(str::from_utf8(self.event).unwrap()).unwrap();
            expected += &format!(r#","payload":{event}"#);
            let part = format!("{}-{}", self.topic, self.parts[0].partition);
            check_key(key, mapping, &part, time.parse().unwrap());
        }
        expected.push('}');
        assert_eq!(letter.body, expected);
    }

    /// Checks what arrived at a topic of Kafka, which tells of one record (Lambda developer guide, "Using a Kafka topic
    /// as an on-failure destination").
    pub(crate) fn check_message(&self, body: &str) {
        let (id, time) = stamp(body);
        let [part] = self.parts.as_slice() else {
            panic!("a message tells of one record");
        };
        let condition = match self.condition {
            "RetryAttemptsExhausted" => "RetriesExhausted",
            other => other,
        };
        let mut expected = self.head(&id, &time, condition, ":$LATEST");
        let event = str::from_utf8(self.event).unwrap();
        expected += &format!(
            r#","recordInfo":{{"offset":"{}","timestamp":"{}"}}}},"payload":{event}}}"#,
            part.offsets[0],
            iso(part.times[0], true),
        );
        assert_eq!(body, expected);
    }

    fn head(&self, id: &str, time: &str, condition: &str, version: &str) -> String {
        let function = self.function;
        let invokes = self.invokes;
        let answer = match self.answer {
            Answer::None => "null",
            Answer::Unhandled => {
                r#"{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"}"#
            }
            Answer::Answered => {
                r#"{"statusCode":200,"executedVersion":"$LATEST","functionError":null}"#
            }
        };
        format!(
            r#"{{"requestContext":{{"requestId":"{id}","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:{function}{version}","condition":"{condition}","approximateInvokeCount":{invokes}}},"responseContext":{answer},"version":"1.0","timestamp":"{time}","KafkaBatchInfo":{{"batchSize":{},"bootstrapServers":"{}","payloadSize":{}"#,
            self.records,
            self.servers,
            self.event.len(),
        )
    }
}

/// Returns a document's identifier and time, which are its own.
fn stamp(body: &str) -> (String, String) {
    let body: Value = serde_json::from_str(body).unwrap();
    let id = body["requestContext"]["requestId"].as_str().unwrap();
    assert_eq!(Uuid::parse_str(id).unwrap().to_string(), id, "requestId");
    let time = body["timestamp"].as_str().unwrap();
    let parsed: Timestamp = time.parse().unwrap();
    assert_eq!(iso(parsed.as_millisecond(), true), time, "timestamp");
    (id.to_owned(), time.to_owned())
}

/// Checks `aws/lambda/MAPPING/PARTITION/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID`.
fn check_key(key: &str, mapping: Uuid, part: &str, time: Timestamp) {
    let folder = time.strftime("%Y/%m/%d");
    let name = time.strftime("%Y-%m-%dT%H.%M.%S");
    let prefix = format!("aws/lambda/{mapping}/{part}/{folder}/{name}-");
    let unique = key.strip_prefix(&prefix);
    let unique = unique.unwrap_or_else(|| panic!("{key} does not begin with {prefix}"));
    assert_eq!(Uuid::parse_str(unique).unwrap().to_string(), unique);
}
