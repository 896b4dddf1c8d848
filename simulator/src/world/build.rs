//! From a pack to a world.

use std::collections::BTreeMap;

use super::firms::{self, Propensity, Registrar, SECTORS, sector};
use super::fleet::{Routes, Service};
use super::geo::Point;
use super::names::Names;
use super::pack::{CountryEntry, Pack};
use super::trade::Market;
use super::{Carrier, Commodity, Country, Office, Port, Roles, Trade, Vessel, World};
use crate::calendar::{Calendar, parse_day};
use crate::draw::{Alias, LogNormal};
use crate::ident;
use crate::list::List;
use crate::rng::{Seed, Stream};

/// A pack that reads well and yet makes no world.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// Something that there must be at least one of.
    #[error("pack `{pack}` has no {what}")]
    None {
        /// The pack.
        pack: String,
        /// What is missing.
        what: &'static str,
    },
    /// A name that nothing in the pack has.
    #[error("{place}: no {kind} `{name}` in the pack")]
    Unknown {
        /// File and entry.
        place: String,
        /// What it should name.
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A value out of its range.
    #[error("{place}: {problem}")]
    Value {
        /// File and entry.
        place: String,
        /// What is wrong.
        problem: &'static str,
    },
}

impl World {
    /// The world of a pack and a seed.
    ///
    /// # Errors
    /// What the pack lacks or contradicts.
    pub fn build(pack: Pack, seed: Seed) -> Result<Self, BuildError> {
        let none = |what| BuildError::None { pack: pack.name.clone(), what };
        let names =
            Names::new(pack.cultures.clone()).ok_or_else(|| none("culture with all its parts"))?;
        let codes = index(pack.countries.iter().map(|country| country.code.as_str()));
        let (ports, locodes) = ports(&pack, &codes)?;
        let countries = countries(&pack, &codes, &ports, &names)?;
        let (carriers, carrier_codes) = carriers(&pack)?;
        let (services, vessels) =
            fleet(&pack, &names, seed, &ports, &locodes, &carrier_codes, countries.len())?;
        let commodities = commodities(&pack)?;
        let shares: Vec<f64> = pack.commodities.iter().map(|goods| goods.weight_of_trade).collect();
        let first_day = parse_day(&pack.period.from).ok_or_else(|| BuildError::Value {
            place: "pack.toml [period]".into(),
            problem: "`from` is no date such as 2026-01-01",
        })?;
        let calendar = Calendar::new(
            first_day,
            pack.period.days,
            &pack.calendar.weekdays,
            &pack.calendar.months,
        )
        .ok_or_else(|| BuildError::Value {
            place: "pack.toml".into(),
            problem: "the period has no days with weight",
        })?;
        let law =
            Propensity { mean: pack.rates.illicit_share, offenders: pack.rates.offender_share };
        let sector_shares = sector_shares(&commodities, &shares);
        let until = first_day + i64::from(pack.period.days);
        let registrar = Registrar::new(seed, names, until, law);
        let (firms, groups) =
            firms::found(&registrar, pack.firms.count, &countries, &sector_shares)
                .ok_or_else(|| none("firms"))?;
        let slopes = (pack.firms.slope, pack.firms.declarant_slope);
        let market = Market {
            countries: &countries,
            commodities: &commodities,
            shares: &shares,
            firms: &firms,
        };
        let trade =
            Trade::new(seed, &pack.gravity, market, groups, slopes).ok_or_else(|| none("trade"))?;
        let others: Vec<u32> = carriers
            .numbered()
            .zip(&pack.carriers)
            .filter(|(_, entry)| entry.kind != "ocean")
            .map(|((number, _), _)| number)
            .collect();
        let roles = roles(&pack, &codes)?;
        writing(&pack)?;
        Ok(Self {
            seed,
            pack_hash: pack.hash.clone(),
            pack_name: pack.name.clone(),
            calendar,
            routes: Routes::new(ports.len(), &services),
            other_carriers: List::new(others).ok_or_else(|| none("carrier by air or road"))?,
            countries,
            ports,
            carriers,
            services,
            vessels,
            commodities,
            firms,
            registrar,
            trade,
            roles,
            rates: pack.rates,
            schemes: pack.schemes,
            cultures: pack.cultures,
            spelling: pack.spelling,
            slips: pack.dirt,
        })
    }
}

