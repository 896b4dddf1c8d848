//! T20: a distributed kit.
//!
//! *Mechanism.* Somebody needs parts that together make what no state would license. Each is bought from another exporter, in
//! several states, by the user or, now and then, by a firm that stands in for it; so many of the parts are enough that some may
//! fail to come. Every export is small change beside ordinary trade, and says truly who will use it.
//!
//! *Traces.* INT: a bill of materials, and for whom. XC and XC': exports of parts, each for that user.
//!
//! *Parameters* (`schemes.toml`): `parts`, `parts_needed`, `window_days`.
//!
//! *Innocent likes.* Bills of materials of firms that built what they said, or nothing (`people.rs`); users who are not the buyer
//! (`parties.rs`); firms that buy something of everything from everywhere.
//!
//! *Indicators from public sources.* United Nations Panel of Experts on sanctions, reports on procurement through several
//! suppliers and middlemen; Nuclear Suppliers Group, "Good Practices for Corporate Standards to Support the Efforts of the International
//! Community in the Non-Proliferation of Weapons of Mass Destruction"; Missile Technology Control Regime, "Equipment, Software and
//! Technology Annex": parts that are controlled for what they are parts of.

use super::case::{Case, Role};
use super::coast::{Wanted, trading};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, t06};
use crate::calendar::Moment;
use crate::shipment::draft::{Draft, round};
use crate::shipment::people::{Told, of_kit};
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct Kit;

/// Days within which all parts leave: a case has a quarter of the period.
const MOST_DAYS: f64 = 85.0;
/// Share of parts that a firm buys which stands in for the user.
const STANDS_IN: f64 = 0.08;
/// Parts at most.
const PARTS: usize = 8;

struct Part {
    state: u32,
    seller: u32,
    buyer: u32,
    goods: u32,
    day: f64,
}

struct Cast {
    first: u32,
    b: u32,
    user: u32,
    parts: Vec<Part>,
    content: String,
    /// Days from the first part to the tip.
    told_days: f64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T20"));
    let mut cell = engine.cases.cell(case);
    let both = Wanted { offices: &[Office::Customs, Office::Intelligence], sea: false };
    let any = Wanted { offices: &[], sea: false };
    let (first, b) = trading(world, both, any, &mut cell);
    let kinds = round(params.within("parts", (3.0, 8.0), &mut cell));
    let needed = round(params.within("parts_needed", (3.0, 6.0), &mut cell));
    let most = i64::try_from(PARTS).unwrap_or(3);
    let kinds = kinds.max(needed).clamp(3, most);
    // Somewhere between what is enough and everything comes.
    let come = usize::try_from(cell.whole(needed.min(kinds), kinds)).unwrap_or(3);
    let window = params.within("window_days", (10.0, 120.0), &mut cell).min(MOST_DAYS);
    let others = if come > 4 { 2 } else { 1 };
    let states = t06::states(world, (first, b), others, &mut cell);
    let mut goods: Vec<u32> = vec![];
    for _ in 0..400 {
        let one = world.trade.controlled(cell.bits64());
        let hs = &world.commodities.id(one).hs;
        let new = goods.iter().all(|other| world.commodities.id(*other).hs != *hs);
        if new && goods.len() < usize::try_from(kinds).unwrap_or(3) {
            goods.push(one);
        }
    }
    let sector = goods.first().map_or(0, |goods| world.commodities.id(*goods).sector);
    let user = world.trade.small(b, sector, &mut cell);
    let mut days: Vec<f64> = (0..come).map(|_| cell.between(0.0, window)).collect();
    days.sort_by(f64::total_cmp);
    let from = days.first().copied().unwrap_or_default();
    let parts = goods.iter().zip(days).enumerate().map(|(place, (goods, day))| {
        let state = states.get(place % states.len()).copied().unwrap_or(first);
        let sector = world.commodities.id(*goods).sector;
        Part {
            state,
            seller: world.trade.seller(state, sector, cell.bits64()),
            buyer: if cell.chance(STANDS_IN) {
                world.trade.buyer(b, sector, cell.bits64())
            } else {
                user
            },
            goods: *goods,
            day: day - from,
        }
    });
    let parts = parts.collect();
    let content = of_kit(world, &goods, &mut cell);
    Cast { first, b, user, parts, content, told_days: cell.between(-40.0, window) }
}

