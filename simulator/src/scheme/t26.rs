//! T26: technology or assistance that goes abroad with somebody who knows.
//!
//! *Mechanism.* A firm holds a licence to sell controlled goods, to a state where it may. What its engineer knows goes to another
//! state, under embargo: drawings by mail and a visit after them, or weeks of training where the goods stand. A licence for
//! assistance or technology would be refused; nobody asks for one, and no goods move.
//!
//! *Traces.* INT: a tip that names the engineer, the firm and the goods. NCB: the engineer leaves for that state, for days or
//! months. LIC: the firm's licence is for the goods, and for another state. FIU of the firm's state: a fee, by
//! way of a hub and for whatever fees are for.
//!
//! *Parameters* (`schemes.toml`): `medium_electronic`, `duration_days`.
//!
//! *Innocent likes* (`people.rs`). Postings abroad, under an embargo too, by firms whose goods need no licence; engineers of
//! licence holders who go where the goods went; tips about either. Fees for services (`background.rs`).
//!
//! *Indicators from public sources.* Regulation (EU) 2021/821, articles 2(9), 2(10) and 8: technical assistance, transfer across
//! borders by word of mouth; Wassenaar Arrangement, "Best Practices for Implementing Intangible Transfer of Technology
//! Controls" (2006); Bureau of Industry and Security, deemed exports (15 CFR 734.13); Missile Technology Control Regime, annex handbook, on
//! technical assistance.

use super::case::{Case, Role};
use super::coast::Wanted;
use super::mechanism::{Mechanism, Trace};
use super::person::Known;
use super::{Holder, cast};
use crate::shipment::background::TRANSFERS;
use crate::shipment::draft::{Draft, round};
use crate::shipment::licence::Licence;
use crate::shipment::people::{
    POSTING_DAYS, Traveller, apart, document, journeys, of_help, post, somebody,
};
use crate::shipment::rows::{REMITTANCES, Transfer};
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::Office;

/// The scheme.
#[derive(Debug)]
pub struct Assistance;

struct Cast {
    known: Known,
    /// Who pays for it, in a hub.
    payer: u32,
    /// The firm's licence for the goods; none in a world without any of the state.
    licence: Option<Licence>,
    exporter: u32,
    fee_cents: i64,
    reference: &'static str,
    paid: i64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T26"));
    let mut cell = engine.cases.cell(case);
    let all = [Office::Licensing, Office::Intelligence, Office::Police];
    let states = world.participants();
    let mut of = Wanted { offices: &all, sea: false }.of(world, &states, &[], &mut cell);
    let mut licence = engine.granted(of, &mut cell);
    for state in states {
        if licence.is_none() {
            (of, licence) = (state, engine.granted(state, &mut cell));
        }
    }
    let person = somebody(world, of, &mut cell);
    let to = cast::embargoed(world, &mut cell);
    let drawn = world.trade.controlled(cell.bits64());
    let goods = licence.as_ref().map_or(drawn, |licence| licence.goods);
    let sector = world.commodities.id(goods).sector;
    let any = world.trade.seller(of, sector, cell.bits64());
    let exporter = licence.as_ref().map_or(any, |licence| licence.exporter);
    let electronic = cell.chance(params.number("medium_electronic", 0.6));
    let days = apart(1 + cell.place(3), &mut cell);
    let document = document(world, of, &mut cell);
    let mut journeys = journeys(world, to, &days, &mut cell);
    let (least, most) = params.range("duration_days", POSTING_DAYS);
    // Who sends files has to stay less long.
    post(&mut journeys, (least, if electronic { most / 4.0 } else { most }), &mut cell);
    let words = &world.commodities.id(goods).words;
    let words = words.at(cell.place(words.len()));
    let content = of_help(&person.name, words, electronic, &mut cell);
    let first_day = world.calendar.first_day();
    let leaves = journeys.first().map_or(first_day, |journey| journey.leaves.day());
    let day =
        (leaves + cell.whole(-25, 40)).clamp(first_day, first_day + world.calendar.days() - 1);
    let told = world.calendar.moment(day, &mut cell);
    let least_cents = world.rates.reported_from_cents;
    let fee = round(cell.lognormal(TRANSFERS) * 100.0);
    let hub = cast::hub(world, &mut cell);
    let reference = REMITTANCES.get(cell.place(REMITTANCES.len()));
    Cast {
        known: Known {
            traveller: Traveller {
                of,
                person,
                document,
                employer: Some(exporter),
                by_holder: licence.is_some(),
                journeys,
            },
            content,
            goods,
            told,
        },
        payer: world.trade.buyer(hub, sector, cell.bits64()),
        licence,
        exporter,
        fee_cents: fee.max(least_cents + least_cents / 2),
        reference: reference.copied().unwrap_or("services"),
        paid: (leaves + cell.whole(-10, 30)).max(first_day),
    }
}

