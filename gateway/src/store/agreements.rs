//! Statements about agreements, and what was done with cases: appended, never changed.

use portcullis_core::id::{Digest, Moment};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::error::digest;
use super::{StoreError, Tx};

/// A statement that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActRow {
    /// In the order in which it was taken; 0 before it is written.
    pub seq: i64,
    /// Agreement id.
    pub agreement: String,
    /// Its version.
    pub version: u32,
    /// Whose act.
    pub agency: String,
    /// Which act.
    pub act: String,
    /// The signed statement.
    pub note: String,
    /// The agreement's text, where the act brought a new one.
    pub text: Option<String>,
    /// When it was taken.
    pub at: Moment,
    /// The system that brought it.
    pub spiffe_id: String,
    /// SHA-256 of its certificate.
    pub certificate: Digest,
}

/// A case as it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseRow {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// Open from then.
    pub opens: Moment,
    /// Closed from then on; none: until it is closed.
    pub closes: Option<Moment>,
    /// An operation room.
    pub room: bool,
    /// Its template's lines.
    pub template: String,
}

/// Something done with a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseEventRow {
    /// Which case.
    pub id: String,
    /// open, invite, join, leave, close.
    pub act: String,
    /// Whom it is about.
    pub agency: String,
    /// Who did it.
    pub by_agency: String,
    /// When.
    pub at: Moment,
    /// The system that did it.
    pub spiffe_id: String,
    /// SHA-256 of its certificate.
    pub certificate: Digest,
}

impl Tx<'_> {
    /// Every statement behind a place, in order.
    pub async fn agreement_acts(&mut self, after: i64) -> Result<Vec<ActRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT seq, agreement, version, agency, act, note, text, at, spiffe_id, certificate \
             FROM agreement_act WHERE seq > ?1 ORDER BY seq",
        )
        .bind(after)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(act).collect()
    }

    /// Writes a statement; tells its place.
    pub async fn put_agreement_act(&mut self, row: &ActRow) -> Result<i64, StoreError> {
        let done = sqlx::query(
            "INSERT INTO agreement_act (agreement, version, agency, act, note, text, at, spiffe_id, \
             certificate) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .bind(&row.agreement)
        .bind(row.version)
        .bind(&row.agency)
        .bind(&row.act)
        .bind(&row.note)
        .bind(&row.text)
        .bind(row.at.0)
        .bind(&row.spiffe_id)
        .bind(row.certificate.0.as_slice())
        .execute(&mut *self.inner)
        .await?;
        Ok(done.last_insert_rowid())
    }

    /// Every case that was opened, by id, and everything done with them, in order.
    pub async fn cases(&mut self) -> Result<(Vec<CaseRow>, Vec<CaseEventRow>), StoreError> {
        let cases = sqlx::query(
            "SELECT id, title, opens, closes, room, template FROM case_opened ORDER BY id",
        )
        .fetch_all(&mut *self.inner)
        .await?;
        let events = sqlx::query(
            "SELECT id, act, agency, by_agency, at, spiffe_id, certificate FROM case_event ORDER BY seq",
        )
        .fetch_all(&mut *self.inner)
        .await?;
        Ok((
            cases.iter().map(case).collect::<Result<_, _>>()?,
            events.iter().map(event).collect::<Result<_, _>>()?,
        ))
    }

    /// Writes a new case.
    pub async fn put_case(&mut self, row: &CaseRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO case_opened (id, title, opens, closes, room, template) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(&row.id)
        .bind(&row.title)
        .bind(row.opens.0)
        .bind(row.closes.map(|at| at.0))
        .bind(row.room)
        .bind(&row.template)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Writes what was done with a case.
    pub async fn put_case_event(&mut self, row: &CaseEventRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO case_event (id, act, agency, by_agency, at, spiffe_id, certificate) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .bind(&row.id)
        .bind(&row.act)
        .bind(&row.agency)
        .bind(&row.by_agency)
        .bind(row.at.0)
        .bind(&row.spiffe_id)
        .bind(row.certificate.0.as_slice())
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}

fn act(row: &SqliteRow) -> Result<ActRow, StoreError> {
    let certificate: Vec<u8> = row.try_get(9)?;
    Ok(ActRow {
        seq: row.try_get(0)?,
        agreement: row.try_get(1)?,
        version: row.try_get(2)?,
        agency: row.try_get(3)?,
        act: row.try_get(4)?,
        note: row.try_get(5)?,
        text: row.try_get(6)?,
        at: Moment(row.try_get(7)?),
        spiffe_id: row.try_get(8)?,
        certificate: digest(&certificate, "agreement_act.certificate")?,
    })
}

fn case(row: &SqliteRow) -> Result<CaseRow, StoreError> {
    let closes: Option<i64> = row.try_get(3)?;
    Ok(CaseRow {
        id: row.try_get(0)?,
        title: row.try_get(1)?,
        opens: Moment(row.try_get(2)?),
        closes: closes.map(Moment),
        room: row.try_get(4)?,
        template: row.try_get(5)?,
    })
}

fn event(row: &SqliteRow) -> Result<CaseEventRow, StoreError> {
    let certificate: Vec<u8> = row.try_get(6)?;
    Ok(CaseEventRow {
        id: row.try_get(0)?,
        act: row.try_get(1)?,
        agency: row.try_get(2)?,
        by_agency: row.try_get(3)?,
        at: Moment(row.try_get(4)?),
        spiffe_id: row.try_get(5)?,
        certificate: digest(&certificate, "case_event.certificate")?,
    })
}
