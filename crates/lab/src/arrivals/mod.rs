//! What arrives at a source, record by record: when, under which key, how large, and with what in it.

mod ahead;
mod chance;
mod content;
mod keys;
mod records;
mod times;
mod workload;

pub(crate) use chance::{Chance, Sampler, mix};
pub(crate) use records::{Arrival, Records};
