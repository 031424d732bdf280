//! What a [`TopicSource`](crate::ports::TopicSource) promises.

mod calls;
mod changes;
mod group;
mod member;
mod moves;
mod pages;
mod records;
mod source;
mod starts;
mod subject;
mod waits;

pub use source::topic_source_contract;
pub use subject::{RecordToPut, TopicContract};
