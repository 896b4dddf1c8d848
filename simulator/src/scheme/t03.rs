//! T03: a new front company.
//!
//! *Mechanism.* A firm in a hub is put on a list. Soon there is a new one of the same people: the same director, address or phone, a
//! name that reminds of the first. It has an account, and its first order is a large one of goods that may be controlled; the
//! exporter's application names it as end user and comes back, for goods of that grade need no licence. Ordinary orders follow,
//! and trade in other goods beside them.
//!
//! *Traces.* XC: exports to a consignee of whom nobody has heard. FIU of the hub: when it was registered, with whom it has what
//! in common, and that it pays. LIC: the application that names it. INT: the listed firm of a like name.
//!
//! *Parameters* (`schemes.toml`): `age_days`, `name_likeness`, `shared_director`.
//!
//! *Innocent likes* (`young.rs`). New firms of people who have another one and buy at home; young importers whose older firm is
//! idle; listed firms of no like; small buyers who are met once.
//!
//! *Indicators from public sources.* Bureau of Industry and Security and Financial Crimes Enforcement Network, joint alert of
//! May 2023: companies set up after 24 February 2022, new accounts, first orders of high-priority goods; Bureau of Industry and
//! Security, "Know Your Customer Guidance and Red Flags" (Supplement No. 3 to 15 CFR 732); Financial Action Task Force and
//! Egmont Group, "Concealment of Beneficial Ownership" (July 2018): shared directors and addresses.

use super::Holder;
use super::case::{Case, Role};
use super::coast::{Wanted, trading, usual_dollars};
use super::grant::Application;
use super::mechanism::{Mechanism, Trace};
use crate::shipment::background::{GROUNDS, usual_pieces};
use crate::shipment::draft::{Draft, round};
use crate::shipment::licence::{Licence, Outcome};
use crate::shipment::rows::Listing;
use crate::shipment::young::{LIKENESS, SHARED, Shares, Sibling, is_old, other_names, reminding};
use crate::shipment::{Consignment, Engine};
use crate::table::{Out, Table};
use crate::world::{Founding, Office};

/// The scheme.
#[derive(Debug)]
pub struct FrontCompany;

/// The first order, US dollars.
const LARGE: (f64, f64) = (30_000.0, 3e6);
/// Days between orders.
const APART: f64 = 21.0;
/// Orders at most.
const ORDERS: usize = 2;
/// Consignments of other goods at most, and days after the first order.
const OTHER: usize = 6;
const OTHER_DAYS: (f64, f64) = (2.0, 84.0);

struct Cast {
    a: u32,
    b: u32,
    /// The listed firm.
    first: u32,
    shares: Shares,
    name: String,
    age_days: i64,
    exporter: u32,
    goods: u32,
    dollars: f64,
    orders: usize,
    /// Days after the first order on which other goods leave for it: every importer buys something of everything.
    others: Vec<f64>,
    /// Days from the listing to when the new firm was founded.
    listed_days: i64,
    ground: &'static str,
    aliases: String,
}

fn cast(engine: &Engine, case: u64) -> Cast {
    let (world, params) = (engine.world, engine.world.schemes.parameters("T03"));
    let mut cell = engine.cases.cell(case);
    let all = [Office::Customs, Office::Licensing, Office::Intelligence];
    let from = Wanted { offices: &all, sea: false };
    let to = Wanted { offices: &[Office::Fiu], sea: false };
    let (a, b) = trading(world, from, to, &mut cell);
    let goods = world.trade.controlled(cell.bits64());
    let sector = world.commodities.id(goods).sector;
    let drawn = [(); 32].map(|()| world.trade.buyer(b, sector, cell.bits64()));
    let old = drawn.into_iter().find(|firm| is_old(world, *firm));
    let first = old.unwrap_or_else(|| world.trade.buyer(b, sector, cell.bits64()));
    let shares = Shares::drawn(params.number("shared_director", SHARED.0), &mut cell);
    let likeness = params.range("name_likeness", LIKENESS);
    let name = reminding(world, world.firms.id(first), likeness, &mut cell);
    let listed = &world.firms.id(first).name;
    Cast {
        a,
        b,
        first,
        shares,
        name,
        age_days: round(params.within("age_days", (5.0, 400.0), &mut cell)),
        exporter: world.trade.seller(a, sector, cell.bits64()),
        goods,
        dollars: usual_dollars(world, LARGE, &mut cell),
        orders: 1 + cell.place(ORDERS),
        others: (0..cell.place(OTHER + 1))
            .map(|_| cell.between(OTHER_DAYS.0, OTHER_DAYS.1))
            .collect(),
        listed_days: cell.whole(10, 250),
        ground: GROUNDS.get(cell.place(GROUNDS.len())).copied().unwrap_or_default(),
        aliases: other_names(listed, &mut cell),
    }
}

