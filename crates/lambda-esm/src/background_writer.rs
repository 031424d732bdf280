//! A way out for lines that holds nobody up: a reader that stalls or goes away is nobody's trouble but its own.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use crate::failure::Failure;

/// The most bytes that wait for a reader. A function that prints all it can fills it in some 50 ms, in which a
/// thread finds its turn also on a busy machine; with what is being written there are at most twice as many.
const ROOM: usize = 4 * 1024 * 1024;

/// How much is written at a time, which shows whether the reader goes on: as much as a pipe holds on Linux.
const PIECE: usize = 64 * 1024;

/// How long the end waits for a reader that takes nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// The pause after which a file is tried again that takes nothing at the moment: somebody who shares it, such as
/// a Node.js program on the same terminal, has made it non-blocking.
const PAUSE: Duration = Duration::from_millis(10);

/// Hands lines to a thread that writes them. Copies write to the same place.
#[derive(Clone)]
pub(crate) struct BackgroundWriter {
    lines: Sender<Vec<u8>>,
    state: watch::Sender<State>,
}

#[derive(Clone, Default)]
struct State {
    /// Bytes that are not written yet.
    waiting: usize,
    /// Lines that were dropped since that was last told.
    dropped: u64,
    /// Why something could not be written.
    error: Option<(io::ErrorKind, Option<i32>)>,
}

impl BackgroundWriter {
    /// Starts the thread of a standard stream. `tell_dropped` is told how many lines had to be dropped when
    /// there is room again.
    pub(crate) fn start(stream: impl AsFd, tell_dropped: fn(u64)) -> Result<Self, Failure> {
        // A file of its own: no lock of the standard library is held while the reader stalls.
        let file = stream.as_fd().try_clone_to_owned().map(File::from);
        let file = file.map_err(Failure::output)?;
        let (lines, queue) = channel();
        let state = watch::Sender::default();
        let of_thread = state.clone();
        thread::Builder::new()
            .name("output".to_owned())
            .spawn(move || write_all(&file, &queue, &of_thread, tell_dropped))
            .map_err(Failure::output)?;
        Ok(Self { lines, state })
    }

    /// Has lines written; they are dropped, and counted, if too much waits.
    pub(crate) fn offer(&self, lines: &[u8]) {
        let is_taken = self.state.send_if_modified(|state| {
            let has_room = state.waiting + lines.len() <= ROOM;
            if has_room {
                state.waiting += lines.len();
            } else {
                state.dropped += 1;
            }
            has_room
        });
        if is_taken {
            self.send(lines.to_vec());
        }
    }

    /// Has lines written, whatever waits; see [`has_room`](Self::has_room).
    pub(crate) fn put(&self, lines: Vec<u8>) {
        self.state.send_modify(|state| state.waiting += lines.len());
        self.send(lines);
    }

    fn send(&self, lines: Vec<u8>) {
        // The thread ends after all senders only.
        drop(self.lines.send(lines));
    }

