//! The Kafka event (Lambda developer guide, "Using Lambda with Amazon MSK" and "Using Lambda with
//! self-managed Apache Kafka"): records under the names of their partitions.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;

use crate::json::{write_base64, write_escaped, write_integer, write_signed, write_string};
use crate::record::{KafkaRecord, Schema, Schemas, TimestampType};

/// Writes the event fragments of one topic, and the events made of them.
#[derive(Clone, Debug)]
pub struct KafkaEncoder {
    topic: String,
    source_arn: Option<String>,
    bootstrap_servers: String,
    /// Everything before the first partition.
    prefix: Vec<u8>,
    /// How the name of a partition begins: a quotation mark, the topic and a hyphen.
    name: Vec<u8>,
    /// How each fragment begins, up to its partition.
    head: Vec<u8>,
}

/// Everything after the last partition.
const SUFFIX: &[u8] = b"}}";

impl KafkaEncoder {
    /// Returns the encoder of a topic of the Amazon MSK cluster `arn`. `bootstrap_servers` are `host:port`,
    /// separated by commas.
    #[must_use]
    pub fn msk(arn: &str, bootstrap_servers: &str, topic: &str) -> Self {
        let mut source = b"{\"eventSource\":\"aws:kafka\",\"eventSourceArn\":".to_vec();
        write_string(&mut source, arn);
        let source_arn = Some(arn.to_owned());
        Self::new(source, source_arn, bootstrap_servers, topic)
    }

    /// Returns the encoder of a topic of a self-managed cluster. `bootstrap_servers` are `host:port`,
    /// separated by commas.
    #[must_use]
    pub fn self_managed(bootstrap_servers: &str, topic: &str) -> Self {
        let source = b"{\"eventSource\":\"SelfManagedKafka\"".to_vec();
        Self::new(source, None, bootstrap_servers, topic)
    }

    fn new(
        mut prefix: Vec<u8>,
        source_arn: Option<String>,
        bootstrap_servers: &str,
        topic: &str,
    ) -> Self {
        prefix.extend_from_slice(b",\"bootstrapServers\":");
        write_string(&mut prefix, bootstrap_servers);
        prefix.extend_from_slice(b",\"records\":{");
        let mut name = b"\"".to_vec();
        write_escaped(&mut name, topic);
        name.push(b'-');
        let mut head = b"{\"topic\":".to_vec();
        write_string(&mut head, topic);
        head.extend_from_slice(b",\"partition\":");
        Self {
            topic: topic.to_owned(),
            source_arn,
            bootstrap_servers: bootstrap_servers.to_owned(),
            prefix,
            name,
            head,
        }
    }

    /// Returns the topic.
    #[must_use]
    pub fn topic(&self) -> &str {
        &self.topic
    }

    /// Returns the ARN of the cluster; `None` for a self-managed one.
    #[must_use]
    pub fn source_arn(&self) -> Option<&str> {
        self.source_arn.as_deref()
    }

    /// Returns the `host:port` of the cluster's servers, separated by commas.
    #[must_use]
    pub fn bootstrap_servers(&self) -> &str {
        &self.bootstrap_servers
    }

    /// Returns the name under which events and responses know a partition: `orders-0`.
    #[must_use]
    pub fn topic_partition(&self, partition: i32) -> String {
        format!("{}-{partition}", self.topic)
    }

    /// Appends the fragment of one record.
    ///
    /// Key and value are left out where the record has none (a tombstone's value: as users of the service report
    /// it). A header without a value has an empty list, as one of no bytes: readers of the event expect lists
    /// (our choice; not documented).
    pub fn write(&self, out: &mut Vec<u8>, partition: i32, record: &KafkaRecord) {
        out.reserve(self.head.len() + record.size() * 4 / 3 + 192);
        self.write_members(out, partition, record, record.value.as_deref());
    }

    /// Appends the fragment without its value: what a filter may look at beside the data key `value`.
    pub fn write_metadata(&self, out: &mut Vec<u8>, partition: i32, record: &KafkaRecord) {
        self.write_members(out, partition, record, None);
    }

