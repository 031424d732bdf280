//! The DynamoDB event (Lambda developer guide, "Using Lambda with DynamoDB"; key order recorded).

/// Writes the event fragments of one stream.
#[derive(Clone, Debug)]
pub struct DynamoDbEncoder {}