/// Scripts are of cultures that there are, and slips are shares.
fn writing(pack: &Pack) -> Result<(), BuildError> {
    for script in &pack.spelling.scripts {
        if !pack.cultures.iter().any(|culture| culture.id == script.culture) {
            return Err(BuildError::Unknown {
                place: "spelling.toml, script".into(),
                kind: "culture",
                name: script.culture.clone(),
            });
        }
    }
    match pack.dirt.problem() {
        Some(problem) => Err(BuildError::Value { place: "pack.toml [dirt]".into(), problem }),
        None => Ok(()),
    }
}

fn index<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<String, u32> {
    names.map(str::to_owned).zip(0..).collect()
}

fn find(
    all: &BTreeMap<String, u32>,
    name: &str,
    kind: &'static str,
    place: String,
) -> Result<u32, BuildError> {
    all.get(name).copied().ok_or_else(|| BuildError::Unknown { place, kind, name: name.to_owned() })
}

fn roles(pack: &Pack, codes: &BTreeMap<String, u32>) -> Result<Roles, BuildError> {
    let some = |what, wanted: &dyn Fn(&CountryEntry) -> bool| {
        let all: Vec<u32> = pack
            .countries
            .iter()
            .filter(|c| wanted(c))
            .filter_map(|c| codes.get(&c.code).copied())
            .collect();
        if all.is_empty() {
            Err(BuildError::None { pack: pack.name.clone(), what })
        } else {
            Ok(all)
        }
    };
    Ok(Roles {
        suppliers: some("participating state that is no hub", &|c| {
            c.participates() && !c.transit_hub && !c.embargoed
        })?,
        hubs: some("participating hub", &|c| c.participates() && c.transit_hub)?,
        embargoed: some("embargoed state", &|c| c.embargoed)?,
        others: some("state that neither takes part nor is embargoed", &|c| {
            !c.embargoed && !c.transit_hub
        })?,
    })
}

fn ports(
    pack: &Pack,
    codes: &BTreeMap<String, u32>,
) -> Result<(List<Port>, BTreeMap<String, u32>), BuildError> {
    let mut all = vec![];
    for entry in &pack.ports {
        let place = || format!("ports.toml, port `{}`", entry.locode);
        let terminals = (1..=entry.terminals.max(1))
            .map(|number| format!("{}-T{number}", entry.locode))
            .collect();
        let country = find(codes, &entry.country, "country", place())?;
        let point = Point { lat: entry.lat, lon: entry.lon };
        let terminals = List::new(terminals)
            .ok_or_else(|| BuildError::Value { place: place(), problem: "no terminal" })?;
        all.push(Port { locode: entry.locode.clone(), country, point, terminals });
    }
    let index = index(pack.ports.iter().map(|port| port.locode.as_str()));
    Ok((
        List::new(all)
            .ok_or_else(|| BuildError::None { pack: pack.name.clone(), what: "ports" })?,
        index,
    ))
}