    fn write_members(
        &self,
        out: &mut Vec<u8>,
        partition: i32,
        record: &KafkaRecord,
        value: Option<&[u8]>,
    ) {
        out.extend_from_slice(&self.head);
        write_integer(out, partition.into());
        out.extend_from_slice(b",\"offset\":");
        write_integer(out, record.offset);
        out.extend_from_slice(b",\"timestamp\":");
        write_integer(out, record.timestamp.millis());
        out.extend_from_slice(match record.timestamp_type {
            TimestampType::CreateTime => b",\"timestampType\":\"CREATE_TIME\"".as_slice(),
            TimestampType::LogAppendTime => b",\"timestampType\":\"LOG_APPEND_TIME\"",
        });
        if let Some(key) = &record.key {
            out.extend_from_slice(b",\"key\":");
            write_base64(out, key);
        }
        if let Some(value) = value {
            out.extend_from_slice(b",\"value\":");
            write_base64(out, value);
        }
        out.extend_from_slice(b",\"headers\":[");
        for (index, (name, value)) in record.headers.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"{" } else { b",{" });
            write_string(out, name);
            out.push(b':');
            write_signed(out, value.as_deref().unwrap_or_default());
            out.push(b'}');
        }
        out.push(b']');
        if let Some(schemas) = &record.schemas {
            write_schemas(out, schemas);
        }
        out.push(b'}');
    }

    /// Returns the event of these fragments, each with the partition that it is of.
    ///
    /// The partitions stand in the order in which they first appear, and the records of each in the order in
    /// which they come.
    #[must_use]
    pub fn event<'a>(&self, records: impl Iterator<Item = (i32, &'a [u8])> + Clone) -> Bytes {
        let mut order = HashMap::new();
        let (mut size, mut grouped, mut last) = (self.overhead(), true, None);
        for (partition, fragment) in records.clone() {
            size += fragment.len() + 1;
            if last.replace(partition) == Some(partition) {
                continue;
            }
            let next = order.len();
            match order.entry(partition) {
                Entry::Vacant(vacant) => {
                    vacant.insert(next);
                    size += self.partition_overhead(partition);
                }
                Entry::Occupied(_) => grouped = false,
            }
        }
        // There is one comma less than records: between those of a partition, and between partitions.
        size -= usize::from(last.is_some());
        if grouped {
            return self.event_of_grouped(size, records);
        }
        let mut records: Vec<(i32, &[u8])> = records.collect();
        records.sort_by_key(|(partition, _)| order[partition]);
        self.event_of_grouped(size, records.into_iter())
    }

    /// Returns the event, which has `size` bytes, of fragments of which those of a partition follow each other.
    fn event_of_grouped<'a>(
        &self,
        size: usize,
        records: impl Iterator<Item = (i32, &'a [u8])>,
    ) -> Bytes {
        let mut event = Vec::with_capacity(size);
        event.extend_from_slice(&self.prefix);
        let mut last = None;
        for (partition, fragment) in records {
            match last.replace(partition) {
                Some(last) if last == partition => event.push(b','),
                before => {
                    if before.is_some() {
                        event.extend_from_slice(b"],");
                    }
                    event.extend_from_slice(&self.name);
                    write_integer(&mut event, partition.into());
                    event.extend_from_slice(b"\":[");
                }
            }
            event.extend_from_slice(fragment);
        }
        if last.is_some() {
            event.push(b']');
        }
        event.extend_from_slice(SUFFIX);
        debug_assert_eq!(event.len(), size);
        event.into()
    }

    /// Returns the size of an event without any partition, in bytes.
    ///
    /// With the [overhead](Self::partition_overhead) of each partition that has records, and for each record the
    /// size of its fragment and one for a comma, it is one more than the size of the event.
    #[must_use]
    pub const fn overhead(&self) -> usize {
        self.prefix.len() + SUFFIX.len()
    }

    /// Returns how many bytes a partition adds to an event beside its records.
    #[must_use]
    pub fn partition_overhead(&self, partition: i32) -> usize {
        let digits = partition.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
        self.name.len() + usize::from(partition < 0) + digits + b"\":[]".len()
    }
}

/// Appends what a schema registry says of a record that it could decode.
fn write_schemas(out: &mut Vec<u8>, schemas: &Schemas) {
    let mut write = |name: &[u8], schema: &Option<Schema>| {
        if let Some(schema) = schema {
            out.extend_from_slice(name);
            out.extend_from_slice(b"{\"dataFormat\":");
            write_string(out, schema.data_format);
            out.extend_from_slice(b",\"schemaId\":");
            write_string(out, &schema.id);
            out.push(b'}');
        }
    };
    write(b",\"keySchemaMetadata\":", &schemas.key);
    write(b",\"valueSchemaMetadata\":", &schemas.value);
}
