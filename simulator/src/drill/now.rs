//! What time it is for the agencies' records: their sources serve views that end at a moment which the host moves on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, SqliteConnection};
use tokio::sync::Mutex;

use super::known::NOW;
use crate::calendar::civil;

/// The agencies' nows.
#[derive(Debug)]
pub struct Now {
    databases: BTreeMap<String, Mutex<(SqliteConnection, Option<i64>)>>,
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
            databases.insert(agency, Mutex::new((connection, None)));
        }
        Ok(Self { databases })
    }

    /// Lets an agency's records end at a moment of the world, in seconds since 1970. Time goes forwards: an earlier moment
    /// than the last changes nothing.
    ///
    /// # Errors
    /// What its database says.
    pub async fn set(&self, agency: &str, seconds: i64) -> anyhow::Result<()> {
        let Some(database) = self.databases.get(agency) else { return Ok(()) };
        let mut database = database.lock().await;
        let (connection, told) = &mut *database;
        if told.is_none_or(|told| told < seconds) {
            let statement = format!("UPDATE {NOW} SET at = ?");
            let set = sqlx::query(AssertSqlSafe(statement)).bind(moment(seconds));
            set.execute(connection)
                .await
                .with_context(|| format!("the exercise's now of {agency}"))?;
            *told = Some(seconds);
        }
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

/// A moment as databases hold it.
pub fn moment(seconds: i64) -> String {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let rest = seconds.rem_euclid(86_400);
    let (hour, minute) = (rest / 3_600, rest / 60 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z", rest % 60)
}
