//! Partners that answer from memory: whoever is asked tells what it holds by then, clear, and only the fields asked for. No
//! gateway and no agreement stands between; what was told stands in for the gateway's log. For tests, and for games that are
//! played again with something changed (`what_if/`).

use std::collections::{BTreeMap, BTreeSet};

use super::desk::{Ask, Reply};
use super::event::{Answered, What};
use super::now::moment;
use super::playbook::{Lead, Row, Test};
use super::plot::Plot;
use super::smuggler::{Hidden, Off};
use crate::detect::records::{At, Records, place};
use crate::table::{Column, Kind, Table};

/// Partners that answer from memory.
pub(crate) struct Candid<'p> {
    /// Whose records.
    pub plot: &'p Plot,
    /// What was told, as the gateway's log would have it.
    pub told: Vec<What>,
    /// What each answer was told at, and the newest record in it.
    pub newest: Vec<(i64, i64)>,
    held: BTreeMap<(String, Table), Vec<Held>>,
    of_cases: BTreeSet<At>,
    hidden: BTreeSet<At>,
    asked: u64,
}

/// A record, since when it is known, and its cells.
type Held = (At, i64, Row);

impl<'p> Candid<'p> {
    /// Of a plot, before anybody asked.
    pub fn new(plot: &'p Plot) -> Self {
        let traces = plot.cases.iter().flat_map(|case| &case.traces);
        let of_cases = traces.map(|trace| trace.at).collect();
        let hidden = Off::first(plot).hidden(plot).all;
        let (told, newest, held) = (vec![], vec![], BTreeMap::new());
        Self { plot, told, newest, held, of_cases, hidden, asked: 0 }
    }

    /// Makes everything that an agency holds of a type, in the order of its numbers, once.
    fn hold(&mut self, of: &str, table: Table) {
        let plot = self.plot;
        self.held.entry((of.to_owned(), table)).or_insert_with(|| {
            let records = &plot.ground.records;
            let of = records.word(of);
            let mine = records.all(table).filter(|at| Some(records.agency(*at)) == of);
            mine.map(|at| (at, plot.known(at), row(records, at))).collect()
        });
    }

    fn rows(&mut self, lead: &Lead, now: i64) -> Vec<(At, Row)> {
        let fits = |row: &Row| {
            lead.tests.iter().all(|(path, test)| {
                let cell = row.get(*path).map_or("", String::as_str);
                match test {
                    Test::Is(text) => cell == text,
                    Test::Begins(text) => cell.starts_with(text.as_str()),
                }
            })
        };
        self.hold(&lead.of, lead.table);
        let held = self.held.get(&(lead.of.clone(), lead.table)).map_or(&[][..], Vec::as_slice);
        let there = |at: &At, known: i64| known <= now && !self.hidden.contains(at);
        let found = held.iter().filter(|(at, known, row)| there(at, *known) && fits(row));
        let only = |row: &Row| match lead.fields {
            ["*"] => row.clone(),
            fields => fields
                .iter()
                .filter_map(|path| Some(((*path).to_owned(), row.get(*path)?.clone())))
                .collect(),
        };
        found.map(|(at, _, row)| (*at, only(row))).collect()
    }
}

fn row(records: &Records, at: At) -> Row {
    let columns = at.table.columns().iter().filter(|one| !one.path.is_empty());
    let cell = |column: &Column| {
        let place = place(at.table, column.name);
        match records.number(at, place) {
            #[expect(clippy::cast_possible_truncation, reason = "seconds of some thousand years")]
            Some(number) if column.kind == Kind::Moment => moment(number as i64),
            Some(number) => format!("{number:.0}"),
            None => records.text(at, place).to_owned(),
        }
    };
    let cells = columns.map(|column| (column.path.to_owned(), cell(column)));
    cells.filter(|(_, text)| !text.is_empty()).collect()
}

impl Ask for Candid<'_> {
    async fn ask(&mut self, asker: &str, lead: &Lead, now: i64) -> Reply {
        let found = self.rows(lead, now);
        let newest = found.iter().map(|(at, _)| self.plot.known(*at)).max();
        self.newest.extend(newest.map(|newest| (now, newest)));
        let paths: Vec<&str> = lead.table.columns().iter().map(|one| one.path).collect();
        let shown = if lead.fields == ["*"] { paths } else { lead.fields.to_vec() };
        let record_type = lead.table.record_type().to_owned();
        let plan = crate::drill::sha256(format!("{record_type} {shown:?}").as_bytes());
        let shows = shown.iter().filter(|path| !path.is_empty());
        let shows = shows.map(|path| ((*path).to_owned(), "clear".to_owned())).collect();
        let (to, from) = (asker.to_owned(), lead.of.clone());
        for (at, row) in found.iter().filter(|(at, _)| self.of_cases.contains(at)) {
            let record = row.get("id").cloned();
            let id = self.plot.ground.records.text(*at, place(at.table, "id")).to_owned();
            self.told.push(What::Received {
                to: to.clone(),
                from: from.clone(),
                table: at.table.name().to_owned(),
                record: record.unwrap_or(id),
                plan: plan.clone(),
            });
        }
        self.asked += 1;
        let exchange = format!("memory-{}", self.asked);
        self.told.push(What::Disclosed {
            entry: 0,
            exchange: exchange.clone(),
            to,
            from: from.clone(),
            record_type: record_type.clone(),
            plan: plan.clone(),
            records: found.len() as u64,
        });
        Reply {
            answered: Answered::Records { count: found.len() as u64, exchange },
            found: Some(found.into_iter().map(|(_, row)| row).collect()),
            plans: vec![What::Plan { plan, record_type, originator: from, shows }],
        }
    }

    async fn hide(&mut self, hidden: &Hidden) {
        self.hidden.clone_from(&hidden.all);
    }
}
