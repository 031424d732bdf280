//! The servers under test, as the environment names them.

/// Returns an environment variable; if it is not set, says that the test is skipped.
pub(crate) fn variable(name: &str) -> Option<String> {
    let value = std::env::var(name).ok();
    if value.is_none() {
        println!("skipped: {name} is not set");
    }
    value
}
