//! New companies. Whoever founds a firm has often had one before: the same director, address or phone, a name that reminds of the
//! first. Most of them are what they say, buy at home or from states that take no part, and some firms that trade are younger than
//! one of the same people that does nothing any more. Services keep lists of firms as well as of people. Without these, a
//! register or a list would tell a front company (T03).

use super::Engine;
use super::background::{GROUNDS, listed_days, listed_state, usual_pieces};
use super::ids::{Series, numbered};
use super::licence::{DECIDED_DAYS, Licence, Outcome};
use super::rows::{Listing, Transfer};
use crate::calendar::{DAY, Moment};
use crate::permute::Permutation;
use crate::rng::{Cell, Seed, Stream};
use crate::scheme::coast::usual_dollars;
use crate::scheme::{Cases, Kind, cast};
use crate::table::Out;
use crate::world::{Firm, Founding, Person, SECTORS, World, spelling};

/// New firms for each thousand consignments that trade with nobody here.
const NEW: f64 = 24.0;
/// Firms on lists for each thousand consignments.
const LISTED: f64 = 12.0;
/// Share of the former that are the older of two: the younger trades.
const OLDER: f64 = 0.008;
/// Days from the first of the period to when new firms are founded, at least; they are at most a few weeks old at its end.
const FOUNDED: (i64, i64) = (-400, -30);
/// Shares of siblings with the same director, and of the others with the same address.
pub const SHARED: (f64, f64) = (0.5, 0.5);
/// How alike the names of siblings are.
pub const LIKENESS: (f64, f64) = (0.4, 0.9);
/// Payments of a new firm.
const PAYMENTS: u64 = 6;
/// Share of what a new firm pays for that it pays for in two parts.
const IN_ADVANCE: f64 = 0.4;
/// Applications for users that are met once, for each thousand consignments, that came back because none was needed.
const ASKED: f64 = 16.0;
/// Share of those whose user is a new firm.
const ASKED_FOR_NEW: f64 = 0.3;

/// Registers of new firms and of listed ones.
#[derive(Debug)]
pub struct Young {
    /// New firms.
    pub count: u64,
    /// Firms on lists.
    pub listed: Series,
    /// Applications for users that are met once.
    pub asked: u64,
    ask: Stream,
    asked_number: Permutation,
    draw: Stream,
    paid: Stream,
    list: Stream,
    invoice: Permutation,
}

/// A firm of people who have another one.
#[derive(Debug, Clone)]
pub struct Sibling {
    /// The other.
    pub first: u32,
    /// What they have in common.
    pub shares: Shares,
    /// Its name.
    pub name: String,
    /// Day it was founded, since 1970.
    pub founded: i64,
}

/// What two firms have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shares {
    /// Who acts for them.
    Director,
    /// Where they are.
    Address,
    /// By which number they are called.
    Phone,
}

impl Shares {
    /// Drawn, by the share of siblings with the same director.
    pub fn drawn(director: f64, cell: &mut Cell) -> Self {
        match (cell.chance(director), cell.chance(SHARED.1)) {
            (true, _) => Self::Director,
            (false, true) => Self::Address,
            (false, false) => Self::Phone,
        }
    }
}

impl Young {
    /// Those of a world of so many consignments and cases. Where no front company is asked for there are none: other worlds stay
    /// what they were certified as.
    pub fn new(seed: Seed, consignments: u64, all: &Cases) -> Self {
        let (cases, wanted) = (all.count(), all.has(Kind::T03));
        let rate = |rate| match wanted {
            true => super::background::by_thousand(rate, consignments),
            false => 0,
        };
        Self {
            count: rate(NEW),
            listed: Series::new(seed, "id.listing.firm", rate(LISTED), cases),
            asked: rate(ASKED).min(consignments),
            ask: Stream::new(seed, "background.asked"),
            asked_number: Permutation::new(seed, "background.asked.number", consignments.max(1)),
            draw: Stream::new(seed, "background.new_firm"),
            paid: Stream::new(seed, "background.new_firm.payment"),
            list: Stream::new(seed, "background.listed_firm"),
            invoice: Permutation::new(seed, "background.new_firm.invoice", consignments.max(1)),
        }
    }
}

