//! Where events come from.

use std::io::Read as _;
use std::path::Path;

use serde_json::value::RawValue;

use super::patterns::read_file;
use crate::failure::Failure;

/// An event, and a name to speak of it.
pub(super) struct Event {
    pub(super) name: String,
    pub(super) text: String,
}

/// Returns the events of the command line, then those of the file; of standard input if there are neither.
pub(super) fn read(given: &[String], file: Option<&Path>) -> Result<Vec<Event>, Failure> {
    let mut texts = given.to_vec();
    match file {
        Some(file) => texts.extend(split(&read_file(file)?)),
        None if given.is_empty() => {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| {
                    Failure::Usage(format!("standard input cannot be read: {error}"))
                })?;
            texts.extend(split(&text));
        }
        None => {}
    }
    let event = |(index, text)| Event {
        name: format!("event {}", index + 1),
        text,
    };
    Ok(texts.into_iter().enumerate().map(event).collect())
}

/// Splits a text into the JSON values that it consists of; into its lines if it is anything else, for
/// what is no JSON is an event too, though one that never matches.
pub(super) fn split(text: &str) -> Vec<String> {
    let values: Result<Vec<Box<RawValue>>, _> = serde_json::Deserializer::from_str(text)
        .into_iter()
        .collect();
    match values {
        Ok(values) => values
            .into_iter()
            .map(|value| value.get().to_owned())
            .collect(),
        Err(_) => text
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(str::to_owned)
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn values_may_span_lines_or_share_one() {
        assert_eq!(
            split("{\n \"a\": 1\n}\n{\"b\": 2} [3]\n"),
            ["{\n \"a\": 1\n}", "{\"b\": 2}", "[3]"]
        );
    }

    #[test]
    fn text_that_is_no_json_is_one_event_per_line() {
        assert_eq!(split("{\"a\": 1}\n\n{oops\n"), ["{\"a\": 1}", "{oops"]);
    }
}
