//! Dates and times as agencies write them: a handful of `%` codes, fixed offsets, no time zone database.

use time::{Date, Month};

/// A format such as `%Y-%m-%d %H:%M:%S%z`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format(Vec<Part>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Literal(char),
    Year,
    Month,
    MonthName,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
    Offset,
}

/// What a text said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// Calendar date.
    pub date: Date,
    /// Seconds since midnight.
    pub seconds: i64,
    /// Billionths of a second.
    pub nanos: i32,
    /// Seconds east of Greenwich, where the text says so.
    pub offset: Option<i64>,
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

impl Format {
    /// Reads a format: `%Y %m %b %d %H %M %S %f %z %%`, anything else as it stands.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let (mut parts, mut chars) = (vec![], text.chars());
        while let Some(c) = chars.next() {
            parts.push(match (c, if c == '%' { chars.next() } else { None }) {
                ('%', Some('Y')) => Part::Year,
                ('%', Some('m')) => Part::Month,
                ('%', Some('b')) => Part::MonthName,
                ('%', Some('d')) => Part::Day,
                ('%', Some('H')) => Part::Hour,
                ('%', Some('M')) => Part::Minute,
                ('%', Some('S')) => Part::Second,
                ('%', Some('f')) => Part::Fraction,
                ('%', Some('z')) => Part::Offset,
                ('%', Some('%')) => Part::Literal('%'),
                ('%', _) => return Err("a format knows %Y %m %b %d %H %M %S %f %z %%".into()),
                (c, _) => Part::Literal(c),
            });
        }
        let month = parts.contains(&Part::Month) || parts.contains(&Part::MonthName);
        if !(parts.contains(&Part::Year) && month && parts.contains(&Part::Day)) {
            return Err("a format needs year, month and day".into());
        }
        Ok(Self(parts))
    }

    /// Does it read an offset?
    pub fn has_offset(&self) -> bool {
        self.0.contains(&Part::Offset)
    }

    /// Bytes of its longest texts, if texts of that length are in the order of their moments: year, month, day
    /// and so on, each once, and neither names nor fractions nor offsets.
    pub fn sortable(&self) -> Option<usize> {
        let order = [Part::Year, Part::Month, Part::Day, Part::Hour, Part::Minute, Part::Second];
        let mut order = order.iter();
        let mut width = 0;
        for part in &self.0 {
            match part {
                Part::Literal(c) => width += c.len_utf8(),
                part if order.next() == Some(part) => {
                    width += if *part == Part::Year { 4 } else { 2 };
                }
                _ => return None,
            }
        }
        Some(width)
    }

    /// Writes a moment as a [`Format::sortable`] text, what is finer than the format cut off; none outside
    /// the years 1 to 9999.
    pub fn write(&self, unix: i64) -> Option<String> {
        let (days, seconds) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
        let julian = i32::try_from(days + 2_440_588).ok()?;
        let date = Date::from_julian_day(julian).ok()?;
        if !(1..=9999).contains(&date.year()) {
            return None;
        }
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(c) => text.push(*c),
                Part::Year => text += &format!("{:04}", date.year()),
                Part::Month => text += &format!("{:02}", u8::from(date.month())),
                Part::Day => text += &format!("{:02}", date.day()),
                Part::Hour => text += &format!("{:02}", seconds / 3600),
                Part::Minute => text += &format!("{:02}", seconds / 60 % 60),
                Part::Second => text += &format!("{:02}", seconds % 60),
                Part::MonthName | Part::Fraction | Part::Offset => return None,
            }
        }
        Some(text)
    }

    /// Reads a text, all of it.
    pub fn read(&self, text: &str) -> Option<Read> {
        let mut rest = text;
        let (mut year, mut month, mut day) = (0, 0, 0);
        let (mut seconds, mut nanos, mut offset) = (0i64, 0, None);
        for part in &self.0 {
            match part {
                Part::Literal(c) => rest = rest.strip_prefix(*c)?,
                Part::Year => year = digits(&mut rest, 4, 4)?,
                Part::Month => month = digits(&mut rest, 1, 2)?,
                Part::MonthName => month = month_name(&mut rest)?,
                Part::Day => day = digits(&mut rest, 1, 2)?,
                Part::Hour => seconds += within(digits(&mut rest, 1, 2)?, 23)? * 3600,
                Part::Minute => seconds += within(digits(&mut rest, 1, 2)?, 59)? * 60,
                Part::Second => seconds += within(digits(&mut rest, 1, 2)?, 59)?,
                Part::Fraction => nanos = fraction(&mut rest)?,
                Part::Offset => offset = Some(read_offset(&mut rest)?),
            }
        }
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let year = i32::try_from(year).ok().filter(|year| *year > 0)?;
        let date = Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()?;
        rest.is_empty().then_some(Read { date, seconds, nanos, offset })
    }
}

