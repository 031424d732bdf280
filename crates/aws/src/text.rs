//! Foreign texts in our error messages: one line, bounded.

/// Long enough for every message of AWS that is meant for people.
const LONGEST: usize = 500;

/// Returns the first line of `text`, cut after 500 characters.
///
/// Later lines are left out since AWS appends the whole signed request to a signature error, session
/// token included.
pub(crate) fn first_line(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or("").trim_end();
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some((end, _)) => format!("{}…", &line[..end]),
    }
}

/// Returns an error with its causes, joined by colons; a cause whose text the outer one already holds
/// is left out.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = first_line(&error.to_string());
    let mut cause = error.source();
    while let Some(error) = cause {
        let line = first_line(&error.to_string());
        if !text.contains(&line) {
            text.push_str(": ");
            text.push_str(&line);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_is_kept_and_it_is_bounded() {
        let signature = "does not match.\n\nx-amz-security-token:SECRET";
        assert_eq!(first_line(signature), "does not match.");
        let long = first_line(&"ä".repeat(5_000));
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
