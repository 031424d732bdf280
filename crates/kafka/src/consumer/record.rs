//! From librdkafka's messages to records.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use lambda_esm_core::Timestamp;
use lambda_esm_core::record::{KafkaRecord, TimestampType};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Headers, Timestamp as MessageTime};

/// What is larger gets memory of its own, in bytes, so that a small record kept long keeps no large one.
const LARGE: usize = 8 * 1024;
/// The most memory that records share, in bytes.
const SHARED: usize = 64 * 1024;
/// The most names of headers that are kept for the next records.
const NAMES: usize = 64;
/// Stands for the name of a header that is no UTF-8.
const NO_NAME: &str = "\u{fffd}";

/// Copies messages, a page at a time, with few allocations.
#[derive(Default)]
pub(crate) struct Copier {
    memory: BytesMut,
    /// How much the last page took, in bytes.
    usual: usize,
    taken: usize,
    names: Vec<Arc<str>>,
}

impl Copier {
    /// Begins a page.
    pub(crate) fn begin(&mut self) {
        self.usual = self.taken;
        self.taken = 0;
    }

    /// Returns how much data the page has, in bytes.
    pub(super) const fn taken(&self) -> usize {
        self.taken
    }

    /// Copies a message into the page.
    pub(super) fn copy(&mut self, message: &BorrowedMessage<'_>) -> KafkaRecord {
        let (time, kind) = match message.timestamp() {
            MessageTime::CreateTime(time) => (time, TimestampType::CreateTime),
            MessageTime::LogAppendTime(time) => (time, TimestampType::LogAppendTime),
            MessageTime::NotAvailable => (-1, TimestampType::CreateTime),
        };
        let value = message.payload().map(|bytes| self.bytes(bytes));
        let mut record = KafkaRecord::new(message.offset(), Timestamp(time), value);
        record.timestamp_type = kind;
        record.key = message.key().map(|bytes| self.bytes(bytes));
        if let Some(headers) = message.headers() {
            record.headers = self.headers(headers);
        }
        record
    }

    fn headers<H: Headers>(&mut self, headers: &H) -> Vec<(Arc<str>, Option<Bytes>)> {
        let copied = (0..headers.count()).map(|index| {
            // A name that is no UTF-8 makes it panic.
            let header = catch_unwind(AssertUnwindSafe(|| headers.try_get(index)));
            let Ok(Some(header)) = header else {
                return (self.name(NO_NAME), None);
            };
            let value = header.value.map(|bytes| self.bytes(bytes));
            (self.name(header.key), value)
        });
        copied.collect()
    }

    /// Copies the name of a header, which is often the same.
    pub(crate) fn name(&mut self, name: &str) -> Arc<str> {
        self.taken += name.len();
        if let Some(known) = self.names.iter().find(|known| ***known == *name) {
            return Arc::clone(known);
        }
        let name: Arc<str> = name.into();
        if self.names.len() < NAMES {
            self.names.push(Arc::clone(&name));
        }
        name
    }

    /// Copies a key or a value into the page.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Bytes {
        self.taken += bytes.len();
        if bytes.len() > LARGE {
            return Bytes::copy_from_slice(bytes);
        }
        if self.memory.capacity() < bytes.len() {
            let more = self.usual.clamp(bytes.len(), SHARED);
            self.memory = BytesMut::with_capacity(more);
        }
        self.memory.extend_from_slice(bytes);
        self.memory.split().freeze()
    }
}
