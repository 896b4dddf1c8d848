//! One row to a record: is it served, under which id, with what handling and payload, or what is wrong with
//! it. The same for rows of files and of tables.

use std::path::Path;
use std::sync::Arc;

use super::compile::{Data, Mapping, ReadAt};
use super::handling::{Classes, RowHandling};
use super::load::IdKey;
use super::problem::{Cause, Problem, Problems};
use super::rows::Row;
use super::spool::OpaqueId;

/// Converts rows, and keeps what it learns on the way.
pub struct Pass {
    mapping: Arc<Mapping>,
    id_key: IdKey,
    /// Handlings met.
    pub classes: Classes,
    /// The latest moment of the column that `data_as_of` names.
    pub latest: Option<i64>,
    /// What is wrong with the rows.
    pub problems: Problems,
    /// The payload of the row that was converted last.
    pub payload: Vec<u8>,
}

/// A row that is served.
pub struct Converted {
    /// Its opaque id.
    pub id: OpaqueId,
    /// Its handling.
    pub handling: RowHandling,
}

impl Pass {
    /// Nothing converted yet.
    pub fn new(mapping: Arc<Mapping>, id_key: IdKey) -> Self {
        let (classes, problems) = (Classes::default(), Problems::default());
        Self { mapping, id_key, classes, latest: None, problems, payload: vec![] }
    }

    /// Converts a row; none: it is not served, or what is wrong with it is among the problems. `path` is the
    /// file it is from; of a table, the mapping.
    pub fn convert(&mut self, path: &Path, row: &Row) -> Option<Converted> {
        let mapping = self.mapping.clone();
        let columns = mapping.header.len();
        if row.len() != columns {
            let detail = format!("has {} cells, the header {columns}", row.len());
            let problem = mapping.locate(Problem::new(Cause::Row, path, detail), None, row);
            self.problems.push(problem);
            return None;
        }
        if !mapping.only.iter().all(|test| test.holds(row)) {
            return None;
        }
        let before = self.problems.count();
        self.note_time(path, row);
        let id = self.id(path, row);
        let handling = match mapping.handling.of(row, &mut self.classes) {
            Ok(handling) => Some(handling),
            Err(detail) => {
                let problem = Problem::new(Cause::Handling, path, detail);
                self.problems.push(mapping.locate(problem, None, row).field("handling"));
                None
            }
        };
        self.payload.clear();
        mapping.encode(path, row, &mut self.payload, &mut self.problems);
        let (handling, id) = (handling?, id?);
        (self.problems.count() == before).then_some(Converted { id, handling })
    }

    /// The opaque id of a row; none where an id cell is empty.
    pub fn opaque(&self, row: &Row) -> Option<OpaqueId> {
        let cells = || self.mapping.id.iter().map(|at| row.cell(*at).unwrap_or_default().trim());
        if cells().any(str::is_empty) {
            return None;
        }
        Some(self.id_key.opaque(self.mapping.record_type.name().as_str(), cells()))
    }

    fn id(&mut self, path: &Path, row: &Row) -> Option<OpaqueId> {
        let id = self.opaque(row);
        if id.is_none() {
            let empty = |at: &&usize| row.cell(**at).unwrap_or_default().trim().is_empty();
            let column = self.mapping.id.iter().find(empty);
            let column = column.and_then(|at| self.mapping.header.get(*at)).cloned();
            let problem = Problem::new(Cause::Missing, path, "an id is required");
            let problem = self.mapping.locate(problem, None, row);
            self.problems.push(problem.column(column.unwrap_or_default()));
        }
        id
    }

    fn note_time(&mut self, path: &Path, row: &Row) {
        let ReadAt::Column { column, formats, offset } = &self.mapping.as_of else { return };
        let cell = row.cell(*column).unwrap_or_default().trim();
        match formats.iter().find_map(|format| format.read(cell)) {
            Some(read) => self.latest = self.latest.max(Some(read.unix(*offset))),
            None => {
                let column = self.mapping.header.get(*column).cloned().unwrap_or_default();
                let problem = Problem::new(Cause::Value, path, "not a time in the given format");
                let problem = self.mapping.locate(problem, None, row);
                self.problems.push(problem.column(column).field("data_as_of"));
            }
        }
    }
}

impl Mapping {
    /// Says where a problem of a row is: the line of the file, or the line of the mapping (none: not about
    /// one) and the row's ordinal in the table.
    pub fn locate(&self, problem: Problem, line: Option<u64>, row: &Row) -> Problem {
        match &self.data {
            Data::Files { .. } => problem.at(row.line),
            Data::Table => match line {
                Some(line) => problem.at(line).row(row.line),
                None => problem.row(row.line),
            },
        }
    }
}
