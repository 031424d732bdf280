//! Keeps event source mappings and their checkpoints in one file, `lambda-esm.redb`.
//!
//! * One writer thread. Whatever waits when it turns to its queue becomes one transaction with two
//!   flushes to disk, and every request is answered when that transaction is durable.
//! * Readers see the last transaction and wait for no writer.
//! * One process at a time: the file is locked for as long as it is open.
//! * Opening reads and checks every page before it writes the first byte. A file that is damaged,
//!   newer, in use, or of something else is refused and left as it was.

mod database;
mod failure;
mod header;
mod journaled_file;
mod open;
mod schema;
mod store;
mod upgrade;
mod writer;

pub use open::FILE;
pub use store::RedbStore;
