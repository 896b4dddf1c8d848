//! Names as clerks write them: by the rules of the pack, or in the letters of their own state.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::rng::Cell;
use crate::world::World;
use crate::world::pack::{Find, Rule, Use};

/// Rounds through the rules before a name is left as it is.
const ROUNDS: u32 = 8;

/// Knows how names are put together and what is done to them.
#[derive(Debug, Clone)]
pub(super) struct Speller {
    rules: Vec<Rule>,
    /// Legal forms of all cultures, the longest first.
    forms: Vec<String>,
    /// Given names of all cultures, in small letters.
    given: BTreeSet<String>,
    /// Latin and native letters of each culture, the longest Latin first.
    letters: Vec<Vec<[String; 2]>>,
    native: f64,
}

impl Speller {
    pub(super) fn new(world: &World) -> Self {
        let rules = world.spelling.rules.iter().filter(|rule| rule.use_for == Use::Dirt);
        let mut forms: Vec<String> =
            world.cultures.iter().flat_map(|culture| culture.suffixes.iter().cloned()).collect();
        forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        let given = world.cultures.iter().flat_map(|culture| &culture.given);
        let letters = world.cultures.iter().map(|culture| {
            let mut scripts = world.spelling.scripts.iter();
            let script = scripts.find(|script| script.culture == culture.id);
            script.map(|script| script.letters.clone()).unwrap_or_default()
        });
        Self {
            rules: rules.cloned().collect(),
            forms,
            given: given.map(|name| name.to_lowercase()).collect(),
            letters: letters.collect(),
            native: world.slips.native_letters,
        }
    }

    /// A name as somebody of a culture writes it down in haste; `None` where that is the name itself.
    pub(super) fn write(
        &self,
        name: &str,
        culture: Option<usize>,
        cell: &mut Cell,
    ) -> Option<String> {
        let letters = culture.and_then(|culture| self.letters.get(culture));
        if let Some(letters) =
            letters.filter(|letters| !letters.is_empty() && cell.chance(self.native))
            && let Some(native) = native(name, letters)
        {
            return Some(native);
        }
        (0..ROUNDS).find_map(|_| {
            let mut written = name.to_owned();
            for rule in &self.rules {
                if cell.chance(rule.chance)
                    && let Some(next) = self.apply(rule, &written, cell)
                {
                    written = next;
                }
            }
            (written != name && !written.trim().is_empty()).then_some(written)
        })
    }

    /// What a rule makes of a name; `None` where it has nothing to work on.
    fn apply(&self, rule: &Rule, name: &str, cell: &mut Cell) -> Option<String> {
        let (range, put) = match &rule.find {
            Find::Text(text) => {
                let places: Vec<usize> = name.match_indices(text).map(|(at, _)| at).collect();
                let at = *places.get(cell.place(places.len()))?;
                (at..at + text.len(), rule.put.clone())
            }
            Find::Suffix => {
                let range = self.form(name)?;
                // What takes its place stands where it stood, with the blank.
                let blank = if rule.put.is_empty() { "" } else { " " };
                (range, format!("{blank}{}", rule.put))
            }
            Find::Given => {
                let (given, _) = self.person(name)?;
                (0..given.len(), of_person(&rule.put, given, ""))
            }
            Find::Person => {
                let (given, family) = self.person(name)?;
                (0..name.len(), of_person(&rule.put, given, family))
            }
            Find::TwoLetters => {
                let range = two_letters(name, cell)?;
                let swapped: String = name.get(range.clone())?.chars().rev().collect();
                (range, rule.put.replace("{swapped}", &swapped))
            }
            Find::Letter => (letter(name, cell)?, rule.put.clone()),
            Find::All => (0..name.len(), rule.put.replace("{upper}", &name.to_uppercase())),
            Find::End => (name.len()..name.len(), rule.put.clone()),
        };
        Some([name.get(..range.start)?, &put, name.get(range.end..)?].concat())
    }

    /// Where a firm's legal form stands, with the blank before it.
    fn form(&self, name: &str) -> Option<Range<usize>> {
        self.forms.iter().find_map(|form| {
            let start = name.len().checked_sub(form.len() + 1)?;
            let (stem, end) = name.split_at_checked(start)?;
            let is = end.strip_prefix(' ').is_some_and(|end| end.eq_ignore_ascii_case(form));
            (is && !stem.is_empty()).then_some(start..name.len())
        })
    }

    /// Given and family name, of a person.
    fn person<'n>(&self, name: &'n str) -> Option<(&'n str, &'n str)> {
        let (given, family) = name.split_once(' ')?;
        let known = self.given.contains(&given.to_lowercase());
        (known && !family.is_empty() && self.form(name).is_none()).then_some((given, family))
    }
}

fn of_person(put: &str, given: &str, family: &str) -> String {
    let initial: String = given.chars().take(1).collect();
    put.replace("{given}", given).replace("{family}", family).replace("{initial}", &initial)
}

/// Two letters beside each other that differ, whatever their case.
fn two_letters(name: &str, cell: &mut Cell) -> Option<Range<usize>> {
    let after = name.char_indices().skip(1);
    let pairs: Vec<Range<usize>> = name
        .char_indices()
        .zip(after)
        .filter(|((_, one), (_, other))| {
            one.is_alphabetic()
                && other.is_alphabetic()
                && one.to_lowercase().ne(other.to_lowercase())
        })
        .map(|((start, _), (at, other))| start..at + other.len_utf8())
        .collect();
    pairs.get(cell.place(pairs.len())).cloned()
}

/// A letter that is not the first.
fn letter(name: &str, cell: &mut Cell) -> Option<Range<usize>> {
    let letters: Vec<Range<usize>> = name
        .char_indices()
        .skip(1)
        .filter(|(_, letter)| letter.is_alphabetic())
        .map(|(at, letter)| at..at + letter.len_utf8())
        .collect();
    letters.get(cell.place(letters.len())).cloned()
}

/// A name in other letters, small ones where they have two sizes; `None` where it has a letter that they lack.
pub fn native(name: &str, letters: &[[String; 2]]) -> Option<String> {
    let lower = name.to_lowercase();
    let (mut rest, mut out) = (lower.as_str(), String::new());
    while let Some(first) = rest.chars().next() {
        let known = letters.iter().find_map(|[latin, native]| {
            Some((rest.strip_prefix(latin.as_str()).filter(|_| !latin.is_empty())?, native))
        });
        match known {
            Some((after, native)) => {
                out.push_str(native);
                rest = after;
            }
            None if first.is_alphabetic() => return None,
            None => {
                out.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    Some(out)
}
