//! T22: a listed party behind an alias and a chain of owners.
//!
//! *Mechanism.* A person on a list owns the applicant of an export licence, not openly but through up to three
//! firms, a quarter to a half of each, under a name that is spelt in another way. Who directs the firms holds the
//! rest and is on no list. The licence is granted, and the goods go to a hub, among other trade of the firm that needs
//! none.
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
use crate::rng::Cell;
use crate::shipment::background::{GROUNDS, listed_days, listed_state};
use crate::shipment::draft::{Draft, round};
use crate::shipment::orders::{APART_DAYS, parts};
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
    /// Links from the applicant to the person.
    chain: u64,
    shares: [i64; 4],
    /// As the register of owners has the person.
    registered: Person,
    /// As the list has the person.
    listed: Person,
    aliases: String,
    ground: &'static str,
    /// Days before the period began.
    listed_days: [i64; 8],
    orders: usize,
    /// Days after the first order of the firm's other trade.
    trade: Vec<f64>,
}

/// Days by which the person was listed before somebody applied, at least.
const LISTED_BEFORE: i64 = 20;
/// Most consignments of the firm's other trade.
const MOST_TRADE: usize = 10;

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T22"));
    let mut cell = engine.cases.cell(case);
    let (a, b) = (cast::supplier(world, &mut cell), cast::hub(world, &mut cell));
    let d = listed_state(world, &mut cell);
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
        chain: u64::try_from(chain).unwrap_or(1),
        shares,
        registered,
        aliases: cast::aliases(&listed.name, &mut cell),
        listed,
        ground: GROUNDS.get(cell.place(GROUNDS.len())).copied().unwrap_or_default(),
        listed_days: [(); 8].map(|()| listed_days(&mut cell)),
        orders: parts(&mut cell),
        trade: (0..cell.place(MOST_TRADE + 1)).map(|_| cell.between(0.0, 200.0)).collect(),
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

    /// Since when the person is listed: before somebody applied.
    fn since(&self, engine: &Engine, applied: i64) -> i64 {
        let first = engine.world.calendar.first_day();
        let days = self.listed_days.map(|days| first - days).into_iter();
        let latest = applied - LISTED_BEFORE;
        { days }.find(|day| *day <= latest).unwrap_or(latest)
    }

    /// Something that the firm sells beside, as others do: where to, what, and to whom.
    fn other_trade(&self, engine: &Engine, cell: &mut Cell) -> (u32, u32, u32) {
        let world = engine.world;
        let goods = (0..400).map(|_| world.trade.goods(cell.bits64()));
        let goods = { goods }.find(|goods| !world.commodities.id(*goods).controlled());
        let pairs = (0..4_000).map(|_| world.trade.pair(cell.bits64()));
        let embargoed = |state: u32| world.countries.id(state).embargoed;
        let pair = { pairs }.find(|(from, to)| *from == self.a && !embargoed(*to));
        let (goods, to) = (goods.unwrap_or(self.goods), pair.map_or(self.b, |(_, to)| to));
        let sector = world.commodities.id(goods).sector;
        (to, goods, world.trade.buyer(to, sector, cell.bits64()))
    }
}

impl Mechanism for ListedOwner {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let cast = cast(engine, case);
        let orders = (0_u32..).take(cast.orders).map(|part| f64::from(part) * APART_DAYS);
        let days: Vec<f64> = orders.chain(cast.trade).collect();
        engine.cases.places(&days, engine.period_days())
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

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let exporter = engine.case_firm(case.number, 0);
        if role < cast.orders {
            draft.sell((cast.a, cast.b), (exporter, cast.trader), cast.goods);
        } else {
            let mut cell = engine.cases.records_cell(case.number, 2 + role as u64);
            let (to, goods, buyer) = cast.other_trade(engine, &mut cell);
            draft.sell((cast.a, to), (exporter, buyer), goods);
        }
        engine.price(draft, None);
        engine.choose_agents(draft);
    }

    fn twist(engine: &Engine, case: &Case, role: usize, consignment: &mut Consignment) {
        if role >= cast(engine, case.number).orders {
            return;
        }
        let licence = engine.case_licence(case.number, 0);
        consignment.twist.licence = Some(engine.licence_id(licence, consignment.draft.from));
    }

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        for place in 0..cast.chain {
            engine.put_firm(engine.case_firm(case.number, place), place == 0, out);
        }
        let of = cast.application(engine, case.number);
        let licence = engine.case_grant_for(case, cast.orders, 0, &of);
        engine.put_licence(&licence, None, out);
        engine.put_listing(
            &Listing {
                id: &engine.listing_id(engine.background.listings.of_case(case.number, 0)),
                by: cast.a,
                name: &cast.listed.name,
                born: Some(cast.listed.born),
                aliases: &cast.aliases,
                of: cast.d,
                ground: cast.ground,
                since: cast.since(engine, licence.applied.day()),
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
            assert!(exports.iter().all(|row| row["accepted_at"] > licence["granted_at"]));
            let (exports, others): (Vec<_>, Vec<_>) =
                exports.iter().partition(|row| row["licence_id"] == licence["id"]);
            // A firm with no other trade would show by that alone.
            assert!(!exports.is_empty() && others.len() <= MOST_TRADE);
            assert!(others.iter().all(|row| row["licence_id"].is_empty()));
            assert!(others.iter().all(|row| row["exporter_name"] == licence["exporter_name"]));
            let sent: f64 = exports.iter().map(|row| number(row, "quantity")).sum();
            assert!((sent - number(licence, "drawn_quantity")).abs() < 0.5);
            assert!(sent <= number(licence, "quantity"));
        });
        assert!(chains[1..].iter().all(|count| *count > 0), "{chains:?}");
        assert!(letters[1..].iter().filter(|count| **count > 0).count() > 4, "{letters:?}");
    }
}
