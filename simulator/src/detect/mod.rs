//! Baseline detectors: what a careful analyst could find in a view of the records, and no more.
//!
//! A *view* ([`Look`]) is the rows that some agencies hold. For each scheme a *linker* begins with a row, follows the
//! keys that a person would follow, within the view alone, and measures what it finds ([`Sheet`]). Its rules are the
//! first detector. The second ([`model`]) learns from these features and from everything that a row shows by itself
//! ([`own`]), on twenty other worlds of the same pack. One agency alone is served by the same method on its own view, so
//! that it is the best that it can do and not a handicapped one.

pub mod assess;
pub mod calibration;
pub mod candidate;
pub mod ground;
pub mod linker;
pub mod look;
pub mod model;
pub mod own;
pub mod records;
pub mod sheet;
pub mod train;

pub use ground::Ground;
pub use look::Look;
pub use sheet::Sheet;
