//! A line of text that somebody types.

use portcullis::client::render::text::safe;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::text::width;

/// A line and where its cursor is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Editor {
    before: String,
    after: String,
}

impl Editor {
    /// With a text in it, the cursor at its end.
    pub fn new(text: &str) -> Self {
        Self { before: text.to_owned(), after: String::new() }
    }

    /// What stands there.
    pub fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// Takes a text in. Line breaks become blanks; what a terminal would obey stays out.
    pub fn insert(&mut self, text: &str) {
        let text = text.replace("\r\n", " ").replace(['\n', '\r', '\t'], " ");
        let harmless = |letter: &char| safe(letter.encode_utf8(&mut [0; 4])).starts_with(*letter);
        self.before.extend(text.chars().filter(harmless));
    }

    /// Takes a key; false: it is none of an editor's.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return self.control(key.code);
        }
        match key.code {
            KeyCode::Char(letter) => self.insert(letter.encode_utf8(&mut [0; 4])),
            KeyCode::Backspace => drop(pop_last(&mut self.before)),
            KeyCode::Delete => drop(pop_first(&mut self.after)),
            KeyCode::Left => {
                let moved = pop_last(&mut self.before);
                self.after.insert_str(0, &moved);
            }
            KeyCode::Right => {
                let moved = pop_first(&mut self.after);
                self.before.push_str(&moved);
            }
            KeyCode::Home => {
                let all = self.text();
                *self = Self { before: String::new(), after: all };
            }
            KeyCode::End => *self = Self::new(&self.text()),
            _ => return false,
        }
        true
    }

    fn control(&mut self, code: KeyCode) -> bool {
        match code {
            KeyCode::Char('u') => self.before.clear(),
            KeyCode::Char('w') => {
                let kept = self.before.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.before.truncate(kept);
            }
            KeyCode::Char('a') => return self.key(KeyCode::Home.into()),
            KeyCode::Char('e') => return self.key(KeyCode::End.into()),
            _ => return false,
        }
        true
    }

    /// As much of it as so many columns hold, around the cursor, and the cursor's column.
    pub fn window(&self, columns: usize) -> (String, usize) {
        let room = columns.saturating_sub(1);
        let (mut shown, mut taken) = (vec![], 0);
        for one in self.before.graphemes(true).rev() {
            if taken + one.width() > room {
                break;
            }
            taken += one.width();
            shown.push(one);
        }
        let mut text: String = shown.into_iter().rev().collect();
        for one in self.after.graphemes(true) {
            if width(&text) + one.width() > columns {
                break;
            }
            text.push_str(one);
        }
        (text, taken)
    }
}

fn pop_last(text: &mut String) -> String {
    let at = text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at);
    text.split_off(at)
}

fn pop_first(text: &mut String) -> String {
    let end = text.graphemes(true).next().map_or(0, str::len);
    text.drain(..end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(editor: &mut Editor, code: KeyCode) {
        assert!(editor.key(code.into()));
    }

    #[test]
    fn letters_of_several_code_points_are_one_step() {
        let mut editor = Editor::new("ae\u{301}カ");
        press(&mut editor, KeyCode::Left);
        press(&mut editor, KeyCode::Backspace);
        assert_eq!(editor.text(), "aカ");
        editor.insert("x\u{1b}[2J\ny\u{202e}");
        assert_eq!(editor.text(), "ax[2J yカ");
        press(&mut editor, KeyCode::Home);
        press(&mut editor, KeyCode::Delete);
        assert_eq!(editor.text(), "x[2J yカ");
    }

    #[test]
    fn the_window_follows_the_cursor() {
        let mut editor = Editor::new("office = カタカナ");
        assert_eq!(editor.window(6), ("カナ".to_owned(), 4));
        press(&mut editor, KeyCode::Home);
        assert_eq!(editor.window(6), ("office".to_owned(), 0));
        assert_eq!(Editor::new("ab").window(10), ("ab".to_owned(), 2));
    }

    #[test]
    fn a_word_or_all_before_the_cursor_goes_at_once() {
        let mut editor = Editor::new("office = a b");
        assert!(editor.key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL)));
        assert_eq!(editor.text(), "office = a ");
        assert!(editor.key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)));
        assert_eq!(editor.text(), "");
        assert!(!editor.key(KeyCode::Enter.into()));
    }
}
