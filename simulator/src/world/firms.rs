//! Firms: who they are. Each has its cells in the streams of its columns, by its number, so that a larger pack
//! adds firms and changes none.

use super::names::Names;
use super::{Country, Firm, FirmKind};
use crate::list::List;
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

/// Firms in groups by state and sector, and the groups.
pub fn found(
    seed: Seed,
    wanted: u32,
    countries: &List<Country>,
    sector_shares: &[f64; SECTORS],
    names: &Names,
    until: i64,
    law: Propensity,
) -> Option<(List<Firm>, Vec<Group>)> {
    let sizes: Vec<f64> = countries.iter().map(|country| libm::pow(country.gdp, 0.8)).collect();
    let total: f64 = sizes.iter().sum();
    let draws = Draws::new(seed);
    let mut firms = vec![];
    let mut groups = vec![];
    for ((number, country), size) in countries.numbered().zip(&sizes) {
        for (sector, share) in sector_shares.iter().enumerate() {
            let count = share_of(f64::from(wanted) * size / total * share).max(3);
            let first = u32::try_from(firms.len()).ok()?;
            for place in 0..count {
                let group = Group { first, count: place };
                firms.push(draws.firm(
                    first + place,
                    (number, country, sector),
                    group,
                    names,
                    until,
                    law,
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

struct Draws {
    name: Stream,
    place: Stream,
    founded: Stream,
    person: Stream,
    kind: Stream,
    parent: Stream,
    propensity: Stream,
}

impl Draws {
    fn new(seed: Seed) -> Self {
        let stream = |column: &str| Stream::new(seed, column);
        Self {
            name: stream("firm.name"),
            place: stream("firm.address"),
            founded: stream("firm.founded"),
            person: stream("firm.director"),
            kind: stream("firm.kind"),
            parent: stream("firm.parent"),
            propensity: stream("firm.propensity"),
        }
    }

    fn firm(
        &self,
        number: u32,
        (country_number, country, sector): (u32, &Country, usize),
        before: Group,
        names: &Names,
        until: i64,
        law: Propensity,
    ) -> Firm {
        let row = u64::from(number);
        let mut place = self.place.row(row);
        let mut founded = self.founded.row(row);
        let mut kind = self.kind.row(row);
        let mut parent = self.parent.row(row);
        let culture = country.culture;
        // Age: lognormal, median 11 years; the youngest are a few weeks old when the period ends.
        let age = founded
            .lognormal(crate::draw::LogNormal { median: 4_000.0, sigma: 1.0 })
            .clamp(30.0, 40_000.0);
        let kind = match kind.unit() {
            share if share < FORWARDERS => FirmKind::Forwarder,
            share if share < 0.5 => FirmKind::Trader,
            _ => FirmKind::Maker,
        };
        // A parent stands before its subsidiary in the list: no circles.
        let parent = (before.count > 0 && parent.chance(SUBSIDIARIES)).then(|| {
            before.first + u32::try_from(parent.place(before.count as usize)).unwrap_or(0)
        });
        let code = &country.code;
        Firm {
            id: format!("{code}{:08}", number_code(row, 90_000_000)),
            name: names.firm(culture, sector, &mut self.name.row(row)),
            country: country_number,
            sector,
            kind,
            street: names.street(culture, &mut place),
            city: names.city(culture, &mut place),
            postcode: format!("{code}-{:05}", place.whole(10_000, 99_999)),
            founded: until - crate::calendar::whole(age),
            company_number: format!(
                "{code}{:02}-{:06}",
                place.whole(10, 99),
                number_code(row, 999_983)
            ),
            phone: format!(
                "+{} {:03} {:06}",
                800 + country_number % 100,
                place.whole(100, 999),
                place.whole(0, 999_999)
            ),
            director: names.person(culture, &mut self.person.row(row)),
            parent,
            bank: place.place(country.banks.len()),
            propensity: propensity(law, self.propensity.row(row)),
        }
    }
}

/// A number for a row that does not tell its place: multiplication by a unit of the ring.
fn number_code(row: u64, modulus: u64) -> u64 {
    (row.wrapping_add(17)).wrapping_mul(7_368_787) % modulus
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
