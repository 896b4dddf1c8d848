//! What is asked for is what is made: as many cases of each kind, with all their consignments, traces that are rows of
//! who is said to hold them, and a smallest set of agencies that take part.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use super::witness::world;
use super::{ALL, Cases, Kind, Request};
use crate::detect::records::{Alike, Records, hash, place};
use crate::shipment::Engine;
use crate::table::Table;

const CONSIGNMENTS: u64 = 12_000;

#[test]
fn every_scheme_is_delivered_as_often_as_it_was_asked_for_with_traces_that_are_rows() {
    let world = world(29);
    let wanted: Vec<(Kind, u64)> = Kind::SCHEMES.iter().copied().zip((2..8).cycle()).collect();
    let request = Request { kinds: wanted.clone(), singles: vec![] };
    let engine =
        Engine::new(&world, CONSIGNMENTS, Cases::new(&world, CONSIGNMENTS, request).unwrap())
            .unwrap();
    let every: BTreeSet<Table> = Table::ALL.iter().copied().collect();
    let (records, truth) = Records::made(&engine, &every);
    let rows = |bytes: &[u8]| -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    let (mut made, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    for case in rows(&truth.cases) {
        let [id, kind, is_true, consignments, needs] = &case[..] else { panic!("{case:?}") };
        let kind = Kind::parse(kind).unwrap();
        assert_eq!(*is_true, kind.is_scheme().to_string());
        *made.entry(kind).or_insert(0) += 1;
        let scheme = ALL.iter().find(|scheme| scheme.id == kind.id()).unwrap();
        let least = scheme.needs.iter().map(|set| set.len()).min().unwrap();
        for set in needs.split(';') {
            let agencies: BTreeSet<&str> = set.split('+').collect();
            assert!(agencies.len() >= least, "{case:?}: a set of fewer agencies");
            assert!(!agencies.contains(""), "{case:?}: of a state that takes no part");
        }
        kinds.insert(id.clone(), (kind, consignments.parse::<usize>().unwrap()));
    }
    assert_eq!(made, wanted.iter().copied().collect::<BTreeMap<_, _>>());
    let mut labelled: BTreeMap<String, usize> = BTreeMap::new();
    for label in rows(&truth.labels).iter().filter(|label| !label[4].is_empty()) {
        assert_eq!(label[3], kinds[&label[4]].0.id());
        *labelled.entry(label[4].clone()).or_default() += 1;
    }
    for (case, (kind, consignments)) in &kinds {
        let labelled = labelled.get(case).copied().unwrap_or_default();
        assert_eq!(labelled, *consignments, "{case} of {kind:?}");
    }
    let mut traced = BTreeSet::new();
    for trace in rows(&truth.traces) {
        let table = Table::ALL.iter().find(|table| table.name() == trace[1]).copied().unwrap();
        let key = hash(trace[2].as_bytes());
        let mut held = records.with(table, place(table, "id"), Alike::Exactly, key).iter();
        let is_held = held.any(|row| {
            let at = crate::detect::records::At { table, row: *row };
            records.text_of(records.agency(at)) == trace[3]
        });
        assert!(is_held, "{trace:?} is no row");
        traced.insert(trace[0].clone());
    }
    assert_eq!(traced.len(), kinds.len(), "a case without a trace");
}
