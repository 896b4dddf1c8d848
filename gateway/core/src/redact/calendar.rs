//! Days of the proleptic Gregorian calendar, UTC, from year 1 to year 9999 as `google.protobuf.Timestamp`
//! has them. The arithmetic is Howard Hinnant's `days_from_civil` and its inverse.

const SECONDS: i64 = 86_400;
/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Day {
    year: i64,
    month: i64,
    day: i64,
}

impl Day {
    /// The day of a second since 1970; none outside years 1 to 9999.
    pub(super) fn of_seconds(seconds: i64) -> Option<Self> {
        if !(FIRST..=LAST).contains(&seconds) {
            return None;
        }
        // Years begin in March, so that a leap day is a year's last.
        let days = seconds.div_euclid(SECONDS) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Some(Self { year, month, day })
    }

    pub(super) fn first_of_month(self) -> Self {
        Self { day: 1, ..self }
    }

    pub(super) fn first_of_year(self) -> Self {
        Self { month: 1, day: 1, ..self }
    }

    /// Its midnight.
    pub(super) fn seconds(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let from_march = (self.month + 9) % 12;
        let of_year = (153 * from_march + 2) / 5 + self.day - 1;
        let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
        (era * 146_097 + of_era - 719_468) * SECONDS
    }
}

/// Days of a month.
pub(super) fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts every day of the calendar one by one.
    #[test]
    fn every_day_from_year_1_to_9999_is_right_both_ways() {
        let mut seconds = FIRST;
        for year in 1..=9999 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    let right = Day { year, month, day };
                    assert_eq!(right.seconds(), seconds);
                    assert_eq!(Day::of_seconds(seconds), Some(right));
                    assert_eq!(Day::of_seconds(seconds + SECONDS - 1), Some(right));
                    seconds += SECONDS;
                }
            }
        }
        assert_eq!(seconds, LAST + 1);
        assert_eq!(Day::of_seconds(FIRST - 1), None);
        assert_eq!(Day::of_seconds(LAST + 1), None);
    }
}
