//! T16: re-documentation in a free zone.
//!
//! *Mechanism.* Controlled goods enter a free zone in a hub under papers of something harmless. Weeks later they leave it,
//! serial numbers and all, as goods of the hub: another origin, other papers, and a buyer under embargo or elsewhere. The
//! zone's customs see harmless goods come and goods of their own state go; the first state's customs know what they
//! were, and where they were made.
//!
//! *Traces.* XC: export with serial numbers and origin. IC: entry of something else into the zone, exit of the same mass
//! with those serial numbers and another origin.
//!
//! *Parameters* (`schemes.toml`): `residence_days`, `origin_changed`.
//!
//! *Innocent likes* (`shipment/zone.rs`). Goods that stay in zones, go on as they came, or are worked on and leave as
//! other goods of the hub's origin.
//!
//! *Indicators from public sources.* OECD and European Union Intellectual Property Office, "Trade in Counterfeit Goods and
//! Free Trade Zones" (2018), repackaging and relabelling; Financial Action Task Force, "Money Laundering Vulnerabilities of
//! Free Trade Zones" (2010); Bureau of Industry and Security, "Best Practices for Transit, Transshipment, and Reexport"
//! (2011); World Customs Organization, "Practical Guidance on Free Zones" (2020).

use super::case::{Case, Role};
use super::coast::{Wanted, usual_dollars};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::draft::Draft;
use crate::shipment::emit::serials;
use crate::shipment::zone::{ENTERS, Exit, TO_EMBARGOED};
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct ReDocumented;

/// Most that a case moves, kilograms.
const MOST_KG: f64 = 15_000.0;

struct Cast {
    a: u32,
    b: u32,
    /// Where it goes in the end.
    d: u32,
    exporter: u32,
    trader: u32,
    buyer: u32,
    goods: u32,
    /// Goods as they are declared on entry.
    entered: u32,
    dollars: f64,
    days: f64,
    origin_changed: bool,
    serial: i64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T16"));
    let mut cell = engine.cases.cell(case);
    let customs = Wanted { offices: &[Office::Customs], sea: false };
    let a = customs.of(world, &world.roles.suppliers, &[], &mut cell);
    let b = customs.of(world, &world.roles.hubs, &[a], &mut cell);
    let onward = Wanted { offices: &[], sea: false };
    let d = if cell.chance(TO_EMBARGOED) {
        cast::embargoed(world, &mut cell)
    } else {
        onward.of(world, &world.roles.others, &[a, b], &mut cell)
    };
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    // Something that needs no licence, near in the tariff where there is any.
    let near = [(); 8].map(|()| engine.alike(goods, &mut cell));
    let harmless = near.into_iter().find(|it| !world.commodities.id(*it).controlled());
    Cast {
        a,
        b,
        d,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        trader: world.trade.buyer(b, sector, cell.bits64()),
        buyer: world.trade.buyer(d, sector, cell.bits64()),
        goods,
        entered: harmless.or(world.commodities.id(goods).neighbour).unwrap_or(goods),
        dollars: usual_dollars(world, (1_000.0, 1e6), &mut cell),
        days: params.within("residence_days", (1.0, 90.0), &mut cell),
        origin_changed: cell.chance(params.number("origin_changed", 0.9)),
        serial: cell.whole(100_000, 899_999),
    }
}

impl Mechanism for ReDocumented {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.trader), cast.goods);
        engine.reprice(draft, cast.dollars);
        engine.lighten(draft, MOST_KG);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let twist = &mut consignment.twist;
        twist.serials = Some(serials(cast.serial));
        twist.import_goods = Some(cast.entered);
        twist.plain_import = true;
        twist.import_regime = Some(ENTERS);
        twist.zone = Some(Exit {
            days: cast.days,
            to: cast.d,
            buyer: cast.buyer,
            goods: cast.goods,
            origin: if cast.origin_changed { cast.b } else { cast.a },
            serials: Some(serials(cast.serial)),
            mass: 1.0,
            regime: "10",
        });
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let Some(consignment) = engine.of_role(case, 0).map(|number| engine.consignment(number))
        else {
            return vec![];
        };
        let trace = |id, state: u32, holder, shows| Trace {
            table: Table::Declaration,
            id,
            agency: engine.world.countries.id(state).agency(Office::Customs).to_owned(),
            holder,
            shows,
        };
        vec![
            trace(
                engine.export_id(&consignment.draft),
                cast.a,
                Holder::ExportCustoms,
                "what the goods are, their serial numbers and where they were made",
            ),
            trace(
                engine.import_id(&consignment.draft),
                cast.b,
                Holder::ImportCustoms,
                "entry into the zone, as something harmless",
            ),
            trace(
                engine.exit_id(&consignment),
                cast.b,
                Holder::ImportCustoms,
                "exit of the same serial numbers, as goods of the hub",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::each;
    use super::*;

    #[test]
    fn goods_leave_the_zone_by_their_serial_numbers_as_goods_of_the_hub() {
        let mut changed = 0;
        each(Kind::T16, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let declarations = rows.of(Table::Declaration);
            let find = |direction: &str, regime: &str| {
                let fits = |row: &&super::super::witness::Record| {
                    row["direction"] == direction && row["regime"] == regime
                };
                declarations.iter().find(fits).cloned()
            };
            let customs = engine.world.countries.id(cast.b).agency(Office::Customs);
            let export = declarations.iter().find(|row| row["agency"] != customs).unwrap();
            let entry = find("IMPORT", ENTERS).expect("an entry");
            let exits: Vec<_> = declarations
                .iter()
                .filter(|row| row["agency"] == customs && row["direction"] == "EXPORT")
                .collect();
            let [exit] = exits[..] else { panic!("{exits:?}") };
            let serial = serials(cast.serial);
            assert!(
                export["description"].contains(&serial) && exit["description"].contains(&serial)
            );
            assert!(!entry["description"].contains("S/N"), "{entry:?}");
            assert_ne!(entry["hs_code"], export["hs_code"]);
            assert_eq!(exit["hs_code"], export["hs_code"]);
            assert_eq!(exit["net_mass_grams"], export["net_mass_grams"]);
            assert!(exit["accepted_at"] > entry["accepted_at"]);
            let origin = &engine.world.countries.id(cast.b).code;
            changed += usize::from(exit["country_of_origin"] == *origin);
        });
        assert!((30..40).contains(&changed), "{changed} of 40 with another origin");
    }
}
