//! DynamoDB Streams as an event source.

mod failure;
mod image;
mod item;
mod producer;
mod provider;
mod record;
mod responses;
mod stream;
mod table;

pub use producer::DynamoDbProducer;
pub use provider::DynamoDbProvider;
pub use stream::DynamoDbStream;
