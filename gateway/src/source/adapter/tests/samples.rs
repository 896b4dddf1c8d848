//! The samples of this repository load, and hold what the playground shows with them.

use std::collections::BTreeSet;

use portcullis_proto::record::v1::{Declaration, ExportLicence, Inspection, Party};
use prost::Message as _;

use super::super::{CsvSource, Limits, MappingRef};
use super::tables::Rows;
use super::{load, repository, request, search};
use crate::clock::Clock;

fn sample(spool: &std::path::Path, names: &[&str]) -> CsvSource {
    let one = |name: &&str| MappingRef { file: repository().join(name), data_dir: None };
    let mappings: Vec<MappingRef> = names.iter().map(one).collect();
    load(spool, &mappings).unwrap_or_else(|problems| panic!("{problems}"))
}

/// ISO 6346: letters count 10 to 38 without multiples of 11, weights double, remainder 11 then 10.
fn is_container(number: &str) -> bool {
    let value = |c: char| match c.to_digit(36).unwrap() {
        digit @ 0..=10 => digit,
        letter => letter + (letter - 1) / 10,
    };
    let sum: u32 = number.chars().take(10).zip(0..).map(|(c, at)| value(c) << at).sum();
    number.len() == 11 && number.chars().last().unwrap().to_digit(10) == Some(sum % 11 % 10)
}

#[tokio::test]
async fn norvian_customs_is_rich() {
    assert!(is_container("CSQU3054383"), "the standard's own example");
    let spool = tempfile::tempdir().unwrap();
    let source =
        sample(spool.path(), &["nv-customs/declarations.toml", "nv-customs/inspections.toml"]);
    let answer = search(&source, request("Declaration")).await.unwrap();
    assert_eq!(answer.end.as_ref().unwrap().records, 60);
    let all: Vec<Declaration> =
        answer.records().map(|r| Declaration::decode(r.payload.clone()).unwrap()).collect();
    let scripts: BTreeSet<&str> = all
        .iter()
        .flat_map(|one| [&one.exporter, &one.importer])
        .map(|party| party.as_ref().unwrap().name.as_ref().unwrap().script.as_str())
        .collect();
    assert_eq!(scripts, BTreeSet::from(["Arab", "Geor", "Kana", "Latn"]));
    let containers: Vec<&String> = all.iter().flat_map(|one| &one.containers).collect();
    assert!(containers.len() >= 30);
    assert!(containers.iter().all(|number| is_container(number)), "{containers:?}");
    assert!(all.iter().filter(|one| !one.items[0].control_code.is_empty()).count() >= 20);
    assert!(all.iter().filter(|one| one.items.len() == 2).count() >= 10);
    assert!(all.iter().any(|one| one.examined_at.is_some()));

    let handlings: Vec<_> = answer.records().map(|r| r.handling.clone().unwrap()).collect();
    assert!(handlings.iter().all(|one| one.environment == 2 && one.delete_by.is_some()));
    assert_eq!(handlings.iter().filter(|one| one.compartments == ["OP-LANTERN"]).count(), 2);
    assert_eq!(handlings.iter().filter(|one| !one.releasable_to.is_empty()).count(), 3);

    let ids: BTreeSet<String> = all.into_iter().map(|one| one.id).collect();
    let answer = search(&source, request("Inspection")).await.unwrap();
    assert_eq!(answer.end.as_ref().unwrap().records, 18);
    for record in answer.records() {
        let inspection = Inspection::decode(record.payload.clone()).unwrap();
        assert!(ids.contains(&inspection.declaration_id));
    }
}

