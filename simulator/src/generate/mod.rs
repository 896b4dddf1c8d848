//! Makes a world's files: work in pieces, done by any number of threads, written in one order.

mod files;
mod format;
mod gather;
mod join;
mod manifest;
mod output;
mod run;
mod truth;
mod work;

pub use format::{Columns, Format, Key, Layout};
pub use join::{JoinError, Joined, join};
pub use manifest::{Entry, Manifest, ManifestError, Origin};
pub use output::{Output, Written};
pub use run::{GenerateError, Job, Summary, generate};
pub use truth::Truth;
pub use work::{Part, Piece, pieces};
