//! People: who crosses borders how often, and what services are told. Most journeys are somebody's holiday, trade or
//! family; most tips are true and of no weight, or false. Without them a journey or a tip would tell a case.

use super::Engine;
use super::ids::{Series, numbered};
use super::licence::{Licence, Outcome};
use crate::calendar::{DAY, Moment};
use crate::rng::{Cell, Seed, Stream};
use crate::scheme::cast;
use crate::table::{Out, Tip, Travel};
use crate::world::{Office, Person, World};

/// Travellers that a police bureau has on record, for each thousand consignments.
pub const TRAVELLERS: f64 = 40.0;
/// Tips for each thousand consignments.
pub const TIPS: f64 = 15.0;
/// Most journeys that somebody makes in a period.
pub const JOURNEYS: usize = 9;
/// Share of travellers whose journeys go to a state under embargo: family, trade that is allowed, aid.
const TO_EMBARGOED: f64 = 0.2;
/// Share of journeys of which nobody wrote down the way back.
const NO_RETURN: f64 = 0.1;
/// Shares of tips about hand luggage, about help that firms give abroad, and of bills of materials; the others speak of cash,
/// tobacco, invoices.
const OF_GOODS: (f64, f64, f64) = (0.36, 0.28, 0.24);
/// Share of travellers who tell for whom they travel, and share of those who work for a firm that holds licences.
const EMPLOYED: (f64, f64) = (0.4, 0.5);
/// Share of those whose one journey is a long one: a posting.
const POSTED: f64 = 0.3;
/// Days of a posting.
pub const POSTING_DAYS: (f64, f64) = (3.0, 120.0);
/// Licences that are looked through for one of a state.
const TRIES: u32 = 60;
/// Share of tips about somebody who is on record as a traveller.
const TRAVELS: f64 = 0.5;

/// Registers of people, and how much of them belongs to no case.
#[derive(Debug)]
pub struct People {
    /// Tips.
    pub tips: Series,
    /// Border crossings: two for each journey.
    pub crossings: Series,
    pub(super) travellers: u64,
    traveller: Stream,
    tip: Stream,
}

/// Somebody who travels.
#[derive(Debug, Clone)]
pub struct Traveller {
    /// State whose bureau has the journeys.
    pub of: u32,
    /// Who it is.
    pub person: Person,
    /// Number of the travel document.
    pub document: String,
    /// For whom, as told: a firm.
    pub employer: Option<u32>,
    /// Whether that firm was looked for among holders of licences.
    pub by_holder: bool,
    /// Where each journey goes.
    pub journeys: Vec<Journey>,
}

/// A journey there and back.
#[derive(Debug, Clone, Copy)]
pub struct Journey {
    /// Where it goes.
    pub to: u32,
    /// When it begins.
    pub leaves: Moment,
    /// Days away.
    pub days: f64,
    /// Whether the way back was written down.
    pub returns: bool,
}

/// A tip.
#[derive(Debug, Clone)]
pub struct Told<'a> {
    /// Number of the tip.
    pub number: u64,
    /// State whose service has it.
    pub by: u32,
    /// Whom it speaks of.
    pub person: &'a str,
    /// For whom that person works.
    pub firm: Option<u32>,
    /// What it says.
    pub content: &'a str,
    /// Goods it speaks of.
    pub goods: Option<u32>,
    /// When it came.
    pub at: Moment,
}

impl People {
    /// Those of a world of so many consignments and cases.
    pub fn new(seed: Seed, travellers: u64, tips: u64, cases: u64) -> Self {
        let each = 2 * JOURNEYS as u64;
        Self {
            tips: Series::new(seed, "id.tip", tips, cases),
            crossings: Series::new(seed, "id.travel", travellers * each, cases),
            travellers,
            traveller: Stream::new(seed, "background.traveller"),
            tip: Stream::new(seed, "background.tip"),
        }
    }
}

/// Somebody of a state with both family names, as travel documents have them: few share a whole name.
pub fn somebody(world: &World, of: u32, cell: &mut Cell) -> Person {
    let culture = world.countries.id(of).culture;
    let (person, other) =
        (world.registrar.person(culture, cell), world.registrar.person(culture, cell));
    let second = other.name.rsplit(' ').next().unwrap_or_default();
    Person { name: format!("{} {second}", person.name), ..person }
}

/// Days on which journeys begin, counted from the first: some way apart, as people's affairs are.
pub fn apart(count: usize, cell: &mut Cell) -> Vec<f64> {
    let mut day = 0.0;
    let mut days = vec![];
    for _ in 0..count.clamp(1, JOURNEYS) {
        days.push(day);
        day += cell.between(8.0, 38.0);
    }
    days
}

