//! The recording of one mapping's source.

use std::sync::{Arc, Mutex, PoisonError};

use lambda_esm_core::Timestamp;
use lambda_esm_engine::Clock;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::format::{End, Header, Line, RecordedKind};
use super::options::RecordingOptions;
use super::recent::{Recent, hash};

/// Where the lines of a recording go. It holds nobody up: what it has no room for it drops, and tells of.
pub trait RecordingSink: Send + Sync {
    /// Writes a line, with its end.
    fn write(&self, line: Vec<u8>);

    /// Is told that the recording ends here, as it has as many bytes as it may have.
    fn full(&self);
}

/// Makes the sink of a recording when its first record comes; `None` if that fails, which it tells itself.
pub type OpenSink = dyn Fn(&Header) -> Option<Box<dyn RecordingSink>> + Send + Sync;

/// A record that was delivered.
pub(super) struct Delivered<'r> {
    /// Names it among all of its source; `None` if it is known to be new.
    pub(super) name: Option<(&'r str, &'r str)>,
    /// When it arrived at the source, by the source's clock.
    pub(super) arrived: Option<Timestamp>,
    pub(super) shard: Option<String>,
    pub(super) key: Option<String>,
    pub(super) size: usize,
}

/// Records what one source delivers.
pub(super) struct Recorder {
    clock: Clock,
    header: Header,
    began: Timestamp,
    options: Arc<RecordingOptions>,
    open: Arc<OpenSink>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    seen: Recent,
    sink: Sink,
    written: u64,
}

#[derive(Default)]
enum Sink {
    #[default]
    Unopened,
    Open(Box<dyn RecordingSink>),
    /// It is full, or could not be opened.
    Closed,
}

impl Recorder {
    pub(super) fn new(
        clock: Clock,
        header: Header,
        options: Arc<RecordingOptions>,
        open: Arc<OpenSink>,
    ) -> Self {
        Self {
            clock,
            began: Timestamp(header.began_ms),
            header,
            options,
            open,
            state: Mutex::default(),
        }
    }

    /// Returns when the recording began.
    pub(super) const fn began(&self) -> Timestamp {
        self.began
    }

    /// Records a record unless it was recorded before. `fragment` writes it as the function's event shows it.
    pub(super) fn record(&self, delivered: Delivered<'_>, fragment: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = match delivered.name {
            Some(name) => state.seen.is_new(name),
            None => true,
        };
        if matches!(state.sink, Sink::Closed) || !is_new {
            return;
        }
        let began = self.began.millis();
        let at = self.clock.now().since(self.began);
        let line = Line {
            at: at.as_millis().try_into().unwrap_or(u64::MAX),
            arrived: delivered
                .arrived
                .map(|arrived| arrived.millis().saturating_sub(began)),
            shard: delivered.shard,
            key: delivered.key.map(|key| self.shown(key)),
            size: delivered.size,
            record: self.kept(fragment),
        };
        self.write(&mut state, &line);
    }

    fn write(&self, state: &mut State, line: &Line) {
        if matches!(state.sink, Sink::Unopened) {
            let Some(sink) = (self.open)(&self.header) else {
                state.sink = Sink::Closed;
                return;
            };
            let header = text(&self.header);
            state.written = header.len() as u64;
            sink.write(header);
            state.sink = Sink::Open(sink);
        }
        let Sink::Open(sink) = &state.sink else {
            return;
        };
        let text_of_line = text(line);
        state.written += text_of_line.len() as u64;
        if state.written <= self.options.limit {
            sink.write(text_of_line);
            return;
        }
        let end = format!("it ends here by its limit of {} bytes", self.options.limit);
        sink.write(text(&End { end }));
        sink.full();
        state.sink = Sink::Closed;
    }

    /// Returns a record as it is kept.
    fn kept(&self, fragment: impl FnOnce(&mut Vec<u8>)) -> Option<Box<RawValue>> {
        if !self.options.payloads {
            return None;
        }
        let mut json = Vec::new();
        fragment(&mut json);
        let (kind, redaction) = (self.header.kind, &self.options.redaction);
        if redaction.of(kind).next().is_none() {
            return RawValue::from_string(String::from_utf8(json).ok()?).ok();
        }
        let mut record: Value = serde_json::from_slice(&json).ok()?;
        redaction.apply(kind, &mut record);
        serde_json::value::to_raw_value(&record).ok()
    }

    fn shown(&self, key: String) -> String {
        let options = &self.options;
        if options.payloads && !options.redaction.hides_key(self.header.kind) {
            return key;
        }
        let hash = hash((options.salt, key));
        format!("key-{hash:016x}")
    }
}

/// Returns a line with its end.
fn text(line: &impl Serialize) -> Vec<u8> {
    // Nothing in it can fail to be written.
    let mut text = serde_json::to_vec(line).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Returns the header of a recording.
pub(super) fn header(
    began: Timestamp,
    (kind, source, name): (RecordedKind, String, Option<String>),
    function: &str,
    options: &RecordingOptions,
) -> Header {
    Header {
        recording: super::format::VERSION,
        kind,
        source,
        name,
        function: function.to_owned(),
        began: began.iso_millis(),
        began_ms: began.millis(),
        payloads: options.payloads,
        redacted: options.redaction.of(kind).map(str::to_owned).collect(),
    }
}
