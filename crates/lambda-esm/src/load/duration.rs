//! Durations and rates on the command line.

use std::time::Duration;

use jiff::SignedDuration;

/// The longest duration that is taken: a day.
const LONGEST: Duration = Duration::from_hours(24);

/// The highest rate that is taken, in records per second.
const MOST: f64 = 1_000_000.0;

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

/// Reads a rate per second, such as `100`, `0.5` or `100/s`.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix("/s").unwrap_or(text);
    let rate = number.parse::<f64>().ok();
    rate.filter(|rate| *rate > 0.0 && *rate <= MOST)
        .ok_or_else(|| format!("{text:?} is no rate; write records per second, for example 100"))
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

    #[test]
    fn rates_are_numbers_above_zero() {
        assert_eq!(rate("100/s"), Ok(100.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "NaN", "inf", "fast"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
