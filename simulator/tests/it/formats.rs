//! All formats say the same, row for row and cell for cell, and what CSV says is what they are held against.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use portcullis_sim::table::{Column, Kind, Table};
use prost_reflect::{DescriptorPool, DynamicMessage, ReflectMessage as _, Value};

use crate::folder::{done, files, generate};

const SIZE: u64 = 6_000;

/// Rows of a table, each cell as CSV writes it.
type Rows = Vec<Vec<String>>;

fn csv(folder: &Path, table: Table) -> Rows {
    let path = folder.join(format!("{}/part-00000-of-00001.csv", table.name()));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
    assert_eq!(reader.headers().unwrap(), names);
    let rows = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect());
    rows.collect()
}

fn jsonl(folder: &Path, table: Table) -> Rows {
    let path = folder.join(format!("{}/part-00000-of-00001.jsonl", table.name()));
    let text = std::fs::read_to_string(path).unwrap();
    let cell = |row: &serde_json::Map<String, serde_json::Value>, column: &Column| match (
        row.get(column.name),
        column.kind,
    ) {
        (None, _) => String::new(),
        (Some(value), Kind::Money) => format!("{:.2}", value.as_f64().unwrap()),
        (Some(value), Kind::Micro) => format!("{:.6}", value.as_f64().unwrap()),
        (Some(value), Kind::Integer) => value.as_i64().unwrap().to_string(),
        (Some(value), Kind::Flag) => value.as_bool().unwrap().to_string(),
        (Some(value), _) => value.as_str().unwrap().to_owned(),
    };
    let row = |line: &str| {
        let row: serde_json::Map<_, _> = serde_json::from_str(line).unwrap();
        let known = |name: &String| table.columns().iter().any(|column| column.name == name);
        assert!(row.keys().all(known), "{line}");
        table.columns().iter().map(|column| cell(&row, column)).collect()
    };
    text.lines().map(row).collect()
}

/// So many hundredths or millionths, as CSV writes them.
fn decimal(value: i128, places: usize) -> String {
    let unit = 10_i128.pow(u32::try_from(places).unwrap());
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:0places$}", value.abs() / unit, value.abs() % unit)
}

fn day(days: i64) -> String {
    let (year, month, day) = portcullis_sim::calendar::civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn moment(seconds: i64) -> String {
    let (of_day, days) = (seconds.rem_euclid(86_400), seconds.div_euclid(86_400));
    format!("{}T{:02}:{:02}:{:02}Z", day(days), of_day / 3600, of_day / 60 % 60, of_day % 60)
}

fn parquet(path: &Path) -> (Vec<String>, Rows) {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let schema = reader.metadata().file_metadata().schema_descr();
    let names = schema.columns().iter().map(|column| column.name().to_owned()).collect();
    let cell = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Long(value) => value.to_string(),
        Field::Bool(value) => value.to_string(),
        Field::Date(days) => day((*days).into()),
        Field::TimestampMillis(value) => {
            assert_eq!(value % 1_000, 0);
            moment(value / 1_000)
        }
        Field::Decimal(value) => {
            let bytes: [u8; 8] = value.data().try_into().unwrap();
            decimal(i64::from_be_bytes(bytes).into(), usize::try_from(value.scale()).unwrap())
        }
        other => panic!("{other:?}"),
    };
    let rows = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| row.unwrap().get_column_iter().map(|(_, field)| cell(field)).collect());
    (names, rows.collect())
}

/// Decodes records with the contract's own types and gives each again as bytes: what a reader of it sees.
fn decode<M: prost::Message + Default>(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = vec![];
    while !bytes.is_empty() {
        let before = bytes;
        let record = M::decode_length_delimited(&mut bytes).unwrap();
        let written = &before[..before.len() - bytes.len()];
        assert!(record.encode_length_delimited_to_vec() == written, "not as prost writes it");
        all.push(record.encode_to_vec());
    }
    all
}

