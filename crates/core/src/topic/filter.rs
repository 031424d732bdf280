//! `FilterCriteria`: which records are delivered (Lambda developer guide, "Filtering events from Amazon MSK and
//! self-managed Apache Kafka event sources").

use lambda_esm_filter::{Filters, Mismatch, Record, Scratch};

use crate::event::kafka::KafkaEncoder;
use crate::record::KafkaRecord;

/// The name under which patterns speak of a record's value.
const DATA_KEY: &str = "value";

/// What filters work with from record to record.
///
/// A pattern that asks for another form of value than the record has (JSON or plain text) is decided by its other
/// fields, and so is every pattern if the value is not UTF-8. A tombstone has no value: no field of a pattern below
/// `value` is met there but `exists: false` (our choice; not documented).
#[derive(Debug, Default)]
pub(super) struct RecordFilter {
    scratch: Scratch,
    metadata: Vec<u8>,
}

impl RecordFilter {
    /// Tells whether a record is to be delivered.
    pub(super) fn passes(
        &mut self,
        filters: &Filters,
        encoder: &KafkaEncoder,
        partition: i32,
        record: &KafkaRecord,
    ) -> bool {
        self.metadata.clear();
        let Some(value) = &record.value else {
            encoder.write_metadata(&mut self.metadata, partition, record);
            return filters.is_match(&self.metadata, &mut self.scratch);
        };
        let needed = filters.needs_metadata(DATA_KEY);
        if needed {
            encoder.write_metadata(&mut self.metadata, partition, record);
        }
        let metadata: &[&[u8]] = if needed { &[&self.metadata] } else { &[] };
        let matched = filters.matches_record(&seen(value, metadata), &mut self.scratch);
        matched.is_some()
    }
}

/// Returns a record as filters see it.
const fn seen<'a>(value: &'a [u8], metadata: &'a [&'a [u8]]) -> Record<'a> {
    Record {
        data_key: DATA_KEY,
        data: value,
        metadata,
        on_mismatch: Mismatch::IgnoreData,
    }
}

/// Returns why a record passes no filter, in words.
pub(super) fn explain(
    filters: &Filters,
    encoder: &KafkaEncoder,
    partition: i32,
    record: &KafkaRecord,
) -> String {
    let mut metadata = Vec::new();
    encoder.write_metadata(&mut metadata, partition, record);
    let explanation = match &record.value {
        Some(value) => filters.explain_record(&seen(value, &[&metadata])),
        None => filters.explain(&metadata),
    };
    let explanation = explanation.to_string();
    let lines: Vec<&str> = explanation.lines().map(str::trim).collect();
    lines.join("; ")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lambda_esm_filter::{Dialect, Limits};

    use super::*;
    use crate::time::Timestamp;

    fn filters(pattern: &str) -> Filters {
        Filters::compile(&[pattern], Dialect::Lambda, Limits::default()).unwrap()
    }

    fn record(value: Option<&'static [u8]>) -> KafkaRecord {
        KafkaRecord::new(7, Timestamp(1_000), value.map(Bytes::from_static))
            .with_key(Some(Bytes::from_static(b"key")))
    }

    fn encoder() -> KafkaEncoder {
        KafkaEncoder::self_managed("b:9092", "orders")
    }

    /// Tells whether a record passes, with what was left over from a record before it, and whether the explanation
    /// agrees.
    fn passes(pattern: &str, value: Option<&'static [u8]>) -> bool {
        let (filters, encoder, mut filter) = (filters(pattern), encoder(), RecordFilter::default());
        filter.passes(&filters, &encoder, 3, &record(Some(br#"{"n":1,"m":"x"}"#)));
        let passes = filter.passes(&filters, &encoder, 3, &record(value));
        let words = explain(&filters, &encoder, 3, &record(value));
        assert_eq!(words == "filter 0: matched", passes, "{pattern}: {words}");
        passes
    }

    #[test]
    fn the_decoded_value_decides() {
        let json = r#"{"value":{"n":[1]}}"#;
        assert!(passes(json, Some(br#"{"n":1}"#)));
        assert!(!passes(json, Some(br#"{"n":2}"#)));
        assert!(passes(r#"{"value":["plain"]}"#, Some(b"plain")));
        assert!(!passes(r#"{"value":["plain"]}"#, Some(b"other")));
    }

    #[test]
    fn a_value_of_another_form_leaves_the_decision_to_the_metadata() {
        for (pattern, value) in [
            (r#""value":{"n":[1]}"#, &b"plain"[..]),
            (r#""value":{"n":[1]}"#, b""),
            (r#""value":["plain"]"#, b"{\"n\":1}"),
            (r#""value":{"n":[1]}"#, b"\xff"),
            (r#""value":["plain"]"#, b"\xff"),
        ] {
            assert!(passes(&format!("{{{pattern}}}"), Some(value)), "{pattern}");
            for (partition, matches) in [(3, true), (4, false)] {
                let both = format!("{{{pattern},\"partition\":[{partition}]}}");
                assert_eq!(passes(&both, Some(value)), matches, "{both}");
            }
        }
    }

    #[test]
    fn metadata_can_be_filtered_on_as_it_is_delivered() {
        let value = Some(&b"{}"[..]);
        assert!(passes(r#"{"topic":["orders"],"offset":[7]}"#, value));
        assert!(passes(
            r#"{"timestamp":[{"numeric":["<",2000]}],"key":["a2V5"]}"#,
            value
        ));
        assert!(!passes(r#"{"topic":["other"]}"#, value));
    }

    #[test]
    fn a_tombstone_has_no_value_to_be_filtered_on() {
        assert!(!passes(r#"{"value":{"n":[1]}}"#, None));
        assert!(!passes(r#"{"value":["plain"]}"#, None));
        assert!(!passes(r#"{"value":[""]}"#, None));
        assert!(passes(r#"{"value":[{"exists":false}]}"#, None));
        assert!(passes(r#"{"value":{"n":[{"exists":false}]}}"#, None));
        assert!(passes(r#"{"partition":[3]}"#, None));
        assert!(!passes(r#"{"partition":[4]}"#, None));
    }

    #[test]
    fn without_patterns_everything_passes() {
        let none = Filters::compile::<&str>(&[], Dialect::Lambda, Limits::default()).unwrap();
        for value in [None, Some(&b"\xff"[..])] {
            assert!(RecordFilter::default().passes(&none, &encoder(), 0, &record(value)));
        }
    }

    #[test]
    fn an_explanation_is_one_line_and_names_the_field() {
        let words = explain(
            &filters(r#"{"value":{"n":[1],"m":["y"]}}"#),
            &encoder(),
            0,
            &record(Some(br#"{"n":2}"#)),
        );
        assert!(words.starts_with("filter 0: no match; "), "{words}");
        assert!(
            words.contains("value.n") && !words.contains('\n'),
            "{words}"
        );
    }
}
