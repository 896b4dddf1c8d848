//! A line of text in which some words stand out.

use super::Colour;

/// Text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub Vec<Span>);

/// Words in one tone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    /// The words.
    pub text: String,
    /// How they are said.
    pub tone: Tone,
}

/// How words are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As everything else.
    Plain,
    /// What the eye should find.
    Bold,
    /// What matters less.
    Small,
    /// Good news.
    Good,
    /// Bad news.
    Bad,
    /// What is typed, and hashes.
    Code,
    /// As in a drawing.
    In(Colour),
}

impl Text {
    /// More words.
    pub fn with(mut self, tone: Tone, text: impl Into<String>) -> Self {
        self.0.push(Span { text: text.into(), tone });
        self
    }

    /// More plain words.
    pub fn plain(self, text: impl Into<String>) -> Self {
        self.with(Tone::Plain, text)
    }

    /// Words that the eye should find.
    pub fn bold(self, text: impl Into<String>) -> Self {
        self.with(Tone::Bold, text)
    }

    /// Words that matter less.
    pub fn small(self, text: impl Into<String>) -> Self {
        self.with(Tone::Small, text)
    }

    /// Good news.
    pub fn good(self, text: impl Into<String>) -> Self {
        self.with(Tone::Good, text)
    }

    /// Bad news.
    pub fn bad(self, text: impl Into<String>) -> Self {
        self.with(Tone::Bad, text)
    }

    /// What is typed, and hashes.
    pub fn code(self, text: impl Into<String>) -> Self {
        self.with(Tone::Code, text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::default().plain(text)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::default().plain(text)
    }
}
