//! Filters over records that carry data beside their metadata.

use lambda_esm_filter::{Filters, Mismatch, Record, Scratch};

/// A record as filters see it.
///
/// A pattern that asks for another form of data than the record has (JSON or plain text) is decided by its other
/// fields, and so is every pattern if the data is not UTF-8 (Lambda developer guide, "Properly filtering Amazon MQ
/// messages", and the same of Kafka). Where a record has no data, no field of a pattern below the data key is met but
/// `exists: false` (our choice; not documented).
pub(crate) trait FilteredRecord {
    /// The name under which patterns speak of the data.
    const DATA_KEY: &'static str;

    /// Returns the data, if there is any.
    fn data(&self) -> Option<&[u8]>;

    /// Appends the fragment of the event without the data.
    fn write_metadata(&self, out: &mut Vec<u8>);
}

/// What filters work with from record to record.
#[derive(Debug, Default)]
pub(crate) struct DataFilter {
    scratch: Scratch,
    metadata: Vec<u8>,
}

impl DataFilter {
    /// Tells whether a record is to be delivered.
    pub(crate) fn passes<R: FilteredRecord>(&mut self, filters: &Filters, record: &R) -> bool {
        self.metadata.clear();
        let Some(data) = record.data() else {
            record.write_metadata(&mut self.metadata);
            return filters.is_match(&self.metadata, &mut self.scratch);
        };
        let needed = filters.needs_metadata(R::DATA_KEY);
        if needed {
            record.write_metadata(&mut self.metadata);
        }
        let metadata: &[&[u8]] = if needed { &[&self.metadata] } else { &[] };
        let seen = seen::<R>(data, metadata);
        filters.matches_record(&seen, &mut self.scratch).is_some()
    }
}

const fn seen<'a, R: FilteredRecord>(data: &'a [u8], metadata: &'a [&'a [u8]]) -> Record<'a> {
    Record {
        data_key: R::DATA_KEY,
        data,
        metadata,
        on_mismatch: Mismatch::IgnoreData,
    }
}

/// Returns why a record passes no filter, in words.
pub(crate) fn explain<R: FilteredRecord>(filters: &Filters, record: &R) -> String {
    let mut metadata = Vec::new();
    record.write_metadata(&mut metadata);
    let explanation = match record.data() {
        Some(data) => filters.explain_record(&seen::<R>(data, &[&metadata])),
        None => filters.explain(&metadata),
    };
    let explanation = explanation.to_string();
    let lines: Vec<&str> = explanation.lines().map(str::trim).collect();
    lines.join("; ")
}
