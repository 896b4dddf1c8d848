//! From a world to an exchange of agencies: a database for each that holds only its slice, the mappings that its
//! source serves it by, agreements between them, cases, and one file that names it all for
//! `portcullis playground --exchange`.

mod agreements;
mod exchange;
mod samples;

pub(crate) use agreements::of_world as agreements_of;
pub use exchange::{Exchange, ExchangeError, Made};
pub use samples::{Sample, SamplesError, samples};
