//! `FilterCriteria`: which records are delivered (Lambda developer guide, "Filtering events from Amazon MSK and
//! self-managed Apache Kafka event sources").

use crate::event::kafka::KafkaEncoder;
use crate::record::KafkaRecord;
use crate::stream::data_filter::FilteredRecord;

/// A record of a partition. A tombstone has no value.
pub(crate) struct PartitionRecord<'a> {
    pub(crate) encoder: &'a KafkaEncoder,
    pub(crate) partition: i32,
    pub(crate) record: &'a KafkaRecord,
}

impl FilteredRecord for PartitionRecord<'_> {
    const DATA_KEY: &'static str = "value";

    /// Returns the value: decoded, where a schema registry says how.
    fn data(&self) -> Option<&[u8]> {
        let schemas = self.record.schemas.as_ref();
        let decoded = schemas.and_then(|schemas| schemas.filtered_by.as_ref());
        decoded.or(self.record.value.as_ref()).map(AsRef::as_ref)
    }

    fn write_metadata(&self, out: &mut Vec<u8>) {
        self.encoder
            .write_metadata(out, self.partition, self.record);
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lambda_esm_filter::{Dialect, Filters, Limits};

    use super::*;
    use crate::stream::data_filter::{DataFilter, explain};
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
        let (filters, encoder, mut filter) = (filters(pattern), encoder(), DataFilter::default());
        let seen = |record| PartitionRecord {
            encoder: &encoder,
            partition: 3,
            record,
        };
        let (before, record) = (record(Some(br#"{"n":1,"m":"x"}"#)), record(value));
        filter.passes(&filters, &seen(&before));
        let passes = filter.passes(&filters, &seen(&record));
        let words = explain(&filters, &seen(&record));
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
            let seen = PartitionRecord {
                encoder: &encoder(),
                partition: 0,
                record: &record(value),
            };
            assert!(DataFilter::default().passes(&none, &seen));
        }
    }

    #[test]
    fn an_explanation_is_one_line_and_names_the_field() {
        let seen = PartitionRecord {
            encoder: &encoder(),
            partition: 0,
            record: &record(Some(br#"{"n":2}"#)),
        };
        let words = explain(&filters(r#"{"value":{"n":[1],"m":["y"]}}"#), &seen);
        assert!(words.starts_with("filter 0: no match; "), "{words}");
        assert!(
            words.contains("value.n") && !words.contains('\n'),
            "{words}"
        );
    }
}
