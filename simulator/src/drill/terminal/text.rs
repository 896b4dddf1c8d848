//! Text in columns: widths as a terminal has them, cut and filled by grapheme, and what comes from outside made harmless.
//! Times are written as the list of injects writes them.

use std::fmt::Write as _;

use portcullis::client::render::text::safe;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Columns that a text takes on a terminal.
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(|one| one.width()).sum()
}

/// At most so many columns of a text, on one line; where something is left out it ends in `…`.
pub fn cut(text: &str, columns: usize) -> String {
    let text = safe(text);
    if width(&text) <= columns {
        return text;
    }
    let (mut out, mut taken) = (String::new(), 0);
    for one in text.graphemes(true) {
        if taken + one.width() + 1 > columns {
            break;
        }
        taken += one.width();
        out.push_str(one);
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// A text without its first columns.
pub fn behind(text: &str, columns: usize) -> String {
    let mut left = columns;
    let kept = text.graphemes(true).skip_while(|one| {
        let gone = left > 0;
        left = left.saturating_sub(one.width());
        gone
    });
    kept.collect()
}

/// Exactly so many columns of a text: cut, or filled with blanks.
pub fn fit(text: &str, columns: usize) -> String {
    let mut out = cut(text, columns);
    let filler = columns.saturating_sub(width(&out));
    out.extend(std::iter::repeat_n(' ', filler));
    out
}

/// A column of a table: exactly so wide, the last column blank.
pub fn column(text: &str, columns: usize) -> String {
    let mut out = fit(text, columns.saturating_sub(1));
    out.extend((columns > 0).then_some(' '));
    out
}

/// A text in lines of at most so many columns, broken between words where that is possible.
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = vec![];
    for paragraph in text.lines() {
        let paragraph = safe(paragraph);
        let mut line = String::new();
        for word in paragraph.split_inclusive(' ') {
            if width(&line) + width(word.trim_end()) > columns && !line.is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
            }
            for one in word.graphemes(true) {
                if width(&line) + one.width() > columns && one != " " {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(one);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Whole seconds as `H:MM:SS`.
pub fn time(seconds: i64) -> String {
    let sign = if seconds < 0 { "-" } else { "" };
    let seconds = seconds.unsigned_abs();
    format!("{sign}{}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

/// Seconds of a duration of the contract, without what is less than one; 0 where there is none.
pub fn seconds(duration: Option<&prost_types::Duration>) -> i64 {
    duration.map_or(0, |duration| duration.seconds)
}

/// A moment of the story, seconds since 1970, as date and minute.
pub fn moment(at: i64) -> String {
    let (year, month, day) = crate::calendar::civil(at.div_euclid(86_400));
    let rest = at.rem_euclid(86_400);
    let mut text = format!("{year:04}-{month:02}-{day:02}");
    // Writing to a String cannot fail.
    let _ = write!(text, " {:02}:{:02}", rest / 3_600, rest / 60 % 60);
    text
}

/// The last part of a full name: `Declaration` of `portcullis.record.v1.Declaration`.
pub fn short(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_the_terminal() {
        for (text, columns) in
            [("abc", 3), ("ｶﾀｶﾅ", 4), ("カタカナ", 8), ("შპს", 3), ("شركة", 4), ("e\u{301}", 1)]
        {
            assert_eq!(width(text), columns, "{text}");
            assert_eq!(width(&fit(text, 10)), 10, "{text}");
            assert!(width(&cut(text, 2)) <= 2, "{text}");
        }
        assert_eq!(cut("カタカナ", 4), "カ…");
        assert_eq!((behind("カタbc", 4).as_str(), behind("abc", 0).as_str()), ("bc", "abc"));
        assert_eq!(fit("カタカナ", 4), "カ… ");
        assert_eq!((column("abcd", 4).as_str(), column("a", 0).as_str()), ("ab… ", ""));
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_and_not_obeyed() {
        assert_eq!(cut("a\u{1b}[2J", 20), "a\\u{1b}[2J");
        assert!(!fit("x\u{202e}y", 20).contains('\u{202e}'));
    }

    #[test]
    fn lines_break_between_words_and_long_words_anywhere() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("カタカナ", 5), ["カタ", "カナ"]);
        assert_eq!(wrap("a\n\nb", 5), ["a", "", "b"]);
    }

    #[test]
    fn times_read_as_in_the_list_of_injects() {
        assert_eq!(time(3_725), "1:02:05");
        assert_eq!(time(-61), "-0:01:01");
        assert_eq!(moment(0), "1970-01-01 00:00");
    }
}
