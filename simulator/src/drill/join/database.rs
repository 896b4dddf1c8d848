//! An agency's database as a joined drill needs it: with the exercise's now, which the drill may move on, and with the
//! records of the drill's own world.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};

use crate::drill::known::{HIDDEN, NOW};
use crate::table::Table;

/// Locks the folders of databases for as long as the files are kept: two drills that move one database on in time would
/// tell what has not happened. The lock goes with the process, however it ends.
pub(super) fn lock<'a>(databases: impl Iterator<Item = &'a Path>) -> Result<Vec<File>, PathBuf> {
    let folders = databases.filter_map(|file| std::fs::canonicalize(file.parent()?).ok());
    let folders: BTreeSet<PathBuf> = folders.collect();
    let lock = |folder: &PathBuf| -> Result<Option<File>, PathBuf> {
        // Where there are no such locks, or no right to open the folder, whoever runs two drills has to know.
        let Ok(held) = File::open(folder) else { return Ok(None) };
        match held.try_lock() {
            Err(TryLockError::WouldBlock) => Err(folder.clone()),
            _ => Ok(Some(held)),
        }
    };
    folders.iter().filter_map(|folder| lock(folder).transpose()).collect()
}

/// What is wrong with a database, by one word and in words; none of it tells of a row.
pub(super) async fn look(
    file: &Path,
    wanted: &BTreeMap<Table, u64>,
) -> Result<(), (&'static str, String)> {
    let unusable = |error: sqlx::Error| {
        ("DATABASE_UNUSABLE", format!("`database`: {} cannot be used: {error}", file.display()))
    };
    let options = SqliteConnectOptions::new().filename(file);
    let mut base = options.connect().await.map_err(unusable)?;
    let found = compared(&mut base, file, wanted).await;
    // It was only looked at.
    let _ = base.close().await;
    found
}

async fn compared(
    base: &mut SqliteConnection,
    file: &Path,
    wanted: &BTreeMap<Table, u64>,
) -> Result<(), (&'static str, String)> {
    let file = file.display();
    let there = |name: &str| {
        let name = name.to_owned();
        let known = "SELECT count(*) FROM sqlite_master WHERE name = ?";
        async move |base: &mut SqliteConnection| {
            sqlx::query_scalar::<_, i64>(known).bind(name).fetch_one(base).await.unwrap_or(0) > 0
        }
    };
    if !there(NOW)(base).await || !there(HIDDEN)(base).await {
        let text = "has no exercise's now: it is not a database that `drill prepare` made";
        return Err(("DATABASE_WITHOUT_NOW", format!("`database`: {file} {text}")));
    }
    let touched = async {
        let mut tx = base.begin_with("BEGIN IMMEDIATE").await?;
        let touch = format!("UPDATE {NOW} SET at = at");
        sqlx::query(AssertSqlSafe(touch)).execute(&mut *tx).await?;
        tx.rollback().await
    };
    if let Err(error) = touched.await {
        let text = format!("`database`: {file} cannot be written by the drill: {error}");
        return Err(("DATABASE_READ_ONLY", text));
    }
    for (table, wanted) in wanted {
        let name = table.name();
        let count = format!("SELECT count(*) FROM \"{name}\"");
        let rows = sqlx::query_scalar::<_, i64>(AssertSqlSafe(count)).fetch_one(&mut *base).await;
        let rows = rows.ok().and_then(|rows| u64::try_from(rows).ok());
        if rows != Some(*wanted) {
            let rows = rows.map_or_else(|| "no".to_owned(), |rows| rows.to_string());
            let text = format!(
                "`database`: {file} holds {rows} rows of `{name}`, the drill's world {wanted}: it is of another world"
            );
            return Err(("WORLD_DIFFERS", text));
        }
    }
    Ok(())
}
