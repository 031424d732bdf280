//! By which identifiers an event names its records.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Deserialize;

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "Records", default)]
    records: Vec<Record<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow, rename = "messageId")]
    message_id: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "eventID")]
    event_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dynamodb: Option<Change<'a>>,
}

#[derive(Deserialize)]
struct Change<'a> {
    #[serde(borrow, rename = "Keys", default)]
    keys: HashMap<Cow<'a, str>, Key<'a>>,
}

#[derive(Deserialize)]
struct Key<'a> {
    #[serde(borrow, rename = "S")]
    text: Option<Cow<'a, str>>,
}

impl Record<'_> {
    /// A record of a table is known by the key attribute that has the name of the run in it.
    fn id(self, run: &str) -> Option<String> {
        let id = match self.dynamodb {
            Some(change) => change
                .keys
                .into_values()
                .filter_map(|key| key.text)
                .find(|text| text.contains(run))
                .or(self.event_id),
            None => self.message_id.or(self.event_id),
        };
        id.map(Cow::into_owned)
    }
}

/// Returns the identifiers of an event's records: `messageId` of SQS, `eventID` of Kinesis, of DynamoDB the key of an item
/// that was put by `run`. An event in another form has none.
pub(super) fn ids(event: &[u8], run: &str) -> Vec<String> {
    let event = serde_json::from_slice::<Event<'_>>(event);
    let records = event.map_or_else(|_| Vec::new(), |event| event.records);
    records
        .into_iter()
        .map(|record| record.id(run).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_record_has_its_identifier() {
        let sqs = br#"{"Records":[{"messageId":"m-1","body":"{\"messageId\":\"no\"}"},{"messageId":"m-2"}]}"#;
        assert_eq!(ids(sqs, "run"), ["m-1", "m-2"]);
        let kinesis =
            br#"{"Records":[{"kinesis":{"sequenceNumber":"5"},"eventID":"shardId-0:5"}]}"#;
        assert_eq!(ids(kinesis, "run"), ["shardId-0:5"]);
        let dynamodb = br#"{"Records":[
            {"eventID":"e1","dynamodb":{"Keys":{"h":{"S":"key-1"},"r":{"S":"run-7"}}}},
            {"eventID":"e2","dynamodb":{"Keys":{"h":{"N":"1"}}}}]}"#;
        assert_eq!(ids(dynamodb, "run"), ["run-7", "e2"]);
    }

    #[test]
    fn what_is_no_event_names_nothing() {
        assert!(ids(b"[1]", "run").is_empty());
        assert!(ids(b"{\"records\":{}}", "run").is_empty());
    }
}
