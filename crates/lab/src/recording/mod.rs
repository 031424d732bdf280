//! What a source delivered, kept in a file to be replayed.

mod brokers;
mod format;
mod options;
mod provider;
mod read;
mod recent;
mod recorder;
mod redaction;
mod sources;

pub use format::{Header, Line, RecordedKind, VERSION};
pub use options::RecordingOptions;
pub use provider::Recordings;
pub use read::{Recorded, RecordingError, RecordingLines, is_recording, read};
pub use recorder::{OpenSink, RecordingSink};
pub use redaction::Redaction;
