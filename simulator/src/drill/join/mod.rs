//! A drill that joins gateways which others run: agencies practise on what they operate.
//!
//! - `prepare.rs`: the exchange that operators serve, and the file that they complete · `file.rs`, `write.rs`: that file
//! - `ready.rs`: what is looked at before anything starts, everything that is wrong at once; `database.rs`: of databases
//! - `begun.rs`: where the logs stood when the drill began, kept in its folder · `proof.rs`: what is proven at its end
//!
//! Exercise and production never mix: a gateway that is not an exercise's is refused before anything is asked of it.

mod begun;
mod database;
mod file;
mod prepare;
mod proof;
mod ready;
mod write;

pub use begun::{Beginning, BegunError, BegunLog};
pub use file::{Join, JoinAgency, JoinGateway};
pub use prepare::prepare;
pub use proof::{Counted, Fault, prove};
pub use ready::{Gate, Reached, Ready};

/// Name of the file in a folder that was prepared, and of its copy in a drill's folder.
pub const FILE: &str = "join.toml";

/// Something that keeps a drill from joining.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {word}: {text}")]
pub struct Problem {
    /// Where: file and line, or file and agency.
    pub at: String,
    /// One stable word.
    pub word: &'static str,
    /// What is wrong, and what to do.
    pub text: String,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// The value, unless there are any.
    ///
    /// # Errors
    /// If there are.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    fn add(&mut self, at: impl Into<String>, word: &'static str, text: impl Into<String>) {
        self.0.push(Problem { at: at.into(), word, text: text.into() });
    }
}

#[cfg(test)]
mod tests;
