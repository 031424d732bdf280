//! DynamoDB Streams as an event source.

mod failure;
mod item;
mod provider;
mod record;
mod responses;
mod stream;

pub use provider::DynamoDbProvider;
pub use stream::DynamoDbStream;
