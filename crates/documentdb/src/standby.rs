//! Who reads a change stream for a function, of the processes of one user on one machine: whoever locked its file first. The
//! others stand by, and take over when that one ends, however it ends. Processes on other machines are not seen.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use sha2::{Digest as _, Sha256};

/// The longest that is read of a file that says who holds it.
const LONGEST_HOLDER: u64 = 20;

/// The file by which processes see who reads.
#[derive(Debug)]
pub(crate) struct Standby {
    folder: PathBuf,
    name: String,
}

/// Whoever has it reads. The lock ends with it, or with the process.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "open, it is locked")] File);

impl Standby {
    /// Returns the file for what is read, all of which `parts` name together.
    pub(crate) fn new(folder: Option<PathBuf>, parts: &[&str]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update(part.len().to_be_bytes());
            digest.update(part.as_bytes());
        }
        let name: String = digest
            .finalize()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            folder: folder.unwrap_or_else(default_folder),
            name: format!("change-stream-{name}.lock"),
        }
    }

    /// Takes the lock. Fails while another process has it, and names that.
    pub(crate) fn take(&self) -> Result<Held, SourceError> {
        let path = self.folder.join(&self.name);
        let open = || {
            make_private(&self.folder)?;
            let mut options = OpenOptions::new();
            options
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600);
            options.open(&path)
        };
        let unusable = |error: &io::Error| {
            let path = path.display();
            let text = format!(
                "cannot see whether another process reads this: {path}: {error}; name another folder for lock files"
            );
            SourceError::new(SourceErrorKind::Transient, text)
        };
        let mut file = open().map_err(|error| unusable(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(stands_by(&mut file)),
            Err(TryLockError::Error(error)) => return Err(unusable(&error)),
        }
        let told = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{}", std::process::id()));
        told.map_err(|error| unusable(&error))?;
        Ok(Held(file))
    }
}

fn stands_by(file: &mut File) -> SourceError {
    let mut holder = String::new();
    let read = file.take(LONGEST_HOLDER).read_to_string(&mut holder);
    let known =
        read.is_ok() && !holder.is_empty() && holder.bytes().all(|byte| byte.is_ascii_digit());
    let holder = if known {
        format!(" (pid {holder})")
    } else {
        String::new()
    };
    SourceError::new(
        SourceErrorKind::Transient,
        format!(
            "another process{holder} on this machine reads this change stream for the same function; this one stands by, and \
             takes over when that one ends, from where this one was"
        ),
    )
}

fn default_folder() -> PathBuf {
    match std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from) {
        Some(folder) if folder.is_absolute() && folder.is_dir() => folder.join("lambda-esm"),
        _ => {
            let user = rustix::process::geteuid().as_raw();
            std::env::temp_dir().join(format!("lambda-esm-{user}"))
        }
    }
}

/// Makes the folder, if it is not there, for its user alone. One of somebody else is not used: who owns it could take the
/// files away.
fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let text = "not a folder of this user";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}
