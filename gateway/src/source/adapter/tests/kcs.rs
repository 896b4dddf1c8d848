//! The public customs declarations, where they are at hand: all 54,000 rows. Skipped, and said so, without.

use std::path::{Path, PathBuf};

use portcullis_proto::record::v1::{Declaration, Inspection, InspectionOutcome};
use prost::Message as _;

use super::super::{CsvSource, MappingRef};
use super::{load, repository, request, search};

/// `shared/data/kcs` beside the repository or above it.
fn data() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("PORTCULLIS_SHARED").map(PathBuf::from);
    let above = here.ancestors().map(|folder| folder.join("shared"));
    let found = given
        .into_iter()
        .chain(above)
        .map(|shared| shared.join("data/kcs"))
        .find(|folder| folder.join("df_syn_train_eng.csv").is_file());
    if found.is_none() {
        eprintln!("skipped: no shared/data/kcs beside the repository; set PORTCULLIS_SHARED");
    }
    found
}

fn source(spool: &Path) -> Option<CsvSource> {
    let data_dir = Some(data()?);
    let mapping = |name: &str| MappingRef {
        file: repository().join("kcs").join(name),
        data_dir: data_dir.clone(),
    };
    let mappings = [mapping("declarations.toml"), mapping("inspections.toml")];
    Some(load(spool, &mappings).unwrap_or_else(|problems| panic!("{problems}")))
}

fn rows() -> Vec<csv::StringRecord> {
    let mut rows = vec![];
    for part in ["train", "valid", "test"] {
        let path = data().unwrap().join(format!("df_syn_{part}_eng.csv"));
        rows.extend(csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap));
    }
    rows
}

#[tokio::test]
async fn all_declarations_are_served_as_the_csv_has_them() {
    let spool = tempfile::tempdir().unwrap();
    let begun = tokio::time::Instant::now();
    let Some(source) = source(spool.path()) else { return };
    eprintln!("loaded 108,000 records in {:?}", begun.elapsed());
    let begun = tokio::time::Instant::now();
    let answer = search(&source, request("Declaration")).await.unwrap();
    eprintln!("scanned in {:?}", begun.elapsed());
    assert_eq!(answer.end.as_ref().unwrap().records, 54_000);
    let mut got: Vec<Declaration> = answer
        .records()
        .map(|record| {
            let got = Declaration::decode(record.payload.clone()).unwrap();
            assert_eq!(record.payload, got.encode_to_vec(), "canonical");
            got
        })
        .collect();
    got.sort_by(|one, two| one.id.cmp(&two.id));
    let mut rows = rows();
    rows.sort_by(|one, two| one[0].cmp(&two[0]));
    assert_eq!(got.len(), rows.len());
    for (got, row) in got.iter().zip(&rows) {
        assert_eq!((got.id.as_str(), got.office.as_str()), (&row[0], &row[2]));
        let item = &got.items[0];
        let texts = [
            &item.hs_code,
            &got.country_of_departure,
            &item.country_of_origin,
            &item.origin_marking,
        ];
        assert_eq!(texts.map(String::as_str), [&row[12], &row[13], &row[14], &row[17]]);
        let id = |party: &Option<portcullis_proto::record::v1::TradeParty>| {
            party.as_ref().map(|party| party.id.clone()).unwrap_or_default()
        };
        let parties = [id(&got.declarant), id(&got.importer), id(&got.exporter), id(&got.carrier)];
        assert_eq!(parties, [&row[8], &row[9], &row[10], &row[11]]);
        assert_eq!(item.duty_rate, row[15].parse::<f64>().unwrap());
        let grams = (row[18].parse::<f64>().unwrap() * 1000.0).round();
        assert_eq!(item.net_mass_grams as f64, grams);
        let value = item.value.as_ref().unwrap();
        let cents = value.units as f64 * 100.0 + f64::from(value.nanos) / 1e7;
        assert!((cents - row[19].parse::<f64>().unwrap() * 100.0).abs() <= 0.51, "{}", got.id);
    }
}

#[tokio::test]
async fn inspections_have_the_outcome_of_the_csv() {
    let spool = tempfile::tempdir().unwrap();
    let Some(source) = source(spool.path()) else { return };
    let answer = search(&source, request("Inspection")).await.unwrap();
    let count = |outcome: InspectionOutcome| {
        answer
            .records()
            .filter(|r| Inspection::decode(r.payload.clone()).unwrap().outcome() == outcome)
            .count()
    };
    assert_eq!(count(InspectionOutcome::Conforming), 42_347);
    assert_eq!(count(InspectionOutcome::Irregular), 11_108);
    assert_eq!(count(InspectionOutcome::Critical), 545);
}

