//! A folder for what processes of one user share on a machine, and nobody else may touch.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;

/// The folder.
#[derive(Clone, Debug)]
pub(crate) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Returns this folder, or else one in the user's folder of running programs or in that of temporary files.
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self(folder.unwrap_or_else(
            || match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
                Some(folder) if folder.is_absolute() && folder.is_dir() => {
                    folder.join("lambda-esm")
                }
                _ => {
                    let user = rustix::process::geteuid().as_raw();
                    std::env::temp_dir().join(format!("lambda-esm-{user}"))
                }
            },
        ))
    }

    /// Opens a file in it, which is made if it is not there. Fails with the cause in words.
    pub(crate) fn open(&self, name: &str) -> Result<File, String> {
        let path = self.0.join(name);
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let opened = self.make().and_then(|()| options.open(&path));
        opened.map_err(|error| self.unusable(&error))
    }

    /// Keeps a file in it, and returns where it is.
    pub(crate) fn keep(&self, name: &str, contents: &[u8]) -> Result<PathBuf, String> {
        let path = self.0.join(name);
        if fs::read(&path).is_ok_and(|found| found == contents) && self.make().is_ok() {
            return Ok(path);
        }
        // Whoever reads it meanwhile sees all of it or nothing.
        let partial = format!("{name}.{}", std::process::id());
        let mut file = self.open(&partial)?;
        let kept = file
            .set_len(0)
            .and_then(|()| file.write_all(contents))
            .and_then(|()| fs::rename(self.0.join(partial), &path));
        kept.map(|()| path).map_err(|error| self.unusable(&error))
    }

    pub(crate) fn unusable(&self, error: &io::Error) -> String {
        let folder = self.0.display();
        format!(
            "folder {folder} cannot be used: {error}; name another one for files of running processes"
        )
    }

    /// Makes it, if it is not there. One of somebody else is not used: its owner could take the files away.
    fn make(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        let found = fs::symlink_metadata(&self.0)?;
        if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() {
            return Ok(());
        }
        let text = "it is not a folder of this user";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }
}
