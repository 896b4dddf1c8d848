//! T22: a listed party behind an alias and a chain of owners.
//!
//! *Mechanism.* A person on a list owns the applicant of an export licence, not openly but through up to three
//! firms, a quarter to a half of each, under a name that is spelt in another way. Who directs the firms holds the
//! rest and is on no list. The licence is granted, and the goods go to a hub.
//!
//! *Traces.* INT: the person on its list. LIC: the licence with its applicant. FIU: who owns whom, up to the person.
//! Screening the applicant's name finds nothing; the register of owners knows no lists.
//!
//! *Parameters* (`schemes.toml`): `edit_distance`, `chain`, `share_percent`.
//!
//! *Innocent likes.* Lists are full of people with no firm here; some listed people own firms that apply for
//! nothing; holdings of several firms and halves, and other spellings, are everyday (`background.rs`, `firms.rs`).
//!
//! *Indicators from public sources.* Office of Foreign Assets Control, "Revised Guidance on Entities Owned by Persons
//! Whose Property and Interests in Property Are Blocked" (13 August 2014): 50 percent in the aggregate; Financial
//! Action Task Force and Egmont Group, "Concealment of Beneficial Ownership" (July 2018): chains of firms, nominees;
//! Financial Action Task Force, "Guidance on Counter Proliferation Financing" (February 2018).

use super::case::{Case, Role};
use super::grant::Application;
use super::mechanism::{Mechanism, Trace};
use super::{Holder, cast};
use crate::shipment::background::GROUNDS;
use crate::shipment::draft::{Draft, round};
use crate::shipment::rows::Listing;
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::{Founding, Office, Owner, Person, spelling};

/// The scheme.
#[derive(Debug)]
pub struct ListedOwner;

struct Cast {
    a: u32,
    b: u32,
    /// State the person is of.
    d: u32,
    trader: u32,
    goods: u32,
    sectors: [usize; 4],
    dollars: f64,
    /// Links from the applicant to the person.
    chain: u64,
    shares: [i64; 4],
    /// As the register of owners has the person.
    registered: Person,
    /// As the list has the person.
    listed: Person,
    aliases: String,
    ground: &'static str,
    listed_before_days: i64,
    orders: usize,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T22"));
    let mut cell = engine.cases.cell(case);
    let (a, b) = (cast::supplier(world, &mut cell), cast::hub(world, &mut cell));
    let d = cast::embargoed(world, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let chain = round(params.within("chain", (1.0, 4.99), &mut cell)).clamp(1, 4);
    let mut share = || round(params.within("share_percent", (25.0, 50.0), &mut cell));
    let shares = [share(), share(), share(), share()];
    let mut place = || cell.place(crate::world::SECTORS);
    let sectors = [sector, place(), place(), place()];
    let letters = round(params.within("edit_distance", (1.0, 6.0), &mut cell));
    let person = world.registrar.person(world.countries.id(d).culture, &mut cell);
    let other = spelling::respell(&person.name, usize::try_from(letters).unwrap_or(1), &mut cell);
    let other = Person { name: other, ..person.clone() };
    // Which of the two is the odd spelling, nobody can tell from one side.
    let (mut registered, listed) = if cell.chance(0.5) { (other, person) } else { (person, other) };
    if cell.chance(0.25) {
        registered.name = spelling::family_first(&registered.name);
    }
    Cast {
        a,
        b,
        d,
        trader: world.trade.small(b, sector, &mut cell),
        goods,
        sectors,
        dollars: cell.between(20_000.0, 350_000.0),
        chain: u64::try_from(chain).unwrap_or(1),
        shares,
        registered,
        aliases: cast::aliases(&listed.name, &mut cell),
        listed,
        ground: GROUNDS.get(cell.place(GROUNDS.len())).copied().unwrap_or_default(),
        listed_before_days: cell.whole(20, 1_500),
        orders: 1 + cell.place(2),
    }
}

impl Cast {
    fn application(&self, engine: &Engine, case: u64) -> Application {
        Application {
            from: self.a,
            to: self.b,
            exporter: engine.case_firm(case, 0),
            consignee: self.trader,
            goods: self.goods,
        }
    }
}

impl Mechanism for ListedOwner {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let days = [0.0, 34.0];
        let orders = cast(engine, case).orders;
        engine.cases.places(days.get(..orders).unwrap_or(&days), engine.period_days())
    }

    fn firm(engine: &Engine, case: u64, place: u64) -> Founding {
        let cast = cast(engine, case);
        let at = cast::at(place);
        let owner = if place + 1 < cast.chain {
            Owner::Firm(engine.case_firm(case, place + 1))
        } else {
            Owner::Person(cast.registered)
        };
        Founding {
            country: cast.a,
            sector: cast.sectors.get(at).copied().unwrap_or_default(),
            owner: Some((owner, cast.shares.get(at).copied().unwrap_or(25))),
            ..Founding::default()
        }
    }

