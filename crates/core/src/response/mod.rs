//! Reads the function's answer: which records of the batch failed, and what it says besides.
//!
//! An answer may have 6 MB, and whatever is in it: its readers take the members that they know, and pass over
//! the rest without keeping it.

mod answer;
mod error;
mod failures;
mod members;
mod state;
mod walk;

pub use answer::{InvokeAnswer, Run};
pub use error::{error_texts, error_words, unmarked_error};
pub(crate) use failures::Unasked;
pub use failures::{Verdict, read_partial_failures};
pub use state::read_window_state;
