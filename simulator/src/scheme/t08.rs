//! T08: a licence over-drawn across offices.
//!
//! *Mechanism.* A licence is shown at one customs office after another. Each looks at its own copy, finds enough pieces
//! left and releases; what it writes off reaches the licensing authority weeks later. In the end far more left than was
//! allowed. Before the last write-offs come in, the holder gives the licence back as used up in part, so that they find
//! no open account: the balance at the authority stays in order.
//!
//! *Traces.* LIC: the licence with its balance. XC: releases that name the licence, from several offices. The authority
//! does not see them; customs do not know how much was allowed.
//!
//! *Parameters* (`schemes.toml`): `overdrawn_percent`, `offices`, `write_off_lag_days`.
//!
//! *Innocent likes.* Licences drawn in part and in many parts, all year (`shipment/licence.rs`) or within weeks
//! (`shipment/orders.rs`); holders that declare at several offices (`Engine::office_of`); balances that lack what was
//! written off last (`Engine::written_off`).
//!
//! *Indicators from public sources.* Regulation (EU) 2021/821, articles 21 and 24: customs and licensing authorities
//! exchange what is exported on a licence; Commission Recommendation (EU) 2019/1318 on internal compliance programmes:
//! keeping account of quantities drawn on a licence; World Customs Organization, "Strategic Trade Control Enforcement
//! Implementation Guide" (2019): licences used beyond their quantity or at several offices.

use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::draft::{Draft, round};
use crate::shipment::licence::{Licence, Outcome};
use crate::shipment::orders::APART_DAYS;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct OverdrawnLicence;

/// Releases of a case at least and at most.
const RELEASES: (usize, usize) = (2, 6);
/// Most mass of a piece, kilograms.
const MOST_PIECE_KG: f64 = 500.0;

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    consignee: u32,
    goods: u32,
    /// Pieces that the licence allows.
    allowed: i64,
    /// Pieces of each release.
    parts: Vec<i64>,
    /// Days of each after the first.
    days: Vec<f64>,
    /// Place of the office of each.
    offices: Vec<usize>,
    lag_days: f64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T08"));
    let mut cell = engine.cases.cell(case);
    let (mut a, mut b) = cast::partners(world, &mut cell);
    // Only a state with several offices will do; most have them.
    for _ in 0..64 {
        if world.countries.id(a).offices.len() > 1 {
            break;
        }
        (a, b) = cast::partners(world, &mut cell);
    }
    // Goods of which several pieces go in a box.
    let mut goods = world.trade.controlled(cell.bits64());
    for _ in 0..32 {
        if world.commodities.id(goods).piece_kg < MOST_PIECE_KG {
            break;
        }
        goods = world.trade.controlled(cell.bits64());
    }
    let commodity = world.commodities.id(goods);
    let (exporter, consignee) = (
        world.trade.seller(a, commodity.sector, cell.bits64()),
        world.trade.buyer(b, commodity.sector, cell.bits64()),
    );
    let over = params.within("overdrawn_percent", (5.0, 200.0), &mut cell) / 100.0;
    // Few more often than many: holders with many plants are rare.
    let mut offices = || params.within("offices", (2.0, 6.0), &mut cell);
    let offices = offices().min(offices());
    let offices = cast::at(u64::try_from(round(offices)).unwrap_or(2))
        .clamp(2, world.countries.id(a).offices.len());
    let lag_days = params.within("write_off_lag_days", (3.0, 30.0), &mut cell);
    // No release by itself is more than the licence allows.
    let least = cast::at(u64::try_from(round(1.0 + over + 0.9)).unwrap_or(2));
    let count = (offices.max(least) + cell.place(2)).clamp(RELEASES.0, RELEASES.1);
    let weights = [(); RELEASES.1].map(|()| cell.between(0.4, 1.6));
    // Each is worth what consignments are.
    let dollars = cell.lognormal(world.rates.value).clamp(500.0, 150_000.0) * count as f64;
    let pieces = dollars / commodity.price.median / commodity.piece_kg.max(1e-6);
    let allowed = round(pieces / (1.0 + over)).max(cell.whole(6, 30));
    let first = cell.place(offices);
    Cast {
        a,
        b,
        exporter,
        consignee,
        goods,
        allowed,
        parts: parts(allowed, over, weights.get(..count).unwrap_or(&weights)),
        days: (0..count).map(|release| release as f64 * APART_DAYS).collect(),
        offices: (0..count).map(|release| (first + release) % offices).collect(),
        lag_days,
    }
}

/// Pieces of each release: together so much more than is allowed.
fn parts(allowed: i64, over: f64, weights: &[f64]) -> Vec<i64> {
    let total = round(allowed as f64 * (1.0 + over)).max(allowed + 1);
    let sum: f64 = weights.iter().sum();
    let mut parts: Vec<i64> = weights
        .iter()
        .map(|weight| cast::share(total, weight / sum.max(1e-9)).min(allowed))
        .collect();
    let missing = total - parts.iter().sum::<i64>();
    if let Some(last) = parts.last_mut() {
        *last = (*last + missing).clamp(1, allowed);
    }
    parts
}

