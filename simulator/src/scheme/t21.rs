//! T21: a temporary export that is not returned.
//!
//! *Mechanism.* A machine or an instrument leaves for a fair, a demonstration or a repair, under a licence that has it
//! come back within months. It does not. Either nothing leaves the hub again, or something does, long after it was due:
//! goods of the heading and weight, with other serial numbers.
//!
//! *Traces.* XC: export for a time, and no return, or a return of something else. IC: admitted for a time, and neither
//! sent on nor cleared to stay. LIC: the condition.
//!
//! *Parameters* (`schemes.toml`): `overdue_days`, `serials_swapped`.
//!
//! *Innocent likes* (`shipment/temporary.rs`). Exports for a time that come back in time or late, go on to a fair in the
//! next state, or are sold there and cleared for that: one in four never comes back to those who let it go.
//!
//! *Indicators from public sources.* Customs Convention on Temporary Admission (Istanbul, 1990), article 9 and annex A,
//! re-exportation and its proof; World Customs Organization, "Revised Kyoto Convention", specific annex G; Bureau of
//! Industry and Security, 15 CFR 740.9 (TMP), return within a year, and what is to be done where that fails.

use super::case::{Case, Role};
use super::coast::Wanted;
use super::grant::Application;
use super::mechanism::{Mechanism, Trace};
use super::{Holder, Kind};
use crate::shipment::draft::{Draft, round};
use crate::shipment::emit::serials;
use crate::shipment::temporary::{Ending, MOST_KG, Stay};
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct NotReturned;

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    importer: u32,
    goods: u32,
    dollars: f64,
    overdue_days: f64,
    swapped: bool,
    /// First serial number, and that of what comes back in their place.
    serials: [i64; 2],
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T21"));
    let mut cell = engine.cases.cell(case);
    let customs = Wanted { offices: &[Office::Customs, Office::Licensing], sea: false };
    let a = customs.of(world, &world.roles.suppliers, &[], &mut cell);
    let b = customs.of(world, &world.roles.hubs, &[a], &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    Cast {
        a,
        b,
        exporter: world.trade.seller(a, sector, cell.bits64()),
        importer: world.trade.small(b, sector, &mut cell),
        goods,
        dollars: cell.between(20_000.0, 350_000.0),
        overdue_days: params.within("overdue_days", (15.0, 250.0), &mut cell),
        swapped: cell.chance(params.number("serials_swapped", 0.3)),
        serials: [cell.whole(100_000, 899_999), cell.whole(100_000, 899_999)],
    }
}

/// Months within which the goods of a case's licence are to be back, so that they are overdue by the days drawn when the
/// records end; none where they are to stay.
pub(crate) fn months_to_return(engine: &Engine, case: u64) -> Option<i64> {
    if engine.cases.kind(case) != Some(Kind::T21) {
        return None;
    }
    let calendar = &engine.world.calendar;
    let left = calendar.first_day() + calendar.days() - engine.case_begins(case).day();
    Some(((left - round(cast(engine, case).overdue_days)) / 30).clamp(1, 9))
}

impl Mechanism for NotReturned {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.importer), cast.goods);
        engine.reprice(draft, cast.dollars);
        engine.lighten(draft, MOST_KG);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let [first, other] = cast.serials;
        let due = months_to_return(engine, case.number).unwrap_or(1) as f64 * 30.0;
        let stay = cast.swapped.then(|| Stay {
            days: due + cast.overdue_days,
            ending: Ending::Back,
            serials: Some(serials(other)),
        });
        consignment.twist.lend(serials(first), stay);
        let licence = engine.case_licence(case.number, 0);
        consignment.twist.licence = Some(engine.licence_id(licence, cast.a));
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        let of = Application {
            from: cast.a,
            to: cast.b,
            exporter: cast.exporter,
            consignee: cast.importer,
            goods: cast.goods,
        };
        engine.put_licence(&engine.case_grant(case, 0, &of), None, out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let Some(consignment) = engine.of_role(case, 0).map(|number| engine.consignment(number))
        else {
            return vec![];
        };
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let draft = &consignment.draft;
        let trace = |table, id, (state, office), holder, shows| Trace {
            table,
            id,
            agency: agency(state, office),
            holder,
            shows,
        };
        vec![
            trace(
                Table::Declaration,
                engine.export_id(draft),
                (cast.a, Office::Customs),
                Holder::ExportCustoms,
                "left for a time; nothing with its serial numbers came back",
            ),
            trace(
                Table::Declaration,
                engine.import_id(draft),
                (cast.b, Office::Customs),
                Holder::ImportCustoms,
                "let in for a time; neither sent on nor cleared to stay",
            ),
            trace(
                Table::Licence,
                engine.licence_id(engine.case_licence(case.number, 0), cast.a),
                (cast.a, Office::Licensing),
                Holder::Licensing,
                "granted for goods that were to come back",
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::witness::each;
    use super::*;

    #[test]
    fn nothing_with_the_serial_numbers_leaves_the_hub_again_nor_is_cleared_to_stay() {
        let (mut swapped, mut months) = (0, std::collections::BTreeSet::new());
        each(Kind::T21, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let declarations = rows.of(Table::Declaration);
            let serial = serials(cast.serials[0]);
            let with: Vec<_> =
                declarations.iter().filter(|row| row["description"].contains(&serial)).collect();
            let seen: Vec<_> = with
                .iter()
                .map(|row| (row["direction"].as_str(), row["regime"].as_str()))
                .collect();
            assert_eq!(seen, [("EXPORT", "21"), ("IMPORT", "53")]);
            assert!(rows.of(Table::Payment).is_empty(), "goods that come back are not paid for");
            let licence = &rows.of(Table::Licence)[0];
            assert_eq!(with[0]["licence_id"], licence["id"]);
            let condition = &licence["condition"];
            assert!(condition.starts_with("temporary export, to return within "), "{condition}");
            let within = months_to_return(engine, case.number).unwrap();
            months.insert(within);
            let left = engine.consignment(engine.of_role(case, 0).unwrap()).draft.accepted;
            for back in declarations.iter().filter(|row| !row["description"].contains(&serial)) {
                swapped += usize::from(back["regime"] == "61");
                let late = crate::calendar::parse_day(&back["accepted_at"][..10]).unwrap();
                assert!(late - left.day() > within * 30 + 15, "{back:?}");
                assert_eq!(back["hs_code"], with[0]["hs_code"]);
                assert_eq!(back["net_mass_grams"].len(), with[0]["net_mass_grams"].len());
            }
        });
        assert!((5..22).contains(&swapped), "{swapped} of 40 swapped");
        assert!(months.len() > 3, "{months:?}");
    }
}
