//! What registers hold that belongs to no consignment and no case: listed people who do nothing here, applications
//! refused in good order, payments for services, holdings that own little. Without it the mere existence of such a
//! row would tell a case. Counted by the size of the world, so that the share of what belongs to cases stays.

use super::Engine;
use super::classification;
use super::ids::Series;
use super::passing::Passing;
use super::people::{People, TIPS, TRAVELLERS};
use super::rows::{Listing, REMITTANCES, Refusal, Transfer};
use super::young::Young;
use crate::calendar::whole;
use crate::draw::LogNormal;
use crate::permute::Permutation;
use crate::rng::{Cell, Seed, Stream};
use crate::scheme::{Cases, cast};
use crate::table::Out;
use crate::world::{Commodity, Founding, Owner, Person, World, registered, spelling};

/// Rows for each thousand consignments: people on lists.
const LISTED: f64 = 3.0;
/// Refusals of the last two years and this one that no licence of the file belongs to.
const REFUSED: f64 = 5.0;
/// Catch-all notices to exporters who then sent nothing.
const NOTICES: f64 = 10.0;
/// Share of notices by states that are no hub, share of them for end users in a hub, and share of them for end users
/// whom nobody else supplies.
const USUAL_NOTICE: f64 = 0.85;
/// Chains of payments for no consignment.
const CHAINS: f64 = 30.0;
/// Amounts of payments for no consignment, US dollars.
pub const TRANSFERS: LogNormal = LogNormal { median: 45_000.0, sigma: 1.2 };
/// Groups of firms that hold one another and trade little or nothing.
const GROUPS: f64 = 2.0;

/// Most payments of a chain, and most firms of a group.
pub const LINKS: u64 = 4;
/// Days before the period from which registers reach back.
const YEARS_BACK: i64 = 730;
/// Payments of a chain come this far apart at most, days.
const CHAIN_DAYS: i64 = 4;

/// Grounds of listings.
pub const GROUNDS: [&str; 5] = [
    "procurement for a weapons programme",
    "military end user",
    "evasion of sanctions",
    "diversion of controlled goods",
    "front for a listed entity",
];

/// Registers and how much of them belongs to nobody's case.
#[derive(Debug)]
pub struct Background {
    /// Listings.
    pub listings: Series,
    /// Denials: those of the world's licences first, by the licence's number.
    pub denials: Series,
    licences: u64,
    groups: u64,
    pub(super) checks: u64,
    pub(super) returned: u64,
    movements: u64,
    /// Rulings on classification, and how many of them belong to nothing.
    pub rulings: Series,
    pub(super) some_rulings: u64,
    /// Consignments whose numbers the movements have that are called off.
    pub(super) called_off: Permutation,
    notices: u64,
    /// Who travels, and what services are told.
    pub people: People,
    /// Ships whose cargo nobody declares here.
    pub(super) passing: Passing,
    /// New firms, and listed ones.
    pub young: Young,
    draws: Draws,
}

#[derive(Debug)]
struct Draws {
    listing: Stream,
    refusal: Stream,
    notice: Stream,
    chain: Stream,
    group: Stream,
    owner: Stream,
    called_off: Stream,
    ruling: Stream,
    returned: Stream,
}

/// Numbers for transfers of the background: [`LINKS`] for each chain.
pub fn transfers(consignments: u64) -> u64 {
    by_thousand(CHAINS, consignments) * LINKS
}

/// So many for each thousand consignments, and a few in the smallest world.
pub(super) fn by_thousand(rate: f64, consignments: u64) -> u64 {
    let count = whole(super::draft::ratio(consignments) * rate / 1000.0);
    u64::try_from(count).unwrap_or_default() + 8
}

impl Background {
    /// That of a world of so many consignments, licences and cases.
    pub fn new(seed: Seed, consignments: u64, licences: u64, all: &Cases) -> Self {
        let cases = all.count();
        let series = |name: &str, count| Series::new(seed, name, count, cases);
        let stream = |name: &str| Stream::new(seed, name);
        let some_rulings = by_thousand(classification::RULINGS, consignments);
        Self {
            listings: series("id.listing", by_thousand(LISTED, consignments)),
            denials: series(
                "id.denial",
                licences + by_thousand(REFUSED, consignments) + by_thousand(NOTICES, consignments),
            ),
            notices: by_thousand(NOTICES, consignments),
            people: People::new(
                seed,
                by_thousand(TRAVELLERS, consignments),
                by_thousand(TIPS, consignments),
                cases,
            ),
            passing: Passing::new(seed, consignments),
            young: Young::new(seed, consignments, all),
            licences,
            groups: by_thousand(GROUPS, consignments),
            checks: by_thousand(super::checks::IN_VAIN, consignments),
            rulings: classification::rulings(seed, some_rulings, consignments, cases),
            some_rulings,
            returned: by_thousand(super::orders::RETURNED, consignments),
            movements: by_thousand(super::transit::CALLED_OFF, consignments),
            called_off: Permutation::new(seed, "background.called_off.place", consignments),
            draws: Draws {
                listing: stream("background.listing"),
                refusal: stream("background.refusal"),
                notice: stream("background.notice"),
                chain: stream("background.chain"),
                group: stream("background.group"),
                owner: stream("background.owner"),
                called_off: stream("background.called_off"),
                ruling: stream("background.ruling"),
                returned: stream("background.returned"),
            },
        }
    }

