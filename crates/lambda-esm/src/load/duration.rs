//! Durations on the command line.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest duration that is taken: a day.
const LONGEST: Duration = Duration::from_hours(24);

/// Reads a duration such as `90s`, `1m 30s` or `500ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is no duration; write for example 90s, 1m 30s or 500ms");
    let read: SignedDuration = text.parse().map_err(|_| wrong())?;
    let read = Duration::try_from(read).map_err(|_| wrong())?;
    if read > LONGEST {
        return Err(format!("{text} is too long; the most is 24h"));
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_their_usual_spellings() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_none_is_refused_with_an_example() {
        for wrong in ["", "90", "-1s", "soon"] {
            let refused = duration(wrong).unwrap_err();
            assert!(refused.contains("90s"), "{wrong}: {refused}");
        }
        assert!(duration("25h").is_err());
    }
}
