//! Partial batch responses to Kafka records, which are named by their place in the topic.

use std::collections::HashSet;

use serde::de::MapAccess;

use super::members::OneOf;
use super::partial_batch_response::{Identifiers, Verdict, Wrong, verdict};
use super::reader::{Kind, Pass, Reader, Value};

/// Reads the response to a batch of records of `topic`, given by partition and offset, whose mapping has
/// `ReportBatchItemFailures`.
///
/// An identifier is an object, as in `{"itemIdentifier":{"partition":"orders-0","offset":100}}` (Lambda developer
/// guide, "Configuring error handling controls for Kafka event sources"), or the text `orders-0-100`. All else is as
/// [`read_partial_failures`](super::read_partial_failures) has it: an identifier that is malformed or not of this
/// batch makes the whole batch fail.
#[must_use]
pub fn read_kafka_failures(
    response: &[u8],
    topic: &str,
    records: impl Iterator<Item = (i32, i64)>,
) -> Verdict {
    if response.iter().all(u8::is_ascii_whitespace) {
        return Verdict::Success;
    }
    let records: Vec<(i32, i64)> = records.collect();
    let known = Places {
        topic,
        records: records.iter().copied().collect(),
    };
    verdict(response, &records, &known)
}

/// Partitions and offsets of one topic.
struct Places<'t> {
    topic: &'t str,
    records: HashSet<(i32, i64)>,
}

impl Places<'_> {
    /// Returns the partition that an event knows under this name: the topic's, a hyphen, and its number.
    fn partition(&self, name: &str) -> Option<i32> {
        let number = name.strip_prefix(self.topic)?.strip_prefix('-')?;
        integer(number)
    }
}

/// Reads an integer as events spell it, so without a plus or superfluous zeros.
fn integer<N: std::str::FromStr + ToString>(text: &str) -> Option<N> {
    let number: N = text.parse().ok()?;
    (number.to_string() == text).then_some(number)
}

impl Identifiers for Places<'_> {
    type Id = (i32, i64);

    fn find(&self, text: &str) -> Option<(i32, i64)> {
        let (partition, offset) = text.rsplit_once('-')?;
        let place = (self.partition(partition)?, integer(offset)?);
        self.records.get(&place).copied()
    }

    fn find_object<'de, A: MapAccess<'de>>(
        &self,
        mut object: A,
    ) -> Result<Result<(i32, i64), Wrong>, A::Error> {
        let (mut partition, mut offset) = (None, None);
        while let Some(known) = object.next_key_seed(OneOf(&["partition", "offset"]))? {
            match known {
                Some(0) => partition = object.next_value_seed(Value(Partition(self)))?,
                Some(_) => offset = object.next_value_seed(Value(Offset))?,
                None => object.next_value_seed(Value(Pass))?,
            }
        }
        Ok(match (partition, offset) {
            (None, _) => Err(Wrong::NoPlace("partition")),
            (_, None) => Err(Wrong::NoPlace("offset")),
            (Some(Err(unknown)), _) => Err(unknown),
            (Some(Ok(partition)), Some(offset)) => {
                let place = (partition, offset);
                let name = || format!("{}-{partition}-{offset}", self.topic);
                let known = self.records.get(&place).copied();
                known.ok_or_else(|| Wrong::unknown(&name()))
            }
        })
    }
}

/// Reads a `partition`: its number; `None` if it is no text.
struct Partition<'p, 't>(&'p Places<'t>);

impl Reader<'_> for Partition<'_, '_> {
    type Out = Option<Result<i32, Wrong>>;

    fn other(self, _: Kind) -> Self::Out {
        None
    }

    fn text(self, name: &str) -> Self::Out {
        let partition = self.0.partition(name);
        Some(partition.ok_or_else(|| Wrong::unknown(name)))
    }
}

/// Reads an `offset`; `None` if it is no integer.
struct Offset;