/// When the service was told.
fn told(engine: &Engine, case: u64, cast: &Cast) -> Moment {
    let calendar = &engine.world.calendar;
    let day = engine.case_begins(case).plus_days(cast.told_days).day();
    let last = calendar.first_day() + calendar.days() - 1;
    calendar.moment(day.clamp(calendar.first_day(), last), &mut engine.cases.records_cell(case, 0))
}

impl Mechanism for Kit {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let days: Vec<f64> = cast(engine, case).parts.iter().map(|part| part.day).collect();
        engine.cases.places(&days, engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let Some(part) = cast.parts.get(role) else { return };
        draft.sell((part.state, cast.b), (part.seller, part.buyer), part.goods);
        engine.price(draft, None);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let user = cast(engine, case.number).user;
        consignment.twist.end_user = Some(engine.firm(user).name.clone());
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        let at = told(engine, case.number, &cast);
        engine.put_tip(
            &Told {
                number: engine.background.people.tips.of_case(case.number, 0),
                by: cast.first,
                person: "",
                firm: Some(cast.user),
                content: &cast.content,
                goods: cast.parts.first().map(|part| part.goods),
                at,
            },
            out,
        );
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let mut traces = vec![Trace {
            table: Table::Tip,
            id: engine.tip_id(engine.background.people.tips.of_case(case.number, 0)),
            agency: agency(cast.first, Office::Intelligence),
            holder: Holder::Intelligence,
            shows: "a bill of materials, and for whom",
        }];
        for (_, number) in case.consignments(engine) {
            let draft = engine.consignment(number).draft;
            let own = draft.from == cast.first;
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(&draft),
                agency: agency(draft.from, Office::Customs),
                holder: if own { Holder::ExportCustoms } else { Holder::OtherExportCustoms },
                shows: "a part of it, for that user",
            });
        }
        traces
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Kind;
    use super::super::witness::each;
    use super::*;

    #[test]
    fn parts_of_several_exporters_in_several_states_are_for_the_user_of_the_bill_of_materials() {
        let (mut parts, mut states, mut others) = (BTreeSet::new(), BTreeSet::new(), 0);
        each(Kind::T20, 40, |engine, case, rows| {
            let tips = rows.of(Table::Tip);
            let [tip] = &tips[..] else { panic!("{tips:?}") };
            assert!(tip["subject_person"].is_empty(), "{tip:?}");
            let exports: Vec<_> = rows
                .of(Table::Declaration)
                .into_iter()
                .filter(|row| row["direction"] == "EXPORT")
                .collect();
            assert!(exports.len() >= 3 && exports.len() == case.roles.len());
            for export in &exports {
                assert_eq!(export["end_user_name"], tip["subject_name"]);
            }
            let distinct = |column: &str| {
                exports.iter().map(|row| row[column].clone()).collect::<BTreeSet<_>>().len()
            };
            assert_eq!(distinct("hs_code"), exports.len(), "one part twice");
            assert!(distinct("exporter_id") >= 2, "one exporter");
            assert!(distinct("country_of_departure") >= 2, "one state");
            assert!(exports.iter().any(|row| row["hs_code"] == tip["hs_code"]));
            let user = &engine.firm(cast(engine, case.number).user).id;
            others += exports.iter().filter(|row| row["importer_id"] != *user).count();
            parts.insert(exports.len());
            states.insert(distinct("country_of_departure"));
        });
        assert!(parts.len() > 3 && states.len() > 1, "{parts:?} {states:?}");
        assert!((2..40).contains(&others), "{others} bought by who stands in");
    }
}
