//! Change streams of Amazon DocumentDB and MongoDB as event sources.

mod address;
mod change;
mod client;
mod clusters;
mod extended_json;
mod options;
mod place;
mod private_folder;
mod problem;
mod reading;
mod source;
mod standby;

pub use address::{ClusterAddress, ClusterAddressError};
pub use clusters::DocumentDbClusters;
pub use options::DocumentDbOptions;
pub use source::ChangeStream;
