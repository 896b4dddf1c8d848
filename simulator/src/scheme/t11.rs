//! T11: rip-on/rip-off with a cloned seal.
//!
//! *Mechanism.* Other people's goods carry the load. Somebody with access to the yard of the port of loading breaks the seal of
//! a box that waits for its ship, puts bags behind the doors and a seal of the same number on them. On arrival a second team
//! takes the bags out before scales or officers see the box, and closes it with a clone made from a photograph: it is good
//! enough for who looks in passing, and not the seal that was put on. Shipper and consignee know nothing.
//!
//! *Traces.* PT of loading: who put which seal on, that the box was taken out of the stack, and that it weighs more than it
//! did at the gate. IC: the number of the seal as an officer reads it. The port knows what is done with boxes every day and
//! not what arrives; customs do not know which seal was put on.
//!
//! *Parameters* (`schemes.toml`): `kg_added`; `clone_quality`: share of the digits that the clone has right.
//!
//! *Innocent likes* (`shipment/yard.rs`, `disturb.rs`). Boxes taken out of the stack, checked and weighed, of which many weigh
//! more: crane scales, water, lashings; seals that customs read wrongly; seals that customs themselves replaced.
//!
//! *Indicators from public sources.* Europol, "Criminal networks in EU ports: risks and challenges for law enforcement" (2023):
//! rip-on/rip-off, corrupted access to yards, cloned seals; United Nations Office on Drugs and Crime and World Customs
//! Organization, "Container Control Programme": seals that differ from those on the papers; ISO 17712, mechanical seals for
//! freight containers: unique numbers, to be verified when a box changes hands.

use super::Holder;
use super::case::{Case, Role};
use super::coast::{Wanted, trading};
use super::mechanism::{Mechanism, Trace};
use crate::shipment::draft::{Draft, round};
use crate::shipment::yard::{MORE_KG, misread};
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct RipOn;

/// Bounds of the most that other people's goods weigh, kilograms: there is room behind the doors.
const MOST_KG: (f64, f64) = (4_000.0, 20_000.0);

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    importer: u32,
    goods: u32,
    kg_added: f64,
    clone_quality: f64,
    most_kg: f64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T11"));
    let mut cell = engine.cases.cell(case);
    let loading = Wanted { offices: &[Office::Port], sea: true };
    let landing = Wanted { offices: &[Office::Customs], sea: true };
    let (a, b) = trading(world, loading, landing, &mut cell);
    let goods = world.trade.goods(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    Cast {
        a,
        b,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        importer: world.trade.buyer(b, sector, cell.bits64()),
        goods,
        kg_added: params.within("kg_added", MORE_KG, &mut cell),
        clone_quality: params.within("clone_quality", (0.5, 0.99), &mut cell),
        most_kg: cell.between(MOST_KG.0, MOST_KG.1),
    }
}

impl Mechanism for RipOn {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.importer), cast.goods);
        engine.price(draft, None);
        engine.by_sea(draft, cast.most_kg);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let mut cell = engine.cases.records_cell(case.number, 0);
        let seal = consignment.movement.boxes.first().map(|container| &container.seal);
        let clone = seal.map(|seal| misread(seal, cast.clone_quality, &mut cell));
        let twist = &mut consignment.twist;
        twist.reached = Some(round(cast.kg_added * 1000.0));
        twist.arrival_seal = clone;
        twist.seal_read = true;
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let mut traces = vec![];
        for (_, number) in case.consignments(engine) {
            let trace = |table, event| Trace {
                table,
                id: engine.port_id(number, event, 0),
                agency: agency(cast.a, Office::Port),
                holder: Holder::Port,
                shows: "",
            };
            traces.extend([
                Trace {
                    agency: agency(cast.b, Office::Customs),
                    holder: Holder::ImportCustoms,
                    shows: "a seal of a number that was never put on",
                    ..trace(Table::SealEvent, 'K')
                },
                Trace { shows: "the seal that was put on", ..trace(Table::SealEvent, 'S') },
                Trace {
                    shows: "the box was taken out of the stack",
                    ..trace(Table::SealEvent, 'Y')
                },
                Trace { shows: "what it weighed at the gate", ..trace(Table::Weighing, 'W') },
                Trace { shows: "what it weighed in the yard", ..trace(Table::Weighing, 'X') },
            ]);
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
    fn a_box_grows_heavier_in_the_yard_and_arrives_with_a_seal_that_is_almost_its_own() {
        let (mut wrong, mut least, mut most) = (BTreeSet::new(), f64::MAX, 0.0_f64);
        each(Kind::T11, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let consignment = engine.consignment(engine.of_role(case, 0).unwrap());
            let container = &consignment.movement.boxes[0];
            let agency = |state: u32, office| engine.world.countries.id(state).agency(office);
            let seals = |agency: &str, kind: &str| -> Vec<String> {
                let held = rows.held(Table::SealEvent, agency).into_iter();
                held.filter(|row| row["container"] == container.number && row["kind"] == kind)
                    .map(|row| row["seal"].clone())
                    .collect()
            };
            let (port, customs) = (agency(cast.a, Office::Port), agency(cast.b, Office::Customs));
            assert_eq!(seals(port, "AFFIXED"), seals(port, "CHECKED"), "the port sees it in order");
            let (on, read) = (&seals(port, "AFFIXED")[0], &seals(customs, "CHECKED")[0]);
            assert!(seals(customs, "REPLACED").is_empty(), "nobody explains it");
            let differ = on.chars().zip(read.chars()).filter(|(one, other)| one != other).count();
            assert!((1..=7).contains(&differ) && on.len() == read.len(), "{on} {read}");
            wrong.insert(differ);
            let landed = seals(agency(cast.b, Office::Port), "CHECKED");
            assert!(landed.is_empty() || landed[0] == *read);
            let weighed: Vec<f64> = rows
                .held(Table::Weighing, port)
                .iter()
                .filter(|row| row["container"] == container.number)
                .map(|row| number(row, "gross_mass_grams"))
                .collect();
            assert_eq!(weighed.len(), 2);
            let (gain, noise) = (weighed[1] - weighed[0], 0.04 * container.cargo_grams as f64);
            assert!((gain - cast.kg_added * 1e3).abs() <= noise + 2.0, "{gain}");
            (least, most) = (least.min(cast.kg_added), most.max(cast.kg_added));
        });
        assert!(wrong.len() > 2 && wrong.contains(&1), "{wrong:?}");
        assert!(least < 150.0 && most > 1_000.0, "{least} to {most}");
    }
}
