//! The files of recordings.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use lambda_esm_core::mapping::Source;
use lambda_esm_core::text::plain;
use lambda_esm_engine::{Clock, EngineBuilder};
use lambda_esm_lab::recording::{Header, OpenSink, RecordingOptions, RecordingSink, Recordings};
use uuid::Uuid;

use crate::background_writer::BackgroundWriter;
use crate::config::{Configuration, RecordSettings};
use crate::failure::Failure;

/// The longest name of a source or function within the name of a file, in bytes.
const LONGEST_NAME: usize = 60;

/// The files that are written to, until the end.
pub(crate) struct RecordingFiles {
    recordings: Arc<Recordings>,
    clock: Clock,
    written: Written,
}

type Written = Arc<Mutex<Vec<(PathBuf, BackgroundWriter)>>>;

impl RecordingFiles {
    /// Makes the folder that the configuration names; `None` if nothing is to be recorded.
    ///
    /// # Errors
    /// Fails if the folder cannot be made.
    pub(crate) fn begin(configuration: &Configuration) -> Result<Option<Self>, Failure> {
        let Some(settings) = &configuration.record else {
            return Ok(None);
        };
        let folder = &settings.folder;
        // What is recorded may be for nobody else's eyes.
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| {
            let folder = folder.display();
            Failure::general(format!(
                "the folder of recordings {folder} cannot be made: {error}"
            ))
        })?;
        let mut sources = configuration.mappings.iter();
        let in_queue_mode =
            |source: &Source| matches!(source, Source::Kafka(kafka) if kafka.is_queue());
        if sources.any(|settings| in_queue_mode(&settings.mapping.source)) {
            tracing::warn!(
                "what share groups deliver is not recorded: mappings with ConsumptionMode Queue are left out"
            );
        }
        let clock = Clock::system();
        let written = Written::default();
        let engine = configuration.options.clone();
        let open = open(folder.clone(), written.clone());
        let recordings = Recordings::new(clock, engine, options(settings), open);
        tracing::info!("recording what sources deliver to {}", folder.display());
        Ok(Some(Self {
            recordings: Arc::new(recordings),
            clock,
            written,
        }))
    }

    /// Has the sources of an engine recorded.
    pub(crate) fn attach(&self, builder: EngineBuilder) -> EngineBuilder {
        let recordings = self.recordings.clone();
        builder
            .clock(self.clock)
            .through(move |provider| recordings.of(provider))
    }

    /// Waits until all is written, and tells of what could not be.
    pub(crate) async fn finish(&self) {
        let written =
            std::mem::take(&mut *self.written.lock().unwrap_or_else(PoisonError::into_inner));
        for (path, writer) in written {
            match writer.flushed().await {
                Ok(true) => tracing::info!("recorded {}", path.display()),
                Ok(false) => tracing::error!(
                    "the recording {} is cut off: the disk is too slow",
                    path.display()
                ),
                Err(error) => {
                    tracing::error!("the recording {} is cut off: {error}", path.display())
                }
            }
        }
    }
}

fn options(settings: &RecordSettings) -> RecordingOptions {
    RecordingOptions::new(Uuid::new_v4().as_u128())
        .with_payloads(settings.payloads)
        .with_redaction(settings.redaction.clone())
        .with_limit(settings.limit)
}

/// Returns what makes the file of a recording.
fn open(folder: PathBuf, written: Written) -> Arc<OpenSink> {
    Arc::new(move |header: &Header| {
        let opened = create(&folder, header).and_then(|(path, file)| {
            let writer = BackgroundWriter::start(file, |lines| {
                tracing::error!("{lines} records were not recorded, since the disk is too slow");
            });
            writer
                .map(|writer| (path, writer))
                .map_err(|error| io::Error::other(error.to_string()))
        });
        match opened {
            Ok((path, writer)) => {
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                written.push((path.clone(), writer.clone()));
                let broken = AtomicBool::new(false);
                Some(Box::new(FileSink {
                    path,
                    writer,
                    broken,
                }) as Box<dyn RecordingSink>)
            }
            Err(error) => {
                let (source, folder) = (plain(&header.source), folder.display());
                tracing::error!(
                    "{source} is not recorded: no file can be made in {folder}: {error}"
                );
                None
            }
        }
    })
}

/// Makes a file that was not there, named after the source, the function and the time.
fn create(folder: &Path, header: &Header) -> io::Result<(PathBuf, File)> {
    let last = |name: &str| {
        name.rsplit([':', '/'])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    let source = header.name.clone().unwrap_or_else(|| last(&header.source));
    let time: String = header
        .began
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let name = format!("{}-{}-{time}", legal(&source), legal(&header.function));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut number = 1;
    loop {
        let path = match number {
            1 => folder.join(format!("{name}.jsonl")),
            number => folder.join(format!("{name}-{number}.jsonl")),
        };
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 1_000 => {
                number += 1
            }
            Err(error) => return Err(error),
        }
    }
}

/// Returns the beginning of a name, of letters that every file system takes.
fn legal(name: &str) -> String {
    let legal = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => letter,
        _ => '-',
    };
    name.chars().map(legal).take(LONGEST_NAME).collect()
}

/// One file.
struct FileSink {
    path: PathBuf,
    writer: BackgroundWriter,
    /// Something could not be written: nothing more is, so that the file breaks off rather than has a gap.
    broken: AtomicBool,
}

impl RecordingSink for FileSink {
    fn write(&self, line: Vec<u8>) {
        if self.broken.load(Ordering::Relaxed) {
            return;
        }
        if let Some(error) = self.writer.error()
            && !self.broken.swap(true, Ordering::Relaxed)
        {
            tracing::error!("the recording {} ends here: {error}", self.path.display());
            return;
        }
        self.writer.offer(&line);
    }

    fn full(&self) {
        let path = self.path.display();
        tracing::warn!("the recording {path} is full; raise record.limit_mb for more");
    }
}
