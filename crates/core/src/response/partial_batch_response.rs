//! Partial batch responses: which records failed.

use std::collections::HashSet;
use std::hash::Hash;

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
    verdict(
        response,
        &identifiers,
        &Texts(identifiers.iter().copied().collect()),
    )
}

/// Returns what a response that is not empty says of the records that have these identifiers.
pub(super) fn verdict<I: Identifiers>(response: &[u8], records: &[I::Id], known: &I) -> Verdict {
    match read(response, known) {
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
            let is_failed = |(_, identifier): &(usize, &I::Id)| failed.contains(*identifier);
            let records = records.iter().enumerate();
            // Of a record that is twice in the batch, both.
            Verdict::Failed(records.filter(is_failed).map(|(index, _)| index).collect())
        }
    }
}

/// The identifiers of a batch's records, and how a response spells them.
pub(super) trait Identifiers {
    type Id: Copy + Eq + Hash;

    /// Finds the identifier that is spelled so.
    fn find(&self, text: &str) -> Option<Self::Id>;

    /// Finds the identifier that is spelled as an object.
    fn find_object<'de, A: MapAccess<'de>>(
        &self,
        object: A,
    ) -> Result<Result<Self::Id, Wrong>, A::Error> {
        Pass.object(object)?;
        Ok(Err(Wrong::NoText(Kind::Object)))
    }
}

/// Identifiers that are texts.
#[derive(Default)]
struct Texts<'k>(HashSet<&'k str>);

impl<'k> Identifiers for Texts<'k> {
    type Id = &'k str;

    fn find(&self, text: &str) -> Option<&'k str> {
        self.0.get(text).copied()
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
        let Ok(Failures::Named { count, .. }) = read(response, &Texts::default()) else {
            return None;
        };
        self.noticed = count > 0;
        self.noticed.then_some(count)
    }
}

/// What stands in `batchItemFailures`, the last of them if there are several.
enum Failures<I> {
    /// It is missing or null.
    None,
    NoList(Kind),
    Named {
        count: usize,
        /// Those of this batch, up to the first that is wrong.
        failed: HashSet<I>,
        /// What is wrong with the first that is.
        wrong: Option<String>,
    },
}

fn read<I: Identifiers>(response: &[u8], known: &I) -> serde_json::Result<Failures<I::Id>> {
    let mut reader = serde_json::Deserializer::from_slice(response);
    let failures = Value(Body(known)).deserialize(&mut reader)?;
    reader.end()?;
    Ok(failures)
}

/// Reads the whole response.
struct Body<'b, I>(&'b I);

impl<'de, I: Identifiers> Reader<'de> for Body<'_, I> {
    type Out = Failures<I::Id>;

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
struct List<'b, I>(&'b I);

impl<'de, I: Identifiers> Reader<'de> for List<'_, I> {
    type Out = Failures<I::Id>;

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
pub(super) enum Wrong {
    Missing,
    Empty,
    NoText(Kind),
    /// It lacks a member, or has one of another kind.
    NoPlace(&'static str),
    /// The beginning of what it names instead.
    Unknown(String),
}

impl Wrong {
    /// An identifier is not in the batch.
    pub(super) fn unknown(identifier: &str) -> Self {
        Self::Unknown(identifier.chars().take(SHOWN).collect())
    }

    fn words(&self, index: usize) -> String {
        let place = format!("of batchItemFailures[{index}]");
        match self {
            Self::Missing => format!("itemIdentifier {place} is missing or null"),
            Self::Empty => format!("itemIdentifier {place} is empty, and no identifier"),
            Self::NoText(kind) => format!("itemIdentifier {place} is {kind}, and no identifier"),
            Self::NoPlace(lacks) => format!("itemIdentifier {place} has no {lacks}"),
            Self::Unknown(named) => format!("itemIdentifier {named:?} is not in the batch"),
        }
    }
}

/// Reads one failure: the record of the batch that it names.
struct Item<'b, I>(&'b I);

impl<'de, I: Identifiers> Reader<'de> for Item<'_, I> {
    type Out = Result<I::Id, Wrong>;

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
struct Identifier<'b, I>(&'b I);

impl<'de, I: Identifiers> Reader<'de> for Identifier<'_, I> {
    type Out = Result<I::Id, Wrong>;

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
        self.0.find(text).ok_or_else(|| Wrong::unknown(text))
    }

    fn object<A: MapAccess<'de>>(self, object: A) -> Result<Self::Out, A::Error> {
        self.0.find_object(object)
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
