//! DynamoDB Streams as an event source.

mod answers;
mod failure;
mod item;
mod provider;
mod record;
mod stream;

pub use provider::DynamoDbProvider;
pub use stream::DynamoDbStream;
