//! Forms: lines to type in, choices, lists to tick. What a form is for, and what is made of it, is not known here.

use ratatui::crossterm::event::{KeyCode, KeyEvent};

use super::editor::Editor;

/// A form that somebody fills in.
#[derive(Clone)]
pub struct Form {
    /// What it is for.
    pub title: String,
    /// What somebody has to know who fills it in; may be empty.
    pub about: String,
    /// Its fields, in order.
    pub fields: Vec<Field>,
    /// Which field keys go to.
    pub focus: usize,
    /// What is wrong with it.
    pub error: String,
}

/// A field.
#[derive(Clone)]
pub struct Field {
    /// Its name, as shown.
    pub name: &'static str,
    /// What is in it.
    pub kind: Kind,
}

/// Kinds of fields.
#[derive(Clone)]
pub enum Kind {
    /// A line.
    Text(Editor),
    /// One of several: what it stands for, and what is shown.
    Choice {
        /// All.
        options: Vec<(String, String)>,
        /// The one.
        chosen: usize,
    },
    /// Some of several.
    Ticks {
        /// All.
        items: Vec<Tick>,
        /// The one that the cursor is on.
        at: usize,
    },
}

/// Something to tick.
#[derive(Clone)]
pub struct Tick {
    /// What it stands for.
    pub value: String,
    /// What is shown.
    pub label: String,
    /// Whether it is ticked.
    pub on: bool,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    /// Nothing.
    Nothing,
    /// Another field or another item has the cursor.
    Moved,
    /// What is in a field changed.
    Changed,
    /// It is to be sent.
    Sent,
    /// It is to be closed.
    Closed,
}

/// Items that a page key goes over.
const PAGE: usize = 10;

impl Form {
    /// An empty form.
    pub fn new(title: impl Into<String>) -> Self {
        let (title, about) = (title.into(), String::new());
        Self { title, about, fields: vec![], focus: 0, error: String::new() }
    }

    /// With what somebody has to know who fills it in.
    #[must_use]
    pub fn about(mut self, about: String) -> Self {
        self.about = about;
        self
    }

    /// With a line more.
    #[must_use]
    pub fn text(mut self, name: &'static str, text: &str) -> Self {
        self.fields.push(Field { name, kind: Kind::Text(Editor::new(text)) });
        self
    }

    /// With a choice more, of pairs of what an option stands for and what is shown.
    #[must_use]
    pub fn choice(
        mut self,
        name: &'static str,
        options: Vec<(String, String)>,
        chosen: &str,
    ) -> Self {
        let chosen = options.iter().position(|(value, _)| value == chosen).unwrap_or(0);
        self.fields.push(Field { name, kind: Kind::Choice { options, chosen } });
        self
    }

    /// With a list to tick more.
    #[must_use]
    pub fn ticks(mut self, name: &'static str, items: Vec<Tick>) -> Self {
        self.fields.push(Field { name, kind: Kind::Ticks { items, at: 0 } });
        self
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&Kind> {
        self.fields.iter().find(|field| field.name == name).map(|field| &field.kind)
    }

    /// The field of a name, to be changed.
    pub fn field_mut(&mut self, name: &str) -> Option<&mut Kind> {
        self.fields.iter_mut().find(|field| field.name == name).map(|field| &mut field.kind)
    }

    /// What a line says, or what a choice stands for.
    pub fn value(&self, name: &str) -> String {
        match self.field(name) {
            Some(Kind::Text(editor)) => editor.text().trim().to_owned(),
            Some(Kind::Choice { options, chosen }) => {
                options.get(*chosen).map(|(value, _)| value.clone()).unwrap_or_default()
            }
            Some(Kind::Ticks { .. }) | None => String::new(),
        }
    }

    /// What is ticked.
    pub fn ticked(&self, name: &str) -> Vec<String> {
        match self.field(name) {
            Some(Kind::Ticks { items, .. }) => {
                items.iter().filter(|item| item.on).map(|item| item.value.clone()).collect()
            }
            _ => vec![],
        }
    }

    /// Name of the field that has the cursor.
    pub fn focused(&self) -> &'static str {
        self.fields.get(self.focus).map_or("", |field| field.name)
    }

    /// Gives the cursor to a field.
    pub fn look_at(&mut self, name: &str) {
        if let Some(at) = self.fields.iter().position(|field| field.name == name) {
            self.focus = at;
        }
    }