macro_rules! decoders {
    ($($record:ident),*) => {
        fn decoded(table: Table, bytes: &[u8]) -> Vec<Vec<u8>> {
            match table.record_type().rsplit_once('.').unwrap().1 {
                $(stringify!($record) => {
                    decode::<portcullis_proto::record::v1::$record>(bytes)
                })*
                other => panic!("{other}"),
            }
        }
    };
}
decoders!(
    Declaration,
    TransitDeclaration,
    BillOfLading,
    Invoice,
    Inspection,
    GateMove,
    Weighing,
    SealEvent,
    VesselTrack,
    VesselRegistryEntry,
    Payment,
    Party,
    CompanyRegistryEntry,
    Ownership,
    ExportLicence,
    EndUserCertificate,
    EndUseCheck,
    DenialNotification,
    ClassificationRuling,
    Tip,
    WatchlistHit,
    TravelEvent
);

/// The path of the field that a column fills, of a position as well.
fn path(table: Table, column: &Column) -> String {
    match (table, column.name) {
        (Table::Track, "latitude" | "longitude") => format!("points.position.{}", column.name),
        _ => column.path.to_owned(),
    }
}

/// What a record says on a path, as CSV writes it. Nothing and the default of a field are one.
fn said(record: &DynamicMessage, path: &str) -> String {
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = record.descriptor().get_field_by_name(name).unwrap();
    if !record.has_field(&field) {
        return String::new();
    }
    let value = record.get_field(&field);
    let number = |message: &DynamicMessage, name: &str| {
        let value = message.get_field_by_name(name).unwrap();
        value.as_i64().or(value.as_i32().map(i64::from)).unwrap()
    };
    match (&*value, rest) {
        (Value::List(list), rest) if !rest.is_empty() => {
            assert_eq!(list.len(), 1);
            self::said(list[0].as_message().unwrap(), rest)
        }
        (Value::Message(inner), rest) if !rest.is_empty() => self::said(inner, rest),
        (Value::List(list), _) => {
            list.iter().map(|value| value.as_str().unwrap()).collect::<Vec<_>>().join(";")
        }
        (Value::String(text), _) => text.clone(),
        (Value::EnumNumber(number), _) => {
            let kind = field.kind();
            let words = kind.as_enum().unwrap();
            let unspecified = words.get_value(0).unwrap().name().to_owned();
            let prefix = unspecified.strip_suffix("UNSPECIFIED").unwrap();
            words.get_value(*number).unwrap().name().strip_prefix(prefix).unwrap().to_owned()
        }
        (Value::F64(value), _) => format!("{value:.6}"),
        (Value::Message(inner), _) => match inner.descriptor().name() {
            "Money" => {
                let nanos = i128::from(number(inner, "nanos"));
                assert_eq!(nanos % 10_000_000, 0);
                decimal(i128::from(number(inner, "units")) * 100 + nanos / 10_000_000, 2)
            }
            "Timestamp" => moment(number(inner, "seconds")),
            "Date" => {
                let part = |name| number(inner, name);
                format!("{:04}-{:02}-{:02}", part("year"), part("month"), part("day"))
            }
            other => panic!("{other}"),
        },
        (value, _) => {
            let signed = value.as_i64().or(value.as_i32().map(i64::from));
            let unsigned = value.as_u64().or(value.as_u32().map(u64::from));
            signed.map(|value| value.to_string()).or(unsigned.map(|v| v.to_string())).unwrap()
        }
    }
}

/// Rows that an agency holds, in their order.
fn held<'r>(rows: &'r Rows, agency: &str) -> Vec<&'r Vec<String>> {
    rows.iter().filter(|row| row[0] == agency).collect()
}

/// Agencies of a table in a hive, with their file.
fn agencies(folder: &Path, table: Table, extension: &str) -> BTreeMap<String, PathBuf> {
    let Ok(found) = std::fs::read_dir(folder.join(format!("records/table={}", table.name())))
    else {
        return BTreeMap::new();
    };
    let file = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let agency = name.strip_prefix("agency=").unwrap().to_owned();
        (agency, path.join(format!("part-00000-of-00001.{extension}")))
    };
    found.map(|entry| file(entry.unwrap().path())).collect()
}

