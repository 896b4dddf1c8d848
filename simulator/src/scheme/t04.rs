//! T04: misclassified to an uncontrolled neighbour.
//!
//! *Mechanism.* The exporter was told by a ruling that its goods are controlled. It exports them all the same under the
//! code of something near that is not, in the words of that code and without serial numbers, so that nobody asks for a
//! licence or an end user. The buyer's state taxes what it gets and looks at it: there they are declared as what they
//! are. The price on the export papers is the goods' own, or is cut to be that of the code.
//!
//! *Traces.* XC: code against text and unit price. IC: the same consignment under the controlled code, with serial
//! numbers. LIC: the ruling.
//!
//! *Parameters* (`schemes.toml`): `code_distance` (the so-many-th nearest uncontrolled code), `price_kept`,
//! `price_scale`.
//!
//! *Innocent likes.* Goods of a lesser kind that rightly go under such a code, with the same price a kilogram
//! (`shipment/classification.rs`); disputes in good faith, in which both sides use the same words and numbers and one of
//! them another code; importers that declare other goods to pay less duty; rulings that everybody keeps to.
//!
//! *Indicators from public sources.* Bureau of Industry and Security, "Common High Priority List" with its guidance to
//! industry (2023-2024): exports under neighbouring codes after controls began; World Customs Organization, "Strategic
//! Trade Control Enforcement Implementation Guide" (2019): vague or misleading descriptions, code and description that
//! do not agree, value out of keeping with the goods; Regulation (EU) No 952/2013, article 33: binding tariff
//! information.

use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::classification::Ruled;
use crate::shipment::draft::Draft;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct Misclassified;

/// Consignments of a case at most.
const ORDERS: usize = 2;

struct Cast {
    a: u32,
    b: u32,
    exporter: u32,
    importer: u32,
    goods: u32,
    /// What the exporter declares in its place.
    under: u32,
    /// Factor on the price that the exporter declares.
    scale: f64,
    /// Place of the words in which it asked for a ruling.
    words: usize,
    ruled_before_days: i64,
    dollars: [f64; ORDERS],
    orders: usize,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let world = engine.world;
    let mut cell = engine.cases.cell(case);
    let (a, b) = cast::partners(world, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let commodity = world.commodities.id(goods);
    let (distance, scale) = engine.draw_disguise(&mut cell);
    Cast {
        a,
        b,
        exporter: world.trade.seller(a, commodity.sector, cell.bits64()),
        importer: world.trade.buyer(b, commodity.sector, cell.bits64()),
        goods,
        under: engine.uncontrolled_near(goods, distance),
        scale,
        words: cell.place(commodity.words.len()),
        ruled_before_days: cell.whole(30, 600),
        dollars: [(); ORDERS].map(|()| cast::log_even(1_500.0, 150_000.0, &mut cell)),
        orders: 1 + cell.place(ORDERS),
    }
}

impl Mechanism for Misclassified {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let days = [0.0, 27.0];
        let orders = cast(engine, case).orders;
        engine.cases.places(days.get(..orders).unwrap_or(&days), engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (cast.exporter, cast.importer), cast.goods);
        engine.reprice(draft, cast.dollars.get(role).copied().unwrap_or(50_000.0));
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        let twist = &mut consignment.twist;
        twist.export_goods = Some(cast.under);
        twist.export_value = cast.scale;
        twist.unnumbered = true;
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        let ruled = Ruled {
            number: engine.background.rulings.of_case(case.number, 0),
            state: cast.a,
            applicant: cast.exporter,
            goods: cast.goods,
            words: engine.world.commodities.id(cast.goods).words.at(cast.words),
            day: engine.case_begins(case.number).day() - cast.ruled_before_days,
        };
        engine.put_ruling(&ruled, out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let trace = |table, id, state: u32, office, holder, shows| Trace {
            table,
            id,
            agency: engine.world.countries.id(state).agency(office).to_owned(),
            holder,
            shows,
        };
        let mut traces = vec![];
        for (_, number) in case.consignments(engine) {
            let draft = engine.consignment(number).draft;
            traces.push(trace(
                Table::Declaration,
                engine.export_id(&draft),
                cast.a,
                Office::Customs,
                Holder::ExportCustoms,
                "an uncontrolled code, its words, and the price",
            ));
            traces.push(trace(
                Table::Declaration,
                engine.import_id(&draft),
                cast.b,
                Office::Customs,
                Holder::ImportCustoms,
                "the controlled code, with serial numbers",
            ));
        }
        let ruling = engine.background.rulings.of_case(case.number, 0);
        traces.push(trace(
            Table::Ruling,
            engine.ruling_id(ruling, cast.a),
            cast.a,
            Office::Licensing,
            Holder::Licensing,
            "the exporter was told that the goods are controlled",
        ));
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::{each, number};
    use super::*;

    #[test]
    fn the_exporter_declares_a_near_uncontrolled_code_and_the_importer_what_it_was_told() {
        let (mut kept, mut scaled, mut codes) = (0, 0, std::collections::BTreeSet::new());
        each(Kind::T04, 60, |engine, case, rows| {
            let (cast, world) = (cast(engine, case.number), engine.world);
            let agency = |state: u32, office| world.countries.id(state).agency(office);
            let exports = rows.held(Table::Declaration, agency(cast.a, Office::Customs));
            let imports = rows.held(Table::Declaration, agency(cast.b, Office::Customs));
            let [ruling] = &rows.of(Table::Ruling)[..] else { panic!("one ruling") };
            assert_eq!(ruling["agency"], agency(cast.a, Office::Licensing));
            assert_eq!(exports.len(), case.roles.len());
            assert_eq!(imports.len(), case.roles.len());
            for export in &exports {
                let import = imports.iter().find(|row| row["ucr"] == export["ucr"]).unwrap();
                let goods = |hs: &str| world.commodities.iter().find(|it| it.hs == hs).unwrap();
                let (told, said) = (goods(&import["hs_code"]), goods(&export["hs_code"]));
                assert!(told.controlled() && !said.controlled());
                assert_eq!(ruling["hs_code"], import["hs_code"]);
                assert_eq!(ruling["control_code"], told.control_code);
                assert!(ruling["issued_on"] < export["accepted_at"]);
                assert_eq!(ruling["applicant_id"], export["exporter_id"]);
                assert!(said.words.iter().any(|words| *words == export["description"]));
                assert!(import["description"].contains("S/N"));
                for nothing in ["end_user_name", "licence_id", "control_code"] {
                    assert_eq!(export[nothing], "", "{nothing}");
                }
                codes.insert(export["hs_code"].clone());
                // Freight and insurance come on top of what the goods cost.
                let ratio = number(export, "value") / number(import, "value");
                match ratio {
                    _ if (0.86..1.01).contains(&ratio) => kept += 1,
                    _ if (0.25..0.9).contains(&ratio) => scaled += 1,
                    _ => panic!("{ratio}"),
                }
            }
        });
        // Asked for: 0.5 of some 90.
        assert!(kept > 25 && scaled > 25, "{kept} {scaled}");
        assert!(codes.len() > 8, "{codes:?}");
    }
}
