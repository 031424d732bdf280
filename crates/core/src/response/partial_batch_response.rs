//! Partial batch responses: which records failed.

use std::collections::HashSet;

use serde::de::{DeserializeSeed as _, MapAccess, SeqAccess};

use super::members::OneOf;
use super::reader::{Kind, Pass, Reader, Value};

/// The longest part of an identifier that is shown, in characters; those of all services are shorter.
const SHOWN: usize = 200;

/// What a partial batch response says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every record was processed.
    Success,
    /// These records failed, by index in the batch, in ascending order; the others were processed.
    Failed(Vec<usize>),
    /// The answer makes the whole batch a failure, for the reason given.
    Invalid(String),
}

/// Reads the response to a batch whose mapping has `ReportBatchItemFailures`.
///
/// Success is an empty body, `null`, `""`, `[]`, `{}`, and an absent, null or empty
/// `batchItemFailures` (Lambda developer guide, "Implementing partial batch responses"; recorded). An
/// identifier that is missing, null, empty, no string, or not of this batch makes the whole batch fail,
/// and so does a body that is not JSON or a list of another shape. Any other JSON value (a number, a
/// non-empty string or array) names no failures, and counts as a success.
#[must_use]
pub fn read_partial_failures<'a>(
    response: &[u8],
    identifiers: impl Iterator<Item = &'a str>,
) -> Verdict {
    if response.iter().all(u8::is_ascii_whitespace) {
        return Verdict::Success;
    }
    let identifiers: Vec<&str> = identifiers.collect();
    let known = identifiers.iter().copied().collect();
    match read(response, &known) {
        Err(error) => Verdict::Invalid(format!("the response is not JSON: {error}")),
        Ok(Failures::None | Failures::Named { count: 0, .. }) => Verdict::Success,
        Ok(Failures::NoList(kind)) => {
            Verdict::Invalid(format!("batchItemFailures is {kind}, no list"))
        }
        Ok(Failures::Named {
            wrong: Some(reason),
            ..
        }) => Verdict::Invalid(reason),
        Ok(Failures::Named { failed, .. }) => {
            let is_failed = |(_, identifier): &(usize, &str)| failed.contains(identifier);
            let records = identifiers.into_iter().enumerate();
            // Of a record that is twice in the batch, both.
            Verdict::Failed(records.filter(is_failed).map(|(index, _)| index).collect())
        }
    }
}

/// Notices the first list of failures in the answers of a function whose mapping does not look at them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IgnoredFailures {
    noticed: bool,
}

impl IgnoredFailures {
    /// Returns how many failures the answer names, unless such a list was noticed before.
    pub(crate) fn notice(&mut self, response: &[u8]) -> Option<usize> {
        const NAME: &[u8] = b"batchItemFailures";
        if self.noticed || !response.windows(NAME.len()).any(|text| text == NAME) {
            return None;
        }
        let Ok(Failures::Named { count, .. }) = read(response, &HashSet::new()) else {
            return None;
        };
        self.noticed = count > 0;
        self.noticed.then_some(count)
    }
}

/// What stands in `batchItemFailures`, the last of them if there are several.
enum Failures<'k> {
    /// It is missing or null.
    None,
    NoList(Kind),
    Named {
        count: usize,
        /// Those of this batch, up to the first that is wrong.
        failed: HashSet<&'k str>,
        /// What is wrong with the first that is.
        wrong: Option<String>,
    },
}

fn read<'k>(response: &[u8], known: &HashSet<&'k str>) -> serde_json::Result<Failures<'k>> {
    let mut reader = serde_json::Deserializer::from_slice(response);
    let failures = Value(Body(known)).deserialize(&mut reader)?;
    reader.end()?;
    Ok(failures)
}

/// Reads the whole response.
struct Body<'b, 'k>(&'b HashSet<&'k str>);

impl<'de, 'k> Reader<'de> for Body<'_, 'k> {
    type Out = Failures<'k>;

    fn other(self, _: Kind) -> Self::Out {
        Failures::None
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Out, A::Error> {
        let mut found = Failures::None;
        while let Some(known) = object.next_key_seed(OneOf(&["batchItemFailures"]))? {
            match known {
                Some(_) => found = object.next_value_seed(Value(List(self.0)))?,
                None => object.next_value_seed(Value(Pass))?,
            }
        }
        Ok(found)
    }
}

/// Reads `batchItemFailures`.
struct List<'b, 'k>(&'b HashSet<&'k str>);

impl<'de, 'k> Reader<'de> for List<'_, 'k> {
    type Out = Failures<'k>;

    fn other(self, kind: Kind) -> Self::Out {
        match kind {
            Kind::Null => Failures::None,
            kind => Failures::NoList(kind),
        }
    }

    fn list<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Out, A::Error> {
        let (mut count, mut failed, mut wrong) = (0, HashSet::new(), None);
        loop {
            let item = if wrong.is_some() {
                list.next_element_seed(Value(Pass))?.map(|()| None)
            } else {
                let item = list.next_element_seed(Value(Item(self.0)))?;
                item.map(Some)
            };
            match item {
                None => break,
                Some(None) => {}
                Some(Some(Ok(identifier))) => {
                    failed.insert(identifier);
                }
                Some(Some(Err(what))) => wrong = Some(what.words(count)),
            }
            count += 1;
        }
        Ok(Failures::Named {
            count,
            failed,
            wrong,
        })
    }
}

