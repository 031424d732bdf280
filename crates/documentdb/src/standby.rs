//! Who reads a change stream for a function, of the processes of one user on one machine: whoever locked its file first. The
//! others stand by, and take over when that one ends, however it ends. Processes on other machines are not seen.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};

use lambda_esm_core::fault::{SourceError, SourceErrorKind};
use sha2::{Digest as _, Sha256};

use crate::private_folder::PrivateFolder;

/// The longest that is read of a file that says who holds it.
const LONGEST_HOLDER: u64 = 20;

/// The file by which processes see who reads.
#[derive(Debug)]
pub(crate) struct Standby {
    folder: PrivateFolder,
    name: String,
}

/// Whoever has it reads. The lock ends with it, or with the process.
#[derive(Debug)]
pub(crate) struct Held(#[expect(dead_code, reason = "open, it is locked")] File);

impl Standby {
    /// Returns the file for what is read, all of which `parts` name together.
    pub(crate) fn new(folder: PrivateFolder, parts: &[&str]) -> Self {
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
            folder,
            name: format!("change-stream-{name}.lock"),
        }
    }

    /// Takes the lock. Fails while another process has it, and names that.
    pub(crate) fn take(&self) -> Result<Held, SourceError> {
        let unusable = |error: &io::Error| transient(self.folder.unusable(error));
        let mut file = self.folder.open(&self.name).map_err(transient)?;
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
    transient(format!(
        "another process{holder} on this machine reads this change stream for the same function; this one stands by, and takes \
         over when that one ends, from where this one was"
    ))
}

fn transient(text: String) -> SourceError {
    SourceError::new(SourceErrorKind::Transient, text)
}
