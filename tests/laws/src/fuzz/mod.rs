//! The bodies of the fuzz targets: what they are given is a `&[u8]`, what they find is a panic. They stand
//! here and not beside `tests/fuzz`, so that the ordinary tests run every seed and every input that was ever
//! found without any fuzzer (`tests/regressions.rs`).

mod edit;
mod engine;
mod filter;
mod lint;
mod oracle;
mod record;
mod seeds;

pub use edit::edited;
pub use engine::engine;
pub use filter::filter;
pub use lint::lint;
pub use oracle::oracle;
pub use seeds::{records, write_seeds};

/// A body.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] =
    &[("engine", engine), ("filter", filter), ("lint", lint), ("oracle", oracle)];

/// Takes the first bytes; zeros where there are none left.
fn head<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let mut taken = [0; N];
    let length = data.len().min(N);
    taken[..length].copy_from_slice(&data[..length]);
    *data = &data[length..];
    taken
}
