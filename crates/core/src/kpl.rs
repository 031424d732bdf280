//! Aggregated records of the Kinesis Producer Library: several user records in one Kinesis record
//! (KPL repository, "KPL Aggregated Record Format").

use std::sync::Arc;

use bytes::Bytes;
use md5::{Digest as _, Md5};
use prost::DecodeError;
use prost::encoding::{self, DecodeContext, WireType, decode_key, skip_field, string, uint64};

/// What an aggregated record begins with.
const MAGIC: [u8; 4] = [0xf3, 0x89, 0x9a, 0xc2];

/// The size of the MD5 digest that an aggregated record ends with.
const DIGEST_BYTES: usize = 16;

/// One of the records in an aggregated record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Its own partition key, which need not be that of the aggregated record.
    pub partition_key: Arc<str>,
    /// Decides the shard it belongs to: its explicit hash key, or else that of its partition key.
    pub hash_key: u128,
    /// The data as its producer gave it; shares memory with the aggregated record.
    pub data: Bytes,
}

/// `AggregatedRecord` of the format's `messages.proto`. Its records are kept as bytes here, since many
/// empty ones would take far more room as structures than on the wire.
#[derive(Default)]
struct AggregatedRecord {
    partition_key_table: Vec<String>,
    explicit_hash_key_table: Vec<String>,
    records: Vec<Bytes>,
}

/// `Record` of the format's `messages.proto`, without its tags. Index and data are required there.
#[derive(Default)]
struct Record {
    partition_key_index: Option<u64>,
    explicit_hash_key_index: Option<u64>,
    data: Option<Bytes>,
}

/// A message of Protocol Buffers, read field by field: `prost-derive` would cost those who build the library more
/// than the two messages are worth.
trait Message: Default {
    /// Reads the value of the field `tag` from `rest`.
    fn read(&mut self, tag: u32, kind: WireType, rest: &mut Bytes) -> Result<(), DecodeError>;

    fn decode(mut rest: Bytes) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        while !rest.is_empty() {
            let (tag, kind) = decode_key(&mut rest)?;
            message.read(tag, kind, &mut rest)?;
        }
        Ok(message)
    }
}

impl Message for AggregatedRecord {
    fn read(&mut self, tag: u32, kind: WireType, rest: &mut Bytes) -> Result<(), DecodeError> {
        let context = DecodeContext::default();
        match tag {
            1 => string::merge_repeated(kind, &mut self.partition_key_table, rest, context),
            2 => string::merge_repeated(kind, &mut self.explicit_hash_key_table, rest, context),
            3 => encoding::bytes::merge_repeated(kind, &mut self.records, rest, context),
            _ => skip_field(kind, tag, rest, context),
        }
    }
}

impl Message for Record {
    fn read(&mut self, tag: u32, kind: WireType, rest: &mut Bytes) -> Result<(), DecodeError> {
        let context = DecodeContext::default();
        let (key, explicit) = (
            &mut self.partition_key_index,
            &mut self.explicit_hash_key_index,
        );
        match tag {
            1 => uint64::merge(kind, key.get_or_insert_default(), rest, context),
            2 => uint64::merge(kind, explicit.get_or_insert_default(), rest, context),
            3 => encoding::bytes::merge(kind, self.data.get_or_insert_default(), rest, context),
            _ => skip_field(kind, tag, rest, context),
        }
    }
}

/// Takes an aggregated record apart, in order; `None` if `data` is not one, or is damaged or empty: such
/// a record stands for itself.
#[must_use]
pub fn deaggregate(data: &Bytes) -> Option<Vec<UserRecord>> {
    let end = data.len().checked_sub(DIGEST_BYTES)?;
    if end < MAGIC.len() || !data.starts_with(&MAGIC) {
        return None;
    }
    let message = data.slice(MAGIC.len()..end);
    if Md5::digest(&message)[..] != data[end..] {
        return None;
    }
    let aggregate = AggregatedRecord::decode(message).ok()?;
    let keys: Vec<(Arc<str>, u128)> = aggregate
        .partition_key_table
        .into_iter()
        .map(|key| (key.as_str().into(), hash_key(&key)))
        .collect();
    let explicit = aggregate.explicit_hash_key_table;
    let records = aggregate.records.into_iter();
    let records: Option<Vec<UserRecord>> = records
        .map(|record| user_record(record, &keys, &explicit))
        .collect();
    records.filter(|records| !records.is_empty())
}

fn user_record(
    record: Bytes,
    keys: &[(Arc<str>, u128)],
    explicit: &[String],
) -> Option<UserRecord> {
    let record = Record::decode(record).ok()?;
    let index = usize::try_from(record.partition_key_index?).ok()?;
    let (partition_key, of_key) = keys.get(index)?;
    let hash_key = match record.explicit_hash_key_index {
        Some(index) => explicit.get(usize::try_from(index).ok()?)?.parse().ok()?,
        None => *of_key,
    };
    Some(UserRecord {
        partition_key: partition_key.clone(),
        hash_key,
        data: record.data?,
    })
}

/// Returns where a partition key lies in the range that a stream's shards divide: its MD5 as a number of
/// 128 bits (Kinesis API reference, `PutRecord`).
#[must_use]
pub fn hash_key(partition_key: &str) -> u128 {
    u128::from_be_bytes(Md5::digest(partition_key).into())
}
