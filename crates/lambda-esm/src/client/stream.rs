//! Decisions, as a daemon tells them: by page, or as server-sent events.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::failure::Failure;

/// What is printed of one decision.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Told {
    /// In milliseconds since the Unix epoch.
    pub(crate) time_ms: i64,
    /// The mapping.
    pub(crate) mapping: String,
    /// Its place among the mapping's decisions.
    pub(crate) sequence: u64,
    /// The mapping's function, by name.
    pub(crate) function: String,
    /// The decision in plain words.
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) event: Facts,
}

/// What is read of a decision's own members.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Facts {
    /// Of an invocation for a stream: how long ago the last of its records had arrived, in milliseconds.
    #[serde(default)]
    pub(crate) iterator_age_ms: Option<u64>,
}

impl Told {
    /// Reads the decisions of a page, the oldest first.
    pub(crate) fn page(page: &Value) -> Result<Vec<Self>, Failure> {
        Vec::deserialize(&page["events"]).map_err(|error| unknown(&error))
    }

    /// Reads one decision.
    pub(crate) fn one(event: &Value) -> Result<Self, Failure> {
        Self::deserialize(event).map_err(|error| unknown(&error))
    }

    /// Returns the time in UTC; with the day as RFC 3339 has it, without as it fits a screen.
    pub(crate) fn time(&self, with_day: bool) -> String {
        let Ok(time) = Timestamp::from_millisecond(self.time_ms) else {
            return format!("{} ms", self.time_ms);
        };
        let whole = format!("{time:.3}");
        match whole.split_once('T') {
            Some((_, time)) if !with_day => time.trim_end_matches('Z').to_owned(),
            _ => whole,
        }
    }
}

fn unknown(error: &serde_json::Error) -> Failure {
    Failure::general(format!(
        "the daemon told a decision in a form that this version does not know: {error}"
    ))
}

/// A stream of server-sent events.
pub(crate) struct Stream {
    body: BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>,
    endpoint: String,
    buffer: Vec<u8>,
}

/// One event of a stream: its name and its data.
#[derive(Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Stream {
    pub(super) const fn new(
        body: BoxBody<Bytes, Box<dyn std::error::Error + Send + Sync>>,
        endpoint: String,
    ) -> Self {
        let buffer = Vec::new();
        Self {
            body,
            endpoint,
            buffer,
        }
    }

    /// Returns the next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Sent>, Failure> {
        loop {
            while let Some(block) = take_block(&mut self.buffer) {
                if let Some(sent) = parse(&block) {
                    return Ok(Some(sent));
                }
            }
            let Some(frame) = self.body.frame().await else {
                return Ok(None);
            };
            let frame = frame.map_err(|error| {
                let endpoint = &self.endpoint;
                Failure::general(format!("the daemon at {endpoint} went away: {error}"))
            })?;
            if let Ok(data) = frame.into_data() {
                self.buffer.extend_from_slice(&data);
            }
        }
    }
}

/// Takes the text up to the next empty line.
fn take_block(buffer: &mut Vec<u8>) -> Option<String> {
    let end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
    let block: Vec<u8> = buffer.drain(..end + 2).collect();
    Some(String::from_utf8_lossy(&block).into_owned())
}

/// Reads an event; `None` if the block is a comment.
fn parse(block: &str) -> Option<Sent> {
    let field = |name: &str| {
        let mut lines = block.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    let data = serde_json::from_str(field("data")?.trim()).ok()?;
    let name = field("event").unwrap_or("message").trim().to_owned();
    Some(Sent { name, data })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn events_are_cut_at_empty_lines_and_comments_are_skipped() {
        let mut buffer = b":alive\n\nid: 7\nevent: gap\ndata: {\"missed\":2}\n\nevent: d".to_vec();
        assert_eq!(parse(&take_block(&mut buffer).unwrap()), None);
        let sent = parse(&take_block(&mut buffer).unwrap()).unwrap();
        assert_eq!(
            (sent.name.as_str(), sent.data),
            ("gap", json!({"missed": 2}))
        );
        assert_eq!(take_block(&mut buffer), None);
        assert_eq!(buffer, b"event: d");
    }

    #[test]
    fn times_are_shown_in_utc_to_the_millisecond() {
        let event =
            json!({"time_ms": 1_500, "mapping": "m", "sequence": 1, "function": "f", "text": "t"});
        let told = Told::one(&event).unwrap();
        assert_eq!(told.time(true), "1970-01-01T00:00:01.500Z");
        assert_eq!(told.time(false), "00:00:01.500");
    }
}
