//! Which ladder holds for which leaf: the most specific selector wins, two equally specific ones are an
//! error, and a leaf that none names stays without (and is withheld).

use super::agreement::{Flow, Ladder};
use crate::label::{Leaf, RecordType};
use crate::policy::Purpose;

/// The ladder of every leaf (in leaf order) for one flow, record type and purpose.
pub(super) type Ladders = Vec<Option<usize>>;

/// Two ladders (positions in the flow) that name a leaf equally closely.
pub(super) struct Tie {
    pub(super) first: usize,
    pub(super) second: usize,
    pub(super) path: String,
}

/// Resolves all leaves of a record type.
pub(super) fn resolve(
    flow: &Flow,
    record_type: &RecordType,
    purpose: Purpose,
) -> (Ladders, Vec<Tie>) {
    let mut ties = vec![];
    let ladders = record_type
        .leaves()
        .iter()
        .map(|leaf| match best(&flow.ladders, leaf, purpose) {
            Ok(found) => found,
            Err((first, second)) => {
                ties.push(Tie { first, second, path: leaf.path.clone() });
                None
            }
        })
        .collect();
    (ladders, ties)
}

fn best(
    ladders: &[Ladder],
    leaf: &Leaf,
    purpose: Purpose,
) -> Result<Option<usize>, (usize, usize)> {
    let mut candidates: Vec<_> = ladders
        .iter()
        .enumerate()
        .filter(|(_, ladder)| ladder.purposes.contains(&purpose))
        .filter_map(|(at, ladder)| Some((ladder.selector.specificity(leaf)?, at)))
        .collect();
    candidates.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
    match candidates.as_slice() {
        [] => Ok(None),
        [(one, first), (two, second), ..] if one == two => Err((*first, *second)),
        [(_, at), ..] => Ok(Some(*at)),
    }
}
