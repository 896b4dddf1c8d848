//! Playbooks: what an experienced officer does about a matter. Each looks for one scheme: is it worth asking at all, whom
//! next about what, and what do the answers say. They are pure; who plays by them asks the questions (`bot.rs`), and what
//! they need of others is what a case needs (coverage, over-collection).

mod customs;
mod licensing;

use std::collections::BTreeMap;

use super::known::{later, since};
use crate::detect::ground::Ground;
use crate::detect::records::{Alike, At, place};
use crate::table::Table;
use crate::world::World;
use crate::world::spelling::plain;

/// All of them.
pub const ALL: &[&dyn Playbook] = &[
    &customs::ReExport,
    &customs::SentOn,
    &customs::NeverCame,
    &customs::OtherCode,
    &customs::OverDrawn,
    &licensing::ForgedCertificate,
    &licensing::DeniedElsewhere,
];

/// How an answer's field is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// Equal to a text.
    Is(String),
    /// Begins with a text.
    Begins(String),
}

/// A question to one agency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Whom.
    pub of: String,
    /// For what.
    pub table: Table,
    /// Fields by path, all of which have to fit.
    pub tests: Vec<(&'static str, Test)>,
    /// Fields wanted.
    pub fields: &'static [&'static str],
}

/// A record of an answer: texts by path of the field; what was not shown is not there.
pub type Row = BTreeMap<String, String>;

/// What a question brought; `None`: nothing, for it was refused or failed.
pub type Found = Option<Vec<Row>>;

/// What a playbook makes of a matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// How likely it is that something is wrong, 0 to 1.
    pub suspicion: f64,
    /// Why.
    pub why: &'static str,
}

impl Judgement {
    fn new(suspicion: f64, why: &'static str) -> Self {
        Self { suspicion, why }
    }
}

/// Looks for one scheme.
pub trait Playbook: Sync {
    /// Which.
    fn scheme(&self) -> &'static str;
    /// On records of which table.
    fn table(&self) -> Table;
    /// What it needs of the records of other agencies: table and paths.
    fn needs(&self) -> &'static [(Table, &'static [&'static str])];
    /// What an agency alone makes of a matter of the table before it asked anybody; `None`: nothing to look into.
    fn alone(&self, own: &Own) -> Option<Judgement>;
    /// The next question, after those whose answers are there.
    fn lead(&self, own: &Own, found: &[Found]) -> Option<Lead>;
    /// What the answers say.
    fn judge(&self, own: &Own, found: &[Found]) -> Judgement;
}

/// A matter as its own agency sees it, at a moment of the world.
#[derive(Clone, Copy)]
pub struct Own<'p> {
    /// The world: codes, control lists and who is who are public.
    pub world: &'p World,
    /// All records; only the agency's own are looked at.
    pub ground: &'p Ground,
    /// The record.
    pub at: At,
    /// The moment, seconds since 1970.
    pub now: i64,
}

impl<'p> Own<'p> {
    /// A cell of the record; empty where it says nothing yet.
    pub fn text(&self, name: &str) -> &'p str {
        self.text_of(self.at, name)
    }

    /// A cell of one of the agency's own records.
    pub fn text_of(&self, at: At, name: &str) -> &'p str {
        if self.waits(at, name) { "" } else { self.ground.records.text(at, place(at.table, name)) }
    }

    /// Whether a cell of a record says nothing yet.
    pub fn waits(&self, at: At, name: &str) -> bool {
        later(at.table).is_some_and(|(when, waits)| {
            waits.contains(&name) && self.seconds(at, when).is_none_or(|then| then > self.now)
        })
    }

    /// A number of one of the agency's own records.
    pub fn number_of(&self, at: At, name: &str) -> Option<f64> {
        self.ground.records.number(at, place(at.table, name))
    }

    fn seconds(&self, at: At, name: &str) -> Option<i64> {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of some thousand years")]
        self.number_of(at, name).map(|seconds| seconds as i64)
    }

    /// The agency's own records of a table with the same value in a column, as far as they are known by now.
    pub fn own(&self, table: Table, column: &str, value: &str, alike: Alike) -> Vec<At> {
        let records = &self.ground.records;
        let mine = records.agency(self.at);
        crate::detect::records::text_keys(value, alike)
            .into_iter()
            .flat_map(|key| records.with(table, place(table, column), alike, key))
            .map(|row| At { table, row: *row })
            .filter(|at| records.agency(*at) == mine && self.is_known(*at))
            .collect()
    }

    fn is_known(&self, at: At) -> bool {
        let then = since(at.table).and_then(|name| self.seconds(at, name));
        then.is_none_or(|then| then <= self.now)
    }

    /// Country of the agency.
    pub fn country(&self) -> Option<u32> {
        let agency = self.ground.records.text_of(self.ground.records.agency(self.at));
        self.world.participants().into_iter().find(|state| {
            let country = self.world.countries.id(*state);
            crate::world::Office::ALL.iter().any(|office| country.agency(*office) == agency)
        })
    }

    /// An agency of a state, by the state's code; only if it takes part.
    pub fn abroad(&self, code: &str, office: crate::world::Office) -> Option<&'p str> {
        let roster = &self.ground.roster;
        roster.abroad(code, office).map(|agency| self.ground.records.text_of(agency))
    }

    /// Another agency of the own state.
    pub fn sister(&self, office: crate::world::Office) -> Option<&'p str> {
        let own = self.ground.records.agency(self.at);
        let sister = self.ground.roster.sister(own, office)?;
        Some(self.ground.records.text_of(sister))
    }

    /// Whether goods of a code may need a licence, by the control list.
    pub fn controlled(&self, hs: &str) -> bool {
        self.world.commodities.iter().any(|goods| goods.controlled() && goods.hs == hs)
    }
}

/// Whether two names are of one firm, as officials write them.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    let (one, other) = (plain(one), plain(other));
    !one.is_empty() && one == other
}

/// Whether two descriptions tell serial numbers in common: `S/N 10-14` and `S/N 12` do.
pub(super) fn share_numbers(one: &str, other: &str) -> bool {
    let range = |text: &str| {
        let told = crate::detect::records::serial(text)?.trim();
        let (from, to) = told.split_once('-').unwrap_or((told, told));
        Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?))
    };
    match (range(one), range(other)) {
        (Some((from, to)), Some((first, last))) => from <= last && first <= to,
        _ => false,
    }
}

/// A field of a record.
pub(super) fn field<'r>(row: &'r Row, path: &str) -> &'r str {
    row.get(path).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::share_numbers;

    #[test]
    fn numbers_are_shared_where_ranges_meet() {
        for (one, other, expected) in [
            ("Bearings, S/N 865246-865253", "deep groove bearings, S/N 865246-865253", true),
            ("Bearings, S/N 865246-865253", "Bearings, S/N 865250-865253", true),
            ("Bearings, S/N 865246-865249", "Bearings, S/N 865250-865253", false),
            ("Bearings, S/N 865246", "Bearings, S/N 865240-865250", true),
            ("Bearings", "Bearings, S/N 865240-865250", false),
            ("Bearings", "Bearings", false),
        ] {
            assert_eq!(share_numbers(one, other), expected, "{one} / {other}");
            assert_eq!(share_numbers(other, one), expected, "{other} / {one}");
        }
    }
}