    /// Waits until little waits to be written. Cancel safe.
    ///
    /// # Errors
    /// Fails if something could not be written.
    pub(crate) async fn has_room(&self) -> Result<(), Failure> {
        let mut state = self.state.subscribe();
        let settled = |state: &State| state.waiting < PIECE || state.error.is_some();
        // The sender is here.
        match state.wait_for(settled).await.map(|state| state.error) {
            Ok(Some(error)) => Err(failure(error)),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// Returns why something could not be written, if so.
    pub(crate) fn error(&self) -> Option<Failure> {
        self.state.borrow().error.map(failure)
    }

    /// Tells whether all is written.
    pub(crate) fn is_idle(&self) -> bool {
        self.state.borrow().waiting == 0
    }

    /// Waits until all is written, as long as the reader takes something every two seconds; returns whether it is.
    ///
    /// # Errors
    /// Fails if something could not be written.
    pub(crate) async fn flushed(&self) -> Result<bool, Failure> {
        let mut state = self.state.subscribe();
        loop {
            let now = state.borrow_and_update().clone();
            if let Some(error) = now.error {
                return Err(failure(error));
            }
            if now.waiting == 0 {
                return Ok(true);
            }
            if timeout(PATIENCE, state.changed()).await.is_err() {
                return Ok(false);
            }
        }
    }
}

/// Writes a line of the log, each by one call.
impl Write for BackgroundWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.offer(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn failure((kind, code): (io::ErrorKind, Option<i32>)) -> Failure {
    Failure::output(code.map_or_else(|| kind.into(), io::Error::from_raw_os_error))
}

/// Writes until nobody can send any more. What cannot be written is dropped: the next may pass.
fn write_all(
    mut file: &File,
    queue: &Receiver<Vec<u8>>,
    state: &watch::Sender<State>,
    tell_dropped: fn(u64),
) {
    while let Ok(mut lines) = queue.recv() {
        while lines.len() < PIECE
            && let Ok(more) = queue.try_recv()
        {
            lines.extend(more);
        }
        for piece in lines.chunks(PIECE) {
            let written = write_piece(&mut file, piece);
            let mut dropped = 0;
            state.send_modify(|state| {
                state.waiting -= piece.len();
                match &written {
                    Ok(()) if state.waiting < ROOM / 2 => {
                        dropped = std::mem::take(&mut state.dropped);
                    }
                    Ok(()) => {}
                    Err(error) => {
                        let ends = piece.iter().filter(|byte| **byte == b'\n').count();
                        state.dropped = state.dropped.saturating_add(ends as u64);
                        state.error = Some((error.kind(), error.raw_os_error()));
                    }
                }
            });
            if dropped > 0 {
                tell_dropped(dropped);
            }
        }
    }
}

fn write_piece(file: &mut &File, mut piece: &[u8]) -> io::Result<()> {
    while !piece.is_empty() {
        match file.write(piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => piece = &piece[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, PipeReader, pipe};
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    const LINE: &[u8] = b"0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\n";

    fn writer(tell_dropped: fn(u64)) -> (PipeReader, BackgroundWriter) {
        let (reader, writer) = pipe().unwrap();
        (
            reader,
            BackgroundWriter::start(writer, tell_dropped).unwrap(),
        )
    }

    #[test]
    fn lines_that_a_stalled_reader_has_no_room_for_are_dropped_and_every_one_is_counted() {
        static TOLD: AtomicU64 = AtomicU64::new(0);
        let (reader, mut writer) = writer(|lines| {
            TOLD.fetch_add(lines, Ordering::SeqCst);
        });
        let offered = 3 * ROOM / LINE.len();
        for _ in 0..offered {
            writer.write_all(LINE).unwrap();
        }
        assert!(writer.state.borrow().dropped > 0);
        assert!(writer.state.borrow().waiting <= ROOM);
        let of_reader = thread::spawn(move || BufReader::new(reader).lines().count());
        drop(writer);
        let read = of_reader.join().unwrap();
        assert_eq!(read + TOLD.load(Ordering::SeqCst) as usize, offered);
        assert!(read * LINE.len() >= ROOM - LINE.len(), "{read} lines");
    }

    #[tokio::test]
    async fn a_reader_that_goes_away_is_told_to_those_who_ask_and_stops_nobody_else() {
        let (reader, mut writer) = writer(|_| {});
        drop(reader);
        for _ in 0..1_000 {
            writer.write_all(LINE).unwrap();
        }
        let error = writer.flushed().await.unwrap_err();
        assert_eq!(error.exit_code(), 141, "{error:?}");
        assert_eq!(writer.has_room().await.unwrap_err().exit_code(), 141);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_waits_for_a_reader_that_takes_something_and_not_for_one_that_stalls() {
        let (reader, writer) = writer(|_| {});
        writer.put(vec![b'x'; 4 * PIECE]);
        assert!(!writer.flushed().await.unwrap());
        assert!(!writer.is_idle());
        let of_reader = thread::spawn(move || BufReader::new(reader).lines().count());
        // No time passes while there is something to be done elsewhere.
        tokio::time::resume();
        assert!(writer.flushed().await.unwrap());
        writer.has_room().await.unwrap();
        drop(writer);
        assert_eq!(of_reader.join().unwrap(), 1);
    }
}
