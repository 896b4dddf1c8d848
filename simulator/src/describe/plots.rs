//! Which plots the page shows.

use super::Reading;
use super::page::Plot;
use super::ppml::{Fit, Pair};
use crate::world::World;

/// All of them.
pub(super) fn all(
    _reading: &Reading,
    _world: Option<&World>,
    _fit: Option<&(Vec<Pair>, Fit)>,
) -> Vec<Plot> {
    vec![]
}
