//! `ParallelizationFactor`: a shard is processed in as many lanes, and records of one key are in one lane, in order
//! (Lambda developer guide, "Polling and batching streams": Lambda ensures in-order processing at the partition key
//! level).

use std::hash::Hasher as _;

use crate::record::StreamContent;

/// Returns the lane of a record: the same one for the same key.
pub(super) fn lane_of(content: &StreamContent, lanes: usize) -> usize {
    if lanes <= 1 {
        return 0;
    }
    let key = match content {
        StreamContent::Kinesis(record) => record.partition_key.as_bytes(),
        StreamContent::DynamoDb(record) => record.keys.as_bytes(),
        StreamContent::Change(_) | StreamContent::Unreadable(_) => return 0,
    };
    // Not the standard library's random hash: the lane is part of what a restart relies on.
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    hasher.write(key);
    (hasher.finish() % lanes as u64) as usize
}

/// The FNV-1a hash.
struct Fnv(u64);

impl std::hash::Hasher for Fnv {
    fn finish(&self) -> u64 {
        // The low bits of FNV are weak for short keys that differ at the end only.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
