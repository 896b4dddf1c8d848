//! T10: a container twin at the hub.
//!
//! *Mechanism.* A box with innocent goods is landed at a hub and stands there. While it does, another box of the same number
//! is declared and loaded in a third state: whoever looks the number up finds a known box of a known shipper. The twin's
//! seal may be a forgery of the first one's. Neither shipper nor consignee of the first box knows of it.
//!
//! *Traces.* PT of the hub: the box is landed and let out, with its seal. XC: an export that names the box and was
//! accepted while it stood at the hub. IC: an import of a box that cannot have come from there, and the seal an officer
//! read. Each sees one box of that number; only two of them see it at two places within hours.
//!
//! *Parameters* (`schemes.toml`): `seal_forged`; `overlap_hours`: from the twin's acceptance to when the first one is let out.
//!
//! *Innocent likes* (`movement.rs`, `shipment/yard.rs`). Every box comes back about twice a period, in other hands and other
//! states, months later; seals are replaced by customs, and read wrongly.
//!
//! *Indicators from public sources.* ISO 6346, coding and identification of freight containers: a number is of one box in
//! the world; "Customs Convention on Containers" (1972), annex 1: marking of
//! containers; United Nations Office on Drugs and Crime and World Customs Organization, "Container Control Programme":
//! profiling by number, route and seal; Europol, "Criminal networks in EU ports" (2023): misuse of container numbers.

use super::Holder;
use super::case::{Case, Role};
use super::coast::{Wanted, trading};
use super::mechanism::{Mechanism, Trace};
use crate::shipment::draft::Draft;
use crate::shipment::movement::Movement;
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct Twin;

/// Role of the box that everybody knows; the other is the twin.
const FIRST: usize = 0;
/// Days after the first one by which the twin's consignment is looked for.
const LATER_DAYS: f64 = 17.0;
/// When customs let go what would have waited for them longer than it may stay, as a share of its stay.
const CLEARED: f64 = 0.6;
/// Bounds of the most that a consignment weighs, kilograms.
const MOST_KG: (f64, f64) = (4_000.0, 20_000.0);

struct Cast {
    /// States of export and destination of the first box and of the twin.
    ways: [(u32, u32); 2],
    firms: [(u32, u32); 2],
    goods: [u32; 2],
    seal_forged: bool,
    overlap_hours: f64,
    /// Days from the landing until the twin may be declared.
    after_days: f64,
    most_kg: [f64; 2],
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T10"));
    let mut cell = engine.cases.cell(case);
    let sea = |offices| Wanted { offices, sea: true };
    let (customs, port) = (sea(&[Office::Customs]), sea(&[Office::Port]));
    // A hub as often as it has trade.
    let drawn = [(); 32].map(|()| trading(world, customs, port, &mut cell));
    let at_hub = drawn.into_iter().find(|(_, to)| world.roles.hubs.contains(to));
    let (from, hub) = at_hub.unwrap_or_else(|| {
        let hub = port.of(world, &world.roles.hubs, &[], &mut cell);
        (customs.of(world, &world.roles.suppliers, &[hub], &mut cell), hub)
    });
    // Customs that saw both would know by themselves.
    let drawn = [(); 64].map(|()| trading(world, customs, customs, &mut cell));
    let apart =
        |(one, other): &(u32, u32)| ![from, hub].contains(one) && ![from, hub].contains(other);
    let twin = drawn.into_iter().find(apart).unwrap_or_else(|| {
        let one = customs.of(world, &world.participants(), &[from, hub], &mut cell);
        (one, customs.of(world, &world.participants(), &[from, hub, one], &mut cell))
    });
    let ways = [(from, hub), twin];
    let goods = [(); 2].map(|()| world.trade.goods(cell.bits64()));
    let firms = [(ways[0], goods[0]), (ways[1], goods[1])].map(|((from, to), goods)| {
        let sector = world.commodities.id(goods).sector;
        let seller = world.trade.seller(from, sector, cell.bits64());
        (seller, world.trade.buyer(to, sector, cell.bits64()))
    });
    Cast {
        ways,
        firms,
        goods,
        seal_forged: cell.chance(params.number("seal_forged", 0.6)),
        overlap_hours: params.within("overlap_hours", (2.0, 96.0), &mut cell),
        after_days: cell.between(0.1, 1.5),
        most_kg: [(); 2].map(|()| cell.between(MOST_KG.0, MOST_KG.1)),
    }
}

/// What a role sends, without what becomes of it.
fn sent(engine: &Engine, case: &Case, role: usize) -> Option<(Draft, Movement)> {
    let mut draft = engine.draft(engine.of_role(case, role)?);
    Twin::shape(engine, case, role, &mut draft);
    let movement = engine.move_it(&draft);
    Some((draft, movement))
}

