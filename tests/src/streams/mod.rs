//! Streams of the servers under test.

mod deliveries;
mod document;
mod json;
mod kinesis;
mod lab;
mod mailbox;
mod ministack;
mod record;
mod server;
mod table;

pub use deliveries::{Delivered, Deliveries, Delivery, Repeated};
pub use document::{Document, Response, iso};
pub use kinesis::KinesisStream;
pub use lab::{Answer, Call, Lab, Row, Script, answering, failures, pending, saying, throwing};
pub use mailbox::{Letter, Mailbox, Office};
pub use ministack::Ministack;
pub use record::{Known, Record, records, values};
pub use server::{Stream, Streams};
pub use table::Table;