impl Mechanism for Assistance {
    /// Nothing is sent.
    fn roles(_engine: &Engine, _case: u64) -> Vec<Role> {
        vec![]
    }

    fn shape(_engine: &Engine, _case: &Case, _role: usize, _draft: &mut Draft) {}

    fn twist(_engine: &Engine, _case: &Case, _role: usize, _consignment: &mut Consignment) {}

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        cast.known.put(engine, case, out);
        engine.put_transfer(
            &Transfer {
                number: engine.case_transfer(case.number, 0),
                payer: cast.payer,
                payee: cast.exporter,
                cents: cast.fee_cents,
                day: cast.paid,
                reference: cast.reference,
            },
            out,
        );
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let country = engine.world.countries.id(cast.known.traveller.of);
        let agency = |office| country.agency(office).to_owned();
        let shows = [
            "somebody of a firm helps abroad with what it makes",
            "who is sent by the firm leaves for a state under embargo",
        ];
        let mut traces = cast.known.traces(engine, case, shows);
        traces.extend(cast.licence.map(|licence| Trace {
            table: Table::Licence,
            id: engine.licence_id(licence.number, licence.from),
            agency: agency(Office::Licensing),
            holder: Holder::Licensing,
            shows: "the firm's goods need a licence, and it has one for another state",
        }));
        let unit = agency(Office::Fiu);
        traces.extend((!unit.is_empty()).then(|| Trace {
            table: Table::Payment,
            id: engine.transfer_id(engine.case_transfer(case.number, 0)),
            agency: unit,
            holder: Holder::Fiu,
            shows: "a fee comes by way of a hub",
        }));
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::each;
    use super::*;

    #[test]
    fn who_is_told_of_is_sent_under_an_embargo_by_a_firm_whose_licence_is_for_another_state() {
        let (mut electronic, mut long) = (0, 0);
        each(Kind::T26, 40, |engine, case, rows| {
            assert!(case.roles.is_empty() && rows.of(Table::Declaration).is_empty());
            let cast = cast(engine, case.number);
            let (tips, all) = (rows.of(Table::Tip), rows.of(Table::Travel));
            let licence = &rows.of(Table::Licence)[0];
            let [tip] = &tips[..] else { panic!("{tips:?}") };
            assert_eq!(tip["subject_name"], licence["exporter_name"]);
            assert_eq!(tip["hs_code"], licence["hs_code"]);
            let to = engine.world.countries.id(cast.known.traveller.journeys[0].to);
            assert!(to.embargoed);
            assert_ne!(licence["country_of_destination"], to.code);
            let mut free = String::new();
            for row in &all {
                assert_eq!(row["person_name"], tip["subject_person"]);
                assert_eq!(row["employer_name"], tip["subject_name"]);
                assert!([&row["country_from"], &row["country_to"]].contains(&&to.code));
                assert!(row["at"] > free, "on the way while away");
                free.clone_from(&row["at"]);
            }
            let fee = &rows.of(Table::Payment)[0];
            assert_eq!(fee["payee_name"], tip["subject_name"]);
            electronic += usize::from(
                cast.known.content.contains("files") || cast.known.content.contains("mail"),
            );
            long += usize::from(cast.known.traveller.journeys.iter().any(|one| one.days > 20.0));
        });
        assert!((14..34).contains(&electronic), "{electronic} of 40 by mail");
        assert!((8..32).contains(&long), "{long} of 40 stay long");
    }
}
