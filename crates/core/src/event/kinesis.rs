//! The Kinesis event (Lambda developer guide, "Using Lambda with Kinesis"; key order recorded).

/// Writes the event fragments of one stream.
#[derive(Clone, Debug)]
pub struct KinesisEncoder {}