/// A name that reminds of a firm's, about as alike as is wanted.
pub fn reminding(
    world: &World,
    first: &Firm,
    (least, most): (f64, f64),
    cell: &mut Cell,
) -> String {
    let culture = world.countries.id(first.country).culture;
    let wanted = cell.between(least, most);
    let stem = first.name.split(' ').next().unwrap_or_default();
    let mut best = (f64::MAX, first.name.clone());
    for round in 0..9_usize {
        let drawn = world.registrar.names().firm(culture, first.sector, cell);
        let name = match round % 3 {
            0 => {
                let rest = drawn.split_once(' ').map_or("", |(_, rest)| rest);
                format!("{stem} {rest}")
            }
            1 => spelling::respell(&first.name, 1 + cell.place(6), cell),
            _ => drawn,
        };
        let off = (spelling::likeness(&name, &first.name) - wanted).abs();
        if off < best.0 && name != first.name {
            best = (off, name);
        }
    }
    best.1
}

impl Sibling {
    /// How it was founded.
    pub fn founding(self, engine: &Engine) -> Founding {
        let first = engine.firm(self.first);
        let director = Person { name: first.director.clone(), born: first.director_born };
        let address = (first.street.clone(), first.city.clone(), first.postcode.clone());
        let of = |shares: Shares| self.shares == shares;
        Founding {
            country: first.country,
            sector: first.sector,
            name: Some(self.name),
            founded: Some(self.founded),
            director: of(Shares::Director).then_some(director),
            address: of(Shares::Address).then_some(address),
            phone: of(Shares::Phone).then(|| first.phone.clone()),
            ..Founding::default()
        }
    }
}