impl Reader<'_> for Offset {
    type Out = Option<i64>;

    fn other(self, _: Kind) -> Self::Out {
        None
    }

    fn integer(self, offset: i64) -> Self::Out {
        Some(offset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two partitions, of a topic whose name has a hyphen and ends like the name of a partition.
    const TOPIC: &str = "or-ders-1";
    const BATCH: [(i32, i64); 5] = [(0, 100), (0, 102), (11, 100), (11, 101), (1, 7)];

    fn read(response: &str) -> Verdict {
        read_kafka_failures(response.as_bytes(), TOPIC, BATCH.into_iter())
    }

    fn failures(identifiers: &[&str]) -> String {
        let items = identifiers.iter();
        let items: Vec<String> = items
            .map(|id| format!("{{\"itemIdentifier\":{id}}}"))
            .collect();
        format!("{{\"batchItemFailures\":[{}]}}", items.join(","))
    }

    #[test]
    fn answers_without_failures_are_a_success() {
        for response in ["", " \n", "null", "{}", "{\"batchItemFailures\":[]}", "17"] {
            assert_eq!(read(response), Verdict::Success, "{response}");
        }
    }

    #[test]
    fn named_records_fail_in_batch_order_and_once() {
        let response = failures(&[
            r#"{"partition":"or-ders-1-1","offset":7}"#,
            r#"{"offset":100,"partition":"or-ders-1-11"}"#,
            r#"{"partition":"or-ders-1-0","offset":102,"extra":{"offset":1}}"#,
            r#"{"partition":"or-ders-1-11","offset":100}"#,
        ]);
        assert_eq!(read(&response), Verdict::Failed(vec![1, 2, 4]));
    }

    #[test]
    fn a_record_may_be_named_by_a_text() {
        let response = failures(&[r#""or-ders-1-11-101""#, r#""or-ders-1-0-100""#]);
        assert_eq!(read(&response), Verdict::Failed(vec![0, 3]));
    }

    #[test]
    fn a_malformed_or_unknown_place_fails_the_whole_batch_and_says_why() {
        for (identifier, why) in [
            ("null", "missing or null"),
            ("7", "is a number, and no identifier"),
            ("[]", "is a list, and no identifier"),
            (r#""""#, "is empty"),
            ("{}", "has no partition"),
            (r#"{"partition":0,"offset":100}"#, "has no partition"),
            (r#"{"partition":"or-ders-1-0"}"#, "has no offset"),
            (
                r#"{"partition":"or-ders-1-0","offset":"100"}"#,
                "has no offset",
            ),
            (
                r#"{"partition":"or-ders-1-0","offset":100.5}"#,
                "has no offset",
            ),
            (
                r#"{"partition":"or-ders-1-0","offset":null}"#,
                "has no offset",
            ),
            (
                r#"{"partition":"or-ders-1-0","offset":1e2}"#,
                "has no offset",
            ),
            (
                r#"{"partition":"or-ders-1-0","offset":18446744073709551615}"#,
                "has no offset",
            ),
            (
                r#"{"partition":"or-ders-1-0","offset":101}"#,
                r#""or-ders-1-0-101" is not in the batch"#,
            ),
            (
                r#"{"partition":"or-ders-1-00","offset":100}"#,
                r#""or-ders-1-00" is not in the batch"#,
            ),
            (r#"{"partition":"or-ders-1-+0","offset":100}"#, "not in"),
            (r#"{"partition":"or-ders-1","offset":100}"#, "not in"),
            (r#"{"partition":"other-0","offset":100}"#, "not in"),
            (r#"{"partition":"","offset":100}"#, "not in"),
            (r#""or-ders-1-0-0100""#, "not in"),
            (r#""or-ders-1-0""#, "not in"),
            (r#""100""#, "not in"),
        ] {
            let good = r#"{"partition":"or-ders-1-0","offset":100}"#;
            match read(&failures(&[good, identifier, good])) {
                Verdict::Invalid(reason) => assert!(reason.contains(why), "{identifier}: {reason}"),
                other => panic!("{identifier}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_long_name_is_not_repeated() {
        let name = "x".repeat(100_000);
        let response = failures(&[&format!(r#"{{"partition":"{name}","offset":1}}"#)]);
        match read(&response) {
            Verdict::Invalid(reason) => assert!(reason.len() < 300, "{} bytes", reason.len()),
            other => panic!("{other:?}"),
        }
    }
}
