//! What functions print.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// The longest part of a line that is kept; the rest is counted and dropped.
pub const MAX_LOG_LINE_BYTES: usize = 16 * 1024;

/// Receives every line a function prints, beside the `tracing` event of target `lambda_esm::function`. It
/// is called on the tasks that empty the pipes, so it must not block.
pub type LogSink = Arc<dyn Fn(LogLine) + Send + Sync>;

/// One line of a function's output.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLine {
    /// The function's name.
    pub function: Arc<str>,
    /// The process that printed it: the leader of its environment.
    pub process_id: u32,
    /// Where it was printed.
    pub stream: LogStream,
    /// The line without its end, at most [`MAX_LOG_LINE_BYTES`] and a note of what was cut; bytes that are
    /// not UTF-8 are replaced.
    pub text: String,
}

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl fmt::Display for LogStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// Where one environment's lines go.
#[derive(Clone)]
pub(crate) struct LogTarget {
    pub(crate) function: Arc<str>,
    pub(crate) process_id: u32,
    pub(crate) sink: Option<LogSink>,
    pub(crate) last_error: LastError,
}

/// The last line on standard error that says something: the likely cause if the process then ends.
#[derive(Clone, Default)]
pub(crate) struct LastError(Arc<Mutex<String>>);

impl LastError {
    pub(crate) fn get(&self) -> String {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, text: &str) {
        text.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl LogTarget {
    /// Empties `reader` until its other end is closed, and passes on each line.
    pub(crate) async fn pump(self, stream: LogStream, reader: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(reader);
        let mut line = Line::default();
        loop {
            let chunk = match reader.fill_buf().await {
                Ok([]) => break,
                Ok(chunk) => chunk,
                Err(error) => {
                    tracing::debug!(%error, function = %self.function, "cannot read a function's output");
                    break;
                }
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            line.push(&chunk[..end.unwrap_or(chunk.len())]);
            let used = end.map_or(chunk.len(), |end| end + 1);
            reader.consume(used);
            if end.is_some() {
                self.emit(stream, line.take());
            }
        }
        if !line.is_empty() {
            self.emit(stream, line.take());
        }
    }

    fn emit(&self, stream: LogStream, text: String) {
        tracing::info!(target: "lambda_esm::function", function = %self.function, %stream, "{text}");
        if stream == LogStream::Stderr && !text.trim().is_empty() {
            self.last_error.set(&text);
        }
        if let Some(sink) = &self.sink {
            let (function, process_id) = (Arc::clone(&self.function), self.process_id);
            sink(LogLine {
                function,
                process_id,
                stream,
                text,
            });
        }
    }
}

#[derive(Default)]
struct Line {
    kept: Vec<u8>,
    cut: usize,
}

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        let room = MAX_LOG_LINE_BYTES - self.kept.len();
        let (kept, cut) = bytes.split_at(bytes.len().min(room));
        self.kept.extend_from_slice(kept);
        self.cut += cut.len();
    }

    fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    fn take(&mut self) -> String {
        let bytes = std::mem::take(&mut self.kept);
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if text.ends_with('\r') {
            text.pop();
        }
        let cut = std::mem::take(&mut self.cut);
        if cut > 0 {
            text.push_str(&format!("… ({cut} bytes cut)"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(output: &[u8]) -> Vec<String> {
        let (sender, receiver) = std::sync::mpsc::channel();
        let sink: LogSink = Arc::new(move |line| sender.send(line.text).unwrap());
        let target = LogTarget {
            function: Arc::from("orders"),
            process_id: 1,
            sink: Some(sink),
            last_error: LastError::default(),
        };
        target.pump(LogStream::Stdout, output).await;
        receiver.into_iter().collect()
    }

    #[tokio::test]
    async fn lines_are_split_and_an_unfinished_last_one_is_kept() {
        assert_eq!(lines(b"a\r\n\nb\xff\nc").await, ["a", "", "b\u{fffd}", "c"]);
    }

    #[tokio::test]
    async fn a_long_line_is_cut_and_the_next_one_is_whole() {
        let long = "x".repeat(MAX_LOG_LINE_BYTES + 7);
        let seen = lines(format!("{long}\nnext\n").as_bytes()).await;
        assert_eq!(
            seen[0],
            format!("{}… (7 bytes cut)", "x".repeat(MAX_LOG_LINE_BYTES))
        );
        assert_eq!(seen[1], "next");
    }
}
