//! Opening the file: made if it is not there, checked whole if it is.

use std::{
    fs::{self, File, OpenOptions},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use lambda_esm_engine::store::StoreError;
use redb::{Builder, Database, DatabaseError};
use uuid::Uuid;

use crate::{failure, journaled_file::JournaledFile, schema, upgrade};

/// The file's name inside the state directory.
pub const FILE: &str = "lambda-esm.redb";

/// Pages kept in memory, in bytes: states are small, and redb's own default is 1 GiB.
const CACHE: usize = 16 * 1024 * 1024;

/// Opens the store's file in `directory`, making both if they are not there.
pub(crate) fn open(directory: &Path) -> Result<(Database, PathBuf), StoreError> {
    make_directory(directory).map_err(|error| failure::io_at(directory, "make", &error))?;
    let path = directory.join(FILE);
    match path.try_exists() {
        Ok(true) => {}
        Ok(false) => make_file(directory, &path)?,
        Err(error) => return Err(failure::io_at(&path, "open", &error)),
    }
    let database = open_existing(&path)?;
    upgrade::upgrade(&database, &path)?;
    Ok((database, path))
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Makes the file under another name first: half a file after a crash would be refused for ever.
fn make_file(directory: &Path, path: &Path) -> Result<(), StoreError> {
    let draft = directory.join(format!(".{FILE}.{}", Uuid::new_v4()));
    let made = write_new(&draft, path).and_then(|()| {
        publish(&draft, path)
            .and_then(|()| flush_directory(directory))
            .map_err(|error| failure::io_at(path, "make", &error))
    });
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(draft = %draft.display(), %error, "draft of the state file left behind");
    }
    made
}

fn write_new(draft: &Path, path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options
        .open(draft)
        .map_err(|error| failure::io_at(draft, "make", &error))?;
    let database = redb::backends::FileBackend::new(file)
        .and_then(|backend| Builder::new().create_with_backend(backend))
        .map_err(|error| failure::opening(draft, error))?;
    schema::make(&database).map_err(|error| failure::running(path, error))?;
    database
        .close()
        .map_err(|error| failure::opening(draft, error))?;
    File::open(draft)
        .and_then(|file| file.sync_all())
        .map_err(|error| failure::io_at(draft, "flush", &error))
}

/// Gives the draft its name, unless another process has made the file meanwhile.
fn publish(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no hard links.
        Err(_) if !path.try_exists()? => fs::rename(draft, path),
        Err(error) => Err(error),
    }
}

fn flush_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

/// Opens a file that is there, and changes it only once all of it is known to be good.
pub(crate) fn open_existing(path: &Path) -> Result<Database, StoreError> {
    let (mut database, mut file) = try_open(path, false)?;
    if file.newer_commit_aside() {
        drop(database);
        (database, file) = match try_open(path, true) {
            Err(StoreError::Corrupt(_)) => try_open(path, false)?,
            other => other?,
        };
    }
    file.adopt()
        .map_err(|error| failure::io_at(path, "write", &error))?;
    Ok(database)
}

fn try_open(path: &Path, turn: bool) -> Result<(Database, JournaledFile), StoreError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| failure::io_at(path, "open", &error))?;
    // redb takes an empty file for a new one.
    if file.metadata().is_ok_and(|file| file.len() == 0) {
        return Err(failure::corrupt(path, "it is empty"));
    }
    // redb promises errors for damaged files, but its debug builds assert.
    catch_unwind(AssertUnwindSafe(|| check(path, file, turn)))
        .unwrap_or_else(|_| Err(failure::corrupt(path, "its pages contradict one another")))
}

fn check(path: &Path, file: File, turn: bool) -> Result<(Database, JournaledFile), StoreError> {
    let opening = |error: DatabaseError| failure::opening(path, error);
    let file = JournaledFile::new(file, turn).map_err(opening)?;
    let database = Builder::new()
        .set_check_integrity_on_open(true)
        .set_cache_size(CACHE)
        .create_with_backend(file.clone())
        .map_err(opening)?;
    schema::check(&database, path)?;
    upgrade::check(&database, path)?;
    Ok((database, file))
}
