//! Random flows, ladders and agreements, and their text as an agency would write it.

use std::fmt::Write as _;

use portcullis_core::id::Moment;
use portcullis_core::label::{Leaf, Sensitivity};
use portcullis_core::policy::Purpose;
use portcullis_core::redact::{Level, Treatment};
use time::OffsetDateTime;
use time::UtcOffset;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::{AGENCIES, CASES, World};
use crate::exchange::{Agreement, DAY, Flow, Ladder, Selector, days};
use crate::world::near::Rng;

/// Some of them, in their order, at least so many.
pub(super) fn some<T: Clone>(all: &[T], least: usize, most: usize, rng: &mut Rng) -> Vec<T> {
    let wanted = (least + rng.below(most + 1 - least)).min(all.len());
    let mut left = wanted;
    let take = |(at, one): (usize, &T)| {
        let taken = rng.below(all.len() - at) < left;
        left -= usize::from(taken);
        taken.then(|| one.clone())
    };
    all.iter().enumerate().filter_map(take).collect()
}

/// With a chance of one in so many.
pub(super) fn one_in(many: usize, rng: &mut Rng) -> bool {
    rng.below(many) == 0
}

pub(super) fn agreement(world: &World, number: usize, rng: &mut Rng) -> Agreement {
    let from = *rng.pick(&[-400, -400, -400, -400, -400, -400, -400, -400, -2, 0, 3].map(days));
    let until = *rng.pick(&[500, 500, 500, 500, 500, 40, 10, 10, 1, 0, -1].map(days));
    let until = if until <= from { Moment(from.0 + 5 * DAY) } else { until };
    let flows = (0..1 + rng.below(4)).map(|_| flow(world, rng)).collect();
    // One policy speaks of agreements by the beginning of their id.
    let name = *rng.pick(&["maa", "non-nominal", "zz", "joint"]);
    Agreement { id: format!("{name}-{number}"), from, until, flows }
}

fn flow(world: &World, rng: &mut Rng) -> Flow {
    let names: Vec<&'static str> =
        world.types.iter().map(|one| name(one.name().as_str())).collect();
    let from = *rng.pick(&AGENCIES);
    // Now and then to itself: an agency's own records are its own affair.
    let others: Vec<&'static str> =
        AGENCIES.into_iter().filter(|id| *id != from || one_in(4, rng)).collect();
    let paths: Vec<String> = world
        .types
        .iter()
        .flat_map(|one| one.leaves())
        .map(|leaf| leaf.path.clone())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let cases = if one_in(8, rng) { some(&CASES, 1, 3, rng) } else { vec![] };
    Flow {
        tag: 0,
        from,
        to: some(&others, 1, 3, rng),
        types: some(&names, 1, 2, rng),
        purposes: some(&world.purposes, 1, 3, rng),
        case_required: one_in(6, rng),
        cases,
        officer_required: one_in(10, rng),
        permitted_use: some(Purpose::ALL, 1, 6, rng),
        delete_after_days: 1 + rng.below(400) as u32,
        release: one_in(2, rng),
        budget: 1 + rng.below(1000) as u64,
        subjects: None,
        per_case: None,
        per_officer: None,
        matchable: if one_in(3, rng) { vec![] } else { some(&paths, 1, 5, rng) },
        ladders: (0..6 + rng.below(14)).map(|_| ladder(world, &paths, rng)).collect(),
    }
}

/// Names live as long as the program.
pub(super) fn name(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// For a field that there is, by its path or by something wider.
fn ladder(world: &World, paths: &[String], rng: &mut Rng) -> Ladder {
    let record_type = rng.pick(&world.types);
    let leaf = rng.pick(record_type.leaves());
    let label = leaf.label;
    let selector = match (rng.below(12), leaf.path.rfind('.')) {
        (0, _) => Selector::Fields(some(paths, 1, 4, rng)),
        (1..=2, Some(at)) => Selector::Fields(vec![leaf.path[..at].to_owned()]),
        (1..=4, _) => Selector::Fields(vec![leaf.path.clone()]),
        (5..=8, _) => Selector::Semantic(label.semantic),
        (9, _) => Selector::Category(label.category, None),
        _ => {
            let above = Sensitivity::ALL.iter().filter(|one| **one >= label.sensitivity);
            let above: Vec<_> = above.copied().collect();
            Selector::Category(label.category, Some(*rng.pick(&above)))
        }
    };
    let purposes = one_in(6, rng).then(|| some(&world.purposes, 1, 3, rng));
    let rungs = rungs(leaf, rng);
    let officer_rungs = if one_in(3, rng) { (1 + rng.below(3)).min(rungs.len()) } else { 0 };
    Ladder { tag: 0, selector, purposes, rungs, officer_rungs }
}

/// A chain that the field can take; what others cannot is left out when the exchange is tidied.
fn rungs(leaf: &Leaf, rng: &mut Rng) -> Vec<Treatment> {
    let levels = Level::of(leaf.label.semantic);
    let middle = match (rng.below(4), levels) {
        (0..=1, [_, ..]) => {
            some(levels, 1, 3, rng).into_iter().map(Treatment::Generalise).collect()
        }
        (0, _) => vec![Treatment::Mask],
        (1 | 2, _) => vec![Treatment::Pseudonymise],
        _ => vec![],
    };
    let clear = (rng.below(10) < 5).then_some(Treatment::Clear);
    let presence = (rng.below(10) < 6).then_some(Treatment::Presence);
    clear.into_iter().chain(middle).chain(presence).collect()
}

/// The file. Parties are whom the flows name; those in `open` may accede instead.
pub(super) fn text(
    agreement: &Agreement,
    open: &[&str],
    awaited: Option<&str>,
    rng: &mut Rng,
) -> String {
    let mut parties: Vec<&str> = vec![];
    for party in agreement.flows.iter().flat_map(|flow| flow.to.iter().chain([&flow.from])) {
        if !parties.contains(party) && !open.contains(party) {
            parties.push(party);
        }
    }
    let mut text = "# Drawn.\n".to_owned();
    writeln!(text, "id = \"{}\"\nversion = 1\ntitle = \"T\"\nlegal_basis = \"L\"", agreement.id)
        .unwrap();
    writeln!(text, "parties = {parties:?}").unwrap();
    if !open.is_empty() {
        writeln!(text, "open_to = {open:?}").unwrap();
    }
    // A bare date at the end means that day too.
    let last = Moment(agreement.until.0 - DAY);
    writeln!(text, "valid_from = {}", moment(agreement.from, agreement.from, rng)).unwrap();
    writeln!(text, "valid_until = {}", moment(agreement.until, last, rng)).unwrap();
    for (at, flow) in agreement.flows.iter().enumerate() {
        let mut flow = flow.clone();
        if let (0, Some(name)) = (at, awaited) {
            flow.types.push(self::name(name));
        }
        write!(text, "{flow}").unwrap();
    }
    text
}

/// As a date, in UTC, or elsewhere.
fn moment(exact: Moment, date: Moment, rng: &mut Rng) -> String {
    let at = |moment: Moment| OffsetDateTime::from_unix_timestamp(moment.seconds()).unwrap();
    match rng.below(3) {
        0 => at(date).format(format_description!("[year]-[month]-[day]")).unwrap(),
        1 => at(exact).format(&Rfc3339).unwrap(),
        _ => {
            let hours = *rng.pick(&[-5, 2, 9]);
            let offset = UtcOffset::from_hms(hours, 0, 0).unwrap();
            at(exact).to_offset(offset).format(&Rfc3339).unwrap()
        }
    }
}