    /// Counts of what [`Engine::put_background`] writes, by its kinds.
    pub fn counts(&self, consignments: u64) -> [(Kind, u64); 15] {
        [
            (Kind::Listing, self.listings.count()),
            (Kind::Refusal, self.denials.count() - self.licences - self.notices),
            (Kind::Chain, transfers(consignments) / LINKS),
            (Kind::Group, self.groups),
            (Kind::Check, self.checks),
            (Kind::CalledOff, self.movements),
            (Kind::Ruling, self.some_rulings),
            (Kind::Returned, self.returned),
            (Kind::Notice, self.notices),
            (Kind::Traveller, self.people.travellers),
            (Kind::Tip, self.people.tips.count()),
            (Kind::Passing, self.passing.count()),
            (Kind::NewFirm, self.young.count),
            (Kind::ListedFirm, self.young.listed.count()),
            (Kind::Asked, self.young.asked),
        ]
    }

    /// Groups of idle firms; new firms are numbered after them.
    pub(super) fn groups(&self) -> u64 {
        self.groups
    }
}

/// Kinds of background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person on a list.
    Listing,
    /// A refusal.
    Refusal,
    /// Payments one after the other.
    Chain,
    /// Firms that own one another.
    Group,
    /// A check of a certificate that no licence rests on.
    Check,
    /// A transit that was called off.
    CalledOff,
    /// A ruling on a classification.
    Ruling,
    /// An application that was returned.
    Returned,
    /// A catch-all notice.
    Notice,
    /// Somebody who travels.
    Traveller,
    /// A tip.
    Tip,
    /// A ship whose cargo nobody declares here.
    Passing,
    /// A new firm.
    NewFirm,
    /// A firm on a list.
    ListedFirm,
    /// An application that came back, for a user who is met once.
    Asked,
}

/// The state that a listed person is of: one under embargo, more often than not.
pub fn listed_state(world: &World, cell: &mut Cell) -> u32 {
    if cell.chance(0.6) {
        cast::embargoed(world, cell)
    } else {
        u32::try_from(cell.place(world.countries.len())).unwrap_or_default()
    }
}

/// Days from when a person was listed to the first of the period; negative where it was later.
pub fn listed_days(cell: &mut Cell) -> i64 {
    cell.whole(-60, 2_000)
}

