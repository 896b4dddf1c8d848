//! Days and times: when trade happens, and how a moment is written. All in UTC, whole seconds since 1970; no
//! clock, no time zone database.

use crate::draw::Alias;
use crate::rng::Cell;

/// Seconds of a day.
pub const DAY: i64 = 86_400;

/// A moment, in seconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// So many days later (or earlier), fractions to the second.
    pub fn plus_days(self, days: f64) -> Self {
        Self(self.0.saturating_add(whole(days * 86_400.0)))
    }

    /// Its day, in days since 1970.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// Days from an earlier moment to this one.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a few years")]
    pub fn days_since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0) as f64 / 86_400.0
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seconds of a few years")]
pub(crate) fn whole(value: f64) -> i64 {
    libm::floor(value) as i64
}

/// Year, month, day of a day since 1970 (H. Hinnant, "chrono-Compatible Low-Level Date Algorithms").
pub fn civil(day: i64) -> (i64, i64, i64) {
    let z = day + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// Day since 1970 of a date; the inverse of [`civil`].
pub fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Day since 1970 of a text such as `2026-01-31`; `None` for anything else.
pub fn parse_day(text: &str) -> Option<i64> {
    let mut parts = text.split('-').map(str::parse::<i64>);
    let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    let whole = text.len() == 10 && parts.next().is_none();
    let number = day_of(year, month, day);
    (whole && civil(number) == (year, month, day)).then_some(number)
}

/// 0 for Monday to 6 for Sunday.
pub fn weekday(day: i64) -> usize {
    usize::try_from((day + 3).rem_euclid(7)).unwrap_or_default()
}

/// When customs accept declarations: a period with a weight for each of its days.
#[derive(Debug, Clone)]
pub struct Calendar {
    first_day: i64,
    /// Share of the period's declarations before each day, and 1 at the end.
    before: Vec<f64>,
    hours: Alias,
}

/// Share of the declarations of a day by hour, local office time as UTC: a working day with a shoulder.
const HOURS: [f64; 24] = [
    0.4, 0.3, 0.2, 0.2, 0.3, 0.6, 1.5, 3.5, 7.0, 9.5, 10.5, 10.0, 7.0, 8.5, 10.0, 9.5, 8.0, 5.0,
    2.8, 1.8, 1.3, 1.0, 0.7, 0.4,
];

impl Calendar {
    /// A period of so many days with weights by weekday (Monday first) and month (January first); `None` where
    /// it has no days or no weight.
    pub fn new(first_day: i64, days: u32, weekdays: &[f64; 7], months: &[f64; 12]) -> Option<Self> {
        let weight = |day: i64| {
            let month = usize::try_from(civil(day).1 - 1).unwrap_or_default();
            weekdays.get(weekday(day)).copied().unwrap_or_default()
                * months.get(month).copied().unwrap_or_default()
        };
        let weights: Vec<f64> = (0..i64::from(days)).map(|day| weight(first_day + day)).collect();
        let total: f64 = weights.iter().sum();
        if !(total > 0.0 && total.is_finite()) || weights.iter().any(|weight| *weight < 0.0) {
            return None;
        }
        let mut sum = 0.0;
        let mut before: Vec<f64> = weights
            .iter()
            .map(|weight| {
                let here = sum / total;
                sum += weight;
                here
            })
            .collect();
        before.push(1.0);
        Some(Self { first_day, before, hours: Alias::new(&HOURS)? })
    }

    /// First day of the period, in days since 1970.
    pub fn first_day(&self) -> i64 {
        self.first_day
    }

    /// How many days it has.
    pub fn days(&self) -> i64 {
        i64::try_from(self.before.len()).unwrap_or(i64::MAX) - 1
    }

    /// The day by which this share of the period's declarations is in.
    pub fn day(&self, share: f64) -> i64 {
        let after = self.before.partition_point(|before| *before <= share.clamp(0.0, 1.0));
        let day = i64::try_from(after).unwrap_or(i64::MAX) - 1;
        self.first_day + day.clamp(0, self.days() - 1)
    }

    /// A moment of a day, by the hours of offices.
    pub fn moment(&self, day: i64, cell: &mut Cell) -> Moment {
        let hour = i64::try_from(self.hours.pick(cell.bits64())).unwrap_or_default();
        Moment(day * DAY + hour * 3600 + i64::from(cell.bits32() % 3600))
    }

    /// Share of the period's declarations that fall on a weekday (Monday 0), as declared.
    pub fn weekday_share(&self, wanted: usize) -> f64 {
        self.share_of(|day| weekday(day) == wanted)
    }

    /// The same of a month (January 1).
    pub fn month_share(&self, wanted: i64) -> f64 {
        self.share_of(|day| civil(day).1 == wanted)
    }

    fn share_of(&self, wanted: impl Fn(i64) -> bool) -> f64 {
        let pairs = self.before.iter().zip(self.before.iter().skip(1));
        let days = (self.first_day..).zip(pairs);
        days.filter(|(day, _)| wanted(*day)).map(|(_, (before, after))| after - before).sum()
    }
}

/// Writes a moment as RFC 3339 does.
pub fn write_moment(out: &mut Vec<u8>, moment: Moment) {
    write_day(out, moment.day());
    let second = moment.0.rem_euclid(DAY);
    out.push(b'T');
    two(out, second / 3600);
    out.push(b':');
    two(out, second / 60 % 60);
    out.push(b':');
    two(out, second % 60);
    out.push(b'Z');
}

/// Writes a day as ISO 8601 does.
pub fn write_day(out: &mut Vec<u8>, day: i64) {
    let (year, month, day) = civil(day);
    two(out, year / 100);
    two(out, year % 100);
    out.push(b'-');
    two(out, month);
    out.push(b'-');
    two(out, day);
}

fn two(out: &mut Vec<u8>, number: i64) {
    let digit =
        |number: i64| b'0'.saturating_add(u8::try_from(number.rem_euclid(10)).unwrap_or_default());
    out.extend([digit(number / 10), digit(number)]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, Stream};

    #[test]
    fn days_and_dates_agree() {
        assert_eq!(day_of(1970, 1, 1), 0);
        assert_eq!(civil(20_454), (2026, 1, 1));
        assert_eq!(weekday(20_454), 3, "2026-01-01 was a Thursday");
        for day in (-200_000..200_000).step_by(37) {
            let (year, month, date) = civil(day);
            assert_eq!(day_of(year, month, date), day);
        }
        assert_eq!(parse_day("2024-02-29"), Some(19_782));
        for bad in ["2025-02-29", "2026-1-01", "2026-13-01", "2026-01-01T", "yesterday"] {
            assert_eq!(parse_day(bad), None, "{bad}");
        }
    }

    #[test]
    fn moments_are_written_as_rfc_3339() {
        let mut out = vec![];
        write_moment(&mut out, Moment(20_454 * DAY + 5 * 3600 + 6 * 60 + 7));
        assert_eq!(out, b"2026-01-01T05:06:07Z");
        assert_eq!(Moment(0).plus_days(1.5), Moment(129_600));
    }

    #[test]
    fn days_come_by_weight_and_in_order() {
        let weekdays = [28.6, 17.0, 17.0, 17.0, 15.1, 3.3, 2.0];
        let calendar = Calendar::new(20_454, 365, &weekdays, &[1.0; 12]).unwrap();
        let mut mondays = 0;
        let mut last = 0;
        for index in 0..100_000 {
            let day = calendar.day((f64::from(index) + 0.5) / 100_000.0);
            assert!(day >= last && (20_454..20_819).contains(&day));
            last = day;
            mondays += u32::from(weekday(day) == 0);
        }
        assert!((f64::from(mondays) / 100_000.0 - calendar.weekday_share(0)).abs() < 1e-3);
        let shares: f64 = (0..7).map(|day| calendar.weekday_share(day)).sum();
        assert!((shares - 1.0).abs() < 1e-9);
        let moment = calendar.moment(20_500, &mut Stream::new(Seed(1), "hour").row(4));
        assert_eq!(moment.day(), 20_500);
        assert!(Calendar::new(0, 0, &weekdays, &[1.0; 12]).is_none());
        assert!(Calendar::new(0, 9, &[0.0; 7], &[1.0; 12]).is_none());
    }
}