#[tokio::test]
async fn the_other_agencies_fit_to_it() {
    let spool = tempfile::tempdir().unwrap();
    let norvia = sample(spool.path(), &["nv-customs/declarations.toml"]);
    let solmark = sample(spool.path(), &["sm-customs/declarations.toml"]);
    let decode = |r: &portcullis_proto::source::v1::SourceRecord| {
        Declaration::decode(r.payload.clone()).unwrap()
    };
    let exports = search(&norvia, request("Declaration")).await.unwrap();
    let exports: Vec<Declaration> = exports.records().map(decode).collect();
    let imports = search(&solmark, request("Declaration")).await.unwrap();
    assert!(imports.records().count() >= 15);
    let (mut differing, mut near, mut count) = (0, 0, 0);
    for import in imports.records().map(decode) {
        let export = exports.iter().find(|export| export.ucr == import.ucr).unwrap();
        assert_eq!(export.containers, import.containers);
        // The two sides of a movement differ, most of them by little.
        let (left, arrived) = (export.items[0].net_mass_grams, import.items[0].net_mass_grams);
        let apart = (left - arrived).abs();
        near += usize::from(apart * 20 <= left);
        count += 1;
        differing += usize::from(apart > 10);
    }
    assert!(differing > 2 && differing * 2 < count, "{differing} of {count}");
    assert!(near * 10 >= count * 9, "{near} of {count}");
    let licensing = sample(spool.path(), &["nv-licensing/licences.toml"]);
    let answer = search(&licensing, request("ExportLicence")).await.unwrap();
    let licences: BTreeSet<String> =
        answer.records().map(|r| ExportLicence::decode(r.payload.clone()).unwrap().id).collect();
    assert_eq!(licences.len(), 24);
    let used = exports.iter().map(|one| &one.items[0].licence_id).filter(|id| !id.is_empty());
    assert!(used.clone().count() >= 8 && used.into_iter().all(|id| licences.contains(id)));

    let unit = sample(spool.path(), &["vl-fiu/parties.toml"]);
    let answer = search(&unit, request("Party")).await.unwrap();
    let parties: Vec<Party> =
        answer.records().map(|r| Party::decode(r.payload.clone()).unwrap()).collect();
    assert_eq!(parties.len(), 16);
    assert_eq!(parties.iter().filter(|party| party.listed).count(), 3);
    assert!(parties.iter().all(|p| p.organisation_name.is_some() != p.person_name.is_some()));
}

/// The columns of the sample mapping of a table, from the sample file.
#[tokio::test(flavor = "multi_thread")]
async fn the_sample_of_a_table_loads_and_holds_what_its_file_does() {
    let folder = tempfile::tempdir().unwrap();
    let file = repository().join("nv-customs/declarations.csv");
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.headers().unwrap().clone();
    let named = ["Entry No", "Way", "Accepted", "Office", "Importer Country", "HS", "Net kg"];
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let named = named.map(at).into_iter().chain(["Price", "Currency", "Remarks"].map(at));
    let named: Vec<usize> = named.collect();
    let cell = |record: &csv::StringRecord, at: usize| {
        let text = record[at].to_owned();
        let accepted = &header[at] == "Accepted";
        let iso = || format!("{}-{}-{}{}", &text[6..10], &text[3..5], &text[..2], &text[10..]);
        (!text.is_empty()).then(|| if accepted { iso() } else { text.clone() })
    };
    let rows = reader.records().map(|record| {
        let record = record.unwrap();
        named.iter().map(|at| cell(&record, *at)).collect()
    });
    let columns = ["entry_no", "way", "accepted", "office", "importer_country", "hs", "net_kg"];
    let columns = columns.into_iter().chain(["price", "currency", "remarks"]);
    let rows = Rows {
        columns: columns.map(|name| (name, "TEXT", "text")).collect(),
        rows: rows.collect(),
    };
    rows.sqlite(&folder.path().join("declarations.sqlite"), "declarations").await;
    let holder = super::super::Holder {
        agency: "nv-customs".into(),
        environment: portcullis_core::handling::Environment::Exercise,
        id_key: super::super::IdKey::new(&[7; 32]).unwrap(),
        spool_dir: folder.path().to_owned(),
    };
    let mapping = MappingRef {
        file: repository().join("nv-customs/declarations-table.toml"),
        data_dir: Some(folder.path().to_owned()),
    };
    let (limits, clock) = (Limits::default(), Clock::system());
    let source = CsvSource::open(&holder, &[mapping], None, limits, clock).await;
    let source = source.unwrap_or_else(|problems| panic!("{problems}"));
    let from_table = search(&source, request("Declaration")).await.unwrap();
    let from_file = sample(folder.path(), &["nv-customs/declarations.toml"]);
    let from_file = search(&from_file, request("Declaration")).await.unwrap();
    assert_eq!(from_table.records().count(), 60);
    for (one, two) in from_table.records().zip(from_file.records()) {
        assert_eq!(one.opaque_id, two.opaque_id);
        let decode = |bytes: &bytes::Bytes| Declaration::decode(bytes.clone()).unwrap();
        let (one, two) = (decode(&one.payload), decode(&two.payload));
        assert_eq!((one.accepted_at, one.direction), (two.accepted_at, two.direction));
        assert_eq!(one.items[0].value, two.items[0].value);
    }
}