#[test]
fn csv_json_lines_parquet_and_protobuf_agree_row_for_row() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, more) in [
        ("csv", &["--format", "csv"][..]),
        ("jsonl", &["--format", "jsonl"]),
        ("parquet", &["--format", "parquet"]),
        ("hive", &["--format", "parquet", "--layout", "hive"]),
        ("proto", &["--format", "proto"]),
    ] {
        generate(&at(name), SIZE, more);
    }
    let pool = DescriptorPool::decode(portcullis_proto::DESCRIPTOR_SET).unwrap();
    let (mut rows, mut filled, mut records) = (0, 0, 0);
    for table in Table::ALL {
        let name = table.name();
        let text = csv(&at("csv"), *table);
        rows += text.len();
        filled += usize::from(!text.is_empty());
        assert!(jsonl(&at("jsonl"), *table) == text, "{name} as JSON Lines");

        let file = at("parquet").join(format!("{name}/part-00000-of-00001.parquet"));
        let (names, typed) = parquet(&file);
        let columns: Vec<&str> = table.columns().iter().map(|column| column.name).collect();
        assert_eq!(names, columns);
        assert!(typed == text, "{name} as Parquet");

        let known: std::collections::BTreeSet<&String> = text.iter().map(|row| &row[0]).collect();
        let hive = agencies(&at("hive"), *table, "parquet");
        let proto = agencies(&at("proto"), *table, "binpb");
        assert_eq!(hive.keys().collect::<Vec<_>>(), known.iter().copied().collect::<Vec<_>>());
        assert_eq!(hive.keys().collect::<Vec<_>>(), proto.keys().collect::<Vec<_>>());
        let message = pool.get_message_by_name(table.record_type()).unwrap();
        for (agency, file) in &hive {
            let (names, typed) = parquet(file);
            assert_eq!(names, columns[1..]);
            let text = held(&text, agency);
            assert!(typed.iter().eq(text.iter().map(|row| &row[1..])), "{name} of {agency}");

            let binary = std::fs::read(&proto[agency]).unwrap();
            let decoded = decoded(*table, &binary);
            records += decoded.len();
            assert_eq!(decoded.len(), text.len(), "{name} of {agency}");
            for (record, row) in decoded.iter().zip(text) {
                let record = DynamicMessage::decode(message.clone(), record.as_slice()).unwrap();
                for (column, cell) in table.columns().iter().zip(row) {
                    let path = path(*table, column);
                    if path.is_empty() {
                        continue;
                    }
                    // Zero is the default of a number, and so nothing.
                    let zero = matches!(cell.as_str(), "0" | "0.000000");
                    let cell = if zero { "" } else { cell };
                    assert_eq!(said(&record, &path), cell, "{name}.{path} of {agency}");
                }
                check_currency(*table, &record, row);
            }
        }
    }
    assert!(rows > 60_000 && filled > 15, "{rows} rows in {filled} tables");
    assert_eq!(records, rows);
}

/// The currency stands in the amount.
fn check_currency(table: Table, record: &DynamicMessage, row: &[String]) {
    let columns = table.columns();
    let Some(money) = columns.iter().position(|column| column.kind == Kind::Money) else { return };
    if row[money].is_empty() {
        return;
    }
    let currency = columns.iter().position(|column| column.name == "currency").unwrap();
    assert_eq!(said(record, &format!("{}.currency_code", columns[money].path)), row[currency]);
}

