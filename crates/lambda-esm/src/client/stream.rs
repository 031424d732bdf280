//! Decisions, as a daemon tells them: by page, or as server-sent events.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use crate::failure::Failure;

/// How many bytes one event has at most; a daemon remembers 1 MiB of each mapping's decisions.
const LONGEST_EVENT: usize = 4 * 1024 * 1024;
/// How long a stream may be silent: a daemon says every 15 s that it is alive.
const SILENCE: Duration = Duration::from_secs(60);

/// The body of an answer, as it comes.
pub(super) type Chunks =
    BoxStream<'static, Result<Bytes, Box<dyn std::error::Error + Send + Sync>>>;

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
    chunks: Chunks,
    endpoint: String,
    buffer: Vec<u8>,
    /// How much of the buffer was looked through for the end of an event.
    seen: usize,
}

/// One event of a stream: its name and its data.
#[derive(Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Stream {
    pub(super) const fn new(chunks: Chunks, endpoint: String) -> Self {
        Self {
            chunks,
            endpoint,
            buffer: Vec::new(),
            seen: 0,
        }
    }

    /// Returns the next event; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Result<Option<Sent>, Failure> {
        loop {
            while let Some(block) = self.take_block() {
                if let Some(sent) = parse(&block) {
                    return Ok(Some(sent));
                }
            }
            if self.buffer.len() > LONGEST_EVENT {
                let text = format!("tells an event of more than {LONGEST_EVENT} bytes");
                return Err(self.failed(&text));
            }
            let Ok(chunk) = timeout(SILENCE, self.chunks.next()).await else {
                let text = format!("has said nothing for {} s", SILENCE.as_secs());
                return Err(self.failed(&text));
            };
            let Some(chunk) = chunk else {
                return Ok(None);
            };
            let chunk = chunk.map_err(|error| self.failed(&format!("went away: {error}")))?;
            self.buffer.extend_from_slice(&chunk);
        }
    }

    /// Takes the text up to the next empty line.
    fn take_block(&mut self) -> Option<String> {
        let unseen = self.buffer.get(self.seen..).unwrap_or_default();
        let Some(end) = unseen.windows(2).position(|pair| pair == b"\n\n") else {
            // The first half of the end may be there.
            self.seen = self.buffer.len().saturating_sub(1);
            return None;
        };
        let block: Vec<u8> = self.buffer.drain(..self.seen + end + 2).collect();
        self.seen = 0;
        Some(String::from_utf8_lossy(&block).into_owned())
    }

    fn failed(&self, what: &str) -> Failure {
        Failure::general(format!("the daemon at {} {what}", self.endpoint))
    }
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
    use futures::stream;
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    fn stream(chunks: Vec<&'static [u8]>, ends: bool) -> Stream {
        let chunks = chunks
            .into_iter()
            .map(|chunk| Ok(Bytes::from_static(chunk)));
        let rest = if ends {
            stream::empty().left_stream()
        } else {
            stream::pending().right_stream()
        };
        Stream::new(
            stream::iter(chunks).chain(rest).boxed(),
            "http://h".to_owned(),
        )
    }

    #[tokio::test]
    async fn events_are_cut_at_empty_lines_and_comments_are_skipped() {
        let chunks: [&[u8]; 5] = [
            b":alive\n",
            b"\nid: 7\nevent: gap\ndata: {\"missed\":2}\n",
            b"",
            b"\ndata:1\n\n",
            b"event: d",
        ];
        let mut stream = stream(chunks.to_vec(), true);
        let sent = stream.next().await.unwrap().unwrap();
        assert_eq!(
            (sent.name.as_str(), sent.data),
            ("gap", json!({"missed": 2}))
        );
        assert_eq!(stream.next().await.unwrap().unwrap().name, "message");
        assert_eq!(stream.next().await.unwrap(), None);
        assert_eq!(stream.buffer, b"event: d");
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_is_silent_or_whose_event_has_no_end_is_given_up() {
        let began = Instant::now();
        let mut silent = stream(vec![b":alive\n\n"], false);
        let failure = silent.next().await.unwrap_err().to_string();
        assert!(failure.contains("has said nothing for 60 s"), "{failure}");
        assert_eq!(began.elapsed(), SILENCE);
        let endless = vec![[b'x'; 64 * 1024].as_slice(); 100];
        let failure = stream(endless, false).next().await.unwrap_err().to_string();
        assert!(
            failure.contains("an event of more than 4194304 bytes"),
            "{failure}"
        );
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