/// The journeys of somebody, all to one place, beginning so many days apart; where they begin in the period is drawn.
pub fn journeys(world: &World, to: u32, days: &[f64], cell: &mut Cell) -> Vec<Journey> {
    let last = days.last().copied().unwrap_or_default();
    let period = world.calendar.days() as f64;
    let room = (period - last - 12.0).max(1.0);
    let first = cell.between(0.0, room);
    let each = days.iter().map(|day| {
        let day = (first + day).min(period - 2.0);
        let day = world.calendar.first_day() + crate::calendar::whole(day);
        let leaves = world.calendar.moment(day, cell);
        Journey { to, leaves, days: cell.between(1.0, 12.0), returns: !cell.chance(NO_RETURN) }
    });
    each.collect()
}

/// Makes journeys postings: most days of each are drawn, and the next begins when somebody is back.
pub fn post(journeys: &mut [Journey], (least, most): (f64, f64), cell: &mut Cell) {
    let mut free = None;
    for journey in journeys {
        if let Some(free) = free
            && journey.leaves < free
        {
            journey.leaves = free;
        }
        journey.days = cast::log_even(least, most, cell);
        free = Some(journey.leaves.plus_days(journey.days + 2.0));
    }
}

/// Number of a travel document of a state.
pub fn document(world: &World, of: u32, cell: &mut Cell) -> String {
    format!("{}{:07}", world.countries.id(of).code, cell.whole(1_000_000, 9_999_999))
}

/// What is said of somebody who takes goods abroad by hand.
pub fn of_hand_luggage(person: &str, goods: &str, cell: &mut Cell) -> String {
    match cell.place(4) {
        0 => format!("{person} buys {goods} in shops here, pays cash and takes them abroad"),
        1 => format!("a shop reports several purchases of {goods} by {person}, each a small one"),
        2 => format!("{person} is said to collect {goods} for friends abroad"),
        _ => format!("asked what the {goods} are for, {person} spoke of a laboratory abroad"),
    }
}

/// What is said of somebody who helps abroad.
pub fn of_help(person: &str, goods: &str, electronic: bool, cell: &mut Cell) -> String {
    match (electronic, cell.place(2)) {
        (true, 0) => {
            format!("drawings of {goods} are said to go abroad by mail, and {person} after them")
        }
        (true, _) => {
            format!("{person} asked a colleague for files on {goods} to take on a journey")
        }
        (false, 0) => format!("{person} is said to train people abroad who set up {goods}"),
        (false, _) => format!("{person} offers to put {goods} into service wherever they stand"),
    }
}

/// What is said of parts that somebody collects.
pub fn of_kit(world: &World, goods: &[u32], cell: &mut Cell) -> String {
    let parts = goods.iter().map(|goods| {
        let words = &world.commodities.id(*goods).words;
        words.at(cell.place(words.len())).to_owned()
    });
    let parts = parts.collect::<Vec<_>>().join("; ");
    match cell.place(3) {
        0 => format!("bill of materials from a tender: {parts}"),
        1 => format!("list on letterhead, for one plant: {parts}"),
        _ => format!("asked several makers for quotes: {parts}"),
    }
}

fn of_other_things(person: &str, cell: &mut Cell) -> String {
    match cell.place(4) {
        0 => format!("{person} carries cash across the border that is declared by nobody"),
        1 => format!("{person} is said to bring in tobacco without paying duty"),
        2 => format!("invoices of {person} are said to be made out twice"),
        _ => format!("{person} works without a permit, says a neighbour"),
    }
}

