//! The one time type of the core.

use std::ops::Add;
use std::time::Duration;

/// A wall-clock time in milliseconds since the Unix epoch.
///
/// Windows, visibility, back-off and record age all work in this unit. An engine's clock shows it, and never runs
/// backwards within a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Returns the time from `earlier` to `self`, or zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0).unsigned_abs())
    }
}

/// The first and the last millisecond of the years 0 to 9999, which ISO 8601 writes with four digits.
const CALENDAR: (i64, i64) = (-62_167_219_200_000, 253_402_300_799_999);

const DAY_MILLIS: i64 = 86_400_000;

/// A [`Timestamp`] on the calendar, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
    pub(crate) hour: i64,
    pub(crate) minute: i64,
    pub(crate) second: i64,
    pub(crate) milli: i64,
}

impl Timestamp {
    /// Returns the time in UTC as ISO 8601 writes it, without a fraction: `2020-12-09T07:04:00Z`. What is
    /// less than a second is cut off. Times outside the years 0 to 9999 become the nearest one inside.
    #[must_use]
    pub fn iso_seconds(self) -> String {
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self.civil();
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Returns the same with milliseconds: `2020-12-09T07:04:00.000Z`.
    #[must_use]
    pub fn iso_millis(self) -> String {
        let mut text = self.iso_seconds();
        text.truncate(text.len() - 1);
        text + &format!(".{:03}Z", self.civil().milli)
    }

    /// Returns the time on the calendar; the nearest one of the years 0 to 9999.
    pub(crate) fn civil(self) -> Civil {
        Self(self.0.clamp(CALENDAR.0, CALENDAR.1)).proleptic()
    }

    /// Returns the time on the calendar, of whatever year.
    pub(crate) fn proleptic(self) -> Civil {
        let millis = self.0;
        let (days, of_day) = (millis.div_euclid(DAY_MILLIS), millis.rem_euclid(DAY_MILLIS));
        // The Gregorian calendar repeats after 400 years of 146,097 days. With years that begin in March,
        // the leap day is the last of its year, and months of 31 and 30 days follow each other in a
        // pattern of five months, 153 days.
        let since_march = days + 719_468;
        let (era, of_era) = (
            since_march.div_euclid(146_097),
            since_march.rem_euclid(146_097),
        );
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        Civil {
            year: 400 * era + year_of_era + i64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            hour: of_day / 3_600_000,
            minute: of_day / 60_000 % 60,
            second: of_day / 1_000 % 60,
            milli: of_day % 1_000,
        }
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

/// Returns a duration in whole milliseconds.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn time_since_a_later_moment_is_zero() {
        assert_eq!(Timestamp(5).since(Timestamp(9)), Duration::ZERO);
        assert_eq!(Timestamp(9).since(Timestamp(5)), Duration::from_millis(4));
    }

    #[test]
    fn adding_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp(1) + Duration::MAX, Timestamp(i64::MAX));
    }

    #[test]
    fn a_time_is_written_as_the_guides_show_it() {
        let time = Timestamp(1_607_497_440_000);
        assert_eq!(time.iso_seconds(), "2020-12-09T07:04:00Z");
        assert_eq!(time.iso_millis(), "2020-12-09T07:04:00.000Z");
        let time = Timestamp(1_573_691_886_021);
        assert_eq!(time.iso_seconds(), "2019-11-14T00:38:06Z");
        assert_eq!(time.iso_millis(), "2019-11-14T00:38:06.021Z");
        assert_eq!(Timestamp(-1).iso_millis(), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn times_beyond_four_digit_years_become_the_nearest_ones_within() {
        for (time, text) in [
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
            (i64::MIN, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp(time).iso_millis(), text);
        }
    }

    #[test]
    fn every_day_of_eight_centuries_is_the_calendars() {
        let mut date = jiff::civil::date(1600, 1, 1);
        let mut time = Timestamp(-11_676_096_000_000);
        while date.year() < 2401 {
            assert_eq!(time.iso_seconds(), format!("{date}T00:00:00Z"));
            date = date.tomorrow().unwrap();
            time = Timestamp(time.0 + DAY_MILLIS);
        }
    }

    proptest! {
        #[test]
        fn the_calendar_is_that_of_an_independent_one(millis in -62_167_219_200_000i64..253_402_207_200_000) {
            let other = jiff::Timestamp::from_millisecond(millis).unwrap();
            let seconds = other.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            prop_assert_eq!(Timestamp(millis).iso_seconds(), format!("{seconds}Z"));
            let fraction = millis.rem_euclid(1_000);
            prop_assert_eq!(Timestamp(millis).iso_millis(), format!("{seconds}.{fraction:03}Z"));
        }
    }
}