impl Cast {
    /// Releases that the authority has written off when the licence is given back, a day after the last: those whose
    /// papers have come, as long as the balance bears them. The first always has.
    fn booked(&self) -> Vec<(u64, i64)> {
        let closed = self.days.last().copied().unwrap_or_default() + 1.0;
        let mut left = self.allowed;
        let mut booked = vec![];
        for (release, (pieces, day)) in (0..).zip(self.parts.iter().zip(&self.days)) {
            if *pieces <= left && (release == 0 || day + self.lag_days <= closed) {
                left -= pieces;
                booked.push((release, *pieces));
            }
        }
        booked
    }

    fn licence(&self, engine: &Engine, case: u64) -> Licence {
        let (applied, decided_days) = engine.case_applied(case, 0);
        Licence {
            number: engine.case_licence(case, 0),
            from: self.a,
            to: self.b,
            exporter: self.exporter,
            consignee: self.consignee,
            end_user: self.consignee,
            goods: self.goods,
            pieces: self.allowed,
            applied,
            decided_days,
            outcome: Outcome::Granted,
            rounds: self.booked(),
        }
    }
}

impl Mechanism for OverdrawnLicence {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        engine.cases.places(&cast(engine, case).days, engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.consignee), cast.goods);
        let pieces = cast.parts.get(role).copied().unwrap_or(1);
        let goods = engine.world.commodities.id(cast.goods);
        engine.reprice(draft, pieces as f64 * goods.piece_kg * goods.price.median);
        draft.pieces = pieces;
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        let licence = engine.case_licence(case.number, 0);
        let twist = &mut consignment.twist;
        twist.licence = Some(engine.licence_id(licence, consignment.draft.from));
        twist.office = cast(engine, case.number).offices.get(role).copied();
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let licence = cast(engine, case.number).licence(engine, case.number);
        engine.put_licence(&licence, None, out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let state = engine.world.countries.id(cast.a);
        let mut traces = vec![Trace {
            table: Table::Licence,
            id: engine.licence_id(engine.case_licence(case.number, 0), cast.a),
            agency: state.agency(Office::Licensing).to_owned(),
            holder: Holder::Licensing,
            shows: "what is allowed, and a balance in order",
        }];
        for (_, number) in case.consignments(engine) {
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(&engine.consignment(number).draft),
                agency: state.agency(Office::Customs).to_owned(),
                holder: Holder::ExportCustoms,
                shows: "a release on the licence",
            });
        }
        traces
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Kind;
    use super::super::witness::{each, number};
    use super::*;

    #[test]
    fn more_is_released_on_a_licence_at_several_offices_than_it_allows_and_the_balance_is_in_order()
    {
        let (mut most, mut least, mut offices) = (0.0_f64, 9.0_f64, BTreeSet::new());
        let mut waiting = 0;
        each(Kind::T08, 60, |engine, case, rows| {
            let licence = &rows.of(Table::Licence)[0];
            let customs =
                engine.world.countries.id(cast(engine, case.number).a).agency(Office::Customs);
            let releases: Vec<_> = rows
                .held(Table::Declaration, customs)
                .into_iter()
                .filter(|row| row["licence_id"] == licence["id"])
                .collect();
            assert_eq!(releases.len(), case.roles.len());
            let allowed = number(licence, "quantity");
            let sum: f64 = releases.iter().map(|row| number(row, "quantity")).sum();
            let over = sum / allowed - 1.0;
            // A piece more or less by rounding.
            assert!((0.05 - 1.0 / allowed..=2.0 + 1.0 / allowed).contains(&over), "{over}");
            (most, least) = (most.max(over), least.min(over));
            for row in &releases {
                assert!(number(row, "quantity") <= allowed, "one release is more than allowed");
                assert!(row["accepted_at"] > licence["granted_at"]);
            }
            let drawn = number(licence, "drawn_quantity");
            assert!(drawn > 0.0 && drawn <= allowed, "{licence:?}");
            let booked: f64 = releases.iter().map(|row| number(row, "quantity")).take(1).sum();
            assert!(drawn >= booked);
            waiting += usize::from(drawn < sum);
            let places: BTreeSet<_> = releases.iter().map(|row| row["office"].clone()).collect();
            assert!(places.len() >= 2, "{places:?}");
            offices.insert(places.len());
        });
        assert!(most > 1.5 && least < 0.3, "{least} to {most}");
        assert!(offices.len() >= 2, "{offices:?}");
        assert_eq!(waiting, 60, "every balance lacks something");
    }
}
