//! The decision log of a mapping: its last decisions as JSON, or all from now on as server-sent events.
//!
//! A page is what a plain request gets: the last 100 decisions, `?last=N` of them, those `?after=SEQUENCE`,
//! or both. With `Accept: text/event-stream` it is a stream: decisions from now on, after those that
//! `last`, `after` or `Last-Event-ID` ask for. Its events are
//!
//! | event | data |
//! |---|---|
//! | `decision` | one decision as in a page; its id is the sequence number |
//! | `gap` | `{"missed": N}`: so many decisions are missing here, because nobody remembers them |
//! | `end` | `{"because": …}`: the mapping is gone, or the server stops |
//!
//! and comments while there is silence. A sequence number that was not given out yet is of an earlier
//! process: everything remembered is newer.

mod entry;
mod handler;
mod selection;
mod stream;

pub(crate) use handler::read;
