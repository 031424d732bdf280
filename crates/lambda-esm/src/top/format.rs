//! Times as a screen shows them.

use jiff::Timestamp;

/// Returns the time of day of milliseconds since the Unix epoch, in UTC.
pub(super) fn clock_time(millis: i64) -> String {
    let time = Timestamp::from_millisecond(millis).unwrap_or_default();
    let text = time.to_string();
    let (_, clock) = text.split_once('T').unwrap_or_default();
    format!("{} UTC", clock.get(..8).unwrap_or_default())
}

/// Returns a time in milliseconds in the unit that reads best.
pub(super) fn span(millis: u64) -> String {
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..120_000 => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
        120_000..7_200_000 => format!("{} min", millis / 60_000),
        _ => format!("{} h", millis / 3_600_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_the_unit_that_reads_best() {
        let ages = [999, 1_000, 119_999, 120_000, 7_199_999, 7_200_000];
        let told = ages.map(span);
        assert_eq!(
            told,
            ["999 ms", "1.0 s", "119.9 s", "2 min", "119 min", "2 h"]
        );
    }
}