fn countries(
    pack: &Pack,
    codes: &BTreeMap<String, u32>,
    ports: &List<Port>,
    names: &Names,
) -> Result<List<Country>, BuildError> {
    let mut all = vec![];
    for (number, entry) in (0..).zip(&pack.countries) {
        let place = || format!("countries.toml, country `{}`", entry.code);
        let of_kind = |kind: &str| -> Vec<(u32, f64)> {
            let own = ports
                .numbered()
                .zip(&pack.ports)
                .filter(|((_, port), entry)| port.country == number && entry.kind == kind);
            own.map(|((port, _), entry)| (port, entry.teu_share)).collect()
        };
        let sea = of_kind("sea");
        let weights: Vec<f64> = sea.iter().map(|(_, share)| *share).collect();
        let neighbours = entry
            .neighbours
            .iter()
            .map(|name| find(codes, name, "country", place()))
            .collect::<Result<_, _>>()?;
        let offices: Vec<String> = entry.offices.iter().map(|office| office.code.clone()).collect();
        let lower = entry.code.to_lowercase();
        let agency = |office: Office| {
            entry
                .agencies
                .get(office.word())
                .cloned()
                .unwrap_or_else(|| format!("{lower}-{}", office.word()))
        };
        let banks = (1..=4).map(|bank| format!("BK{:02}{}2L", bank, entry.code)).collect();
        all.push(Country {
            code: entry.code.clone(),
            name: entry.name.clone(),
            point: Point { lat: entry.lat, lon: entry.lon },
            gdp: entry.gdp,
            embargoed: entry.embargoed,
            hub: entry.transit_hub,
            agencies: Office::ALL.map(agency),
            currency: entry.currency.clone(),
            culture: names.culture(&entry.culture).ok_or_else(|| BuildError::Unknown {
                place: place(),
                kind: "culture",
                name: entry.culture.clone(),
            })?,
            offices: List::new(offices).ok_or_else(|| BuildError::Value {
                place: place(),
                problem: "no customs office",
            })?,
            sea_share: Alias::new(&weights),
            sea: sea.into_iter().map(|(port, _)| port).collect(),
            air: of_kind("air").first().map(|(port, _)| *port),
            neighbours,
            blocs: entry.trade_agreements.clone(),
            banks: List::new(banks)
                .ok_or_else(|| BuildError::Value { place: place(), problem: "no bank" })?,
        });
        if !(entry.gdp > 0.0 && entry.gdp.is_finite()) {
            return Err(BuildError::Value { place: place(), problem: "`gdp` is not above zero" });
        }
    }
    List::new(all).ok_or_else(|| BuildError::None { pack: pack.name.clone(), what: "countries" })
}

fn carriers(pack: &Pack) -> Result<(List<Carrier>, BTreeMap<String, u32>), BuildError> {
    let all = pack
        .carriers
        .iter()
        .map(|entry| Carrier {
            id: entry.id.clone(),
            name: entry.name.clone(),
            prefix: entry.prefix.clone(),
        })
        .collect();
    let index = index(pack.carriers.iter().map(|carrier| carrier.id.as_str()));
    Ok((
        List::new(all)
            .ok_or_else(|| BuildError::None { pack: pack.name.clone(), what: "carriers" })?,
        index,
    ))
}

