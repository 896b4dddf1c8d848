//! Parties known to Velland's financial intelligence unit: firms of the samples, and people who own and direct them.

use std::collections::{BTreeMap, BTreeSet};

use super::SamplesError;
use super::dress::{day, name};
use super::lines::Lines;
use super::pick::Picked;
use super::rows::{Record, Rows};
use crate::table::Table;
use crate::world::World;

const FIRMS: usize = 10;
const PEOPLE: usize = 6;
/// Of the people, so many are on a list of the world's services.
const LISTED: usize = 2;

/// An officer of Norvian customs. The world has no officers; names of its people serve, here and there the same.
pub fn officer(picked: &Picked, number: usize) -> String {
    let people = picked.firms.values().filter(|firm| firm.text("country") == "XN");
    people.map(|firm| firm.text("director")).nth(number * 7).unwrap_or_default().to_owned()
}

/// The parties.
pub fn parties(world: &World, rows: &Rows, picked: &Picked) -> Result<String, SamplesError> {
    let mut out = Lines::new(
        b',',
        "Party,Kind,Organisation,Organisation Script,Language,Organisation Latin,Person,Person Script,\
                   Person Latin,Born,Nationality,Street,City,Postcode,Country,Registered,Number,Phone,Officer 1,\
                   Officer 1 Script,Officer 1 Latin,Officer 2,Officer 2 Script,Officer 2 Latin,Listed,Remarks,Releasable,\
                   Compartments",
    )?;
    let owners: BTreeMap<&str, Vec<&Record>> =
        rows.of(Table::Owner, "").fold(BTreeMap::new(), |mut all, row| {
            all.entry(row.text("owned_id")).or_default().push(row);
            all
        });
    let firms = firms(picked);
    for (number, firm) in firms.iter().enumerate() {
        let owned = owners.get(firm.text("registration_number"));
        let second = owned.into_iter().flatten().map(|row| row.text("owner_name"));
        let second =
            second.filter(|name| *name != firm.text("director")).find(|name| !name.is_empty());
        let of = |text: &str| name(world, firm.text("country"), text);
        let (own, director) = (of(firm.text("name")), of(firm.text("director")));
        let second = of(second.unwrap_or_default());
        let listed = number + 1 == FIRMS;
        out.add(&[
            firm.text("id"),
            "org",
            &own.original,
            own.script,
            &own.language,
            &own.latin,
            "",
            "",
            "",
            "",
            "",
            firm.text("street"),
            firm.text("city"),
            firm.text("postcode"),
            firm.text("country"),
            &day(firm.number("registered_on"), '/'),
            firm.text("registration_number"),
            firm.text("phone"),
            &director.original,
            director.script,
            &director.latin,
            &second.original,
            second.script,
            &second.latin,
            if listed { "yes" } else { "no" },
            if listed { "Payments split over four accounts" } else { "" },
            "",
            "",
        ])?;
    }
    let people = people(rows);
    if firms.len() < FIRMS || people.len() < PEOPLE {
        return Err(SamplesError::Few("parties"));
    }
    for (number, person) in people.iter().enumerate() {
        let listed = number + LISTED >= PEOPLE;
        let own = name(world, person.country, person.name);
        out.add(&[
            &format!("VL-NP-{:04}", 31 + number),
            "person",
            "",
            "",
            "",
            "",
            &own.original,
            own.script,
            &own.latin,
            &day(person.born, '/'),
            person.country,
            person.street,
            person.city,
            person.postcode,
            person.country,
            "",
            "",
            person.phone,
            "",
            "",
            "",
            "",
            "",
            "",
            if listed { "yes" } else { "no" },
            if listed { "Named in a listing of a partner's service" } else { "" },
            if number == 2 { "sm-customs" } else { "" },
            "",
        ])?;
    }
    out.text()
}

/// Firms that the exports of the samples name, buyers first.
fn firms<'r>(picked: &Picked<'r>) -> Vec<&'r Record> {
    let mut seen = BTreeSet::new();
    let by_column = ["importer_id", "exporter_id"]
        .into_iter()
        .flat_map(|column| picked.declared.iter().map(move |one| one.row.text(column)));
    by_column
        .filter_map(|id| picked.firms.get(id).copied())
        .filter(|firm| firm.text("country") != "XN" && seen.insert(firm.text("id").to_owned()))
        .take(FIRMS)
        .collect()
}

struct Person<'r> {
    name: &'r str,
    born: Option<i64>,
    country: &'r str,
    street: &'r str,
    city: &'r str,
    postcode: &'r str,
    phone: &'r str,
}

/// People who own firms of Velland, at their firm's address; then people whom a service lists.
fn people(rows: &Rows) -> Vec<Person<'_>> {
    let registry: BTreeMap<&str, &Record> = rows
        .of(Table::Party, "vl-customs")
        .map(|row| (row.text("registration_number"), row))
        .collect();
    let born = |row: &&Record| row.number("owner_birth_date").is_some();
    let owners = rows.of(Table::Owner, "vl-fiu").filter(born).filter_map(|row| {
        let firm = registry.get(row.text("owned_id"))?;
        Some(Person {
            name: row.text("owner_name"),
            born: row.number("owner_birth_date"),
            country: firm.text("country"),
            street: firm.text("street"),
            city: firm.text("city"),
            postcode: firm.text("postcode"),
            phone: firm.text("phone"),
        })
    });
    let listed = rows.of(Table::WatchlistHit, "").map(|row| Person {
        name: row.text("listed_name"),
        born: row.number("birth_date"),
        country: row.text("country"),
        street: "",
        city: "",
        postcode: "",
        phone: "",
    });
    owners.take(PEOPLE - LISTED).chain(listed.take(LISTED)).collect()
}
