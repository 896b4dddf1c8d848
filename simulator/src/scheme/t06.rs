//! T06: an order split below thresholds.
//!
//! *Mechanism.* Somebody wants more than would be sold without a question. Firms of one house order it in parts, of one kind
//! or another of a chapter, each worth less than what a licence or a closer look is asked for; every part comes from another
//! seller, leaves by another office and, some of them, another state. Sellers of the first state are paid for what all of
//! them send, and something ahead: the firms pay for one another in turn, so that no account shows what any of them bought.
//! They have trade of their own, and the parts go among it.
//!
//! *Traces.* XC and XC': small exports to one firm or another. FIU of the first state: payments, each of a firm for an
//! invoice. Customs do not know who pays; the unit does not know who gets the goods. Together: who pays for one buyer is
//! itself a buyer of the like at the same time, for whom the next one pays.
//!
//! *Parameters* (`schemes.toml`): `parts` (as many as a quarter of the period has room for), `spacing_days`, `offices`,
//! `countries` (of export, beside the first).
//!
//! *Innocent likes* (`disturb.rs`, `draft.rs`, `orders.rs`). Most consignments are worth less than any threshold; buyers
//! come back to their sellers; agents, financiers and parents pay for others; exporters declare at several offices.
//!
//! *Indicators from public sources.* Export Administration Regulations, 15 CFR 740.3, shipments of limited value: orders may
//! not be split to come below the limit; Financial Action Task Force, "Trade-Based Money Laundering" (2006) and Financial
//! Action Task Force and Egmont Group, "Trade-Based Money Laundering: Risk Indicators" (2021): payment by third parties,
//! structured amounts; World Customs Organization, "Strategic Trade Control Enforcement Implementation Guide" (2019).

use super::case::{Case, Role};
use super::coast::{Wanted, trading, usual_dollars};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::rng::Cell;
use crate::shipment::draft::{Draft, round};
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::{Office, World};

/// The scheme.
#[derive(Debug)]
pub struct Split;

/// From this value on, US dollars, questions are asked.
pub const LIMIT_DOLLARS: f64 = 25_000.0;
/// Least value of a part, US dollars, and all of them together over the limit.
const LEAST_DOLLARS: f64 = 2_000.0;
const TOGETHER: f64 = 1.1;
/// What a firm pays at least and at most, US dollars: reported, whatever was paid of it in advance.
const PAID_DOLLARS: (f64, f64) = (20_500.0, 80_000.0);
/// Days within which all parts leave: a case has a quarter of the period.
const MOST_DAYS: f64 = 85.0;
/// Share of parts that are of the very kind of the first.
const SAME_KIND: f64 = 0.12;
/// Offices that the first of them is drawn from, before it is one of those that a state has.
const OFFICES: usize = 60;
/// Firms of a house at most.
const HOUSE: usize = 10;

struct Part {
    state: u32,
    seller: u32,
    /// Place of the buyer, and of who pays, in the house.
    buyer: usize,
    payer: usize,
    office: usize,
    goods: u32,
    dollars: f64,
    /// What is paid for it, US dollars.
    paid: f64,
}

struct Cast {
    b: u32,
    house: Vec<u32>,
    parts: Vec<Part>,
    spacing_days: f64,
}

/// Few more often than many.
fn few(name: &str, bounds: (f64, f64), world: &World, cell: &mut Cell) -> usize {
    let params = world.schemes.parameters("T06");
    let mut draw = || params.within(name, bounds, cell);
    let drawn = draw().min(draw()).min(draw());
    cast::at(u64::try_from(round(drawn)).unwrap_or(1)).max(1)
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let world = engine.world;
    let mut cell = engine.cases.cell(case);
    let both = Wanted { offices: &[Office::Customs, Office::Fiu], sea: false };
    let any = Wanted { offices: &[], sea: false };
    let (first, b) = trading(world, both, any, &mut cell);
    let spacing_days =
        world.schemes.parameters("T06").within("spacing_days", (0.5, 12.0), &mut cell);
    let room = cast::at(u64::try_from(round(MOST_DAYS / spacing_days)).unwrap_or(3));
    let parts = few("parts", (3.0, 40.0), world, &mut cell).min(room).max(3);
    // Two parts at least leave the first state.
    let others = few("countries", (1.0, 3.0), world, &mut cell).min(parts.div_ceil(2) - 1);
    let states = states(world, (first, b), others, &mut cell);
    let offices = few("offices", (1.0, 5.0), world, &mut cell);
    let office = cell.place(OFFICES);
    let drawn = [(); 32].map(|()| world.trade.goods(cell.bits64()));
    let boxed = drawn.into_iter().find(|goods| !world.commodities.id(*goods).bulk);
    let goods = boxed.unwrap_or_else(|| world.trade.controlled(cell.bits64()));
    let sector = world.commodities.id(goods).sector;
    let wanted = parts.div_ceil(states.len()).clamp(2, HOUSE);
    let mut house: Vec<u32> = vec![];
    for _ in 0..256 {
        let firm = world.trade.buyer(b, sector, cell.bits64());
        if house.len() < wanted && !house.contains(&firm) {
            house.push(firm);
        }
    }
    let least = LEAST_DOLLARS.max(TOGETHER * LIMIT_DOLLARS / parts as f64);
    let parts = (0..parts).map(|part| {
        let state = states.get(part % states.len()).copied().unwrap_or_default();
        let round = part / states.len();
        let is_first = state == first;
        Part {
            state,
            seller: world.trade.seller(state, sector, cell.bits64()),
            buyer: round % house.len().max(1),
            payer: (round + 1) % house.len().max(1),
            office: office + part % offices,
            goods: if cell.chance(SAME_KIND) { goods } else { engine.alike(goods, &mut cell) },
            dollars: usual_dollars(world, (least, 0.98 * LIMIT_DOLLARS), &mut cell),
            paid: if is_first { usual_dollars(world, PAID_DOLLARS, &mut cell) } else { 0.0 },
        }
    });
    Cast { b, parts: parts.collect(), house, spacing_days }
}

