//! Avro: schemas are read by `apache-avro`, records by a decoder of ours that writes JSON as it reads.
//!
//! `apache-avro` decodes into values which take many times the room of the record, and trusts the counts in it: a
//! record of 20 bytes can have it ask for gigabytes.

mod decode;
mod plan;

pub(crate) use plan::Plan;
