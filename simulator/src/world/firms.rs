//! Firms: who they are. Each has its cells in the streams of its columns, by its number, so that a larger pack
//! adds firms and changes none. The same registrar founds firms beyond those of the pack, for cases that need one
//! of their own and for the registers' idle holdings: nothing in a firm's numbers or names tells which it is.

use super::names::Names;
use super::{Country, Firm, FirmKind, Person, spelling};
use crate::list::List;
use crate::permute::Permutation;
use crate::rng::{Seed, Stream};

/// How many sectors firms are in: groups of HS chapters.
pub const SECTORS: usize = 12;

/// The sector of an HS chapter.
pub fn sector(chapter: u32) -> usize {
    const LAST: [u32; SECTORS] = [24, 27, 38, 40, 49, 67, 71, 83, 84, 85, 89, 97];
    LAST.iter().position(|last| chapter <= *last).unwrap_or(SECTORS - 1)
}

/// Share of firms that forward for others.
const FORWARDERS: f64 = 0.08;
/// Share of firms that belong to another one.
const SUBSIDIARIES: f64 = 0.12;

/// Where the firms of a state and sector stand in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Group {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// Share of subsidiaries of which the parent holds at most half.
const WIDELY_HELD: f64 = 0.3;
/// Share of the other firms that two people hold.
const PARTNERSHIPS: f64 = 0.4;
/// Share of firms that are a branch of a house abroad.
const BRANCHES: f64 = 0.08;
/// Share of such second owners who come from elsewhere.
const FOREIGN_PARTNERS: f64 = 0.3;

