//! Records: as the stream has them, and as a function sees them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What the stream itself says of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its shard.
    pub shard: String,
    /// Its sequence number.
    pub sequence: String,
    /// When it arrived, in milliseconds since the Unix epoch.
    pub arrival_ms: i64,
}

/// One record of an event.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a>(pub &'a Value);

impl Record<'_> {
    /// Returns the value that was put; null if the item was removed.
    #[must_use]
    pub fn value(&self) -> Value {
        let text = match self.0["kinesis"]["data"].as_str() {
            Some(data) => String::from_utf8(STANDARD.decode(data).unwrap()).unwrap(),
            None => match self.0["dynamodb"]["NewImage"]["body"]["S"].as_str() {
                Some(body) => body.to_owned(),
                None => return Value::Null,
            },
        };
        serde_json::from_str(&text).unwrap()
    }

    /// Returns the key that it was put under.
    #[must_use]
    pub fn key(&self) -> &str {
        let key = self.0["kinesis"]["partitionKey"].as_str();
        key.or_else(|| self.0["dynamodb"]["Keys"]["id"]["S"].as_str())
            .unwrap()
    }

    /// Returns its sequence number.
    #[must_use]
    pub fn sequence(&self) -> &str {
        let sequence = self.0["kinesis"]["sequenceNumber"].as_str();
        sequence
            .or_else(|| self.0["dynamodb"]["SequenceNumber"].as_str())
            .unwrap()
    }

    /// Returns when it arrived, in seconds since the Unix epoch.
    #[must_use]
    pub fn arrival(&self) -> f64 {
        let arrival = self.0["kinesis"]["approximateArrivalTimestamp"].as_f64();
        arrival
            .or_else(|| self.0["dynamodb"]["ApproximateCreationDateTime"].as_f64())
            .unwrap()
    }

    /// Returns its shard, which only a Kinesis record names.
    #[must_use]
    pub fn shard(&self) -> Option<&str> {
        let (shard, _) = self.0["eventID"].as_str()?.split_once(':')?;
        Some(shard)
    }
}

/// Returns the records of an event.
pub fn records(event: &Value) -> impl Iterator<Item = Record<'_>> {
    event["Records"].as_array().unwrap().iter().map(Record)
}

/// Returns the values of an event's records.
#[must_use]
pub fn values(event: &Value) -> Vec<Value> {
    records(event).map(|record| record.value()).collect()
}
