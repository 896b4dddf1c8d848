//! The laws, a module each.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod agreement;
mod canary;
mod closed;
mod coarse;
mod decisions;
mod interference;
mod memory;
mod monotone;
mod oracle;
mod order;
mod pseudonyms;
mod repeated;
mod worlds;