impl Engine<'_> {
    /// A new firm of no case, and whether it trades: the older of two does nothing any more.
    fn sibling(&self, number: u64) -> (Sibling, bool) {
        let (world, mut cell) = (self.world, self.background.young.draw.row(number));
        let begins = world.calendar.first_day();
        let last = begins + world.calendar.days() + FOUNDED.1;
        let founded = cell.whole(begins + FOUNDED.0, last);
        let drawn = (0..64).map(|_| some_buyer(world, &mut cell));
        let mut first = { drawn }.find(|firm| is_old(world, *firm)).unwrap_or_default();
        let mut found = None;
        if cell.chance(OLDER) {
            // One in a hundred is as young as that; whoever buys much is known for it.
            let drawn = (0..400).map(|_| small_buyer(world, &mut cell));
            found = { drawn }.find(|firm| (begins + FOUNDED.0..last).contains(&born(world, *firm)));
            first = found.unwrap_or(first);
        }
        let founded = match found {
            Some(firm) => born(world, firm) - cell.whole(200, 6_000),
            None => founded,
        };
        let shares = Shares::drawn(SHARED.0, &mut cell);
        let name = reminding(world, world.firms.id(first), LIKENESS, &mut cell);
        (Sibling { first, shares, name, founded }, found.is_none())
    }

    fn new_firm(&self, number: u64) -> u32 {
        self.idle_firm(self.background.groups() + number, 0)
    }

    /// How a new firm of no case was founded.
    pub(super) fn new_founding(&self, number: u64) -> Founding {
        self.sibling(number).0.founding(self)
    }

    /// Writes a new firm, and what it pays for: at home, or to states that take no part, so that nobody has the invoice.
    pub(super) fn put_new_firm<O: Out>(&self, number: u64, out: &mut O) {
        let world = self.world;
        let firm = self.new_firm(number);
        self.put_firm(firm, true, out);
        let (sibling, pays) = self.sibling(number);
        let mut cell = self.background.young.paid.row(number);
        if !pays {
            return;
        }
        let (of, sector) = {
            let one = world.firms.id(sibling.first);
            (one.country, one.sector)
        };
        let begins = world.calendar.first_day();
        let end = begins + world.calendar.days() - 1;
        // The rest of what was paid for in advance: invoice, to whom, when.
        let mut open: Option<(u64, u32, i64)> = None;
        let invoices = &self.background.young.invoice;
        for place in 0..=cell.bits64() % PAYMENTS {
            let payment = number * PAYMENTS + place;
            let (invoice, payee, day) = open.take().unwrap_or_else(|| {
                let days = crate::calendar::whole(cast::log_even(1.0, 150.0, &mut cell));
                let from = if cell.chance(0.5) { of } else { self.abroad(of, &mut cell) };
                let payee = world.trade.seller(from, sector, cell.bits64());
                let invoice = invoices.apply(payment % self.consignments.max(1));
                (invoice, payee, sibling.founded.max(begins) + days)
            });
            let least = world.rates.reported_from_cents;
            let bounds = (least as f64 / 100.0, 5e6);
            let dollars = usual_dollars(world, bounds, &mut cell);
            let cents = super::draft::round(dollars * 100.0).max(least);
            if cell.chance(IN_ADVANCE) {
                open = Some((invoice, payee, day + cell.whole(20, 70)));
            }
            let Some(number) = self.unused_transfer(payment).filter(|_| day <= end) else {
                continue;
            };
            let invoice = self.ids.paper.apply(self.consignments + invoice);
            let invoice = numbered("INV-", invoice, "");
            let word = if self.transfer_id(number).ends_with("-1") { "advance" } else { "balance" };
            let reference = format!("{invoice} {word}");
            let transfer =
                Transfer { number, payer: firm, payee, cents, day, reference: &reference };
            self.put_paid(&transfer, &invoice, out);
        }
    }

    /// Writes an application for a user who is met once, that came back: goods of that grade need no licence.
    pub(super) fn put_asked<O: Out>(&self, number: u64, out: &mut O) {
        let (world, young) = (self.world, &self.background.young);
        let (row, mut cell) = (young.asked_number.apply(number), young.ask.row(number));
        if !self.is_no_licence(row) {
            return;
        }
        let (from, to) = cast::partners(world, &mut cell);
        let goods = world.trade.controlled(cell.bits64());
        let commodity = world.commodities.id(goods);
        let user = world.trade.small(to, commodity.sector, &mut cell);
        let new = [(); 32].map(|()| self.new_firm(cell.bits64() % young.count.max(1)));
        let new = new.into_iter().find(|firm| self.firm(*firm).country == to);
        let user = new.filter(|_| cell.chance(ASKED_FOR_NEW)).unwrap_or(user);
        let day = world.calendar.first_day() + cell.whole(-60, world.calendar.days() - 1);
        let decided = Moment(day * DAY).plus_days(cell.unit());
        let days = cell.lognormal(world.rates.licence_days).clamp(DECIDED_DAYS.0, DECIDED_DAYS.1);
        let asked = Licence {
            number: row,
            from,
            to,
            exporter: world.trade.seller(from, commodity.sector, cell.bits64()),
            consignee: user,
            end_user: user,
            goods,
            pieces: usual_pieces(commodity, world.rates.value, &mut cell),
            applied: decided.plus_days(-days),
            decided_days: days,
            outcome: Outcome::Returned,
            rounds: vec![],
        };
        self.put_licence(&asked, None, out);
    }

    /// The id of a listed firm: behind those of people.
    pub fn listed_firm_id(&self, number: u64) -> String {
        numbered("WL-", self.background.listings.length() + number, "")
    }

    /// Writes a firm on a list that no case is about.
    pub(super) fn put_some_listed_firm<O: Out>(&self, number: u64, out: &mut O) {
        let (world, young) = (self.world, &self.background.young);
        let mut cell = young.list.row(number);
        let by = cast::participant(world, &mut cell);
        let known = world.firms.id(some_buyer(world, &mut cell));
        let of = listed_state(world, &mut cell);
        let culture = world.countries.id(of).culture;
        let drawn = world.registrar.names().firm(culture, cell.place(SECTORS), &mut cell);
        let (name, of) = if cell.chance(0.5) { (&known.name, known.country) } else { (&drawn, of) };
        let aliases = other_names(name, &mut cell);
        let since = world.calendar.first_day() - listed_days(&mut cell);
        let id = self.listed_firm_id(young.listed.of(number));
        let ground = GROUNDS.get(cell.place(GROUNDS.len())).copied().unwrap_or_default();
        let born = None;
        self.put_listing(
            &Listing { id: &id, by, name, born, aliases: &aliases, of, ground, since },
            out,
        );
    }
}

/// Up to two other spellings of a firm's name, `;` between them.
pub fn other_names(name: &str, cell: &mut Cell) -> String {
    let all: Vec<String> =
        (0..cell.place(3)).map(|_| spelling::respell(name, 1 + cell.place(4), cell)).collect();
    all.join(";")
}

fn some_buyer(world: &World, cell: &mut Cell) -> u32 {
    let state = cast::participant(world, cell);
    world.trade.buyer(state, cell.place(SECTORS), cell.bits64())
}

/// Whether a firm is older than any that is called new.
pub fn is_old(world: &World, firm: u32) -> bool {
    born(world, firm) < world.calendar.first_day() + 2 * FOUNDED.0
}

fn small_buyer(world: &World, cell: &mut Cell) -> u32 {
    let state = cast::participant(world, cell);
    world.trade.small_buyer(state, cell.place(SECTORS), cell)
}

fn born(world: &World, firm: u32) -> i64 {
    world.firms.id(firm).founded
}
