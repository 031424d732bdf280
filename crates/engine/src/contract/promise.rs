//! How a broken promise is told: by its words in the port's documentation, with what was expected and what was
//! seen.

use std::fmt::{Debug, Display};

/// Checks that `seen` is what a promise says.
#[track_caller]
pub(super) fn equal<T: Debug + PartialEq<U>, U: Debug>(promise: &str, seen: &T, expected: &U) {
    if seen != expected {
        broken(promise, format_args!("{expected:?}"), seen);
    }
}

/// Checks that a promise is `kept`; `expected` says in words what that would be.
#[track_caller]
pub(super) fn holds(promise: &str, kept: bool, expected: impl Display, seen: &impl Debug) {
    if !kept {
        broken(promise, expected, seen);
    }
}

/// Returns the value of a call that a promise says succeeds.
#[track_caller]
pub(super) fn succeeds<T, E: Debug>(promise: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => broken(promise, "success", &error),
    }
}

#[track_caller]
pub(super) fn broken(promise: &str, expected: impl Display, seen: &impl Debug) -> ! {
    panic!("broken promise: {promise}\n expected: {expected}\n     seen: {seen:?}")
}
