//! Makes a world's files: work in pieces, done by any number of threads, written in one order.

mod files;
mod truth;
mod work;

pub use files::{Format, GenerateError, Summary, generate};
pub use truth::Truth;
pub use work::{Part, Piece, pieces};
