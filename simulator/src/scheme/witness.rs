//! What tests see of a case: the rows that it makes, by table and column.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeMap;

use crate::rng::Seed;
use crate::scheme::{Case, Cases, Kind, Request, Trace};
use crate::shipment::Engine;
use crate::table::{Out, Row, Table};
use crate::world::World;
use crate::world::pack::Pack;
use crate::write::csv::{Csv, header};

/// A row, by column.
pub type Record = BTreeMap<String, String>;

/// Rows by table.
#[derive(Default)]
pub struct Rows {
    text: Csv,
}

impl Out for Rows {
    fn put<R: Row>(&mut self, row: &R) {
        self.text.put(row);
    }
}

impl Rows {
    /// Those of a table.
    pub fn of(&self, table: Table) -> Vec<Record> {
        let mut text = header(table).into_bytes();
        text.extend(&self.text.tables[table.index()]);
        let mut reader = csv::Reader::from_reader(text.as_slice());
        reader.deserialize().map(|row| row.unwrap()).collect()
    }

    /// The row that a trace names.
    pub fn row(&self, trace: &Trace) -> Option<Record> {
        self.of(trace.table)
            .into_iter()
            .find(|row| row["id"] == trace.id && row["agency"] == trace.agency)
    }

    /// Rows of a table that an agency holds.
    pub fn held(&self, table: Table, agency: &str) -> Vec<Record> {
        self.of(table).into_iter().filter(|row| row["agency"] == agency).collect()
    }
}

/// The world of the demo pack.
pub fn world(seed: u64) -> World {
    let pack = concat!(env!("CARGO_MANIFEST_DIR"), "/packs/demo");
    World::build(Pack::read(pack.as_ref()).unwrap(), Seed(seed)).unwrap()
}

/// Consignments of the engines below.
pub const CONSIGNMENTS: u64 = 12_000;

/// An engine with so many cases of a kind.
pub fn engine(world: &World, kind: Kind, cases: u64) -> Engine<'_> {
    let request = Request { kinds: vec![(kind, cases)], singles: vec![] };
    let cases = Cases::new(world, CONSIGNMENTS, request).unwrap();
    Engine::new(world, CONSIGNMENTS, cases).unwrap()
}

/// All rows of a world in which nothing is hidden.
pub fn innocent(seed: u64) -> Rows {
    whole(seed, Request::default())
}

/// All rows of a world, those of no case among them.
pub fn whole(seed: u64, request: Request) -> Rows {
    let world = world(seed);
    let cases = Cases::new(&world, CONSIGNMENTS, request).unwrap();
    let engine = Engine::new(&world, CONSIGNMENTS, cases).unwrap();
    let registers = crate::shipment::registers::Registers::new(&engine);
    let mut rows = Rows::default();
    for piece in crate::generate::pieces(&engine, crate::generate::Part::WHOLE) {
        piece.make(&engine, &registers, &mut rows, &mut crate::generate::Truth::default());
    }
    rows
}

/// Everything that a case writes.
pub fn rows(engine: &Engine, case: &Case) -> Rows {
    let mut rows = Rows::default();
    case.records(engine, &mut rows);
    for role in 0..case.roles.len() {
        let number = engine.of_role(case, role).unwrap();
        let consignment = engine.consignment(number);
        assert_eq!(consignment.case, Some((case.number, role)));
        engine.emit(&consignment, &mut rows);
    }
    rows
}

/// Calls with each of so many cases of a kind and what it writes; before that holds every trace against the rows.
pub fn each(kind: Kind, cases: u64, mut look: impl FnMut(&Engine, &Case, &Rows)) {
    let world = world(11);
    let engine = engine(&world, kind, cases);
    for number in 0..cases {
        let case = engine.cases.case(&engine, number);
        let mut rows = rows(&engine, &case);
        if kind.is_scheme() {
            let traces = case.traces(&engine);
            assert!(!traces.is_empty(), "case {number} has no traces");
            put_ordinary_licences(&engine, &traces, &mut rows);
            for trace in &traces {
                assert!(rows.row(trace).is_some(), "case {number}: {trace:?} has no row");
            }
            let scheme = super::ALL.iter().find(|scheme| scheme.id == kind.id()).unwrap();
            for holder in scheme.needs.concat() {
                assert!(
                    traces.iter().any(|trace| trace.holder == holder),
                    "case {number}: {holder:?} holds nothing"
                );
            }
        }
        look(&engine, &case, &rows);
    }
}

/// Adds licences of ordinary trade that traces name.
fn put_ordinary_licences(engine: &Engine, traces: &[Trace], rows: &mut Rows) {
    let named = |trace: &&Trace| trace.table == Table::Licence && rows.row(trace).is_none();
    let named: Vec<&Trace> = traces.iter().filter(named).collect();
    for licence in (0..engine.licences.count()).map(|number| engine.licence(number)) {
        let id = engine.licence_id(licence.number, licence.from);
        if named.iter().any(|trace| trace.id == id) {
            engine.put_licence(&licence, None, rows);
        }
    }
}

/// A number in a cell.
pub fn number(row: &Record, column: &str) -> f64 {
    row[column].parse().unwrap()
}