/// Why a member of the list names no record of the batch.
enum Wrong {
    Missing,
    Empty,
    NoText(Kind),
    /// The beginning of what it names instead.
    Unknown(String),
}

impl Wrong {
    fn words(&self, index: usize) -> String {
        let place = format!("of batchItemFailures[{index}]");
        match self {
            Self::Missing => format!("itemIdentifier {place} is missing or null"),
            Self::Empty => format!("itemIdentifier {place} is empty, and no identifier"),
            Self::NoText(kind) => format!("itemIdentifier {place} is {kind}, and no identifier"),
            Self::Unknown(named) => format!("itemIdentifier {named:?} is not in the batch"),
        }
    }
}

/// Reads one failure: the record of the batch that it names.
struct Item<'b, 'k>(&'b HashSet<&'k str>);

impl<'de, 'k> Reader<'de> for Item<'_, 'k> {
    type Out = Result<&'k str, Wrong>;

    fn other(self, _: Kind) -> Self::Out {
        Err(Wrong::Missing)
    }

    fn object<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Out, A::Error> {
        let mut named = Err(Wrong::Missing);
        while let Some(known) = object.next_key_seed(OneOf(&["itemIdentifier"]))? {
            match known {
                Some(_) => named = object.next_value_seed(Value(Identifier(self.0)))?,
                None => object.next_value_seed(Value(Pass))?,
            }
        }
        Ok(named)
    }
}

/// Reads an `itemIdentifier`.
struct Identifier<'b, 'k>(&'b HashSet<&'k str>);

impl<'k> Reader<'_> for Identifier<'_, 'k> {
    type Out = Result<&'k str, Wrong>;

    fn other(self, kind: Kind) -> Self::Out {
        Err(match kind {
            Kind::Null => Wrong::Missing,
            kind => Wrong::NoText(kind),
        })
    }

    fn text(self, text: &str) -> Self::Out {
        if text.is_empty() {
            return Err(Wrong::Empty);
        }
        let unknown = || Wrong::Unknown(text.chars().take(SHOWN).collect());
        self.0.get(text).copied().ok_or_else(unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(response: &str) -> Verdict {
        read_partial_failures(response.as_bytes(), ["a", "b", "c"].into_iter())
    }

    #[test]
    fn answers_without_failures_are_a_success() {
        for response in [
            "",
            " \n",
            "null",
            "\"\"",
            "[]",
            "{}",
            "{\"batchItemFailures\":[]}",
            "{\"batchItemFailures\":null}",
            "{\"other\":1}",
            "17",
            "\"done\"",
        ] {
            assert_eq!(read(response), Verdict::Success, "{response}");
        }
    }

    #[test]
    fn named_records_fail_in_batch_order_and_once() {
        let response = r#"{"batchItemFailures":[{"itemIdentifier":"c"},{"itemIdentifier":"a"},
            {"itemIdentifier":"c","extra":true}]}"#;
        assert_eq!(read(response), Verdict::Failed(vec![0, 2]));
    }

    #[test]
    fn a_record_that_is_twice_in_the_batch_fails_twice() {
        let response = r#"{"batchItemFailures":[{"itemIdentifier":"a"}]}"#;
        let verdict = read_partial_failures(response.as_bytes(), ["a", "b", "a"].into_iter());
        assert_eq!(verdict, Verdict::Failed(vec![0, 2]));
    }

    #[test]
    fn malformed_answers_fail_the_whole_batch_and_say_why() {
        for (response, why) in [
            ("{", "not JSON"),
            ("plain text", "not JSON"),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#,
                "no identifier",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#,
                "missing or null",
            ),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":123}]}"#,
                "no identifier",
            ),
            (
                r#"{"batchItemFailures":[{"foo":"notvalid"}]}"#,
                "missing or null",
            ),
            (r#"{"batchItemFailures":[{"foo":null}]}"#, "missing or null"),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"z"}]}"#,
                "not in the batch",
            ),
            (r#"{"batchItemFailures":["a"]}"#, "missing or null"),
            (r#"{"batchItemFailures":[["a"]]}"#, "missing or null"),
            (r#"{"batchItemFailures":"a"}"#, "batchItemFailures"),
            (
                r#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"z"}]}"#,
                "not in",
            ),
        ] {
            match read(response) {
                Verdict::Invalid(reason) => assert!(reason.contains(why), "{response}: {reason}"),
                other => panic!("{response}: {other:?}"),
            }
        }
    }

    #[test]
    fn failures_that_nobody_asked_for_are_noticed_once() {
        let mut unasked = IgnoredFailures::default();
        for response in [
            "null",
            "{}",
            r#"{"batchItemFailures":[]}"#,
            r#""batchItemFailures""#,
            r#"{"batchItemFailures":[{"itemIdentifier":"a"}"#,
        ] {
            assert_eq!(unasked.notice(response.as_bytes()), None, "{response}");
        }
        let named = br#"{"batchItemFailures":[{"itemIdentifier":"a"},{"itemIdentifier":"b"}]}"#;
        assert_eq!(unasked.notice(named), Some(2));
        assert_eq!(unasked.notice(named), None);
    }
}
