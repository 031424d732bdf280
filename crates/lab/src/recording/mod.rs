//! What a source delivered, kept in a file to be replayed.

mod format;
mod read;

pub use format::{Header, Line, RecordedKind, VERSION};
pub use read::{Recorded, RecordingError, RecordingLines, is_recording, read};