#[test]
fn parquet_says_which_world_it_is_of_and_what_its_columns_are() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path(), 300, &["--format", "parquet", "--seed", "9"]);
    let path = folder.path().join("declaration/part-00000-of-00001.parquet");
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let metadata = reader.metadata().file_metadata();
    let told: BTreeMap<&str, &str> = metadata
        .key_value_metadata()
        .unwrap()
        .iter()
        .map(|pair| (pair.key.as_str(), pair.value.as_deref().unwrap()))
        .collect();
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.path().join("manifest.json")).unwrap())
            .unwrap();
    assert_eq!(told["portcullis.pack_hash"], manifest["origin"]["pack_hash"]);
    assert_eq!((told["portcullis.pack"], told["portcullis.seed"]), ("demo", "9"));
    assert_eq!(told["portcullis.engine"], env!("CARGO_PKG_VERSION"));
    let mut schema = vec![];
    parquet::schema::printer::print_schema(&mut schema, metadata.schema());
    let schema = String::from_utf8(schema).unwrap();
    for column in [
        "OPTIONAL BYTE_ARRAY ucr (STRING)",
        "OPTIONAL INT64 accepted_at (TIMESTAMP(MILLIS,true))",
        "OPTIONAL INT64 net_mass_grams;",
        "OPTIONAL INT64 value (DECIMAL(18,2))",
    ] {
        assert!(schema.contains(column), "{column} in\n{schema}");
    }
}

#[test]
fn parquet_is_the_same_for_any_threads_and_its_parts_are_the_rows_of_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for layout in ["flat", "hive"] {
        let more = ["--format", "parquet", "--layout", layout];
        let one = at(&format!("{layout}1"));
        generate(&one, 9_000, &[&more[..], &["--threads", "1"]].concat());
        for threads in ["2", "8"] {
            let other = at(&format!("{layout}{threads}"));
            generate(&other, 9_000, &[&more[..], &["--threads", threads]].concat());
            assert!(files(&one) == files(&other), "{layout}, {threads} threads");
        }
    }
    let parts = at("parts");
    for part in ["2/3", "0/3", "1/3"] {
        generate(&parts, 9_000, &["--format", "parquet", "--part", part]);
    }
    done(&["join", &parts.display().to_string()]);
    for table in Table::ALL {
        let part = |folder: &Path, name: &str| {
            parquet(&folder.join(format!("{}/part-{name}.parquet", table.name()))).1
        };
        let names = ["00000-of-00003", "00001-of-00003", "00002-of-00003"];
        let joined: Rows = names.iter().flat_map(|name| part(&parts, name)).collect();
        assert!(joined == part(&at("flat1"), "00000-of-00001"), "{table:?}");
    }
}

#[test]
fn every_truth_names_a_record_and_every_label_a_declaration() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path(), SIZE, &[]);
    let mut ids = BTreeMap::new();
    for table in Table::ALL {
        for row in csv(folder.path(), *table) {
            *ids.entry((table.name(), row[0].clone(), row[1].clone())).or_insert(0) += 1;
        }
    }
    let truth = |kind: &str| {
        let path = folder.path().join(format!("truth/{kind}-part-00000-of-00001.csv"));
        let rows = csv::Reader::from_path(path).unwrap().into_records().map(Result::unwrap);
        rows.collect::<Vec<_>>()
    };
    let traces = truth("traces");
    assert!(traces.len() > 20, "{}", traces.len());
    for trace in &traces {
        let key = Table::ALL.iter().find(|table| table.name() == &trace[1]).unwrap().name();
        assert_eq!(
            ids.get(&(key, trace[3].to_owned(), trace[2].to_owned())),
            Some(&1),
            "{trace:?}"
        );
    }
    let declared: std::collections::BTreeSet<&str> = ids
        .keys()
        .filter(|(table, _, _)| *table == Table::Declaration.name())
        .map(|(_, _, id)| id.as_str())
        .collect();
    let labels = truth("labels");
    assert!(labels.len() > 50, "{}", labels.len());
    for label in &labels {
        for id in [&label[0], &label[1]].into_iter().filter(|id| !id.is_empty()) {
            assert!(declared.contains(id), "{label:?}");
        }
    }
}
