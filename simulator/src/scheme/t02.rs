//! T02: ghost transit: declared through another state, and never arrives.
//!
//! *Mechanism.* Controlled goods leave A for D by way of B, on papers that are in order. In B a transit is opened and
//! announced to D. There the goods go astray, to who wants them, and the transit is never discharged, or by a forged
//! paper. B waits or believes the paper; A has its departure; nobody in D misses what nobody there ordered.
//!
//! *Traces.* XC: the departure. IC, customs of the destination: the announcement, and no arrival; IC, customs of the
//! state of transit: a transit that was opened, discharged or not.
//!
//! *Parameters* (`schemes.toml`): `discharge_forged`, `lag_days`.
//!
//! *Innocent likes.* Discharges whose papers are late or lost; movements that were opened, announced and called off, so
//! that nothing ever left (`shipment/transit.rs`). Customs of the destination know their announcements without arrival,
//! but not which of these left.
//!
//! *Indicators from public sources.* Convention on a Common Transit Procedure (1987), Appendix I: enquiry about a
//! movement of which there is no arrival advice; European Court of Auditors and European Parliament, Committee of
//! Inquiry into the Community Transit System (1997): transits discharged with forged stamps; World Customs
//! Organization, "Transit Guidelines" (2017).

use super::Holder;
use super::case::{Case, Role};
use super::mechanism::{Mechanism, Trace};
use crate::shipment::draft::Draft;
use crate::shipment::transit::Through;
use crate::shipment::{Consignment, Engine};
use crate::table::Table;
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct GhostTransit;

struct Cast {
    way: Through,
    /// Days from opening to a forged discharge.
    forged: Option<f64>,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let params = engine.world.schemes.parameters("T02");
    let mut cell = engine.cases.cell(case);
    let way = engine.draw_through(&mut cell);
    let forged = cell.chance(params.number("discharge_forged", 0.4));
    let lag = engine.discharge_lag(&mut cell);
    Cast { way, forged: forged.then_some(lag) }
}

impl Mechanism for GhostTransit {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        engine.send_through(&cast(engine, case.number).way, draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        consignment.twist.lost_in_transit = true;
        consignment.twist.forged_discharge = cast(engine, case.number).forged;
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let world = engine.world;
        let customs = |state: u32| world.countries.id(state).agency(Office::Customs).to_owned();
        let mut traces = vec![];
        for (_, number) in case.consignments(engine) {
            let consignment = engine.consignment(number);
            let draft = &consignment.draft;
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(draft),
                agency: customs(draft.from),
                holder: Holder::ExportCustoms,
                shows: "departure",
            });
            let Some((state, ..)) = consignment.movement.change(&world.ports, draft) else {
                continue;
            };
            // Customs of the destination first: they are of the smallest set.
            for (of, shows) in [
                (draft.to, "announced, and never arrived"),
                (state, "transit opened, discharged by no paper or a forged one"),
            ] {
                traces.push(Trace {
                    table: Table::Transit,
                    id: engine.transit_id(number, state),
                    agency: customs(of),
                    holder: Holder::ImportCustoms,
                    shows,
                });
            }
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
    fn goods_depart_and_are_announced_but_never_arrive_and_some_discharges_are_forged() {
        let mut forged = 0;
        each(Kind::T02, 60, |engine, case, rows| {
            let [(_, number)] = case.consignments(engine)[..] else { panic!("one consignment") };
            let consignment = engine.consignment(number);
            let draft = &consignment.draft;
            let agency = |state: u32| engine.world.countries.id(state).agency(Office::Customs);
            let [export] = &rows.of(Table::Declaration)[..] else { panic!("more than the export") };
            assert_eq!((&*export["direction"], &*export["agency"]), ("EXPORT", agency(draft.from)));
            let transits = rows.of(Table::Transit);
            assert_eq!(transits.len(), 2);
            let to = rows.held(Table::Transit, agency(draft.to));
            assert_eq!(to.len(), 1, "announced to the destination");
            for row in &transits {
                assert_eq!(row["ucr"], export["ucr"]);
                assert_eq!(row["country_of_destination"], export["country_of_destination"]);
                assert_ne!(row["agency"], agency(draft.from));
                assert_eq!(row["discharged_at"].is_empty(), row["discharge_reference"].is_empty());
            }
            let discharged = &transits[0]["discharged_at"];
            assert_eq!(*discharged, transits[1]["discharged_at"]);
            if !discharged.is_empty() {
                forged += 1;
                let day = |text: &str| crate::calendar::parse_day(&text[..10]).unwrap();
                let lag = day(discharged) - day(&transits[0]["opened_at"]);
                assert!((4..=41).contains(&lag), "{lag} days");
            }
            for table in [Table::BillOfLading, Table::Inspection] {
                assert!(rows.of(table).is_empty(), "{table:?} of what never came");
            }
            let gates = rows.of(Table::GateMove);
            assert!(!gates.is_empty() && gates.iter().all(|row| row["kind"] != "DISCHARGE"));
        });
        // Asked for: 0.4 of 60.
        assert!((13..36).contains(&forged), "{forged} of 60 forged");
    }
}
