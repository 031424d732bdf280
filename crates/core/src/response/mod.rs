//! Reads the function's answer: which records of the batch failed, and what it says besides.
//!
//! An answer may have 6 MB, and whatever is in it: its readers take the members that they know, and pass over
//! the rest without keeping it.

mod answer;
mod function_error;
mod kafka_failures;
mod members;
mod partial_batch_response;
mod reader;
mod window_state;

pub use answer::{InvokeAnswer, Run};
pub use function_error::{error_texts, error_words, unmarked_error};
pub use kafka_failures::read_kafka_failures;
pub(crate) use partial_batch_response::IgnoredFailures;
pub use partial_batch_response::{Verdict, read_partial_failures};
pub use window_state::read_window_state;
