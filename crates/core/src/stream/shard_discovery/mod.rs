//! Shard discovery: which shards there are, where each begins, which wait for which, and what becomes of those that
//! are gone. The owners of that state; [`StreamMachine`](super::StreamMachine) wires them.

pub(super) mod beginnings;
pub(super) mod forgetting;
pub(super) mod lineage;
pub(super) mod listings;
pub(super) mod pages;