/// What a filter says of a row, written down a second time.
type Says = fn(&csv::StringRecord) -> bool;

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

/// A zero is no value (see the filter's rules): no comparison finds it.
fn mass(row: &csv::StringRecord) -> Option<f64> {
    Some(number(&row[18])).filter(|mass| (mass * 1000.0).round() > 0.0)
}

const FILTERS: &[(&str, Says)] = &[
    ("items.hs_code prefix \"85\"", |row| row[12].starts_with("85")),
    ("items.hs_code prefix \"8504\"", |row| row[12].starts_with("8504")),
    ("items.hs_code = \"392690\"", |row| &row[12] == "392690"),
    ("items.hs_code >= \"900000\"", |row| &row[12] >= "900000"),
    ("items.country_of_origin = \"CN\"", |row| &row[14] == "CN"),
    ("items.country_of_origin != \"CN\"", |row| &row[14] != "CN"),
    ("country_of_departure in (\"JP\", \"VN\", \"ZZ\")", |row| {
        ["JP", "VN", "ZZ"].contains(&&row[13])
    }),
    ("accepted_at >= 2021-01-01", |row| &row[1] >= "2021-01-01"),
    ("accepted_at >= 2020-02-01 and accepted_at < 2020-03-01", |row| row[1].starts_with("2020-02")),
    ("items.net_mass_grams > 1000000", |row| mass(row).is_some_and(|kg| kg > 1000.0)),
    ("items.net_mass_grams <= 500", |row| mass(row).is_some_and(|kg| kg <= 0.5)),
    ("not items.net_mass_grams > 500", |row| !mass(row).is_some_and(|kg| kg > 0.5)),
    ("transport_mode = \"4\"", |row| &row[7] == "40"),
    ("direction = IMPORT", |_| true),
    ("direction = EXPORT", |_| false),
    ("exporter.id = \"7PN0VA5\"", |row| &row[10] == "7PN0VA5"),
    ("carrier.id prefix \"M\"", |row| row[11].starts_with('M')),
    ("items.duty_rate > 8", |row| number(&row[15]) > 8.0),
    ("office in (\"40\", \"16\") and not items.country_of_origin = \"CN\"", |row| {
        ["40", "16"].contains(&&row[2]) && &row[14] != "CN"
    }),
    (
        "items.hs_code prefix \"84\" and (items.country_of_origin = \"DE\" or items.country_of_origin = \"US\") \
      and items.net_mass_grams >= 10000 and accepted_at < 2021-01-01",
        |row| {
            row[12].starts_with("84")
                && ["DE", "US"].contains(&&row[14])
                && mass(row).is_some_and(|kg| kg >= 10.0)
                && &row[1] < "2021-01-01"
        },
    ),
    ("not (office = \"40\" or payment_method != \"11\")", |row| &row[2] != "40" && &row[6] == "11"),
    ("items.value >= 1000000", |row| (number(&row[19]) * 100.0).round() >= 1e8),
];

#[tokio::test]
async fn filters_count_as_the_csv_does() {
    let spool = tempfile::tempdir().unwrap();
    let Some(source) = source(spool.path()) else { return };
    let rows = rows();
    let name = "portcullis.record.v1.Declaration";
    let record_type = source
        .held()
        .find(|held| held.record_type().name().as_str() == name)
        .unwrap()
        .record_type()
        .clone();
    let begun = tokio::time::Instant::now();
    for (text, says) in FILTERS {
        let filter = portcullis_core::filter::parse_expression(text, &record_type)
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        let filter = Some(crate::service::filter::to_wire(&filter));
        let asked =
            portcullis_proto::source::v1::SearchRequest { filter, ..request("Declaration") };
        let answer = search(&source, asked).await.unwrap();
        let expected = rows.iter().filter(|row| says(row)).count();
        assert_eq!(answer.records().count(), expected, "{text}");
        assert_eq!(answer.end.unwrap().records, expected as u64);
    }
    eprintln!("{} filters over 54,000 rows in {:?}", FILTERS.len(), begun.elapsed());
}
