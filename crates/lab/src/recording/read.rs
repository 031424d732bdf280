//! Reads recordings.

use std::fmt;
use std::io::{BufRead, Read as _};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::format::{End, Header, Line, RecordedKind, VERSION};
use crate::scenario::RecordedArrival;

/// The longest line that is read: the largest record of any source in Base64, twice over.
const LONGEST_LINE: u64 = 64 * 1024 * 1024;

/// The most records that are read of one recording.
const MOST_RECORDS: usize = 10_000_000;

/// A recording, ready to be replayed.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// What was recorded.
    pub header: Header,
    /// The records, by when they arrived: at the source where that is known, else where they were delivered, and none
    /// before the recording began.
    pub arrivals: Vec<RecordedArrival>,
    /// Why there may be more than this, in words; `None` if it was recorded to the end.
    pub incomplete: Option<String>,
}

/// What is wrong with a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingError {
    /// The line, counted from 1.
    pub line: usize,
    /// The reason, with a way out where there is one.
    pub because: String,
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.because)
    }
}

impl std::error::Error for RecordingError {}

/// Tells whether a file is a recording, by its beginning.
#[must_use]
pub fn is_recording(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default().trim_start();
    first.starts_with("{\"recording\":")
}

/// Reads a recording to be replayed.
///
/// # Errors
/// The first line that makes no sense. A recording that breaks off within its last line is read up to there.
pub fn read(source: impl BufRead) -> Result<Recorded, RecordingError> {
    let mut lines = RecordingLines::open(source)?;
    let kind = lines.header.kind;
    let mut arrivals = Vec::new();
    for (number, line) in lines.by_ref() {
        let line = line?;
        if arrivals.len() == MOST_RECORDS {
            let because = format!("has more than {MOST_RECORDS} records; split it");
            return Err(RecordingError {
                line: number,
                because,
            });
        }
        let fails = |because| RecordingError {
            line: number,
            because,
        };
        arrivals.push(arrival(kind, line).map_err(fails)?);
    }
    arrivals.sort_by_key(|arrival| arrival.after);
    Ok(Recorded {
        header: lines.header,
        arrivals,
        incomplete: lines.incomplete,
    })
}

/// The lines of a recording, one after another, with their numbers.
pub struct RecordingLines<R> {
    /// What was recorded.
    pub header: Header,
    /// Why there may be more than the lines that were read, in words.
    pub incomplete: Option<String>,
    source: R,
    number: usize,
    over: bool,
}

impl<R: BufRead> RecordingLines<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If there is none, or it is of another version.
    pub fn open(mut source: R) -> Result<Self, RecordingError> {
        let fails = |because| RecordingError { line: 1, because };
        let text = line(&mut source).map_err(fails)?;
        let header: Header = serde_json::from_slice(&text).map_err(|error| {
            fails(format!(
                "is no header of a recording: {}; `lambda-esm run --record FOLDER` makes one",
                reason(&error)
            ))
        })?;
        if header.recording != VERSION {
            return Err(fails(format!(
                "is of version {}, and only version {VERSION} is read; record it anew",
                header.recording
            )));
        }
        Ok(Self {
            header,
            incomplete: None,
            source,
            number: 1,
            over: false,
        })
    }

    /// Reads the next line; `None` at the end.
    fn read(&mut self) -> Result<Option<Line>, String> {
        let text = line(&mut self.source)?;
        if text.is_empty() {
            return Ok(None);
        }
        let error = match serde_json::from_slice::<Line>(&text) {
            Ok(line) => return Ok(Some(line)),
            Err(error) => error,
        };
        if let Ok(End { end }) = serde_json::from_slice(&text) {
            self.incomplete = Some(end);
            return Ok(None);
        }
        if !text.ends_with(b"\n") {
            self.incomplete = Some(format!(
                "line {} is cut off, and what came after it is missing",
                self.number
            ));
            return Ok(None);
        }
        Err(format!("is no record: {}", reason(&error)))
    }
}

impl<R: BufRead> Iterator for RecordingLines<R> {
    type Item = (usize, Result<Line, RecordingError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        self.number += 1;
        let read = self.read();
        self.over = !matches!(read, Ok(Some(_)));
        let number = self.number;
        let fails = |because| RecordingError {
            line: number,
            because,
        };
        Some((number, read.transpose()?.map_err(fails)))
    }
}

/// Reads a line with its end; nothing at the end of the file.
fn line(source: &mut impl BufRead) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let read = source.take(LONGEST_LINE).read_until(b'\n', &mut text);
    match read {
        Err(error) => Err(format!("cannot be read: {error}")),
        Ok(read) if read as u64 == LONGEST_LINE => Err("is longer than 64 MiB".to_owned()),
        Ok(_) => Ok(text),
    }
}

/// Returns what is wrong, without the place in the line: the line has a number already.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn arrival(kind: RecordedKind, line: Line) -> Result<RecordedArrival, String> {
    let delivered = i64::try_from(line.at).unwrap_or(i64::MAX);
    let arrived = line.arrived.unwrap_or(delivered).clamp(0, delivered);
    let record = line.record.as_deref().map(RawValue::get);
    let payload = record.map(|record| payload(kind, record)).transpose()?;
    Ok(RecordedArrival {
        after: Duration::from_millis(arrived.unsigned_abs()),
        key: line.key.map(Arc::from),
        size: line.size,
        payload: payload.flatten(),
    })
}

/// The members of a record of any source that hold what it carries.
#[derive(Deserialize)]
struct Carried<'r> {
    body: Option<String>,
    kinesis: Option<Kinesis>,
    #[serde(borrow)]
    dynamodb: Option<DynamoDb<'r>>,
    value: Option<String>,
    data: Option<String>,
    #[serde(borrow)]
    event: Option<&'r RawValue>,
}

#[derive(Deserialize)]
struct Kinesis {
    data: String,
}

#[derive(Deserialize)]
struct DynamoDb<'r> {
    #[serde(rename = "NewImage", borrow)]
    new_image: Option<&'r RawValue>,
}

/// Returns what a record carries; `None` if it is one without, as a tombstone.
fn payload(kind: RecordedKind, record: &str) -> Result<Option<Bytes>, String> {
    let carried: Carried<'_> = serde_json::from_str(record)
        .map_err(|error| format!("its record makes no sense: {}", reason(&error)))?;
    let raw = |value: &RawValue| Bytes::copy_from_slice(value.get().as_bytes());
    let encoded = match kind {
        RecordedKind::Sqs | RecordedKind::SqsFifo => return Ok(carried.body.map(Bytes::from)),
        RecordedKind::DynamoDb => {
            return Ok(carried
                .dynamodb
                .and_then(|change| change.new_image)
                .map(raw));
        }
        RecordedKind::DocumentDb => return Ok(carried.event.map(raw)),
        RecordedKind::Kinesis => carried.kinesis.map(|kinesis| kinesis.data),
        RecordedKind::Kafka => carried.value,
        RecordedKind::RabbitMq | RecordedKind::ActiveMq => carried.data,
    };
    let decoded = encoded.map(|text| STANDARD.decode(text)).transpose();
    let decoded = decoded.map_err(|error| format!("its data is no Base64: {error}"))?;
    Ok(decoded.map(Bytes::from))
}
