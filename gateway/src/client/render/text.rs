//! Text from outside, made harmless for a terminal.

/// Longest text that a cell of a table shows, in characters.
pub const LONGEST: usize = 200;

/// Escapes what would move the cursor, colour the terminal, break the line, or turn the reading direction.
/// Letters of every script stay as they are.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hostile(letter) {
            out.extend(letter.escape_default());
        } else {
            out.push(letter);
        }
    }
    out
}

/// As [`safe`], and cut where it is very long.
pub fn cell(text: &str) -> String {
    if text.chars().nth(LONGEST).is_none() {
        return safe(text);
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{}…", safe(&start))
}

/// A token, short enough to be told from another one by eye.
pub fn short_token(token: &str) -> String {
    let letters: Vec<char> = token.chars().collect();
    let part = |letters: &[char]| safe(&letters.iter().collect::<String>());
    match letters.len() {
        0 => String::new(),
        length if length <= 10 => format!("⟨{}⟩", part(&letters)),
        length => {
            let head = letters.get(..4).unwrap_or_default();
            let tail = letters.get(length - 2..).unwrap_or_default();
            format!("⟨{}…{}⟩", part(head), part(tail))
        }
    }
}

/// Controls, line and paragraph separators, directional formatting, invisible fillers and tags.
fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{61c}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(safe("a\u{1b}[31mb\r\nc\u{7}"), "a\\u{1b}[31mb\\r\\nc\\u{7}");
        assert_eq!(safe("inv\u{202e}oice\u{2066}\u{9b}2J"), "inv\\u{202e}oice\\u{2066}\\u{9b}2J");
        assert_eq!(safe("한글 Größe ‘a’ 株式会社 שלום"), "한글 Größe ‘a’ 株式会社 שלום");
    }

    #[test]
    fn long_texts_and_tokens_are_cut() {
        assert_eq!(cell(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
        assert_eq!(cell(&"x".repeat(LONGEST + 1)), format!("{}…", "x".repeat(LONGEST)));
        assert_eq!(short_token("pX3fabcdefgh9a"), "⟨pX3f…9a⟩");
        assert_eq!(short_token("short"), "⟨short⟩");
        assert_eq!(short_token(""), "");
    }
}
