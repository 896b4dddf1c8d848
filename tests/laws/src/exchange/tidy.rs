//! Makes an exchange loadable without changing what it permits: what never applies is left out, and so is
//! what a gateway refuses to load (a tie, a treatment that does not fit, a flow beside one that covers the
//! same query). Written from `policies/README.md`; shares no code with the gateway's own resolution.

use std::sync::Arc;

use portcullis_core::label::{Leaf, RecordType};
use portcullis_core::policy::Purpose;
use portcullis_core::redact::Treatment;

use super::{Exchange, Flow, Ladder, Selector, record_types};

impl Exchange {
    /// The same exchange without what cannot apply or cannot be loaded.
    #[must_use]
    pub fn tidied(self) -> Self {
        self.tidied_for(record_types())
    }

    /// The same, of an exchange about other record types.
    #[must_use]
    pub fn tidied_for(mut self, all: &[Arc<RecordType>]) -> Self {
        for agreement in &mut self.agreements {
            let mut kept: Vec<Flow> = vec![];
            for mut flow in std::mem::take(&mut agreement.flows) {
                let mut purposes = std::mem::take(&mut flow.purposes);
                purposes.retain(|purpose| !kept.iter().any(|one| clash(one, &flow, *purpose)));
                flow.purposes = purposes;
                tidy(&mut flow, all);
                let says = !flow.ladders.is_empty() && !flow.to.is_empty();
                if says && !flow.types.is_empty() && !flow.purposes.is_empty() {
                    kept.push(flow);
                }
            }
            agreement.flows = kept;
        }
        self.agreements.retain(|agreement| !agreement.flows.is_empty());
        self
    }
}

/// Would two flows answer one query?
fn clash(one: &Flow, two: &Flow, purpose: Purpose) -> bool {
    one.from == two.from
        && one.to.iter().any(|to| two.to.contains(to))
        && one.types.iter().any(|name| two.types.contains(name))
        && one.purposes.contains(&purpose)
}

fn tidy(flow: &mut Flow, all: &[Arc<RecordType>]) {
    let named = |one: &&Arc<RecordType>| flow.types.contains(&one.name().as_str());
    let leaves: Vec<&Leaf> = all.iter().filter(named).flat_map(|one| one.leaves()).collect();
    flow.matchable.retain(|path| leaves.iter().any(|leaf| leaf.path == *path));
    let mut named: Vec<String> = vec![];
    for ladder in &mut flow.ladders {
        if let Selector::Fields(paths) = &mut ladder.selector {
            paths.retain(|path| leaves.iter().any(|leaf| below(path, leaf).is_some()));
            paths.retain(|path| !named.contains(path));
            named.extend(paths.iter().cloned());
        }
        if let Some(purposes) = &mut ladder.purposes {
            purposes.retain(|purpose| flow.purposes.contains(purpose));
        }
    }
    flow.ladders.retain(|ladder| {
        ladder.purposes.as_ref().is_none_or(|purposes| !purposes.is_empty())
            && !matches!(&ladder.selector, Selector::Fields(paths) if paths.is_empty())
    });
    while let Some(at) = tied(flow, &leaves).or_else(|| useless(flow, &leaves)) {
        flow.ladders.remove(at);
    }
    for leaf in &leaves {
        for purpose in &flow.purposes {
            let Some(at) = holds(&flow.ladders, leaf, *purpose) else { continue };
            let ladder = &mut flow.ladders[at];
            let fits = |rung: &&Treatment| rung.fits(leaf.label.semantic, &leaf.kind);
            let officers = &ladder.rungs[..ladder.officer_rungs];
            ladder.officer_rungs = officers.iter().filter(fits).count();
            ladder.rungs.retain(|rung| fits(&rung));
        }
    }
}

fn tied(flow: &Flow, leaves: &[&Leaf]) -> Option<usize> {
    let pairs = (0..flow.ladders.len()).flat_map(|two| (0..two).map(move |one| (one, two)));
    for (one, two) in pairs {
        for purpose in &flow.purposes {
            let close = |at: usize, leaf: &Leaf| closeness(&flow.ladders[at], leaf, *purpose);
            let same =
                |leaf: &&Leaf| close(one, leaf).is_some() && close(one, leaf) == close(two, leaf);
            if leaves.iter().any(same) {
                return Some(two);
            }
        }
    }
    None
}

fn useless(flow: &Flow, leaves: &[&Leaf]) -> Option<usize> {
    (0..flow.ladders.len()).find(|at| {
        !flow.purposes.iter().any(|purpose| {
            leaves.iter().any(|leaf| holds(&flow.ladders, leaf, *purpose) == Some(*at))
        })
    })
}

/// The ladder that names a leaf most closely.
fn holds(ladders: &[Ladder], leaf: &Leaf, purpose: Purpose) -> Option<usize> {
    let close = |at: &usize| closeness(&ladders[*at], leaf, purpose);
    (0..ladders.len()).filter(|at| close(at).is_some()).max_by_key(close)
}

/// Its own path before a message's, then semantic, then category with a sensitivity (the lower the closer),
/// then category.
fn closeness(ladder: &Ladder, leaf: &Leaf, purpose: Purpose) -> Option<u32> {
    if ladder.purposes.as_ref().is_some_and(|purposes| !purposes.contains(&purpose)) {
        return None;
    }
    let label = leaf.label;
    match &ladder.selector {
        Selector::Fields(paths) => paths.iter().filter_map(|path| below(path, leaf)).max(),
        Selector::Semantic(semantic) => (*semantic == label.semantic).then_some(50),
        Selector::Category(category, None) => (*category == label.category).then_some(1),
        Selector::Category(category, Some(most)) => {
            (*category == label.category && label.sensitivity <= *most).then_some(10 - *most as u32)
        }
    }
}

/// How closely a path names a leaf.
fn below(path: &str, leaf: &Leaf) -> Option<u32> {
    if leaf.path == path {
        return Some(1000);
    }
    let inside = leaf.path.starts_with(&format!("{path}."));
    inside.then_some(100 + u32::try_from(path.len()).unwrap())
}