/// Firms in groups by state and sector, and the groups.
pub fn found(
    registrar: &Registrar,
    wanted: u32,
    countries: &List<Country>,
    sector_shares: &[f64; SECTORS],
) -> Option<(List<Firm>, Vec<Group>)> {
    let sizes: Vec<f64> = countries.iter().map(|country| libm::pow(country.gdp, 0.8)).collect();
    let total: f64 = sizes.iter().sum();
    let mut firms = vec![];
    let mut groups = vec![];
    for (number, size) in (0_u32..).zip(&sizes) {
        for (sector, share) in sector_shares.iter().enumerate() {
            let count = share_of(f64::from(wanted) * size / total * share).max(3);
            let first = u32::try_from(firms.len()).ok()?;
            for place in 0..count {
                let group = Group { first, count: place };
                firms.push(registrar.firm(
                    first + place,
                    countries,
                    Founding { country: number, sector, before: group, ..Founding::default() },
                ));
            }
            groups.push(Group { first, count });
        }
    }
    Some((List::new(firms)?, groups))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of firms")]
fn share_of(count: f64) -> u32 {
    libm::round(count.clamp(0.0, 1e9)) as u32
}

/// How the chance of ordinary fraud spreads over importers: most hardly ever, some often.
#[derive(Debug, Clone, Copy)]
pub struct Propensity {
    /// Mean share of consignments.
    pub mean: f64,
    /// Share of importers that make up most of it.
    pub offenders: f64,
}

/// What is known of a firm before it is founded; the rest is drawn.
#[derive(Debug, Clone, Default)]
pub struct Founding {
    /// Its state.
    pub country: u32,
    /// Its sector.
    pub sector: usize,
    /// Firms that may be its parent.
    pub before: Group,
    /// What it does.
    pub kind: Option<FirmKind>,
    /// Its name.
    pub name: Option<String>,
    /// Day it was founded, since 1970.
    pub founded: Option<i64>,
    /// Who acts for it, of another firm.
    pub director: Option<Person>,
    /// Street, city and postcode, of another firm.
    pub address: Option<(String, String, String)>,
    /// Phone, of another firm.
    pub phone: Option<String>,
    /// Who holds how many percent of it; the director holds the rest.
    pub owner: Option<(Owner, i64)>,
}

/// Who owns a part of a firm beside its director.
#[derive(Debug, Clone)]
pub enum Owner {
    /// A firm, by number.
    Firm(u32),
    /// A person.
    Person(Person),
}

/// Founds firms.
#[derive(Debug)]
pub struct Registrar {
    names: Names,
    until: i64,
    law: Propensity,
    name: Stream,
    place: Stream,
    founded: Stream,
    person: Stream,
    kind: Stream,
    parent: Stream,
    owner: Stream,
    propensity: Stream,
    /// Numbers of firms and of companies: others in every world, so that nobody meets a firm of one in another.
    numbers: [Permutation; 2],
}

/// So many firms have numbers of their own, and so many company numbers there are beside the two digits before.
const NUMBERS: [u64; 2] = [90_000_000, 999_983];

impl Registrar {
    /// One of a seed, for a period that ends on a day.
    pub fn new(seed: Seed, names: Names, until: i64, law: Propensity) -> Self {
        let stream = |column: &str| Stream::new(seed, column);
        Self {
            names,
            until,
            law,
            name: stream("firm.name"),
            place: stream("firm.address"),
            founded: stream("firm.founded"),
            person: stream("firm.director"),
            kind: stream("firm.kind"),
            parent: stream("firm.parent"),
            owner: stream("firm.owner"),
            propensity: stream("firm.propensity"),
            numbers: [
                Permutation::new(seed, "firm.id", NUMBERS[0]),
                Permutation::new(seed, "firm.company_number", NUMBERS[1]),
            ],
        }
    }

    /// Names that it gives.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// A grown person of a culture.
    pub fn person(&self, culture: usize, cell: &mut crate::rng::Cell) -> Person {
        let name = self.names.person(culture, cell);
        Person { name, born: self.until - cell.whole(25 * 365, 74 * 365) }
    }

    /// The firm of a number, founded as is known of it.
    pub fn firm(&self, number: u32, countries: &List<Country>, known: Founding) -> Firm {
        let row = u64::from(number);
        let (country, sector) = (countries.id(known.country), known.sector);
        let culture = country.culture;
        let mut place = self.place.row(row);
        let mut kind = self.kind.row(row);
        // Age: lognormal, median 11 years; the youngest are a few weeks old when the period ends.
        let age = self
            .founded
            .row(row)
            .lognormal(crate::draw::LogNormal { median: 4_000.0, sigma: 1.0 })
            .clamp(30.0, 40_000.0);
        let kind = known.kind.unwrap_or(match kind.unit() {
            share if share < FORWARDERS => FirmKind::Forwarder,
            share if share < 0.5 => FirmKind::Trader,
            _ => FirmKind::Maker,
        });
        let mut name = self.name.row(row);
        // A branch of a house abroad keeps its name, with a legal form of the state, and often its director.
        let abroad = countries.at(name.place(countries.len())).culture;
        let house = if name.chance(BRANCHES) { abroad } else { culture };
        let director = known.director.unwrap_or_else(|| {
            let culture = if name.chance(0.5) { house } else { culture };
            self.person(culture, &mut self.person.row(row))
        });
        let (parent, partner, share) = match known.owner {
            Some((Owner::Firm(parent), share)) => (Some(parent), None, share),
            Some((Owner::Person(person), share)) => (None, Some(person), share),
            None => self.owners(row, known.before, countries, culture),
        };
        let code = &country.code;
        let (street, city) =
            (self.names.street(culture, &mut place), self.names.city(culture, &mut place));
        let drawn = (street, city, format!("{code}-{:05}", place.whole(10_000, 99_999)));
        let (street, city, postcode) = known.address.unwrap_or(drawn);
        let [number, company] = &self.numbers;
        let (number, company) = (number.apply(row % NUMBERS[0]), company.apply(row % NUMBERS[1]));
        let company_number = format!("{code}{:02}-{company:06}", place.whole(10, 99));
        let phone = format!(
            "+{} {:03} {:06}",
            800 + known.country % 100,
            place.whole(100, 999),
            place.whole(0, 999_999)
        );
        Firm {
            id: format!("{code}{number:08}"),
            name: known.name.unwrap_or_else(|| {
                let drawn = self.names.firm(house, sector, &mut name);
                if house == culture {
                    return drawn;
                }
                let forms = |culture: usize| self.names.forms(culture);
                spelling::other_form(&drawn, forms(house), forms(culture), &mut name)
            }),
            country: known.country,
            sector,
            kind,
            street,
            city,
            postcode,
            founded: known.founded.unwrap_or(self.until - crate::calendar::whole(age)),
            company_number,
            phone: known.phone.unwrap_or(phone),
            director: director.name,
            director_born: director.born,
            parent,
            partner,
            share,
            bank: place.place(country.banks.len()),
            propensity: propensity(self.law, self.propensity.row(row)),
        }
    }

    /// Parent or partner, and what it holds. A parent stands before its subsidiary in the list: no circles.
    fn owners(
        &self,
        row: u64,
        before: Group,
        countries: &List<Country>,
        culture: usize,
    ) -> (Option<u32>, Option<Person>, i64) {
        let (mut parent, mut cell) = (self.parent.row(row), self.owner.row(row));
        if before.count > 0 && parent.chance(SUBSIDIARIES) {
            let place = u32::try_from(parent.place(before.count as usize)).unwrap_or(0);
            let least = if cell.chance(WIDELY_HELD) { 25 } else { 51 };
            let share = cell.whole(least, if least == 25 { 50 } else { 100 });
            return (Some(before.first + place), None, share);
        }
        if !cell.chance(PARTNERSHIPS) {
            return (None, None, 0);
        }
        let elsewhere = countries.at(cell.place(countries.len())).culture;
        let culture = if cell.chance(FOREIGN_PARTNERS) { elsewhere } else { culture };
        let share = cell.whole(25, 50);
        let mut partner = self.person(culture, &mut cell);
        partner.name = registered(&partner.name, &mut cell);
        (None, Some(partner), share)
    }
}

/// A person's name as registrars write it: now and then the family name comes first, or a clerk writes what he hears.
pub fn registered(name: &str, cell: &mut crate::rng::Cell) -> String {
    let letters = usize::try_from(cell.whole(1, 6)).unwrap_or(1);
    let name =
        if cell.chance(0.25) { spelling::respell(name, letters, cell) } else { name.to_owned() };
    if cell.chance(0.25) { spelling::family_first(&name) } else { name }
}

/// Offenders are drawn flat between 1 and 3 times what makes the mean; the rest share a tenth of it.
fn propensity(law: Propensity, mut cell: crate::rng::Cell) -> f64 {
    let honest = 0.2 * law.mean;
    let offending = (law.mean - honest * (1.0 - law.offenders)) / law.offenders;
    if cell.chance(law.offenders) { cell.between(0.5, 1.5) * offending } else { honest }.min(0.9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chapter_has_a_sector() {
        assert_eq!(
            (sector(1), sector(24), sector(25), sector(84), sector(85), sector(97)),
            (0, 0, 1, 8, 9, 11)
        );
    }

    #[test]
    fn nobody_meets_a_firm_of_one_world_in_another() {
        let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/packs/demo");
        let of = |seed: u64| {
            let pack = crate::world::pack::Pack::read(pack.as_ref()).unwrap();
            let world = crate::world::World::build(pack, Seed(seed)).unwrap();
            let numbers = |firm: &Firm| [firm.id.clone(), firm.company_number.clone()];
            world.firms.iter().flat_map(numbers).collect::<std::collections::BTreeSet<_>>()
        };
        let (one, other) = (of(1), of(2));
        let both = one.intersection(&other).count();
        assert!(both * 1_000 < one.len(), "{both} of {}", one.len());
    }

    #[test]
    fn propensity_has_its_mean_and_is_carried_by_few() {
        let law = Propensity { mean: 0.03, offenders: 0.1 };
        let stream = Stream::new(Seed(1), "propensity");
        let all: Vec<f64> = (0..20_000).map(|row| propensity(law, stream.row(row))).collect();
        let mean = all.iter().sum::<f64>() / 20_000.0;
        assert!((mean / 0.03 - 1.0).abs() < 0.05, "{mean}");
        let few: f64 = all.iter().filter(|p| **p > 0.03).sum::<f64>() / 20_000.0 / mean;
        assert!(few > 0.7, "{few}");
    }
}
