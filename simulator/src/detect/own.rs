//! What any row shows by itself and by its like in the same hands: words, numbers, ratios, hours, and how often its
//! values occur. A leak in a single field (a word, a number, an hour that only cases have) shows here, whatever the
//! scheme, because nothing in here is chosen with a scheme in mind.

use super::look::Look;
use super::records::{At, hash};
use super::sheet::Sheet;
use crate::table::Kind;

/// Most words of a text that are looked at.
const WORDS: usize = 12;

/// Adds the features of a row.
pub fn features(look: &Look, at: At, sheet: &mut Sheet) {
    let columns = at.table.columns();
    let (mut numbers, mut moments) = (vec![], vec![]);
    for (place, column) in columns.iter().enumerate().skip(1) {
        let reads = [(at.table, place)];
        match column.kind {
            Kind::Word | Kind::Flag => {
                let text = look.text(at, place);
                let shape = text.as_deref().map(|text| hash(shape(text).as_bytes()));
                // An id is new every time; what may speak is what kind of number it is.
                let word = if place > 1 { look.tokens(at, place) } else { vec![] };
                sheet.words(column.name, &reads, word.into_iter().chain(shape));
                if place > 1 {
                    let like = text.as_ref().map(|_| f64::from(look.records.like(at, place)));
                    sheet.number(&format!("{}: how often", column.name), &reads, like);
                }
            }
            Kind::Text => {
                let text = look.text(at, place).unwrap_or_default();
                let words = text.split(|letter: char| !letter.is_alphanumeric());
                let words: Vec<u64> = words
                    .filter(|word| !word.is_empty())
                    .take(WORDS)
                    .map(|word| hash(shape(&word.to_lowercase()).as_bytes()))
                    .collect();
                sheet.number(
                    &format!("{}: length", column.name),
                    &reads,
                    look.present(at, place).map(|_| text.len() as f64),
                );
                sheet.words(column.name, &reads, words);
            }
            Kind::Integer | Kind::Money | Kind::Micro => numbers.push((place, column.name)),
            Kind::Moment | Kind::Day => moments.push((place, column.name, column.kind)),
        }
    }
    for (at_first, (first, name)) in numbers.iter().enumerate() {
        let value = look.number(at, *first).filter(|value| *value > 0.0).map(libm::log);
        sheet.number(name, &[(at.table, *first)], value);
        for (second, other) in numbers.iter().skip(at_first + 1) {
            let ratio = look.log_ratio((at, *first), (at, *second));
            let reads = [(at.table, *first), (at.table, *second)];
            sheet.number(&format!("{name} over {other}"), &reads, ratio);
        }
    }
    for (at_first, (first, name, kind)) in moments.iter().enumerate() {
        if *kind == Kind::Moment {
            let hour = look.number(at, *first).map(|seconds| (seconds / 3600.0) % 24.0);
            sheet.number(&format!("{name}: hour"), &[(at.table, *first)], hour);
        }
        let weekday =
            look.number(at, *first).map(|seconds| (libm::floor(seconds / 86_400.0) + 3.0) % 7.0);
        sheet.number(&format!("{name}: weekday"), &[(at.table, *first)], weekday);
        for (second, other, _) in moments.iter().skip(at_first + 1) {
            let days = look.days((at, *first), (at, *second));
            let reads = [(at.table, *first), (at.table, *second)];
            sheet.number(&format!("days from {name} to {other}"), &reads, days);
        }
    }
}

/// A word with every digit as 9: what kind of number it is.
fn shape(word: &str) -> String {
    word.chars().map(|letter| if letter.is_ascii_digit() { '9' } else { letter }).collect()
}
