//! Names written otherwise: other letters for the same sounds, parts in another order, another legal form. What
//! registries do in good faith and aliases on purpose; a respelt name is a wanted number of letters away.

use crate::rng::Cell;

/// Letters that stand for each other where a name goes from one script or language to another.
const SOUNDS: [(&str, &str); 26] = [
    ("k", "c"),
    ("c", "k"),
    ("kh", "h"),
    ("gh", "g"),
    ("ts", "c"),
    ("dz", "z"),
    ("zh", "z"),
    ("sh", "sch"),
    ("ch", "tch"),
    ("v", "w"),
    ("w", "v"),
    ("i", "y"),
    ("y", "i"),
    ("o", "u"),
    ("u", "o"),
    ("e", "a"),
    ("a", "e"),
    ("f", "ph"),
    ("d", "t"),
    ("b", "p"),
    ("g", "k"),
    ("z", "s"),
    ("s", "ss"),
    ("l", "ll"),
    ("r", "rr"),
    ("n", "nn"),
];

/// Tries before letters are simply doubled.
const TRIES: u32 = 96;

/// A name so many letters away from a given one, counted by [`distance`]; the name itself for none. Never further
/// than the name is long.
pub fn respell(name: &str, letters: usize, cell: &mut Cell) -> String {
    let letters = letters.min(name.chars().filter(|letter| letter.is_alphabetic()).count());
    let (mut best, mut reached) = (name.to_owned(), 0);
    for _ in 0..TRIES {
        if reached == letters {
            return best;
        }
        let (find, put) = SOUNDS.get(cell.place(SOUNDS.len())).copied().unwrap_or(("", ""));
        let Some(next) = replaced(&best, find, put, cell) else { continue };
        let far = distance(name, &next);
        if far > reached && far <= letters {
            (best, reached) = (next, far);
        }
    }
    while reached < letters {
        best.push_str(name.get(name.len() - 1..).unwrap_or("e"));
        reached += 1;
    }
    best
}

/// One of the places where some letters stand, with others instead; a capital stays one.
fn replaced(name: &str, find: &str, put: &str, cell: &mut Cell) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let places: Vec<usize> = lower.match_indices(find).map(|(at, _)| at).collect();
    let at = *places.get(cell.place(places.len()))?;
    let (before, rest) = name.split_at_checked(at)?;
    let (old, after) = rest.split_at_checked(find.len())?;
    let capital = old.starts_with(|letter: char| letter.is_ascii_uppercase());
    let mut put = put.to_owned();
    if let Some(first) = put.get_mut(..1).filter(|_| capital) {
        first.make_ascii_uppercase();
    }
    Some(format!("{before}{put}{after}"))
}

/// A person's name with the family name first.
pub fn family_first(name: &str) -> String {
    match name.rsplit_once(' ') {
        Some((given, family)) => format!("{family} {given}"),
        None => name.to_owned(),
    }
}

/// A firm's name with a legal form of another state, or another one of the same.
pub fn other_form(name: &str, own: &[String], forms: &[String], cell: &mut Cell) -> String {
    let (stem, form) = own
        .iter()
        .filter_map(|form| name.strip_suffix(form.as_str()).map(|stem| (stem.trim_end(), form)))
        .next()
        .map_or((name, ""), |(stem, form)| (stem, form.as_str()));
    let others: Vec<&String> = forms.iter().filter(|other| *other != form).collect();
    match others.get(cell.place(others.len())) {
        Some(other) => format!("{stem} {other}"),
        None => stem.to_owned(),
    }
}

/// A name without what officials write differently: case, points, dashes, `&`.
pub fn plain(name: &str) -> String {
    let name = name.replace('&', " AND ");
    let words =
        name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_uppercase).collect::<Vec<_>>().join(" ")
}

/// How alike two names are by their pairs of letters, 0 to 1 (L. R. Dice, 1945).
pub fn likeness(one: &str, other: &str) -> f64 {
    let pairs = |name: &str| {
        let letters: Vec<char> = plain(name).chars().collect();
        let mut pairs: Vec<(char, char)> =
            letters.iter().copied().zip(letters.iter().copied().skip(1)).collect();
        pairs.sort_unstable();
        pairs
    };
    let (one, other) = (pairs(one), pairs(other));
    let total = one.len() + other.len();
    if total == 0 {
        return 0.0;
    }
    let (mut at, mut shared) = (other.iter().peekable(), 0_u32);
    for pair in &one {
        while at.next_if(|next| *next < pair).is_some() {}
        shared += u32::from(at.next_if(|next| *next == pair).is_some());
    }
    f64::from(2 * shared) / f64::from(u32::try_from(total).unwrap_or(1))
}

/// Letters to change, add or leave out on the way from one name to another (V. I. Levenshtein, 1966), whichever
/// part of either stands first; capitals count as small letters.
pub fn distance(one: &str, other: &str) -> usize {
    let (one, other) = (one.to_lowercase(), other.to_lowercase());
    edits(&one, &other).min(edits(&family_first(&one), &other))
}

fn edits(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().enumerate() {
        let mut corner = at;
        let mut left = at + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, with) in row.iter_mut().skip(1).zip(&other) {
            let here = (corner + usize::from(letter != *with)).min(left + 1).min(*cell + 1);
            corner = *cell;
            *cell = here;
            left = here;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Seed, Stream};

    #[test]
    fn distances_are_levenshteins_whichever_part_is_first() {
        for (one, other, far) in [
            ("kitten", "sitting", 3),
            ("", "abc", 3),
            ("Ana Brakke", "ana brake", 1),
            ("Ana Brakke", "Brakke Ana", 0),
            ("flaw", "lawn", 2),
        ] {
            assert_eq!(distance(one, other), far, "{one} {other}");
        }
    }

    #[test]
    fn a_respelt_name_is_as_far_as_wanted() {
        let stream = Stream::new(Seed(5), "respell");
        for (row, name) in (0..).zip(["Vebra Skarhaug", "Tsifof Khelidze", "Amara Bonvento", "Xq"])
        {
            for letters in 0..=6 {
                for turn in 0..40 {
                    let mut cell = stream.row(row * 1000 + turn * 10 + letters);
                    let wanted = usize::try_from(letters).unwrap();
                    let other = respell(name, wanted, &mut cell);
                    assert_eq!(distance(name, &other), wanted.min(name.len()), "{name} {other}");
                }
            }
        }
    }

    #[test]
    fn another_legal_form_leaves_the_rest() {
        let forms = ["AS".to_owned(), "og Sonner".to_owned()];
        let mut cell = Stream::new(Seed(1), "form").row(1);
        assert_eq!(
            other_form("Brakke Metals AS", &forms, &forms, &mut cell),
            "Brakke Metals og Sonner"
        );
        assert_eq!(other_form("Brakke og Sonner", &forms, &forms, &mut cell), "Brakke AS");
        let others = ["Lda".to_owned()];
        assert_eq!(other_form("Brakke AS", &forms, &others, &mut cell), "Brakke Lda");
    }
}