/// States that parts leave, the first of them given, as they trade with the buyers' state.
pub(super) fn states(
    world: &World,
    (first, b): (u32, u32),
    others: usize,
    cell: &mut Cell,
) -> Vec<u32> {
    let mut states = vec![first];
    let takes_part = world.participants();
    for _ in 0..4_000 {
        let (from, to) = world.trade.pair(cell.bits64());
        let fits = to == b && from != b && takes_part.contains(&from) && !states.contains(&from);
        if fits && states.len() <= others {
            states.push(from);
        }
    }
    if states.len() < 2 {
        states.push(cast::third(world, [first, b], cell));
    }
    states
}

impl Cast {
    fn firm(&self, place: usize) -> u32 {
        self.house.get(place).copied().unwrap_or_default()
    }

    /// The state that most of it leaves.
    fn first(&self) -> u32 {
        self.parts.first().map(|part| part.state).unwrap_or_default()
    }
}

impl Mechanism for Split {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let cast = cast(engine, case);
        let days: Vec<f64> =
            (0..cast.parts.len()).map(|part| part as f64 * cast.spacing_days).collect();
        engine.cases.places(&days, engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let Some(part) = cast.parts.get(role) else { return };
        draft.sell((part.state, cast.b), (part.seller, cast.firm(part.buyer)), part.goods);
        engine.reprice(draft, part.dollars);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let Some(part) = cast.parts.get(role) else { return };
        consignment.twist.office = Some(part.office);
        consignment.twist.payer = Some(cast.firm(part.payer));
        consignment.twist.paid = part.paid * 100.0 / consignment.draft.cents as f64;
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let mut traces = vec![];
        for (_, number) in case.consignments(engine) {
            let consignment = engine.consignment(number);
            let from = consignment.draft.from;
            let first = from == cast.first();
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(&consignment.draft),
                agency: engine.world.countries.id(from).agency(Office::Customs).to_owned(),
                holder: if first { Holder::ExportCustoms } else { Holder::OtherExportCustoms },
                shows: "a part, below what questions are asked for",
            });
            if first {
                let shows = "a firm of the house pays for another";
                traces.extend(engine.payment_traces(&consignment, shows));
            }
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
    fn parts_stay_below_the_limit_and_firms_of_a_house_pay_for_one_another() {
        let (mut parts, mut states, mut offices) =
            (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        each(Kind::T06, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let house: Vec<_> =
                cast.house.iter().map(|firm| engine.firm(*firm).id.clone()).collect();
            let exports: Vec<_> = rows
                .of(Table::Declaration)
                .into_iter()
                .filter(|row| row["direction"] == "EXPORT")
                .collect();
            assert_eq!(exports.len(), cast.parts.len());
            assert!(exports.len() >= 3);
            let mut sum = 0.0;
            for export in &exports {
                sum += number(export, "value");
                assert!(number(export, "value") < LIMIT_DOLLARS);
                assert!(export["licence_id"].is_empty());
                assert!(house.contains(&export["importer_id"]), "{export:?}");
            }
            assert!(sum > LIMIT_DOLLARS, "{sum} needs no splitting");
            let invoices = rows.of(Table::Invoice);
            let paid = rows.of(Table::Payment);
            assert!(paid.len() >= 2);
            for payment in &paid {
                let invoice = invoices.iter().find(|row| row["id"] == payment["invoice_id"]);
                let buyer = &invoice.unwrap()["buyer_id"];
                assert!(house.contains(&payment["payer_id"]) && payment["payer_id"] != *buyer);
            }
            let first = engine.world.countries.id(cast.first()).agency(Office::Customs);
            let own = exports.iter().filter(|row| row["agency"] == first).count();
            assert!(own >= 2 && own < exports.len(), "{own} of {}", exports.len());
            parts.insert(exports.len());
            let count = |column: &str, of: &str| {
                let all = exports.iter().filter(|row| row["agency"].contains(of));
                all.map(|row| row[column].clone()).collect::<BTreeSet<_>>().len()
            };
            states.insert(count("agency", ""));
            offices.insert(count("office", first));
        });
        assert!(parts.len() > 8, "{parts:?}");
        assert!(states.len() > 1 && offices.len() > 2, "{states:?} {offices:?}");
    }
}