impl Mechanism for Twin {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0, LATER_DAYS], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let (Some(way), Some(firms)) = (cast.ways.get(role), cast.firms.get(role)) else { return };
        let (Some(goods), Some(most_kg)) = (cast.goods.get(role), cast.most_kg.get(role)) else {
            return;
        };
        draft.sell(*way, *firms, *goods);
        engine.price(draft, None);
        engine.by_sea(draft, *most_kg);
        if role != FIRST
            && let Some((_, first)) = sent(engine, case, FIRST)
        {
            let landed = first.arrives.plus_days(cast.after_days);
            draft.accepted = engine.office_hours(landed, draft.number);
        }
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        if role == FIRST {
            if let Some((twin, _)) = sent(engine, case, role + 1) {
                let out = twin.accepted.plus_days(cast.overlap_hours / 24.0);
                let movement = &mut consignment.movement;
                if movement.imported >= out {
                    let stay = out.days_since(movement.arrives);
                    movement.imported = movement.arrives.plus_days(stay * CLEARED);
                }
                movement.gate_out = out;
            }
            return;
        }
        let first = sent(engine, case, FIRST).and_then(|(_, first)| first.boxes.first().cloned());
        if let Some((twin, first)) = consignment.movement.boxes.first_mut().zip(first) {
            (twin.number, twin.feet, twin.tare_grams) =
                (first.number, first.feet, first.tare_grams);
            if cast.seal_forged {
                twin.seal = first.seal;
            }
        }
        consignment.twist.seal_read = true;
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let [(_, hub), (from, to)] = cast(engine, case.number).ways;
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let mut traces = vec![];
        for (role, number) in case.consignments(engine) {
            let draft = engine.consignment(number).draft;
            let port = |table, event, shows| Trace {
                table,
                id: engine.port_id(number, event, 0),
                agency: agency(hub, Office::Port),
                holder: Holder::Port,
                shows,
            };
            if role == FIRST {
                traces.extend([
                    port(Table::GateMove, 'D', "a box of that number is landed"),
                    port(Table::GateMove, 'O', "and let out after another was declared elsewhere"),
                    port(Table::SealEvent, 'C', "its seal"),
                ]);
                continue;
            }
            let customs = |state, holder, id, shows| Trace {
                table: Table::Declaration,
                id,
                agency: agency(state, Office::Customs),
                holder,
                shows,
            };
            traces.extend([
                customs(
                    from,
                    Holder::ExportCustoms,
                    engine.export_id(&draft),
                    "a box of that number leaves while it stands at the hub",
                ),
                customs(
                    to,
                    Holder::ImportCustoms,
                    engine.import_id(&draft),
                    "a box of that number comes from elsewhere",
                ),
                Trace {
                    agency: agency(to, Office::Customs),
                    holder: Holder::ImportCustoms,
                    ..port(Table::SealEvent, 'K', "the twin's seal")
                },
            ]);
        }
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::each;
    use super::*;

    #[test]
    fn a_box_stands_at_a_hub_when_another_of_its_number_is_declared_elsewhere() {
        let (mut forged, mut least, mut most) = (0, f64::MAX, 0.0_f64);
        each(Kind::T10, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let [(one, hub), (other, to)] = cast.ways;
            let states = std::collections::BTreeSet::from([one, hub, other, to]);
            assert_eq!(states.len(), 4, "nobody sees both boxes");
            let (first, twin) = (engine.of_role(case, 0), engine.of_role(case, 1));
            let first = engine.consignment(first.unwrap());
            let twin = engine.consignment(twin.unwrap());
            let agency = |state: u32, office| engine.world.countries.id(state).agency(office);
            let number = &first.movement.boxes[0].number;
            let gates: Vec<_> = rows
                .held(Table::GateMove, agency(hub, Office::Port))
                .into_iter()
                .filter(|row| row["container"] == *number)
                .collect();
            assert_eq!(gates.len(), 2, "the hub sees one of them");
            let (landed, out) = (&gates[0], &gates[1]);
            let exports = rows.held(Table::Declaration, agency(other, Office::Customs));
            let declared = exports.iter().find(|row| row["containers"].contains(number)).unwrap();
            assert_eq!(declared["direction"], "EXPORT");
            assert!(landed["at"] < declared["accepted_at"] && declared["accepted_at"] < out["at"]);
            let hours = first.movement.gate_out.days_since(twin.draft.accepted) * 24.0;
            assert!((2.0..=96.0).contains(&hours), "{hours}");
            (least, most) = (least.min(hours), most.max(hours));
            let imports = rows.held(Table::Declaration, agency(to, Office::Customs));
            assert!(imports.iter().any(|row| row["containers"].contains(number)));
            let read = rows.held(Table::SealEvent, agency(to, Office::Customs));
            let read = read.iter().find(|row| row["container"] == *number).unwrap();
            assert_eq!(read["seal"] == landed["seal"], cast.seal_forged);
            forged += usize::from(cast.seal_forged);
            let tares: std::collections::BTreeSet<String> = rows
                .of(Table::Weighing)
                .iter()
                .filter(|row| row["container"] == *number)
                .map(|row| row["tare_grams"].clone())
                .collect();
            assert_eq!(tares.len(), 1, "the twin is of the same type");
        });
        assert!(forged > 8 && forged < 36, "{forged}");
        assert!(least < 20.0 && most > 70.0, "{least} to {most}");
    }
}
