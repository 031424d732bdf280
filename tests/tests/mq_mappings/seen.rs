//! What the functions of the tests see of a queue.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use lambda_esm_tests::scripted::{self, SeenRecord};
use serde::Deserialize;
use serde_json::Value;

pub(crate) type Call = scripted::Call<Seen>;
pub(crate) type Script = scripted::Script<Seen>;

/// One message, as a function saw it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Seen {
    pub(crate) data: Bytes,
    pub(crate) redelivered: bool,
}

impl Seen {
    /// Returns `n` of a body such as `{"n":7}`, or the number that is all of a text.
    pub(crate) fn number(&self) -> usize {
        if let Ok(number) = serde_json::from_slice(&self.data) {
            return number;
        }
        #[derive(Deserialize)]
        struct Numbered {
            n: usize,
        }
        let body: Numbered = serde_json::from_slice(&self.data).unwrap();
        body.n
    }
}

/// Returns the body that has a number.
pub(crate) fn body(number: usize) -> String {
    format!("{{\"n\":{number}}}")
}

/// Returns the numbers of all messages of these invocations.
pub(crate) fn numbers(calls: &[Call]) -> Vec<usize> {
    let seen = calls.iter().flat_map(|call| &call.records);
    seen.map(Seen::number).collect()
}

#[derive(Deserialize)]
struct Message {
    data: String,
    redelivered: bool,
}

impl SeenRecord for Seen {
    fn read(event: &[u8]) -> Vec<Self> {
        let mut event: Value = serde_json::from_slice(event).unwrap();
        let messages: Vec<Message> = match event["eventSource"].as_str().unwrap() {
            "aws:rmq" => {
                let queues = event["rmqMessagesByQueue"].as_object_mut().unwrap();
                assert_eq!(queues.len(), 1, "a mapping has one queue");
                serde_json::from_value(queues.values_mut().next().unwrap().take()).unwrap()
            }
            "aws:mq" => serde_json::from_value(event["messages"].take()).unwrap(),
            other => panic!("an event of {other}"),
        };
        let seen = messages.into_iter().map(|message| Self {
            data: STANDARD.decode(message.data).unwrap().into(),
            redelivered: message.redelivered,
        });
        seen.collect()
    }
}
