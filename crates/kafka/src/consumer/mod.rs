//! Members of consumer groups, over librdkafka.

mod beginning;
mod commit;
mod context;
mod end_of_partition;
mod group;
mod member;
mod reader;
mod record;
mod topic_consumer;

pub(crate) use record::Copier;
pub(crate) use topic_consumer::join;
