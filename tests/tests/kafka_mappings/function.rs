//! What the functions of the tests see of a topic.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_tests::scripted::{self, SeenRecord};
use serde::Deserialize;

pub(crate) use lambda_esm_tests::scripted::{Reply, answering, failing, fine, pending};

pub(crate) type Call = scripted::Call<Seen>;
pub(crate) type Script = scripted::Script<Seen>;

/// One record, as a function saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    /// None, of a tombstone.
    pub(crate) value: Option<Bytes>,
}

impl Seen {
    /// Returns `n` of a value such as `{"n":7}`.
    pub(crate) fn number(&self) -> usize {
        #[derive(Deserialize)]
        struct Numbered {
            n: usize,
        }
        let value: Numbered = serde_json::from_slice(self.value.as_ref().unwrap()).unwrap();
        value.n
    }
}

/// Returns the numbers in the values of the records of an invocation.
pub(crate) fn numbers(call: &Call) -> Vec<usize> {
    call.records.iter().map(Seen::number).collect()
}

#[derive(Deserialize)]
struct Event {
    records: BTreeMap<String, Vec<Record>>,
}

#[derive(Deserialize)]
struct Record {
    topic: String,
    partition: i32,
    offset: i64,
    value: Option<String>,
}

impl SeenRecord for Seen {
    fn read(event: &[u8]) -> Vec<Self> {
        let event: Event = serde_json::from_slice(event).unwrap();
        let records = event.records.into_values().flatten();
        let seen = records.map(|record| Self {
            topic: record.topic,
            partition: record.partition,
            offset: record.offset,
            value: record
                .value
                .map(|text| STANDARD.decode(text).unwrap().into()),
        });
        seen.collect()
    }
}