/// When the new firm was founded: before anybody applied for a licence that names it.
fn founded(engine: &Engine, case: u64, cast: &Cast) -> i64 {
    let (applied, _) = engine.case_applied(case, 0);
    (engine.case_begins(case).day() - cast.age_days).min(applied.day() - 2)
}

impl Mechanism for FrontCompany {
    fn roles(engine: &Engine, case: u64) -> Vec<Role> {
        let cast = cast(engine, case);
        let orders = (0_u32..).take(cast.orders).map(|order| f64::from(order) * APART);
        let days: Vec<f64> = orders.chain(cast.others).collect();
        engine.cases.places(&days, engine.period_days())
    }

    fn firm(engine: &Engine, case: u64, _place: u64) -> Founding {
        let cast = cast(engine, case);
        let founded = founded(engine, case, &cast);
        let Cast { first, shares, name, .. } = cast;
        Sibling { first, shares, name, founded }.founding(engine)
    }

    fn shape(engine: &Engine, case: &Case, role: usize, draft: &mut Draft) {
        let cast = cast(engine, case.number);
        let front = engine.case_firm(case.number, 0);
        if role < cast.orders {
            draft.sell((cast.a, cast.b), (cast.exporter, front), cast.goods);
        } else {
            let mut cell = engine.cases.records_cell(case.number, 2 + role as u64);
            let drawn = (0..400).map(|_| engine.world.trade.goods(cell.bits64()));
            let is_free = |goods: &u32| !engine.world.commodities.id(*goods).controlled();
            let goods = { drawn }.find(is_free).unwrap_or(cast.goods);
            let sector = engine.world.commodities.id(goods).sector;
            let seller = engine.world.trade.seller(cast.a, sector, cell.bits64());
            draft.sell((cast.a, cast.b), (seller, front), goods);
        }
        if role == 0 {
            engine.reprice(draft, cast.dollars);
        } else {
            engine.price(draft, None);
        }
        engine.choose_agents(draft);
    }

    fn twist(_engine: &Engine, _case: &Case, _role: usize, _consignment: &mut Consignment) {}

    fn records<O: Out>(engine: &Engine, case: &Case, out: &mut O) {
        let cast = cast(engine, case.number);
        let front = engine.case_firm(case.number, 0);
        engine.put_firm(front, true, out);
        let of = Application {
            from: cast.a,
            to: cast.b,
            exporter: cast.exporter,
            consignee: front,
            goods: cast.goods,
        };
        let mut cell = engine.cases.records_cell(case.number, 1);
        let goods = engine.world.commodities.id(cast.goods);
        let pieces = usual_pieces(goods, engine.world.rates.value, &mut cell);
        let asked = engine.case_grant_for(case, cast.orders, 0, &of);
        engine.put_licence(&Licence { pieces, outcome: Outcome::Returned, ..asked }, None, out);
        let listed = engine.background.young.listed.of_case(case.number, 0);
        engine.put_listing(
            &Listing {
                id: &engine.listed_firm_id(listed),
                by: cast.a,
                name: &engine.firm(cast.first).name,
                born: None,
                aliases: &cast.aliases,
                of: cast.b,
                ground: cast.ground,
                since: founded(engine, case.number, &cast) - cast.listed_days,
            },
            out,
        );
    }

    fn traces(engine: &Engine, case: &Case) -> Vec<Trace> {
        let cast = cast(engine, case.number);
        let agency =
            |state: u32, office| engine.world.countries.id(state).agency(office).to_owned();
        let (customs, unit) = (agency(cast.a, Office::Customs), agency(cast.b, Office::Fiu));
        let mut traces = vec![];
        let orders = case.consignments(engine).into_iter().filter(|(role, _)| *role < cast.orders);
        for (_, number) in orders {
            let consignment = engine.consignment(number);
            traces.push(Trace {
                table: Table::Declaration,
                id: engine.export_id(&consignment.draft),
                agency: customs.clone(),
                holder: Holder::ExportCustoms,
                shows: "controlled goods for a consignee of whom nobody has heard",
            });
            for id in engine.paid_by(&consignment, cast.b) {
                traces.push(Trace {
                    table: Table::Payment,
                    id,
                    agency: unit.clone(),
                    holder: Holder::Fiu,
                    shows: "its account pays",
                });
            }
        }
        let front = engine.firm(engine.case_firm(case.number, 0));
        traces.push(Trace {
            table: Table::Company,
            id: format!("CR-{}", front.company_number),
            agency: unit,
            holder: Holder::Fiu,
            shows: "registered lately, with something in common with another firm",
        });
        traces.push(Trace {
            table: Table::Licence,
            id: engine.licence_id(engine.case_licence(case.number, 0), cast.a),
            agency: agency(cast.a, Office::Licensing),
            holder: Holder::Licensing,
            shows: "names it as end user",
        });
        let listed = engine.background.young.listed.of_case(case.number, 0);
        traces.push(Trace {
            table: Table::WatchlistHit,
            id: engine.listed_firm_id(listed),
            agency: agency(cast.a, Office::Intelligence),
            holder: Holder::Intelligence,
            shows: "a listed firm of a like name",
        });
        traces
    }
}

