//! What every share group must do, whatever its brokers.

mod content;
mod ends;
mod locks;
mod source;
mod trial;

pub use source::{ShareGroupContract, share_group_contract};
pub use trial::SharedRecordToPut;
