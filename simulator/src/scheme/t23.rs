//! T23: licence shopping after a denial.
//!
//! *Mechanism.* A licensing authority denies an export to an end user. Weeks or months later somebody applies to the
//! authority of another state for the same end user, consignee, item and quantity, in other words: another trader, or a
//! firm of the same director under another legal form. That authority knows of no denial, grants, and the goods go.
//!
//! *Traces.* LIC: the denial. LIC': the licence. Each is in order where it lies: states, traders, goods, values and
//! quantities are drawn as they are for any other application.
//!
//! *Parameters* (`schemes.toml`): `lag_days`, `other_words`, `other_applicant`.
//!
//! *Innocent likes.* Denials of years to end users that others go on to supply with other goods (`background.rs`);
//! licences for any end user from several states.
//!
//! *Indicators from public sources.* Council Common Position 2008/944/CFSP, article 4: denials are notified, and whoever
//! wants to grant what is essentially identical within three years consults; Wassenaar Arrangement, "Guidelines &
//! Procedures, including the Initial Elements": notification of denials and undercut notifications; Regulation (EU)
//! 2021/821, article 16.

use super::case::{Case, Role};
use super::grant::Application;
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::calendar::Moment;
use crate::shipment::draft::{Draft, round};
use crate::shipment::licence::Licence;
use crate::shipment::rows::Refusal;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::{Founding, Office, Person, spelling};

/// The scheme.
#[derive(Debug)]
pub struct LicenceShopping;

struct Cast {
    /// State that denies, and the one that grants.
    states: [u32; 2],
    b: u32,
    /// Who is denied.
    first: u32,
    /// Who applies elsewhere, of another house; `None` for a firm of the same director.
    other: Option<u32>,
    consignee: u32,
    end_user: u32,
    goods: u32,
    /// Places of words for the item.
    words: [usize; 2],
    lag_days: f64,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T23"));
    let mut cell = engine.cases.cell(case);
    // Who wants to send what where is drawn as it is for any other application: nothing about either is odd.
    let ([a, other_a], b) = cast::two_suppliers(world, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let commodity = world.commodities.id(goods);
    let (sector, ways) = (commodity.sector, commodity.words.len());
    let words = cell.place(ways);
    let another = (words + 1 + cell.place(ways.saturating_sub(1))) % ways.max(1);
    let reworded = cell.chance(params.number("other_words", 0.8));
    let first = world.trade.seller(a, sector, cell.bits64());
    let applicant = world.trade.seller(other_a, sector, cell.bits64());
    Cast {
        states: [a, other_a],
        b,
        first,
        other: cell.chance(params.number("other_applicant", 0.7)).then_some(applicant),
        consignee: world.trade.buyer(b, sector, cell.bits64()),
        end_user: world.trade.small(b, sector, &mut cell),
        goods,
        words: [words, if reworded { another } else { words }],
        lag_days: params.within("lag_days", (7.0, 180.0), &mut cell),
    }
}

impl Cast {
    fn exporter(&self, engine: &Engine, case: u64) -> u32 {
        self.other.unwrap_or_else(|| engine.case_firm(case, 0))
    }

    fn words<'w>(&self, engine: &Engine<'w>, which: usize) -> &'w str {
        let words = &engine.world.commodities.id(self.goods).words;
        words.at(self.words.get(which).copied().unwrap_or_default())
    }

    /// When the first authority denied.
    fn denied(&self, engine: &Engine, case: u64) -> Moment {
        let (applied, _) = engine.case_applied(case, 0);
        let day = applied.day() - round(self.lag_days);
        engine.world.calendar.moment(day, &mut engine.cases.records_cell(case, 0))
    }
}

impl Mechanism for LicenceShopping {
    fn roles(engine: &Engine, _case: u64) -> Vec<Role> {
        engine.cases.places(&[0.0], engine.period_days())
    }

