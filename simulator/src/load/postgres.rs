//! PostgreSQL: typed columns, loaded by COPY.

use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::rows::Rows;
use super::{LoadError, Loaded, create, database};
use crate::table::{Kind, Table};

/// Bytes handed to COPY at a time.
const CHUNK: usize = 1 << 20;

fn sql_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Word | Kind::Text => "text",
        Kind::Integer => "bigint",
        Kind::Money => "numeric(18,2)",
        Kind::Micro => "numeric(12,6)",
        Kind::Moment => "timestamptz",
        Kind::Day => "date",
        Kind::Flag => "boolean",
    }
}

pub async fn load(from: &Path, agency: &str, url: &str) -> Result<Loaded, LoadError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| LoadError::Database {
        doing: "cannot read the address of the database".to_owned(),
        cause: "not `postgres://USER@HOST:PORT/DATABASE`".to_owned(),
    })?;
    let mut connection = options.connect().await.map_err(database("cannot reach the database"))?;
    let mut tx = connection.begin().await.map_err(database("cannot begin"))?;
    let mut loaded = Loaded::default();
    for table in Table::ALL {
        let name = table.name();
        let failed = || database(format!("cannot load `{name}`"));
        let mut rows = Rows::new(from, *table, agency)?;
        let Some(mut row) = rows.next()? else { continue };
        prepare(&mut tx, *table).await?;
        let mut copy = tx
            .copy_in_raw(&format!("COPY \"{name}\" FROM STDIN WITH (FORMAT csv)"))
            .await
            .map_err(failed())?;
        let mut count = 0;
        let mut writer = csv::Writer::from_writer(vec![]);
        loop {
            // Writing to a vector cannot fail.
            let _ = writer.write_record(row.iter().skip(1));
            count += 1;
            if writer.get_ref().len() > CHUNK {
                let chunk = std::mem::replace(&mut writer, csv::Writer::from_writer(vec![]));
                copy.send(chunk.into_inner().unwrap_or_default()).await.map_err(failed())?;
            }
            match rows.next()? {
                Some(next) => row = next,
                None => break,
            }
        }
        copy.send(writer.into_inner().unwrap_or_default()).await.map_err(failed())?;
        copy.finish().await.map_err(failed())?;
        loaded.rows.insert(name, count);
    }
    tx.commit().await.map_err(database("cannot commit"))?;
    connection.close().await.map_err(database("cannot close"))?;
    Ok(loaded)
}

async fn prepare(tx: &mut PgConnection, table: Table) -> Result<(), LoadError> {
    let name = table.name();
    for statement in create(table, sql_type) {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *tx)
            .await
            .map_err(database(format!("cannot make `{name}`")))?;
    }
    let held = sqlx::query_scalar::<_, bool>(AssertSqlSafe(format!(
        "SELECT EXISTS (SELECT 1 FROM \"{name}\")"
    )));
    match held.fetch_one(&mut *tx).await.map_err(database(format!("cannot count `{name}`")))? {
        false => Ok(()),
        true => Err(LoadError::NotEmpty(name)),
    }
}