    /// Takes a pasted text into the line that has the cursor.
    pub fn paste(&mut self, text: &str) -> Took {
        match self.fields.get_mut(self.focus).map(|field| &mut field.kind) {
            Some(Kind::Text(editor)) => {
                editor.insert(text);
                Took::Changed
            }
            _ => Took::Nothing,
        }
    }

    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Took {
        match key.code {
            KeyCode::Esc => return Took::Closed,
            KeyCode::Enter => return Took::Sent,
            KeyCode::Tab => return self.step(1),
            KeyCode::BackTab => return self.step(self.fields.len().saturating_sub(1)),
            _ => {}
        }
        let took = match self.fields.get_mut(self.focus).map(|field| &mut field.kind) {
            Some(Kind::Text(editor)) => match editor.clone() {
                old if editor.key(key) && *editor != old => {
                    if old.text() == editor.text() {
                        Took::Moved
                    } else {
                        Took::Changed
                    }
                }
                _ => Took::Nothing,
            },
            Some(Kind::Choice { options, chosen }) => choose(options, chosen, key.code),
            Some(Kind::Ticks { items, at }) => tick(items, at, key.code),
            None => Took::Nothing,
        };
        match (took, key.code) {
            (Took::Nothing, KeyCode::Down) => self.step(1),
            (Took::Nothing, KeyCode::Up) => self.step(self.fields.len().saturating_sub(1)),
            (took, _) => took,
        }
    }

    fn step(&mut self, by: usize) -> Took {
        self.focus = (self.focus + by) % self.fields.len().max(1);
        Took::Moved
    }
}

/// Left and right, blank, or the first letter of an option.
fn choose(options: &[(String, String)], chosen: &mut usize, code: KeyCode) -> Took {
    let (old, count) = (*chosen, options.len().max(1));
    *chosen = match code {
        KeyCode::Right | KeyCode::Char(' ') => (old + 1) % count,
        KeyCode::Left => (old + count - 1) % count,
        KeyCode::Char(letter) => {
            let begins = |place: &usize| {
                let label = options.get(*place).map(|(_, label)| label.to_lowercase());
                label.is_some_and(|label| label.starts_with(letter.to_ascii_lowercase()))
            };
            (1..=count).map(|step| (old + step) % count).find(begins).unwrap_or(old)
        }
        _ => old,
    };
    if *chosen == old { Took::Nothing } else { Took::Changed }
}

fn tick(items: &mut [Tick], at: &mut usize, code: KeyCode) -> Took {
    let last = items.len().saturating_sub(1);
    let old = *at;
    match code {
        KeyCode::Char(' ') => {
            let Some(item) = items.get_mut(old) else { return Took::Nothing };
            item.on = !item.on;
            return Took::Changed;
        }
        KeyCode::Char('-') => {
            items.iter_mut().for_each(|item| item.on = false);
            return Took::Changed;
        }
        KeyCode::Up => *at = old.saturating_sub(1),
        KeyCode::Down => *at = (old + 1).min(last),
        KeyCode::PageUp => *at = old.saturating_sub(PAGE),
        KeyCode::PageDown => *at = (old + PAGE).min(last),
        KeyCode::Home => *at = 0,
        KeyCode::End => *at = last,
        _ => {}
    }
    if *at == old { Took::Nothing } else { Took::Moved }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form() -> Form {
        let option = |word: &str| (word.to_owned(), word.to_owned());
        let item = |word: &str| Tick { value: word.into(), label: word.into(), on: false };
        Form::new("a form")
            .choice("what", vec![option("hold"), option("seize"), option("inspect")], "seize")
            .text("why", "")
            .ticks("with", vec![item("a"), item("b")])
    }

    fn keys(form: &mut Form, codes: &[KeyCode]) -> Vec<Took> {
        codes.iter().map(|code| form.key((*code).into())).collect()
    }

    #[test]
    fn choices_lines_and_ticks_are_filled_in_by_keys() {
        let mut form = form();
        assert_eq!(form.value("what"), "seize");
        keys(&mut form, &[KeyCode::Char('i')]);
        assert_eq!(form.value("what"), "inspect");
        keys(&mut form, &[KeyCode::Right, KeyCode::Tab]);
        assert_eq!((form.value("what").as_str(), form.focused()), ("hold", "why"));
        keys(&mut form, &[KeyCode::Char('?'), KeyCode::Char(' '), KeyCode::Char('x')]);
        assert_eq!(form.value("why"), "? x");
        keys(&mut form, &[KeyCode::Down, KeyCode::Down, KeyCode::Char(' ')]);
        assert_eq!((form.focused(), form.ticked("with")), ("with", vec!["b".to_owned()]));
        assert_eq!(
            keys(&mut form, &[KeyCode::Char('-'), KeyCode::Enter, KeyCode::Esc]),
            [Took::Changed, Took::Sent, Took::Closed]
        );
        assert_eq!(form.ticked("with"), Vec::<String>::new());
    }

    #[test]
    fn the_cursor_goes_round_and_out_of_a_list_at_its_ends() {
        let mut form = form();
        keys(&mut form, &[KeyCode::BackTab]);
        assert_eq!(form.focused(), "with");
        keys(&mut form, &[KeyCode::Up]);
        assert_eq!(form.focused(), "why");
        keys(&mut form, &[KeyCode::Up, KeyCode::Up]);
        assert_eq!(form.focused(), "with");
    }
}