impl Engine<'_> {
    /// A traveller of no case.
    pub fn traveller(&self, number: u64) -> Traveller {
        let (world, (of, mut cell)) = (self.world, self.traveller_of(number));
        let person = somebody(world, of, &mut cell);
        let employer = cell.chance(EMPLOYED.0).then(|| self.employer(of, &mut cell));
        let by_holder = employer.is_some_and(|(_, holder)| holder);
        let employer = employer.map(|(firm, _)| firm);
        let posted = employer.is_some() && cell.chance(POSTED);
        let journeys = match cell.unit() {
            _ if posted => 1 + cell.place(3),
            share if share < 0.5 => 1,
            share if share < 0.9 => 2 + cell.place(3),
            _ => 4 + cell.place(JOURNEYS - 3),
        };
        let to = if cell.chance(TO_EMBARGOED) {
            cast::embargoed(world, &mut cell)
        } else {
            self.abroad(of, &mut cell)
        };
        let days = apart(journeys, &mut cell);
        let document = document(world, of, &mut cell);
        let mut journeys = self::journeys(world, to, &days, &mut cell);
        if posted {
            post(&mut journeys, POSTING_DAYS, &mut cell);
        }
        Traveller { of, person, document, employer, by_holder, journeys }
    }

    /// The state of a traveller, and what else is drawn of them.
    fn traveller_of(&self, number: u64) -> (u32, Cell) {
        let mut cell = self.background.people.traveller.row(number);
        (cast::participant(self.world, &mut cell), cell)
    }

    /// A firm of a state that sends people abroad, and whether it is one that holds a licence.
    fn employer(&self, of: u32, cell: &mut Cell) -> (u32, bool) {
        let licensed = cell.chance(EMPLOYED.1).then(|| self.granted(of, cell)).flatten();
        licensed.map(|licence| (licence.exporter, true)).unwrap_or_else(|| {
            let sector = cell.place(crate::world::SECTORS);
            (self.world.trade.seller(of, sector, cell.bits64()), false)
        })
    }

    /// One of the licences that a state granted, without what was drawn on it.
    pub fn granted(&self, by: u32, cell: &mut Cell) -> Option<Licence> {
        let count = self.licences.count().max(1);
        let any = |cell: &mut Cell| self.licence_undrawn(cell.bits64() % count);
        let drawn = (0..TRIES).map(|_| any(cell));
        { drawn }.find(|one| one.from == by && one.outcome == Outcome::Granted)
    }

    /// A state that another trades with.
    pub fn abroad(&self, of: u32, cell: &mut Cell) -> u32 {
        let pairs = (0..400).map(|_| self.world.trade.pair(cell.bits64()));
        let found = { pairs }.find(|(from, to)| *from == of && *to != of);
        found.map_or_else(|| cast::elsewhere(self.world, cell), |(_, to)| to)
    }

    /// A firm that says what it builds: most buy little.
    fn some_user(&self, cell: &mut Cell, goods: u32) -> u32 {
        let world = self.world;
        let to = cast::participant(world, cell);
        let sector = world.commodities.id(goods).sector;
        if cell.chance(0.95) {
            world.trade.small(to, sector, cell)
        } else {
            world.trade.buyer(to, sector, cell.bits64())
        }
    }

    /// Writes the crossings of a traveller; `number` gives each its number, by its place.
    pub fn put_traveller<O: Out>(
        &self,
        traveller: &Traveller,
        number: impl Fn(u64) -> u64,
        out: &mut O,
    ) {
        let world = self.world;
        let home = world.countries.id(traveller.of);
        let employer = traveller.employer.map(|firm| self.firm(firm));
        let end = Moment((world.calendar.first_day() + world.calendar.days()) * DAY);
        for (place, journey) in (0_u64..).zip(&traveller.journeys) {
            let there = &world.countries.id(journey.to).code;
            let flight = format!("{}{:03}", home.code, 100 + (journey.to * 7 + traveller.of) % 800);
            let row = Travel {
                agency: home.agency(Office::Police),
                person_name: &traveller.person.name,
                birth_date: Some(traveller.person.born),
                nationality: &home.code,
                document_id: &traveller.document,
                conveyance: &flight,
                employer_name: employer.as_ref().map_or("", |firm| &firm.name),
                ..Travel::default()
            };
            out.put(&Travel {
                id: &self.crossing_id(number(2 * place)),
                kind: "EXIT",
                at: Some(journey.leaves),
                country_from: &home.code,
                country_to: there,
                ..row
            });
            let back = journey.leaves.plus_days(journey.days);
            if journey.returns && back < end {
                out.put(&Travel {
                    id: &self.crossing_id(number(2 * place + 1)),
                    kind: "ENTRY",
                    at: Some(back),
                    country_from: there,
                    country_to: &home.code,
                    ..row
                });
            }
        }
    }

    /// The id of a crossing.
    pub fn crossing_id(&self, number: u64) -> String {
        numbered("TV-", number, "")
    }

    /// The id of a tip.
    pub fn tip_id(&self, number: u64) -> String {
        numbered("TP-", number, "")
    }

    /// Writes a tip, graded as tips are: what it says of somebody has no bearing on that.
    pub fn put_tip<O: Out>(&self, told: &Told, out: &mut O) {
        let mut cell = self.background.people.tip.row(u64::MAX - told.number);
        let firm = told.firm.map(|firm| self.firm(firm));
        let grade = |grades: &[&'static str], cell: &mut Cell| {
            grades.get(cell.place(grades.len())).copied().unwrap_or_default()
        };
        out.put(&Tip {
            agency: self.world.countries.id(told.by).agency(Office::Intelligence),
            id: &self.tip_id(told.number),
            received_at: Some(told.at),
            origin: grade(&["OUTREACH", "OUTREACH", "HUMAN", "ANONYMOUS", "PARTNER"], &mut cell),
            source_reliability: grade(&["B", "C", "C", "D", "E", "F", "F"], &mut cell),
            information_credibility: grade(&["2", "3", "3", "4", "5", "6", "6"], &mut cell),
            subject_name: firm.as_ref().map_or("", |firm| &firm.name),
            subject_person: told.person,
            content: told.content,
            hs_code: told.goods.map_or("", |goods| &self.world.commodities.id(goods).hs),
        });
    }

    pub(super) fn put_some_traveller<O: Out>(&self, number: u64, out: &mut O) {
        let each = 2 * JOURNEYS as u64;
        let of = |place: u64| self.background.people.crossings.of(number * each + place);
        self.put_traveller(&self.traveller(number), of, out);
    }

    /// A tip that no case is behind. Those about hand luggage are about people who stay, or go where nothing is passed on; those
    /// about help name some who are sent where it is allowed, or by firms whose goods need no licence; of others some are about
    /// people who go under an embargo again and again.
    pub(super) fn put_some_tip<O: Out>(&self, number: u64, out: &mut O) {
        let world = self.world;
        let people = &self.background.people;
        let mut cell = people.tip.row(number);
        let by = cast::participant(world, &mut cell);
        let about = match cell.unit() {
            share if share < OF_GOODS.0 => About::Luggage,
            share if share < OF_GOODS.0 + OF_GOODS.1 => About::Help,
            share if share < OF_GOODS.0 + OF_GOODS.1 + OF_GOODS.2 => About::Kit,
            _ => About::Other,
        };
        let mut person = somebody(world, by, &mut cell).name;
        let mut firm = (about == About::Help).then(|| self.employer(by, &mut cell).0);
        let mut goods = world.trade.controlled(cell.bits64());
        let travels = cell.chance(TRAVELS);
        for _ in 0..40 {
            let number = cell.bits64() % people.travellers.max(1);
            // Few are of the state, and whoever is not takes no time.
            if !travels || about == About::Kit || self.traveller_of(number).0 != by {
                continue;
            }
            let traveller = self.traveller(number);
            if about.may_name(self, &traveller) {
                person = traveller.person.name;
                firm = traveller.employer.filter(|_| about == About::Help);
                break;
            }
        }
        if about == About::Help && cell.chance(0.5) {
            // Whoever knows a firm knows what it makes.
            let sector = firm.map(|firm| self.firm(firm).sector);
            let drawn = (0..TRIES).map(|_| world.trade.controlled(cell.bits64()));
            let own = { drawn }.find(|goods| Some(world.commodities.id(*goods).sector) == sector);
            goods = own.unwrap_or(goods);
        }
        let words = &world.commodities.id(goods).words;
        let words = words.at(cell.place(words.len()));
        let content = match about {
            About::Luggage => of_hand_luggage(&person, words, &mut cell),
            About::Help => {
                let electronic = cell.chance(0.6);
                of_help(&person, words, electronic, &mut cell)
            }
            About::Kit => {
                person.clear();
                let parts: Vec<u32> =
                    (0..3 + cell.place(6)).map(|_| world.trade.controlled(cell.bits64())).collect();
                goods = parts.first().copied().unwrap_or(goods);
                let made = world.trade.controlled(cell.bits64());
                firm = Some(self.some_user(&mut cell, made));
                of_kit(world, &parts, &mut cell)
            }
            About::Other => of_other_things(&person, &mut cell),
        };
        let day = world.calendar.first_day() + cell.whole(0, world.calendar.days() - 1);
        let at = world.calendar.moment(day, &mut cell);
        let told = Told {
            number: people.tips.of(number),
            by,
            person: &person,
            firm,
            content: &content,
            goods: (about != About::Other).then_some(goods),
            at,
        };
        self.put_tip(&told, out);
    }
}

/// What a tip is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Luggage,
    Help,
    Kit,
    Other,
}

impl About {
    /// Whether an unfounded tip of the kind may name somebody.
    fn may_name(self, engine: &Engine, traveller: &Traveller) -> bool {
        let world = engine.world;
        let to = traveller.journeys.first().map(|journey| journey.to);
        let under = to.is_some_and(|to| world.countries.id(to).embargoed);
        let over_hub = to.is_some_and(|to| world.roles.hubs.contains(&to));
        match self {
            Self::Luggage => !(under || over_hub) || traveller.journeys.len() < 2,
            Self::Help => traveller.employer.is_some() && !(under && traveller.by_holder),
            Self::Kit => false,
            Self::Other => true,
        }
    }
}
