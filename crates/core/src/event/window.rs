//! What an event of a tumbling window says beside its records (Lambda developer guide, "Tumbling windows"
//! of Kinesis and DynamoDB).

use serde_json::value::RawValue;

use crate::json::write_string;
use crate::stream::ShardId;
use crate::time::Timestamp;

/// What follows the records in an event of a tumbling window.
#[derive(Clone, Copy, Debug)]
pub struct WindowTail<'a> {
    /// When the window starts; whole seconds.
    pub start: Timestamp,
    /// When it ends; whole seconds.
    pub end: Timestamp,
    /// What the function returned last in this window; at first [`empty_state`].
    pub state: &'a RawValue,
    /// The shard.
    pub shard: &'a ShardId,
    /// The mapping's `EventSourceArn`.
    pub event_source_arn: &'a str,
    /// Whether this is the window's last invocation.
    pub is_final_invoke: bool,
    /// Whether the window ends before its time.
    pub is_terminated_early: bool,
}

impl WindowTail<'_> {
    /// Appends everything after the last fragment: it takes the place of the envelope's suffix.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.state.get().len() + self.event_source_arn.len() + 256);
        out.extend_from_slice(b"],\"window\":{\"start\":\"");
        out.extend_from_slice(self.start.iso_seconds().as_bytes());
        out.extend_from_slice(b"\",\"end\":\"");
        out.extend_from_slice(self.end.iso_seconds().as_bytes());
        out.extend_from_slice(b"\"},\"state\":");
        out.extend_from_slice(self.state.get().as_bytes());
        out.extend_from_slice(b",\"shardId\":");
        write_string(out, self.shard.as_str());
        out.extend_from_slice(b",\"eventSourceARN\":");
        write_string(out, self.event_source_arn);
        let flags = format!(
            ",\"isFinalInvokeForWindow\":{},\"isWindowTerminatedEarly\":{}}}",
            self.is_final_invoke, self.is_terminated_early
        );
        out.extend_from_slice(flags.as_bytes());
    }
}

/// Returns the state at the beginning of a window: `{}`.
#[must_use]
pub fn empty_state() -> Box<RawValue> {
    RawValue::from_string("{}".to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
