//! A database file that takes no change until it is trusted.
//!
//! Opening a redb file repairs it, and a repair of a damaged file may go back to an older
//! transaction or fail halfway. So everything redb does while it opens goes to an image in memory
//! and a journal. [`JournaledFile::adopt`] then replays the journal into the file, in order and with
//! its flushes; a file that is refused before that keeps every byte.

use std::{
    fs::File,
    io,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use redb::{BackendError, StorageBackend, backends::FileBackend};

use crate::header;

/// A handle on the file; clones are the same file.
#[derive(Clone, Debug)]
pub(crate) struct JournaledFile(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: FileBackend,
    stage: RwLock<Stage>,
    turn: bool,
}

enum Stage {
    /// Nothing read yet: reading waits for redb's lock on the file.
    Unread,
    Trial(Trial),
    Live,
}

struct Trial {
    image: Vec<u8>,
    journal: Vec<Change>,
    newer_commit_aside: bool,
}

enum Change {
    Write { offset: u64, data: Vec<u8> },
    Length(u64),
    Flush,
}

impl JournaledFile {
    /// Holds back the changes of a file. With `turn`, tries the commit that the header does not point at, if that is
    /// the newer one.
    pub(crate) fn new(file: File, turn: bool) -> Result<Self, redb::DatabaseError> {
        Ok(Self(Arc::new(Inner {
            file: FileBackend::new(file)?,
            stage: RwLock::new(Stage::Unread),
            turn,
        })))
    }

    /// Whether the file's header points at the older of its two commits.
    pub(crate) fn newer_commit_aside(&self) -> bool {
        match &*self.read_stage() {
            Stage::Trial(trial) => trial.newer_commit_aside,
            Stage::Unread | Stage::Live => false,
        }
    }

    /// Makes every change so far in the file itself, and lets later ones through.
    pub(crate) fn adopt(&self) -> io::Result<()> {
        let mut stage = self.write_stage();
        if let Stage::Trial(trial) = &*stage {
            for change in &trial.journal {
                match change {
                    Change::Write { offset, data } => self.0.file.write(*offset, data)?,
                    Change::Length(length) => self.0.file.set_len(*length)?,
                    Change::Flush => self.0.file.sync_data()?,
                }
            }
            self.0.file.sync_data()?;
        }
        *stage = Stage::Live;
        Ok(())
    }

    fn read_stage(&self) -> RwLockReadGuard<'_, Stage> {
        self.0.stage.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_stage(&self) -> RwLockWriteGuard<'_, Stage> {
        self.0.stage.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does `live` on the file, or `trial` on its image.
    fn on<T>(
        &self,
        live: impl FnOnce(&FileBackend) -> io::Result<T>,
        trial: impl FnOnce(&mut Trial) -> io::Result<T>,
    ) -> io::Result<T> {
        if matches!(&*self.read_stage(), Stage::Live) {
            return live(&self.0.file);
        }
        let mut stage = self.write_stage();
        if matches!(&*stage, Stage::Unread) {
            *stage = Stage::Trial(Trial::read(&self.0.file, self.0.turn)?);
        }
        match &mut *stage {
            Stage::Trial(under_way) => trial(under_way),
            Stage::Unread | Stage::Live => live(&self.0.file),
        }
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unread => "Unread",
            Self::Trial(_) => "Trial",
            Self::Live => "Live",
        })
    }
}

impl Trial {
    fn read(file: &FileBackend, turn: bool) -> io::Result<Self> {
        let length = usize::try_from(file.len()?).map_err(io::Error::other)?;
        let mut image = vec![0; length];
        file.read(0, &mut image)?;
        let newer_commit_aside = header::newer_commit_aside(&image);
        let mut trial = Self {
            image,
            journal: Vec::new(),
            newer_commit_aside,
        };
        if turn && newer_commit_aside {
            let (offset, flags) = header::turned(&trial.image);
            trial.write(offset, &[flags])?;
        }
        Ok(trial)
    }

    fn range(&self, offset: u64, length: usize) -> io::Result<std::ops::Range<usize>> {
        usize::try_from(offset)
            .ok()
            .and_then(|start| Some(start..start.checked_add(length)?))
            .filter(|range| range.end <= self.image.len())
            .ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "file is too short"))
    }

    fn write(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        let range = self.range(offset, data.len())?;
        self.image[range].copy_from_slice(data);
        self.journal.push(Change::Write {
            offset,
            data: data.to_vec(),
        });
        Ok(())
    }
}

impl StorageBackend for JournaledFile {
    fn len(&self) -> io::Result<u64> {
        self.on(|file| file.len(), |trial| Ok(trial.image.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        if matches!(&*self.read_stage(), Stage::Live) {
            return self.0.file.read(offset, out);
        }
        self.on(
            |_| Ok(()),
            |trial| {
                let range = trial.range(offset, out.len())?;
                out.copy_from_slice(&trial.image[range]);
                Ok(())
            },
        )
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.on(
            |file| file.set_len(length),
            |trial| {
                trial
                    .image
                    .resize(usize::try_from(length).map_err(io::Error::other)?, 0);
                trial.journal.push(Change::Length(length));
                Ok(())
            },
        )
    }

    fn sync_data(&self) -> io::Result<()> {
        self.on(
            |file| file.sync_data(),
            |trial| {
                trial.journal.push(Change::Flush);
                Ok(())
            },
        )
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.on(
            |file| file.write(offset, data),
            |trial| trial.write(offset, data),
        )
    }

    fn close(&self) -> io::Result<()> {
        self.0.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.0.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.0.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.file.query_lock_range(start, end)
    }
}
