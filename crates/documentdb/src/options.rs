//! What may be set about change streams.

use std::path::PathBuf;
use std::time::Duration;

use lambda_esm_core::setters;

/// Settings of the change streams of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentDbOptions {
    /// How far back `TRIM_HORIZON` looks where the server does not show what it holds: DocumentDB keeps changes for three
    /// hours unless told otherwise (Amazon DocumentDB developer guide, "Using change streams").
    pub retention: Duration,
    /// Where the files lie by which the processes of this machine see that they read the same; `None` for the user's
    /// folder of running programs, or one of the user in that of temporary files.
    pub folder: Option<PathBuf>,
    /// How often the position of a stream without changes is renewed, so that it does not grow older than what the server
    /// holds.
    pub renew_position: Duration,
}

impl Default for DocumentDbOptions {
    fn default() -> Self {
        Self {
            retention: Duration::from_secs(3 * 60 * 60),
            folder: None,
            renew_position: Duration::from_secs(60),
        }
    }
}

setters!(DocumentDbOptions {
    with_retention sets retention: Duration,
    with_folder sets folder: Option<PathBuf>,
    with_renew_position sets renew_position: Duration,
});
