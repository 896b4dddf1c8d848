//! The table of levels in `proto/README.md` is that of the redactor.

use portcullis_core::label::Semantic;
use portcullis_core::redact::Level;

const README: &str = include_str!("../../proto/README.md");

/// A text without what stands in parentheses.
fn outside_parentheses(text: &str) -> String {
    let mut depth = 0;
    text.chars()
        .filter(|letter| {
            depth += i32::from(*letter == '(');
            let outside = depth == 0;
            depth -= i32::from(*letter == ')');
            outside
        })
        .collect()
}

#[test]
fn readme_lists_the_levels_of_every_semantic() {
    let word = |semantic: &Semantic| format!("`{}`", semantic.word());
    for semantic in Semantic::ALL {
        let row = README
            .lines()
            .filter(|line| line.starts_with("| `"))
            .find(|line| line.contains(&word(semantic)))
            .unwrap_or_else(|| panic!("no row for {}", semantic.word()));
        let levels = outside_parentheses(row.split('|').nth(2).unwrap());
        let listed: Vec<&str> =
            levels.split(',').map(str::trim).filter(|level| *level != "none").collect();
        let expected: Vec<&str> = Level::of(*semantic).iter().map(|level| level.word()).collect();
        assert_eq!(listed, expected, "{}", semantic.word());
    }
}
