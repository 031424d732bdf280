//! Samples, out of files of several forms.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lambda_esm_lab::recording::{RecordingLines, is_recording};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::filter_test::events::split;
use crate::filter_test::source::SourceChoice;

/// The most that is read of one file.
const LARGEST: u64 = 256 * 1024 * 1024;

/// An event, or a record of one.
#[derive(Clone)]
pub(super) struct Sample {
    /// Where it is: the file, and which of its events.
    pub(super) name: String,
    /// What it is a record of, where the file tells.
    pub(super) source: Option<SourceChoice>,
    pub(super) text: Arc<str>,
}

/// Reads all files.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<Sample>, Failure> {
    let mut samples = Vec::new();
    for path in paths {
        file(path, &mut samples)?;
    }
    Ok(samples)
}

fn file(path: &Path, samples: &mut Vec<Sample>) -> Result<(), Failure> {
    let fails = |because: String| Failure::Usage(format!("{}: {because}", path.display()));
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    match read {
        Err(error) => return Err(fails(format!("cannot be read: {error}"))),
        Ok(read) if read as u64 > LARGEST => {
            return Err(fails("is larger than 256 MiB; split it".to_owned()));
        }
        Ok(_) => {}
    }
    if is_recording(&text) {
        return recording(path, &text, samples).map_err(fails);
    }
    for (index, value) in split(&text).iter().enumerate() {
        let name = format!("{} event {}", path.display(), index + 1);
        event(&name, value, samples);
    }
    Ok(())
}

fn recording(path: &Path, text: &str, samples: &mut Vec<Sample>) -> Result<(), String> {
    let lines = RecordingLines::open(text.as_bytes()).map_err(|error| error.to_string())?;
    if !lines.header.payloads {
        return Err(
            "was recorded without payloads, which filters look at; record it with `payloads: true`"
                .to_owned(),
        );
    }
    let source = SourceChoice::of_recording(lines.header.kind);
    for (number, line) in lines {
        let line = line.map_err(|error| error.to_string())?;
        if let Some(record) = line.record {
            samples.push(Sample {
                name: format!("{} line {number}", path.display()),
                source,
                text: record.get().into(),
            });
        }
    }
    Ok(())
}

/// An event as a function gets it, as far as it holds records (Lambda developer guide, the page of each source).
#[derive(Deserialize)]
struct LambdaEvent<'e> {
    #[serde(rename = "eventSource")]
    source: Option<String>,
    #[serde(rename = "Records", borrow)]
    records: Option<Vec<&'e RawValue>>,
    #[serde(rename = "records", borrow)]
    of_partitions: Option<BTreeMap<String, Vec<&'e RawValue>>>,
    #[serde(borrow)]
    messages: Option<Vec<&'e RawValue>>,
    #[serde(rename = "rmqMessagesByQueue", borrow)]
    of_queues: Option<BTreeMap<String, Vec<&'e RawValue>>>,
}

#[derive(Deserialize)]
struct Origin {
    #[serde(rename = "eventSource")]
    source: Option<String>,
}

fn origin(record: &str) -> Option<SourceChoice> {
    let origin: Origin = serde_json::from_str(record).ok()?;
    SourceChoice::of_event(&origin.source?)
}

/// Adds the events of an array, the records of a Lambda event, or else the event itself.
fn event(name: &str, text: &str, samples: &mut Vec<Sample>) {
    if let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(text) {
        for (index, item) in items.iter().enumerate() {
            one(&format!("{name}[{index}]"), item.get(), samples);
        }
    } else {
        one(name, text, samples);
    }
}

fn one(name: &str, text: &str, samples: &mut Vec<Sample>) {
    let found = records(text);
    let is_event = !found.is_empty();
    for (index, (source, record)) in found.into_iter().enumerate() {
        samples.push(Sample {
            name: format!("{name} record {}", index + 1),
            source: Some(source),
            text: record.into(),
        });
    }
    if !is_event {
        samples.push(Sample {
            name: name.to_owned(),
            source: origin(text),
            text: text.into(),
        });
    }
}

/// Returns the records of a Lambda event; none if it is something else.
fn records(text: &str) -> Vec<(SourceChoice, &str)> {
    let Ok(event) = serde_json::from_str::<LambdaEvent<'_>>(text) else {
        return Vec::new();
    };
    let of_event = event.source.as_deref().and_then(SourceChoice::of_event);
    let with_source = |record: &'_ RawValue| of_event.or_else(|| origin(record.get()));
    let of_partitions = event.of_partitions.into_iter().flatten();
    let of_queues = event.of_queues.into_iter().flatten();
    let in_groups = of_partitions
        .chain(of_queues)
        .flat_map(|(_, records)| records);
    let records = event.records.into_iter().chain(event.messages).flatten();
    let all = records.chain(in_groups);
    all.filter_map(|record| Some((with_source(record)?, record.get())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(String, Option<SourceChoice>, String)> {
        let mut samples = Vec::new();
        event("e", text, &mut samples);
        let parts = |sample: Sample| (sample.name, sample.source, sample.text.to_string());
        samples.into_iter().map(parts).collect()
    }

    #[test]
    fn records_of_an_event_know_what_they_are_of() {
        for (event, source) in [
            (
                r#"{"Records":[{"eventSource":"aws:sqs","body":"a"}]}"#,
                SourceChoice::Sqs,
            ),
            (
                r#"{"Records":[{"eventSource":"aws:kinesis"}]}"#,
                SourceChoice::Kinesis,
            ),
            (
                r#"{"Records":[{"eventSource":"aws:dynamodb"}]}"#,
                SourceChoice::Dynamodb,
            ),
            (
                r#"{"eventSource":"aws:kafka","records":{"t-0":[{"offset":1}]}}"#,
                SourceChoice::Kafka,
            ),
            (
                r#"{"eventSource":"aws:mq","messages":[{"data":""}]}"#,
                SourceChoice::Mq,
            ),
            (
                r#"{"eventSource":"aws:rmq","rmqMessagesByQueue":{"q::/":[{"data":""}]}}"#,
                SourceChoice::Mq,
            ),
        ] {
            let found = read(event);
            let [(name, Some(found), _)] = &found[..] else {
                panic!("{event}: {found:?}");
            };
            assert_eq!((name.as_str(), *found), ("e record 1", source), "{event}");
        }
    }

    #[test]
    fn what_is_no_event_of_a_source_is_a_sample_itself() {
        for text in [
            r#"{"Records":[{"eventSource":"aws:s3"}]}"#,
            r#"{"records":3}"#,
            "plain",
        ] {
            assert_eq!(read(text), [("e".to_owned(), None, text.to_owned())]);
        }
        let [(one, ..), (two, ..)] = &read(r#"[{"a":1},{"a":2}]"#)[..] else {
            panic!("two events");
        };
        assert_eq!((one.as_str(), two.as_str()), ("e[0]", "e[1]"));
    }
}
