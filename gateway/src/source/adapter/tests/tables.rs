//! The same rows as CSV, in SQLite and in PostgreSQL, and sources that serve them.

use std::fmt::Write as _;
use std::path::Path;

use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection};

use super::super::{CsvSource, Holder, IdKey, Limits, MappingRef, Problems};
use super::postgres::Database;
use crate::clock::Clock;

/// A column: its name, its type in SQLite and its type in PostgreSQL.
pub type Column = (&'static str, &'static str, &'static str);
/// A cell as CSV has it; none is NULL.
pub type Cell = Option<String>;

/// Rows under columns.
#[derive(Clone)]
pub struct Rows {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

impl Rows {
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(vec![]);
        writer.write_record(self.columns.iter().map(|column| column.0)).unwrap();
        for row in &self.rows {
            writer.write_record(row.iter().map(|cell| cell.as_deref().unwrap_or(""))).unwrap();
        }
        writer.into_inner().unwrap()
    }

    /// `INSERT`s of up to 500 rows each; literals, because this is the agency's side.
    pub fn inserts(&self, table: &str) -> Vec<String> {
        let cell = |cell: &Cell| match cell {
            None => "NULL".to_owned(),
            Some(text) => format!("'{}'", text.replace('\'', "''")),
        };
        let insert = |rows: &[Vec<Cell>]| {
            let mut sql = format!("INSERT INTO {table} VALUES ");
            for (at, row) in rows.iter().enumerate() {
                let cells: Vec<String> = row.iter().map(cell).collect();
                let _ = write!(sql, "{}({})", if at > 0 { ", " } else { "" }, cells.join(", "));
            }
            sql
        };
        self.rows.chunks(500).map(insert).collect()
    }

    pub fn create(&self, table: &str, postgres: bool) -> String {
        let column = |(name, sqlite, pg): &Column| {
            format!("\"{}\" {}", name.replace('"', "\"\""), if postgres { pg } else { sqlite })
        };
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        format!("CREATE TABLE {table} ({})", columns.join(", "))
    }

    pub async fn sqlite(&self, path: &Path, table: &str) -> SqliteConnection {
        let mut connection = sqlite(path).await;
        run(&mut connection, &self.create(table, false)).await;
        run(&mut connection, "BEGIN").await;
        for insert in self.inserts(table) {
            run(&mut connection, &insert).await;
        }
        run(&mut connection, "COMMIT").await;
        connection
    }

    pub async fn postgres(&self, database: &mut Database, table: &str) {
        database.run(&self.create(table, true)).await;
        for insert in self.inserts(table) {
            database.run(&insert).await;
        }
    }
}

/// The agency's own connection.
pub async fn sqlite(path: &Path) -> SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path).create_if_missing(true);
    options.disable_statement_logging().connect().await.unwrap()
}

pub async fn run(connection: &mut SqliteConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    done.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// Opens mappings below a folder.
pub async fn open(folder: &Path, names: &[&str], limits: Limits) -> Result<CsvSource, Problems> {
    let holder = Holder {
        agency: "nv-customs".into(),
        environment: portcullis_core::handling::Environment::Exercise,
        id_key: IdKey::new(&[7; 32]).unwrap(),
        spool_dir: folder.to_owned(),
    };
    let one = |name: &&str| MappingRef { file: folder.join(name), data_dir: None };
    let mappings: Vec<MappingRef> = names.iter().map(one).collect();
    CsvSource::open(&holder, &mappings, None, limits, Clock::system()).await
}

/// Opens one mapping; what is wrong with it, the folder's name taken off.
pub async fn problems(folder: &Path, name: &str) -> Vec<String> {
    let found = open(folder, &[name], Limits::default()).await.err().expect("is refused");
    let prefix = format!("{}/", folder.display());
    found.to_string().replace(&prefix, "").lines().map(str::to_owned).collect()
}

/// xorshift64*: the same numbers for the same seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % most
    }

    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}