    fn shape(engine: &Engine, case: &Case, _role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        draft.sell((cast.a, cast.b), (engine.case_firm(case.number, 0), cast.trader), cast.goods);
        engine.reprice(draft, cast.dollars);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, _role: usize, consignment: &mut Consignment) {
        let licence = engine.case_licence(case.number, 0);
        consignment.twist.licence = Some(engine.licence_id(licence, consignment.draft.from));
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        for place in 0..cast.chain {
            engine.put_firm(engine.case_firm(case.number, place), place == 0, out);
        }
        let of = cast.application(engine, case.number);
        let licence = engine.case_grant(case, 0, &of);
        engine.put_licence(&licence, None, out);
        engine.put_listing(
            &Listing {
                number: engine.background.listings.of_case(case.number, 0),
                by: cast.a,
                person: &cast.listed,
                aliases: &cast.aliases,
                of: cast.d,
                ground: cast.ground,
                since: licence.applied.day() - cast.listed_before_days,
            },
            out,
        );
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let state = engine.world.countries.id(cast.a);
        let trace = |table, id, office, holder, shows| Trace {
            table,
            id,
            agency: state.agency(office).to_owned(),
            holder,
            shows,
        };
        let licence = engine.licence_id(engine.case_licence(case.number, 0), cast.a);
        let mut traces = vec![trace(
            Table::Licence,
            licence,
            Office::Licensing,
            Holder::Licensing,
            "the applicant",
        )];
        for place in 0..cast.chain {
            let [id, _] = engine.owner_ids(engine.case_firm(case.number, place));
            let shows = "a link from the applicant to the listed person";
            traces.push(trace(Table::Owner, id, Office::Fiu, Holder::Fiu, shows));
        }
        let listing = engine.background.listings.of_case(case.number, 0);
        traces.push(trace(
            Table::WatchlistHit,
            engine.listing_id(listing),
            Office::Intelligence,
            Holder::Intelligence,
            "the person, under another spelling",
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
    fn owners_lead_from_the_applicant_to_a_listed_person_under_another_spelling() {
        let (mut chains, mut letters) = ([0; 5], [0; 7]);
        each(Kind::T22, 40, |engine, case, rows| {
            let licence = &rows.of(Table::Licence)[0];
            let owners = rows.of(Table::Owner);
            let companies = rows.of(Table::Company);
            let mut owned = companies
                .iter()
                .find(|company| company["name"] == licence["exporter_name"])
                .unwrap()["registration_number"]
                .clone();
            let mut chain = 0;
            let person = loop {
                chain += 1;
                let of: Vec<_> = owners.iter().filter(|row| row["owned_id"] == owned).collect();
                let sum: f64 = of.iter().map(|row| number(row, "share_percent")).sum();
                assert!((sum - 100.0).abs() < 1e-9, "{sum} percent of {owned}");
                let director = &companies
                    .iter()
                    .find(|company| company["registration_number"] == owned)
                    .unwrap()["director"];
                let next = of.into_iter().find(|row| row["owner_name"] != *director).unwrap();
                assert!((25.0..=50.0).contains(&number(next, "share_percent")));
                if next["owner_id"].is_empty() {
                    break next;
                }
                owned.clone_from(&next["owner_id"]);
            };
            let listed = &rows.of(Table::WatchlistHit)[0];
            assert_eq!(listed["birth_date"], person["owner_birth_date"]);
            let far = spelling::distance(&listed["listed_name"], &person["owner_name"]);
            assert!((1..=6).contains(&far), "{listed:?} {person:?}");
            assert!(listed["listed_on"] < licence["granted_at"]);
            chains[chain] += 1;
            letters[far] += 1;
            // The goods left after the grant, and no more than it allows.
            let exports = rows.held(
                Table::Declaration,
                engine.world.countries.id(cast(engine, case.number).a).agency(Office::Customs),
            );
            assert!(exports.iter().all(|row| row["licence_id"] == licence["id"]
                && row["accepted_at"] > licence["granted_at"]));
            let sent: f64 = exports.iter().map(|row| number(row, "quantity")).sum();
            assert!((sent - number(licence, "drawn_quantity")).abs() < 0.5);
            assert!(sent <= number(licence, "quantity"));
        });
        assert!(chains[1..].iter().all(|count| *count > 0), "{chains:?}");
        assert!(letters[1..].iter().filter(|count| **count > 0).count() > 4, "{letters:?}");
    }
}