fn fleet(
    pack: &Pack,
    names: &Names,
    seed: Seed,
    ports: &List<Port>,
    locodes: &BTreeMap<String, u32>,
    carriers: &BTreeMap<String, u32>,
    flags: usize,
) -> Result<(List<Service>, List<Vessel>), BuildError> {
    let (phase, ships) = (Stream::new(seed, "service.phase"), Stream::new(seed, "vessel"));
    let order = crate::permute::Permutation::new(seed, "vessel.imo", 900_000);
    let (mut services, mut vessels) = (vec![], vec![]);
    for (number, entry) in (0_u32..).zip(&pack.services) {
        let place = || format!("lanes.toml, service `{}`", entry.id);
        let mut calls = vec![];
        for locode in &entry.rotation {
            let port = find(locodes, locode, "port", place())?;
            calls.push((port, ports.id(port).point));
        }
        let mut legs = entry.legs.clone();
        if legs.is_empty() {
            let next = calls.iter().cycle().skip(1);
            // A sixth longer than the straight way: coasts and separation schemes.
            legs = calls.iter().zip(next).map(|((_, a), (_, b))| a.miles_to(*b) * 1.17).collect();
        }
        let ways = calls.iter().zip(calls.iter().cycle().skip(1));
        if legs.iter().zip(ways).any(|(leg, ((_, a), (_, b)))| *leg < a.miles_to(*b) * 0.98) {
            return Err(BuildError::Value {
                place: place(),
                problem: "a leg is shorter than the straight way",
            });
        }
        if entry.speed_kn > 25.0 {
            return Err(BuildError::Value { place: place(), problem: "ships keep under 25 knots" });
        }
        let first = u32::try_from(vessels.len()).unwrap_or(u32::MAX);
        let carrier = find(carriers, &entry.carrier, "carrier", place())?;
        let start = phase.row(u64::from(number)).unit();
        let service = Service::new(
            entry.id.clone(),
            carrier,
            (first, entry.vessels),
            entry.speed_kn,
            &calls,
            &legs,
            start,
        )
        .ok_or_else(|| BuildError::Value {
            place: place(),
            problem: "needs two ports, a leg for each, ships and a speed",
        })?;
        for ship in 0..entry.vessels {
            let row = u64::from(first + ship);
            let mut cell = ships.row(row);
            let mut imo = vec![];
            ident::imo(&mut imo, order.apply(row));
            vessels.push(Vessel {
                imo: String::from_utf8(imo).unwrap_or_default(),
                name: names.ship(&mut cell),
                service: number,
                flag: u32::try_from(cell.place(flags)).unwrap_or_default(),
                built: cell.whole(1998, 2024),
                tonnage: i64::from(entry.teu) * cell.whole(10, 13),
            });
        }
        services.push(service);
    }
    let none = |what| BuildError::None { pack: pack.name.clone(), what };
    Ok((
        List::new(services).ok_or_else(|| none("services"))?,
        List::new(vessels).ok_or_else(|| none("ships"))?,
    ))
}

fn commodities(pack: &Pack) -> Result<List<Commodity>, BuildError> {
    let codes = index(pack.commodities.iter().map(|goods| goods.hs6.as_str()));
    let mut all = vec![];
    for entry in &pack.commodities {
        let place = || format!("commodities.csv, `{}`", entry.hs6);
        let words = std::iter::once(entry.name.as_str())
            .chain(entry.text_variants.split(';').map(str::trim));
        let words: Vec<String> = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let chapter =
            entry.hs6.get(..2).and_then(|chapter| chapter.parse().ok()).unwrap_or_default();
        if entry.hs6.len() != 6 || !entry.hs6.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(BuildError::Value { place: place(), problem: "`hs6` is not six digits" });
        }
        let neighbour = match entry.neighbour_hs6.as_str() {
            "" => None,
            code => Some(find(&codes, code, "commodity", place())?),
        };
        let controlled = entry.controlled == 1;
        all.push(Commodity {
            hs: entry.hs6.clone(),
            chapter,
            sector: sector(chapter),
            words: List::new(words)
                .ok_or_else(|| BuildError::Value { place: place(), problem: "has no name" })?,
            price: LogNormal {
                median: entry.unit_value_usd_per_kg_median,
                sigma: entry.unit_value_sigma,
            },
            piece_kg: entry.kg_per_piece,
            control_code: if controlled { entry.control_code.clone() } else { String::new() },
            neighbour,
            stowage: entry.stowage_m3_per_t,
            bulk: entry.bulk == 1,
            dangerous: entry.dangerous == 1,
            reefer: entry.reefer == 1,
        });
    }
    List::new(all).ok_or_else(|| BuildError::None { pack: pack.name.clone(), what: "commodities" })
}

fn sector_shares(commodities: &List<Commodity>, shares: &[f64]) -> [f64; SECTORS] {
    let mut sums = [0.0; SECTORS];
    for (goods, share) in commodities.iter().zip(shares) {
        if let Some(sum) = sums.get_mut(goods.sector) {
            *sum += share;
        }
    }
    let total: f64 = sums.iter().sum();
    sums.map(|sum| sum / total.max(f64::MIN_POSITIVE))
}
