//! T22: from an applicant along its owners to a listed person. Keys: the applicant's name in the register of
//! companies, company numbers from owner to owned, the day of birth on a list.

use super::columns::{COMPANY, LICENCE, OWNER, WATCHLIST};
use super::{Linker, best, many};
use crate::detect::ground::Roster;
use crate::detect::look::Look;
use crate::detect::records::{Alike, At, Records};
use crate::detect::sheet::Sheet;
use crate::table::Table;
use crate::world::spelling::likeness;
use crate::world::{Office, spelling};

/// Links an applicant, who owns it, and lists.
#[derive(Debug)]
pub struct ListedOwner;

/// Links that are followed at most.
const CHAIN: usize = 6;

impl Linker for ListedOwner {
    fn scheme(&self) -> &'static str {
        "T22"
    }

    fn tables(&self) -> &'static [Table] {
        &[Table::Licence, Table::Company, Table::Owner, Table::WatchlistHit]
    }

    fn begins(&self) -> (Table, &'static str) {
        (Table::Licence, "LIC")
    }

    /// Unit and service of the authority's state.
    fn partners(&self, roster: &Roster, records: &Records, at: At) -> Vec<Vec<u32>> {
        let agency = records.agency(at);
        let both = roster
            .sister(agency, Office::Intelligence)
            .zip(roster.sister(agency, Office::Fiu))
            .map(|(service, unit)| vec![service, unit]);
        both.into_iter().collect()
    }

    fn links(&self, look: &Look, at: At, sheet: &mut Sheet) {
        let (l, o, w) = (&*LICENCE, &*OWNER, &*WATCHLIST);
        let owners = match at.table {
            Table::Licence => owners(look, &companies(look, at, l.exporter_name)),
            Table::Owner => {
                let mut all = vec![(at, 1)];
                all.extend(above(look, at).into_iter().map(|(row, depth)| (row, depth + 1)));
                all
            }
            Table::WatchlistHit => return on_list(look, at, sheet),
            _ => return,
        };
        let persons = owners.iter().flat_map(|(owner, depth)| {
            look.linked(
                (*owner, o.owner_birth_date),
                (Table::WatchlistHit, w.birth_date),
                Alike::Exactly,
            )
            .map(move |listed| (*owner, *depth, listed))
        });
        let found =
            best(persons, |(owner, _, listed)| -letters(look, owner, listed).unwrap_or(99.0));
        let names = [
            (Table::Owner, o.owner_name),
            (Table::WatchlistHit, w.listed_name),
            (Table::WatchlistHit, w.aliases),
        ];
        let chain = [
            (Table::Owner, o.owned_id),
            (Table::Owner, o.owner_id),
            (Table::Company, COMPANY.name),
        ];
        let born = [(Table::Owner, o.owner_birth_date), (Table::WatchlistHit, w.birth_date)];
        let far = found.and_then(|(owner, _, listed)| letters(look, owner, listed));
        sheet.rule(
            "an owner of the applicant is born on the day of a listed person of a like name",
            &[names.as_slice(), &chain, &born].concat(),
            far.is_some_and(|far| far <= 6.0),
        );
        sheet.flag("an owner is born on the day of a listed person", &born, Some(found.is_some()));
        sheet.number("letters between the two names", &names, far);
        sheet.number(
            "links to who owns it in the end",
            &chain,
            many(owners.iter().map(|(_, depth)| *depth).max().unwrap_or(0)),
        );
        sheet.number(
            "links to the listed person",
            &chain,
            found.and_then(|(_, depth, _)| many(depth)),
        );
        let like = found.and_then(|(owner, _, listed)| {
            Some(likeness(&look.text(owner, o.owner_name)?, &look.text(listed, w.listed_name)?))
        });
        sheet.number("likeness of the two names", &names, like);
        let share = found.and_then(|(owner, _, _)| look.number(owner, o.share_percent));
        sheet.number("share that the person holds", &[(Table::Owner, o.share_percent)], share);
        let words =
            |column| found.map(|(_, _, listed)| look.tokens(listed, column)).unwrap_or_default();
        sheet.words(
            "why the person is listed",
            &[(Table::WatchlistHit, w.ground)],
            words(w.ground),
        );
        sheet.words(
            "state of the listed person",
            &[(Table::WatchlistHit, w.country)],
            words(w.country),
        );
    }
}

/// Companies of a name.
fn companies(look: &Look, at: At, name: usize) -> Vec<At> {
    look.linked((at, name), (Table::Company, COMPANY.name), Alike::AsName).collect()
}

/// Rows of the register of owners from companies upwards, with their distance.
fn owners(look: &Look, companies: &[At]) -> Vec<(At, usize)> {
    let mut all = vec![];
    for company in companies {
        let first = look.linked(
            (*company, COMPANY.registration_number),
            (Table::Owner, OWNER.owned_id),
            Alike::Exactly,
        );
        for owner in first {
            all.push((owner, 1));
            all.extend(above(look, owner).into_iter().map(|(row, depth)| (row, depth + 1)));
        }
    }
    all
}

/// Rows above one of the register of owners.
fn above(look: &Look, owner: At) -> Vec<(At, usize)> {
    let (mut all, mut level, mut depth) = (vec![], vec![owner], 0);
    while !level.is_empty() && depth < CHAIN {
        depth += 1;
        level = level
            .iter()
            .flat_map(|row| {
                look.linked((*row, OWNER.owner_id), (Table::Owner, OWNER.owned_id), Alike::Exactly)
            })
            .collect();
        all.extend(level.iter().map(|row| (*row, depth)));
    }
    all
}

/// A list alone: whether others of a like name are on it.
fn on_list(look: &Look, at: At, sheet: &mut Sheet) {
    let w = &*WATCHLIST;
    let same = look
        .linked((at, w.birth_date), (Table::WatchlistHit, w.birth_date), Alike::Exactly)
        .count();
    sheet.number("others born on the day", &[(Table::WatchlistHit, w.birth_date)], many(same));
}

/// Letters between an owner's name and the nearest of a listed person's.
fn letters(look: &Look, owner: At, listed: At) -> Option<f64> {
    let name = look.text(owner, OWNER.owner_name)?;
    let aliases = look.text(listed, WATCHLIST.aliases).unwrap_or_default();
    let listed = look.text(listed, WATCHLIST.listed_name)?;
    let all = aliases.split(';').filter(|alias| !alias.is_empty()).chain([&*listed]);
    let least = all.map(|other| spelling::distance(&name, other)).min()?;
    Some(f64::from(u32::try_from(least).unwrap_or(u32::MAX)))
}