#[cfg(test)]
mod tests {
    use super::super::witness::{each, number, whole};
    use super::super::{Kind, Request};
    use super::*;
    use crate::world::spelling::{likeness, plain};

    #[test]
    fn a_new_firm_of_a_listed_ones_people_buys_a_lot() {
        let (mut shared, mut ages, mut orders) = ([0; 3], vec![], [0; ORDERS + 1]);
        each(Kind::T03, 40, |engine, case, rows| {
            let cast = cast(engine, case.number);
            let companies = rows.of(Table::Company);
            let [front] = &companies[..] else { panic!("{companies:?}") };
            let listed = &rows.of(Table::WatchlistHit)[0];
            let first = engine.firm(cast.first);
            assert_eq!(listed["listed_name"], first.name);
            assert!(listed["birth_date"].is_empty());
            assert!(listed["listed_on"] < front["registered_on"], "{listed:?} {front:?}");
            let alike = likeness(&front["name"], &first.name);
            assert!((0.3..=0.99).contains(&alike), "{alike} {} {}", front["name"], first.name);
            let common = [
                front["director"] == first.director,
                front["street"] == first.street,
                front["phone"] == first.phone,
            ];
            assert_eq!(common.iter().filter(|it| **it).count(), 1, "{front:?}");
            for (count, it) in shared.iter_mut().zip(common) {
                *count += usize::from(it);
            }
            let licence = &rows.of(Table::Licence)[0];
            assert_eq!(
                (&licence["end_user_name"], &*licence["status"]),
                (&front["name"], "RETURNED")
            );
            let customs = engine.world.countries.id(cast.a).agency(Office::Customs);
            let exports = rows.held(Table::Declaration, customs);
            assert_eq!(exports.len(), case.roles.len());
            let ordered = exports.iter().filter(|row| row["hs_code"] == licence["hs_code"]);
            orders[ordered.count()] += 1;
            for export in &exports {
                assert_eq!(plain(&export["importer_name"]), plain(&front["name"]));
                assert!(export["licence_id"].is_empty());
                assert!(export["accepted_at"] > licence["decided_at"]);
                assert!(export["accepted_at"] > front["registered_on"]);
            }
            assert!(exports.iter().map(|row| number(row, "value")).fold(0.0, f64::max) > 25_000.0);
            ages.push(cast.age_days);
        });
        assert!(shared.iter().all(|count| *count > 3), "{shared:?}");
        assert!(orders[1..].iter().all(|count| *count > 3), "{orders:?}");
        ages.sort_unstable();
        assert!(ages[0] < 60 && ages[39] > 340, "{ages:?}");
    }

    #[test]
    fn new_firms_and_listed_firms_are_everyday() {
        let rows = whole(5, Request { kinds: vec![(Kind::T03, 1)], singles: vec![] });
        let companies = rows.of(Table::Company);
        let payments = rows.of(Table::Payment);
        let mut by_director = std::collections::BTreeMap::<&str, Vec<&_>>::new();
        for company in &companies {
            by_director.entry(&company["director"]).or_default().push(company);
        }
        let twice: Vec<_> = by_director.values().filter(|all| all.len() > 1).collect();
        let unknown = payments.iter().filter(|row| !row["invoice_id"].is_empty());
        let invoices: std::collections::BTreeSet<String> =
            rows.of(Table::Invoice).into_iter().map(|row| row["id"].clone()).collect();
        let unknown = unknown.filter(|row| !invoices.contains(&row["invoice_id"])).count();
        let listed = rows.of(Table::WatchlistHit);
        let firms = listed.iter().filter(|row| row["birth_date"].is_empty()).count();
        assert!(twice.len() > 15, "{} directors of two firms", twice.len());
        assert!(unknown > 30, "{unknown} payments for what nobody here has seen");
        assert!((100..200).contains(&firms), "{firms} listed firms");
    }
}
