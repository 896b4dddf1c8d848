//! What time it is for the agencies' records: their sources serve views that end at a moment which the host moves on, and in
//! which records of what does not happen are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use anyhow::Context as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqliteConnection};
use tokio::sync::Mutex;

use super::known::{HIDDEN, NOW};
use super::smuggler::Hidden;
use crate::calendar::civil;
use crate::table::Table;

/// The agencies' nows.
#[derive(Debug)]
pub struct Now {
    databases: BTreeMap<String, Mutex<Database>>,
    hidden: RwLock<Arc<Hidden>>,
}

#[derive(Debug)]
struct Database {
    connection: SqliteConnection,
    /// The moment that it was told last.
    told: Option<i64>,
    /// What it was told last that nobody has.
    hidden: Option<Arc<Hidden>>,
}

impl Now {
    /// Of the agencies of an exchange, by their databases.
    ///
    /// # Errors
    /// The first database that cannot be opened.
    pub async fn open<'a>(
        exchange: &Path,
        agencies: impl Iterator<Item = &'a str>,
    ) -> anyhow::Result<Self> {
        let file = |agency: &str| exchange.join("agencies").join(agency).join("records.sqlite");
        Self::of(agencies.map(|agency| (agency.to_owned(), file(agency)))).await
    }

    /// Of agencies with their databases, wherever they are.
    ///
    /// # Errors
    /// The first database that cannot be opened.
    pub async fn of(files: impl Iterator<Item = (String, PathBuf)>) -> anyhow::Result<Self> {
        let mut databases = BTreeMap::new();
        for (agency, file) in files {
            // Now is set anew whenever the host starts: nothing is lost where a write is.
            let options =
                SqliteConnectOptions::new().filename(&file).synchronous(SqliteSynchronous::Off);
            let connection = options.connect().await;
            let connection =
                connection.with_context(|| format!("cannot open {}", file.display()))?;
            let database = Database { connection, told: None, hidden: None };
            databases.insert(agency, Mutex::new(database));
        }
        Ok(Self { databases, hidden: RwLock::default() })
    }

    /// Says which records nobody has. Each agency is told with the next moment that it is told, and answers nothing before.
    pub fn hide(&self, hidden: &Hidden) {
        if let Ok(mut known) = self.hidden.write() {
            *known = Arc::new(hidden.clone());
        }
    }

    /// Lets an agency's records end at a moment of the world, in seconds since 1970. Time goes forwards: an earlier moment
    /// than the last changes nothing.
    ///
    /// # Errors
    /// What its database says.
    pub async fn set(&self, agency: &str, seconds: i64) -> anyhow::Result<()> {
        let Some(database) = self.databases.get(agency) else { return Ok(()) };
        let hidden = self.hidden.read().map(|hidden| hidden.clone());
        let hidden = hidden.map_err(|_| anyhow::anyhow!("what does not happen is not known"))?;
        let mut database = database.lock().await;
        let known = database.hidden.as_ref().is_some_and(|known| Arc::ptr_eq(known, &hidden));
        if known && database.told.is_some_and(|told| told >= seconds) {
            return Ok(());
        }
        let told = database.told.map_or(seconds, |told| told.max(seconds));
        let change = (!known).then(|| hidden.of.get(agency).cloned().unwrap_or_default());
        let change = tell(&mut database.connection, told, change).await;
        change.with_context(|| format!("the exercise's now of {agency}"))?;
        (database.told, database.hidden) = (Some(told), Some(hidden));
        Ok(())
    }

    /// Lets the records of all agencies end at a moment of the world.
    ///
    /// # Errors
    /// What a database says.
    pub async fn set_all(&self, seconds: i64) -> anyhow::Result<()> {
        for agency in self.databases.keys() {
            self.set(agency, seconds).await?;
        }
        Ok(())
    }
}

/// Both at once: records of what does not happen are told at no moment.
async fn tell(
    connection: &mut SqliteConnection,
    seconds: i64,
    hidden: Option<BTreeSet<(Table, String)>>,
) -> sqlx::Result<()> {
    let mut change = connection.begin().await?;
    if let Some(hidden) = hidden {
        let clear = format!("DELETE FROM {HIDDEN}");
        sqlx::query(AssertSqlSafe(clear)).execute(&mut *change).await?;
        for (table, id) in hidden {
            let add = format!("INSERT INTO {HIDDEN} (record_table, id) VALUES (?, ?)");
            let add = sqlx::query(AssertSqlSafe(add)).bind(table.name()).bind(id);
            add.execute(&mut *change).await?;
        }
    }
    let set = format!("UPDATE {NOW} SET at = ?");
    sqlx::query(AssertSqlSafe(set)).bind(moment(seconds)).execute(&mut *change).await?;
    change.commit().await
}

/// A moment as databases hold it.
pub fn moment(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    let (hour, minute) = (rest / 3_600, rest / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", rest % 60)
}
