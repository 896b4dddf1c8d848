//! T24: a catch-all notice evaded through a neighbour.
//!
//! *Mechanism.* A licensing authority tells an exporter that goods below the lists need a licence for one end user, because
//! of what they are feared to be for: a catch-all notice. The exporter drops the order. Soon after, the like of it leaves
//! another state for the same end user, straight or by a trader in a third state: a firm of which the same director had
//! founded the first sends it, or one that knows nothing of the first. The other state had no notice, and no reason to stop it.
//!
//! *Traces.* LIC: the notice. XC': the export, with the end user who was named to them. Each is in order where it lies.
//!
//! *Parameters* (`schemes.toml`): `linked_exporter`, `lag_days`, `direct_route`.
//!
//! *Innocent likes* (`background.rs`, `parties.rs`). Notices that were obeyed; end users of other goods; exports whose
//! named user is not the buyer.
//!
//! *Indicators from public sources.* Regulation (EU) 2021/821, articles 4 and 10: catch-all controls, and that states tell
//! one another of them because the next exporter may not know; Wassenaar Arrangement, "Statement of Understanding on
//! Control of Non-Listed Dual-Use Items" (2003); Bureau of Industry and Security, "is informed" letters (15 CFR 744).

use super::case::{Case, Role};
use super::coast::{Wanted, usual_dollars};
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::calendar::Moment;
use crate::shipment::draft::{Draft, round};
use crate::shipment::rows::Refusal;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::{Founding, Office, Person};

/// The scheme.
#[derive(Debug)]
pub struct NoticeEvaded;

struct Cast {
    /// State of the notice, and the one that the goods leave in the end.
    states: [u32; 2],
    /// Where the goods go.
    to: u32,
    /// Who was warned, of another house; none for a firm that the exporter's director founded.
    other: Option<u32>,
    /// Who exports in the end.
    exporter: u32,
    end_user: u32,
    /// Who buys for the end user; none where the goods go straight.
    trader: Option<u32>,
    goods: u32,
    words: usize,
    dollars: f64,
    lag_days: f64,
    orders: usize,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T24"));
    let mut cell = engine.cases.cell(case);
    let (licensing, customs) = ([Office::Licensing], [Office::Customs]);
    let a = Wanted { offices: &licensing, sea: false };
    let a = a.of(world, &world.roles.suppliers, &[], &mut cell);
    let any = Wanted { offices: &customs, sea: false };
    let other_a = any.of(world, &world.roles.suppliers, &[a], &mut cell);
    let b = any.of(world, &world.roles.hubs, &[a, other_a], &mut cell);
    let direct = cell.chance(params.number("direct_route", 0.4));
    let third = cast::third(world, [a, other_a], &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let commodity = world.commodities.id(goods);
    let sector = commodity.sector;
    let warned = world.trade.small(a, sector, &mut cell);
    let exporter = world.trade.seller(other_a, sector, cell.bits64());
    Cast {
        states: [a, other_a],
        to: if direct { b } else { third },
        other: (!cell.chance(params.number("linked_exporter", 0.6))).then_some(warned),
        exporter,
        end_user: world.trade.small(b, sector, &mut cell),
        trader: (!direct).then(|| world.trade.buyer(third, sector, cell.bits64())),
        goods,
        words: cell.place(commodity.words.len()),
        dollars: usual_dollars(world, (2_000.0, 1e6), &mut cell),
        lag_days: params.within("lag_days", (5.0, 120.0), &mut cell),
        orders: 1 + cell.place(2),
    }
}

impl Cast {
    fn warned(&self, engine: &Engine, case: u64) -> u32 {
        self.other.unwrap_or_else(|| engine.case_firm(case, 0))
    }
}

/// When the notice was served.
fn served(engine: &Engine, case: u64) -> Moment {
    let day = engine.case_begins(case).day() - round(cast(engine, case).lag_days);
    engine.world.calendar.moment(day, &mut engine.cases.records_cell(case, 0))
}

impl Mechanism for NoticeEvaded {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let days = [0.0, 19.0];
        let orders = cast(engine, case).orders;
        engine.cases.places(days.get(..orders).unwrap_or(&days), engine.period_days())
    }

    fn firm(engine: &Engine, case: u64, _place: u64) -> Founding {
        let (world, cast) = (engine.world, cast(engine, case));
        let first = world.firms.id(cast.exporter);
        let [of, _] = cast.states;
        Founding {
            country: of,
            sector: first.sector,
            director: Some(Person { name: first.director.clone(), born: first.director_born }),
            ..Founding::default()
        }
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let [_, from] = cast.states;
        let importer = cast.trader.unwrap_or(cast.end_user);
        draft.sell((from, cast.to), (cast.exporter, importer), cast.goods);
        engine.reprice(draft, cast.dollars / cast.orders as f64);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let cast = cast(engine, case.number);
        consignment.twist.end_user = Some(engine.firm(cast.end_user).name.clone());
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        let [warning, _] = cast.states;
        engine.put_notice(
            &Refusal {
                number: engine.background.denials.of_case(case.number, 0),
                state: warning,
                exporter: cast.warned(engine, case.number),
                consignee: cast.end_user,
                end_user: cast.end_user,
                goods: cast.goods,
                words: engine.world.commodities.id(cast.goods).words.at(cast.words),
                pieces: case
                    .consignments(engine)
                    .into_iter()
                    .map(|(_, number)| engine.consignment(number).draft.pieces)
                    .sum(),
                at: served(engine, case.number),
            },
            out,
        );
        if cast.other.is_none() {
            engine.put_firm(cast.warned(engine, case.number), true, out);
        }
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let [warning, from] = cast.states;
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let mut traces = vec![Trace {
            table: Table::Denial,
            id: engine.denial_id(engine.background.denials.of_case(case.number, 0), warning),
            agency: agency(warning, Office::Licensing),
            holder: Holder::Licensing,
            shows: "an exporter was told that this end user's order needs a licence",
        }];
        for (_, number) in case.consignments(engine) {
            let draft = engine.consignment(number).draft;
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(&draft),
                agency: agency(from, Office::Customs),
                holder: Holder::OtherExportCustoms,
                shows: "the like of it leaves another state for the same end user",
            });
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
    fn the_like_leaves_another_state_for_the_same_end_user_after_a_notice() {
        let (mut direct, mut linked) = (0, 0);
        each(Kind::T24, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let notice = &rows.of(Table::Denial)[0];
            assert_eq!(notice["kind"], "CATCH_ALL");
            let customs = engine.world.countries.id(cast.states[1]).agency(Office::Customs);
            let exports: Vec<_> = rows
                .held(Table::Declaration, customs)
                .into_iter()
                .filter(|row| row["direction"] == "EXPORT")
                .collect();
            assert_eq!(exports.len(), case.roles.len());
            for export in &exports {
                assert_eq!(export["end_user_name"], notice["end_user_name"]);
                assert_eq!(export["hs_code"], notice["hs_code"]);
                assert_eq!(export["licence_id"], "");
                assert!(export["accepted_at"] > notice["denied_at"]);
                assert_ne!(export["exporter_id"], notice["exporter_id"]);
            }
            direct += usize::from(
                exports[0]["country_of_destination"] == notice["country_of_destination"],
            );
            if let Some(company) = rows.of(Table::Company).first() {
                linked += 1;
                assert_eq!(company["director"], engine.firm(cast.exporter).director);
                assert_eq!(company["name"], notice["exporter_name"]);
            }
        });
        assert!((8..36).contains(&direct), "{direct} of 40 go straight");
        assert!((15..34).contains(&linked), "{linked} of 40 by a firm of the same director");
    }
}