impl Read {
    /// Seconds since the epoch; the offset of the text wins over the given one.
    pub fn unix(&self, offset: i64) -> i64 {
        let days = i64::from(self.date.to_julian_day()) - 2_440_588;
        days * 86_400 + self.seconds - self.offset.unwrap_or(offset)
    }
}

/// Reads an offset such as `+09:00`, `-0330` or `Z`, all of the text.
pub fn offset(text: &str) -> Option<i64> {
    let mut rest = text;
    read_offset(&mut rest).filter(|_| rest.is_empty())
}

/// Reads an RFC 3339 timestamp, or a date as its midnight in UTC, as seconds since the epoch.
pub fn moment(text: &str) -> Option<i64> {
    ["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"]
        .iter()
        .find_map(|format| Format::new(format).ok()?.read(text).map(|read| read.unix(0)))
}

fn digits(rest: &mut &str, least: usize, most: usize) -> Option<i64> {
    let count = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let number = rest.get(..count).filter(|_| count >= least)?;
    *rest = rest.get(count..)?;
    number.parse().ok()
}

fn within(number: i64, most: i64) -> Option<i64> {
    (number <= most).then_some(number)
}

fn month_name(rest: &mut &str) -> Option<i64> {
    let name = rest.get(..3)?.to_ascii_lowercase();
    let at = MONTHS.iter().position(|month| *month == name)?;
    *rest = rest.get(3..)?;
    i64::try_from(at + 1).ok()
}

fn fraction(rest: &mut &str) -> Option<i32> {
    let count = rest.bytes().take(9).take_while(u8::is_ascii_digit).count();
    let nanos = digits(rest, 1, 9)? * 10i64.pow(9 - u32::try_from(count).ok()?);
    i32::try_from(nanos).ok()
}

fn read_offset(rest: &mut &str) -> Option<i64> {
    if let Some(after) = rest.strip_prefix('Z') {
        *rest = after;
        return Some(0);
    }
    let sign = match rest.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    *rest = rest.get(1..)?;
    let hours = within(digits(rest, 2, 2)?, 14)?;
    *rest = rest.strip_prefix(':').unwrap_or(rest);
    let minutes = within(digits(rest, 2, 2)?, 59)?;
    Some(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unix(format: &str, text: &str, offset: i64) -> Option<i64> {
        Format::new(format).unwrap().read(text).map(|read| read.unix(offset))
    }

    #[test]
    fn texts_become_moments() {
        assert_eq!(unix("%Y-%m-%d", "1970-01-01", 0), Some(0));
        assert_eq!(unix("%Y-%m-%d", "2021-04-01", 9 * 3600), Some(1_617_202_800));
        assert_eq!(unix("%d.%m.%Y %H:%M", "1.4.2021 09:30", 0), Some(1_617_269_400));
        assert_eq!(unix("%d %b %Y", "01 Apr 2021", 0), Some(1_617_235_200));
        assert_eq!(
            unix("%Y-%m-%dT%H:%M:%S%z", "2021-04-01T00:00:00+09:00", 5),
            Some(1_617_202_800)
        );
        assert_eq!(unix("%Y%m%d%H%M%S.%f", "20210401000000.25", 0), Some(1_617_235_200));
        assert_eq!(moment("2021-04-01T00:00:00Z"), Some(1_617_235_200));
        assert_eq!(moment("1969-12-31"), Some(-86_400));
        assert_eq!(offset("-0330"), Some(-12_600));
    }

    #[test]
    fn sortable_texts_are_written_as_they_are_read() {
        for (text, unix, written) in [
            ("%Y-%m-%d", 1_617_280_496, "2021-04-01"),
            ("%Y%m%d%H%M%S", 1_617_280_496, "20210401123456"),
            ("%Y-%m-%dT%H:%MZ", -1, "1969-12-31T23:59Z"),
        ] {
            let format = Format::new(text).unwrap();
            assert_eq!(format.write(unix).as_deref(), Some(written));
            assert_eq!(format.sortable(), Some(written.len()));
            assert!(format.read(written).is_some());
        }
        for unsorted in ["%d.%m.%Y", "%Y %b %d", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %M:%H"] {
            assert_eq!(Format::new(unsorted).unwrap().sortable(), None, "{unsorted}");
        }
        assert_eq!(Format::new("%Y-%m-%d").unwrap().write(253_402_300_800), None);
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["2021-02-29", "2021-13-01", "0000-01-01", "2021-1-1x", "21-01-01", "", "2021-01-"]
        {
            assert_eq!(unix("%Y-%m-%d", text, 0), None, "{text}");
        }
        assert_eq!(unix("%Y-%m-%d %H", "2021-01-01 24", 0), None);
        assert!(Format::new("%Y-%m").is_err());
        assert!(Format::new("%Y-%m-%d %Q").is_err());
        assert_eq!(offset("+15:00"), None);
    }
}
