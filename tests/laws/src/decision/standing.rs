//! How agreements stand: signed or not, suspended, ended, left, joined, reserved; for which schemas.

use std::collections::BTreeMap;

use portcullis_core::id::{AgencyId, Digest, RecordTypeName};
use portcullis_core::policy::{Phase, Reservation, Standing, Take};

use super::flow::{one_in, some};
use super::{AGENCIES, World};
use crate::exchange::{Agreement, days};
use crate::world;
use crate::world::near::Rng;

pub(super) fn standing(
    world: &World,
    agreement: &Agreement,
    open: &[&str],
    rng: &mut Rng,
) -> Standing {
    if one_in(3, rng) {
        let joined = open.iter().map(AgencyId::new).collect();
        return Standing { joined, ..Standing::default() };
    }
    let agencies =
        |rng: &mut Rng| some(&AGENCIES, 1, 2, rng).into_iter().map(AgencyId::new).collect();
    let phase = match rng.below(16) {
        0 => Phase::AwaitsSignatures(agencies(rng)),
        1 => Phase::Suspended(agencies(rng)),
        _ => Phase::InForce,
    };
    let moments = [-3, 0, 0, 4, 15].map(days);
    let left = if one_in(3, rng) { agencies(rng) } else { vec![] };
    Standing {
        phase,
        ends: one_in(8, rng).then(|| *rng.pick(&[-1, 0, 7, 7].map(days))),
        joined: open.iter().filter(|_| one_in(2, rng)).map(AgencyId::new).collect(),
        left: left.into_iter().map(|who| (who, *rng.pick(&moments))).collect(),
        reservations: reservations(world, agreement, rng),
        signed_for: one_in(3, rng).then(|| signed_for(world, agreement, rng)),
    }
}

fn signed_for(
    world: &World,
    agreement: &Agreement,
    rng: &mut Rng,
) -> BTreeMap<RecordTypeName, Digest> {
    let mut signed = BTreeMap::new();
    for record_type in &world.types {
        let named =
            |flow: &crate::exchange::Flow| flow.types.contains(&record_type.name().as_str());
        if agreement.flows.iter().any(named) {
            match rng.below(16) {
                0 => drop(signed.insert(record_type.name().clone(), Digest([7; 32]))),
                1 => {}
                _ => drop(signed.insert(record_type.name().clone(), record_type.hash())),
            }
        }
    }
    signed
}

fn reservations(world: &World, agreement: &Agreement, rng: &mut Rng) -> Vec<Reservation> {
    let count = [0, 0, 1, 1, 2, 3][rng.below(6)];
    let one = |number: usize| {
        let flow = rng.pick(&agreement.flows).clone();
        let agency = if one_in(3, rng) { *rng.pick(&flow.to) } else { flow.from };
        let mut paths: Vec<String> = vec![];
        for record_type in &world.types {
            paths.extend(record_type.leaves().iter().map(|leaf| leaf.path.clone()));
            paths.extend(record_type.nodes().iter().map(|node| node.path.clone()));
        }
        paths.retain(|path| !path.is_empty());
        let treatments: Vec<_> = world::treatments().collect();
        let takes = match rng.below(9) {
            0 => Take::Purpose(*rng.pick(&flow.purposes)),
            1 => Take::RecordType(RecordTypeName::new(rng.pick(&flow.types))),
            2..=3 if !flow.matchable.is_empty() => Take::Match(rng.pick(&flow.matchable).clone()),
            _ => Take::Field { path: rng.pick(&paths).clone(), at_most: *rng.pick(&treatments) },
        };
        let at = one_in(2, rng).then(|| 1 + rng.below(agreement.flows.len()));
        Reservation { agency: AgencyId::new(agency), number, flow: at, takes }
    };
    (1..=count).map(one).collect()
}