impl Engine<'_> {
    /// Writes one thing of the background.
    pub fn put_background<O: Out>(&self, kind: Kind, number: u64, out: &mut O) {
        match kind {
            Kind::Listing => self.listing(number, out),
            Kind::Refusal => self.refusal(number, out),
            Kind::Chain => self.chain(number, out),
            Kind::Notice => self.notice(number, out),
            Kind::Traveller => self.put_some_traveller(number, out),
            Kind::Tip => self.put_some_tip(number, out),
            Kind::Passing => self.put_passing(number, out),
            Kind::NewFirm => self.put_new_firm(number, out),
            Kind::ListedFirm => self.put_some_listed_firm(number, out),
            Kind::Asked => self.put_asked(number, out),
            Kind::Group => {
                self.put_firm(self.idle_firm(number, 0), true, out);
                for place in 1..self.links(number) {
                    self.put_firm(self.idle_firm(number, place), false, out);
                }
            }
            Kind::Check => self.check_in_vain(number, out),
            Kind::CalledOff => {
                let mut cell = self.background.draws.called_off.row(number);
                self.call_off(number, &mut cell, out);
            }
            Kind::Ruling => {
                let mut cell = self.background.draws.ruling.row(number);
                self.put_some_ruling(number, &mut cell, out);
            }
            Kind::Returned => {
                let mut cell = self.background.draws.returned.row(number);
                self.put_returned(number, &mut cell, out);
            }
        }
    }

    /// Firms of a group of idle ones.
    fn links(&self, group: u64) -> u64 {
        1 + self.background.draws.group.row(group).bits64() % LINKS
    }

    /// How an idle firm was founded: by its group, and its place there.
    pub(super) fn idle_founding(&self, group: u64, place: u64) -> Founding {
        if let Some(number) = group.checked_sub(self.background.groups) {
            return self.new_founding(number);
        }
        let mut cell = self.background.draws.group.row(group);
        let links = 1 + cell.bits64() % LINKS;
        let country = cast::participant(self.world, &mut cell);
        let owner = self.owner_of_group(group);
        let owners = (0..LINKS).map(|_| cell.whole(25, 50)).nth(cast::at(place)).unwrap_or(25);
        let sectors = crate::world::SECTORS;
        Founding {
            country,
            sector: cast::at(group.wrapping_mul(7) + place * 5) % sectors,
            owner: Some((
                if place + 1 < links {
                    Owner::Firm(self.idle_firm(group, place + 1))
                } else {
                    Owner::Person(owner)
                },
                owners,
            )),
            ..Founding::default()
        }
    }

    /// Who stands behind a group, as the registers write the name.
    fn owner_of_group(&self, group: u64) -> Person {
        let mut cell = self.background.draws.owner.row(group);
        let state = self.world.countries.at(cell.place(self.world.countries.len()));
        let mut person = self.world.registrar.person(state.culture, &mut cell);
        person.name = registered(&person.name, &mut cell);
        person
    }

    /// Most of those listed have nothing to do with any firm here; some own one that does nothing unlawful.
    fn listing<O: Out>(&self, number: u64, out: &mut O) {
        let world = self.world;
        let mut cell = self.background.draws.listing.row(number);
        let by = cast::participant(world, &mut cell);
        let of = listed_state(world, &mut cell);
        let mut person = world.registrar.person(world.countries.id(of).culture, &mut cell);
        if cell.chance(0.2) {
            person = self.owner_of_group(cell.bits64() % self.background.groups.max(1));
            let letters = cast::at(cell.bits64() % 7);
            person.name = spelling::respell(&person.name, letters, &mut cell);
        }
        let aliases = cast::aliases(&person.name, &mut cell);
        let since = world.calendar.first_day() - listed_days(&mut cell);
        let ground = GROUNDS.get(cell.place(GROUNDS.len())).copied().unwrap_or_default();
        let id = self.listing_id(self.background.listings.of(number));
        let (name, born) = (&person.name, Some(person.born));
        self.put_listing(
            &Listing { id: &id, by, name, born, aliases: &aliases, of, ground, since },
            out,
        );
    }

    fn refusal<O: Out>(&self, number: u64, out: &mut O) {
        let world = self.world;
        let mut cell = self.background.draws.refusal.row(number);
        let (state, to) = world.trade.pair(cell.bits64());
        let goods = world.trade.controlled(cell.bits64());
        let commodity = world.commodities.id(goods);
        let day = world.calendar.first_day() + cell.whole(-YEARS_BACK, world.calendar.days() - 1);
        let exporter = world.trade.seller(state, commodity.sector, cell.bits64());
        let known = world.trade.buyer(to, commodity.sector, cell.bits64());
        let words = commodity.words.at(cell.place(commodity.words.len()));
        let at = world.calendar.moment(day, &mut cell);
        // Whom nobody knows is denied more often than who is known.
        let unknown = world.trade.small(to, commodity.sector, &mut cell);
        let end_user = if cell.chance(0.7) { unknown } else { known };
        let consignee = if cell.chance(0.5) {
            end_user
        } else {
            world.trade.buyer(to, commodity.sector, cell.bits64())
        };
        let number = self.background.denials.of(self.background.licences + number);
        let pieces = usual_pieces(commodity, world.rates.value, &mut cell);
        self.put_refusal(
            &Refusal { number, state, exporter, consignee, end_user, goods, words, pieces, at },
            out,
        );
    }

    /// A notice that was obeyed: most of those who were to get the goods got none from anybody.
    fn notice<O: Out>(&self, number: u64, out: &mut O) {
        let world = self.world;
        let mut cell = self.background.draws.notice.row(number);
        let (by_supplier, for_hub) = (cell.chance(USUAL_NOTICE), cell.chance(USUAL_NOTICE));
        let state = if by_supplier {
            cast::supplier(world, &mut cell)
        } else {
            cast::participant(world, &mut cell)
        };
        let to =
            if for_hub { cast::hub(world, &mut cell) } else { world.trade.pair(cell.bits64()).1 };
        let goods = world.trade.controlled(cell.bits64());
        let commodity = world.commodities.id(goods);
        let supplied = world.trade.small(to, commodity.sector, &mut cell);
        let idle =
            [(); 8].map(|()| self.idle_firm(cell.bits64() % self.background.groups.max(1), 0));
        let idle = idle.into_iter().find(|firm| self.firm(*firm).country == to);
        let end_user = idle.filter(|_| cell.chance(USUAL_NOTICE)).unwrap_or(supplied);
        let day = world.calendar.first_day() + cell.whole(-120, world.calendar.days() - 1);
        let after = self.background.denials.count() - self.background.notices;
        let exporter = world.trade.small(state, commodity.sector, &mut cell);
        let words = commodity.words.at(cell.place(commodity.words.len()));
        let at = world.calendar.moment(day, &mut cell);
        let number = self.background.denials.of(after + number);
        let pieces = usual_pieces(commodity, world.rates.value, &mut cell);
        let consignee = end_user;
        self.put_notice(
            &Refusal { number, state, exporter, consignee, end_user, goods, words, pieces, at },
            out,
        );
    }

    /// Payments for services and loans; one in five goes on from firm to firm within days, as treasuries and agents
    /// do it; some end with who pays for goods soon after, as banks and parents fund importers.
    fn chain<O: Out>(&self, number: u64, out: &mut O) {
        let mut cell = self.background.draws.chain.row(number);
        let links = links_of_chain(&mut cell);
        let drawn = super::draft::round(cell.lognormal(TRANSFERS) * 100.0);
        let least = self.world.rates.reported_from_cents;
        let (mut cents, mut day) = (
            drawn.max(least + least / 2),
            self.world.calendar.first_day() + cell.whole(0, self.world.calendar.days() - 1),
        );
        let mut payee = self.any_firm(&mut cell);
        if cell.chance(0.3) {
            let funded = self.consignment(cell.bits64() % self.consignments.max(1));
            let [_, rest] = self.instalments(&funded);
            if rest.cents >= least {
                payee = funded.twist.payer.unwrap_or(funded.draft.importer);
                cents = with_fee(rest.cents, &mut cell);
                day = rest.day - cell.whole(1, CHAIN_DAYS);
            }
        }
        // Written from the end backwards: what comes before is earlier and a little more.
        for link in 0..links {
            let payer = self.any_firm(&mut cell);
            let reference =
                REMITTANCES.get(cell.place(REMITTANCES.len())).copied().unwrap_or_default();
            let number = self.transfer(number * LINKS + link);
            self.put_transfer(&Transfer { number, payer, payee, cents, day, reference }, out);
            payee = payer;
            cents = with_fee(cents, &mut cell);
            day -= cell.whole(0, CHAIN_DAYS);
        }
    }

    /// The number of a transfer that no chain needs: each has numbers for the most that it may have, and most have fewer.
    pub(super) fn unused_transfer(&self, number: u64) -> Option<u64> {
        let chains = transfers(self.consignments) / LINKS;
        let (chain, link) = (number % chains, (LINKS - 1).checked_sub(number / chains)?);
        let links = links_of_chain(&mut self.background.draws.chain.row(chain));
        (link >= links).then(|| self.transfer(chain * LINKS + link))
    }

    fn any_firm(&self, cell: &mut Cell) -> u32 {
        u32::try_from(cell.place(self.world.firms.len())).unwrap_or_default()
    }
}

/// Payments of a chain.
fn links_of_chain(cell: &mut Cell) -> u64 {
    if cell.chance(0.2) { 2 + cell.bits64() % (LINKS - 1) } else { 1 }
}

/// Pieces that somebody asks a licence for, as licences allow them.
///
/// Half of them are for a single order, which is worth what consignments are.
pub fn usual_pieces(goods: &Commodity, order: LogNormal, cell: &mut Cell) -> i64 {
    let year = LogNormal { median: 60_000.0, sigma: 1.1 };
    let law = if cell.chance(0.5) { order } else { year };
    let dollars = cell.lognormal(law).clamp(200.0, 5e6);
    // Of the dearest goods a few are asked for, and not always one.
    let few = cell.whole(1, 12);
    super::draft::round(dollars / goods.price.median / goods.piece_kg.max(1e-6)).max(few)
}

/// What has to come in so that an amount can go on: banks and agents keep up to a fortieth.
pub fn with_fee(cents: i64, cell: &mut Cell) -> i64 {
    cast::share(cents, 1.0 + cell.between(0.002, 0.025))
}
