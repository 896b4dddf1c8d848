//! The secrets behind pseudonyms while a gateway runs: the file they stand in, the keys derived from them,
//! and what happens when the file changes. What a token is and how it is made is the core's.

mod file;
mod ring;
mod watch;

pub use file::{KeyFile, KeyFileError, destroy, rotate};
pub use ring::{Pseudonyms, Sealing};
pub use watch::{TAKES_EFFECT, watch};

#[cfg(test)]
mod tests;
