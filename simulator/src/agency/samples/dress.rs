//! How the agencies write what the world says: their own dates, units and signs, and words that no generator knows.

use crate::calendar::{Moment, civil};
use crate::dirt::native;
use crate::world::World;

/// A name as its bearer writes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    /// In its own letters.
    pub original: String,
    /// ISO 15924.
    pub script: &'static str,
    /// The state's first language.
    pub language: String,
    /// In Latin letters, where its own are others.
    pub latin: String,
}

/// A name of somebody of a state, in the letters of that state's culture; nothing for nothing.
pub fn name(world: &World, state: &str, name: &str) -> Name {
    if name.is_empty() {
        return Name::default();
    }
    let culture = world.countries.iter().find(|one| one.code == state).map(|one| one.culture);
    let culture = culture.and_then(|culture| world.cultures.get(culture));
    let script = culture.and_then(|culture| {
        world.spelling.scripts.iter().find(|script| script.culture == culture.id)
    });
    let language = script.and_then(|script| script.languages.first().cloned()).unwrap_or_default();
    let known = script.and_then(|script| {
        let code = ["Arab", "Geor", "Kana"].into_iter().find(|code| *code == script.script)?;
        Some((code, native(name, &script.letters)?))
    });
    match known {
        // None of these scripts has letters of two sizes.
        Some((script, original)) => Name { original, script, language, latin: name.to_owned() },
        None => Name { original: name.to_owned(), script: "Latn", language, latin: String::new() },
    }
}

/// Minutes that a moment's local time is ahead, with its parts: year, month, day, hour, minute.
fn local(at: Moment, hours: i64) -> [i64; 5] {
    let seconds = at.0 + hours * 3_600;
    let (day, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    [year, month, date, rest / 3_600, rest / 60 % 60]
}

/// Norvia's customs: `06.01.2026 13:26`, an hour ahead of UTC.
pub fn norvian(at: Option<Moment>) -> String {
    let Some(at) = at else { return String::new() };
    let [year, month, day, hour, minute] = local(at, 1);
    format!("{day:02}.{month:02}.{year} {hour:02}:{minute:02}")
}

/// `2026-01-10T08:55:00+01:00`.
pub fn stamped(at: Option<Moment>) -> String {
    let Some(at) = at else { return String::new() };
    let [year, month, day, hour, minute] = local(at, 1);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:00+01:00")
}

/// Solmark's customs: `24 Jan 2026`, three hours ahead.
pub fn solmarkian(at: Option<Moment>) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Some(at) = at else { return String::new() };
    let [year, month, day, ..] = local(at, 3);
    let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).unwrap_or(&"");
    format!("{day:02} {month} {year}")
}

/// A day with a sign between its parts; empty for none.
pub fn day(day: Option<i64>, sign: char) -> String {
    let Some(day) = day else { return String::new() };
    let (year, month, date) = civil(day);
    format!("{year}{sign}{month:02}{sign}{date:02}")
}

/// Grams as kilograms without needless zeros.
pub fn kilograms(grams: Option<i64>) -> String {
    let Some(grams) = grams else { return String::new() };
    let text = format!("{}.{:03}", grams / 1_000, grams % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Hundredths with a point.
pub fn money(cents: Option<i64>) -> String {
    cents.map_or(String::new(), |cents| format!("{}.{:02}", cents / 100, cents % 100))
}

/// Hundredths as Solmark writes them: `13.668,66`.
pub fn comma(cents: i64) -> String {
    let whole = (cents / 100).to_string();
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    format!("{grouped},{:02}", cents % 100)
}

/// Grams as pounds in hundredths (1 lb is 453.59237 g, exactly).
pub fn pounds(grams: i64) -> i64 {
    let (scaled, pound) = (i128::from(grams) * 10_000_000, 45_359_237_i128);
    i64::try_from((scaled + pound / 2) / pound).unwrap_or(i64::MAX)
}

/// Duty, per cent: none on machines and electronics, little on chemicals and metals, more on what people eat and wear.
pub fn duty(hs: &str) -> &'static str {
    match hs.get(..2).and_then(|chapter| chapter.parse::<u32>().ok()) {
        Some(84..=90) => "0.0",
        Some(25..=40 | 68..=83) => "2.4",
        _ => "8.0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_agency_writes_in_its_own_way() {
        let at = Some(Moment(day_at(2026, 1, 6) * 86_400 + 12 * 3_600 + 26 * 60));
        assert_eq!(norvian(at), "06.01.2026 13:26");
        assert_eq!(stamped(at), "2026-01-06T13:26:00+01:00");
        assert_eq!(
            solmarkian(Some(Moment(day_at(2026, 1, 23) * 86_400 + 22 * 3_600))),
            "24 Jan 2026"
        );
        assert_eq!(day(Some(day_at(2026, 2, 3)), '/'), "2026/02/03");
        assert_eq!(
            (kilograms(Some(312_500)), kilograms(Some(75_000))),
            ("312.5".into(), "75".into())
        );
        assert_eq!((comma(1_366_866), comma(5_512)), ("13.668,66".into(), "55,12".into()));
        // 25 kg and 6.2 t, by any converter.
        assert_eq!((pounds(25_000), pounds(6_200_000)), (5_512, 1_366_866));
    }

    fn day_at(year: i64, month: i64, day: i64) -> i64 {
        crate::calendar::day_of(year, month, day)
    }
}