    fn firm(engine: &Engine, case: u64, _place: u64) -> Founding {
        let (world, cast) = (engine.world, cast(engine, case));
        let [from, to] = cast.states;
        let forms = |state: u32| world.registrar.names().forms(world.countries.id(state).culture);
        let first = world.firms.id(cast.first);
        let mut cell = engine.cases.records_cell(case, 1);
        Founding {
            country: to,
            sector: first.sector,
            name: Some(spelling::other_form(&first.name, forms(from), forms(to), &mut cell)),
            director: Some(Person { name: first.director.clone(), born: first.director_born }),
            ..Founding::default()
        }
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let [_, from] = cast.states;
        let exporter = cast.exporter(engine, case.number);
        draft.sell((from, cast.b), (exporter, cast.consignee), cast.goods);
        engine.price(draft, None);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let licence = engine.case_licence(case.number, 0);
        consignment.twist.licence = Some(engine.licence_id(licence, consignment.draft.from));
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        let [denying, granting] = cast.states;
        let exporter = cast.exporter(engine, case.number);
        let of = Application {
            from: granting,
            to: cast.b,
            exporter,
            consignee: cast.consignee,
            goods: cast.goods,
        };
        let licence = Licence { end_user: cast.end_user, ..engine.case_grant(case, 0, &of) };
        engine.put_refusal(
            &Refusal {
                number: engine.background.denials.of_case(case.number, 0),
                state: denying,
                exporter: cast.first,
                consignee: cast.consignee,
                end_user: cast.end_user,
                goods: cast.goods,
                words: cast.words(engine, 0),
                pieces: licence.pieces,
                at: cast.denied(engine, case.number),
            },
            out,
        );
        if cast.other.is_none() {
            engine.put_firm(exporter, true, out);
        }
        engine.put_licence(&licence, Some(cast.words(engine, 1)), out);
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let [denying, granting] = cast.states;
        let licensing =
            |state: u32| engine.world.countries.id(state).agency(Office::Licensing).to_owned();
        let denial = engine.background.denials.of_case(case.number, 0);
        vec![
            Trace {
                table: Table::Licence,
                id: engine.licence_id(engine.case_licence(case.number, 0), granting),
                agency: licensing(granting),
                holder: Holder::OtherLicensing,
                shows: "granted for the end user and item that another state had denied",
            },
            Trace {
                table: Table::Denial,
                id: engine.denial_id(denial, denying),
                agency: licensing(denying),
                holder: Holder::Licensing,
                shows: "denied for the same end user and item before",
            },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::witness::each;
    use super::*;

    #[test]
    fn the_same_end_user_and_item_are_granted_elsewhere_after_a_denial_mostly_in_other_words() {
        let (mut reworded, mut houses) = (0, 0);
        each(Kind::T23, 40, |engine, case, rows| {
            let (denial, licence) = (&rows.of(Table::Denial)[0], &rows.of(Table::Licence)[0]);
            assert_ne!(denial["agency"], licence["agency"]);
            for same in ["end_user_name", "country_of_destination", "hs_code", "control_code"] {
                assert_eq!(denial[same], licence[same], "{same}");
            }
            assert!(denial["denied_at"] < licence["applied_at"]);
            assert!(licence["applied_at"] < licence["granted_at"]);
            assert_ne!(denial["exporter_id"], licence["exporter_id"]);
            reworded += usize::from(denial["description"] != licence["description"]);
            if let Some(company) = rows.of(Table::Company).first() {
                houses += 1;
                let first = engine.firm(cast(engine, case.number).first);
                assert_eq!(company["director"], first.director);
                assert_eq!(company["name"], licence["exporter_name"]);
                assert_ne!(company["name"], first.name);
            }
            let [(_, number)] = case.consignments(engine)[..] else { panic!("one consignment") };
            let consignment = engine.consignment(number);
            let granted = engine.case_applied(case.number, 0);
            assert!(consignment.draft.accepted > granted.0.plus_days(granted.1));
        });
        assert!((24..40).contains(&reworded), "{reworded} of 40 in other words");
        assert!((5..20).contains(&houses), "{houses} of 40 by a firm of the same house");
    }
}
