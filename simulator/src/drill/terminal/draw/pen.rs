//! Styles. Without colour they are bold, faint, underlined and reversed alone.

use ratatui::style::{Color, Modifier, Style};

/// How things are set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pen {
    /// May colours be used? (`NO_COLOR`, no-color.org.)
    pub colour: bool,
}

impl Pen {
    fn in_colour(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// The head of a list.
    pub fn head(self) -> Style {
        Style::new().add_modifier(Modifier::UNDERLINED)
    }

    /// What is picked.
    pub fn picked(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// What matters most.
    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Something to look at.
    pub fn notice(self) -> Style {
        self.in_colour(Color::Cyan).add_modifier(Modifier::BOLD)
    }

    /// Something that is wrong.
    pub fn wrong(self) -> Style {
        // Not red on black: that is the pair that is hardest to tell for many.
        self.in_colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }
}
