//! The index of recipients: fingerprints beside their entries, and the runs that they are merged into. What is in the
//! blobs, and who can read them, is the log's business.

use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::error::{digest, signed, unsigned};
use super::{StoreError, Tx};
use portcullis_core::id::{AgencyId, Digest};

/// Pages of one run, as the page's id counts them.
const PAGES: u64 = 1 << 24;

/// How far the index reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecipientState {
    /// First entry that was written with the index.
    pub complete_from: u64,
}

/// Fingerprints of one entry, sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailRow {
    /// Of the entry.
    pub index: u64,
    /// As written.
    pub sealed: Vec<u8>,
    /// Leaf of the entry; none if its row is gone.
    pub leaf: Option<Vec<u8>>,
}

/// A sorted run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Names it.
    pub id: u64,
    /// Originator.
    pub agency: AgencyId,
    /// How often its fingerprints were merged.
    pub level: u32,
    /// Lowest entry.
    pub first: u64,
    /// Highest entry.
    pub last: u64,
    /// Fingerprints in it.
    pub records: u64,
    /// Pages of it.
    pub pages: u32,
    /// Sealed.
    pub fences: Vec<u8>,
}

/// One transaction of a merge.
#[derive(Clone, Debug)]
pub enum MergeStep {
    /// Takes an id for a run.
    Begin,
    /// Adds pages of a run that is not published yet, from this number on.
    Pages(u64, u32, Vec<Vec<u8>>),
    /// Puts a run in the place of what it merged: other runs, or an originator's tail up to an entry.
    Publish {
        /// The run; its other pages are there.
        run: RunRow,
        /// Its last pages, from this number on.
        pages: (u32, Vec<Vec<u8>>),
        /// Runs that go.
        merged: Vec<u64>,
        /// The tail goes up to this entry.
        tail: Option<u64>,
    },
    /// Deletes pages of a run that is not there, a few at a time.
    Sweep(u64),
}

/// Fingerprints that an originator has in the index, by what the rows outside of the seals say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientCount {
    /// Originator.
    pub agency: String,
    /// Fingerprints.
    pub records: u64,
    /// Bytes that they take.
    pub bytes: u64,
}

impl Tx<'_> {
    /// How far the index reaches; none: the store has none.
    pub async fn recipient_state(&mut self) -> Result<Option<RecipientState>, StoreError> {
        let there = sqlx::query("SELECT 1 FROM sqlite_master WHERE name = 'recipient_state'")
            .fetch_optional(&mut *self.inner)
            .await?;
        if there.is_none() {
            return Ok(None);
        }
        let row = sqlx::query("SELECT complete_from FROM recipient_state WHERE one = 1")
            .fetch_optional(&mut *self.inner)
            .await?
            .ok_or(StoreError::Malformed("recipient_state"))?;
        let complete_from = unsigned(row.try_get(0)?, "recipient_state.complete_from")?;
        Ok(Some(RecipientState { complete_from }))
    }

    /// Wrapped keys of the index: party, SHA-256 of the public key, and what is wrapped.
    pub async fn recipient_keys(
        &mut self,
        party: Option<&str>,
    ) -> Result<Vec<(String, Digest, Vec<u8>)>, StoreError> {
        let rows = sqlx::query(
            "SELECT party, key_id, wrapped FROM recipient_key WHERE ?1 IS NULL OR party = ?1",
        )
        .bind(party)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| {
                let key_id = digest(row.try_get(1)?, "recipient_key.key_id")?;
                Ok((row.try_get(0)?, key_id, row.try_get(2)?))
            })
            .collect()
    }

    /// Adds a wrapped key of the index.
    pub async fn put_recipient_key(
        &mut self,
        party: &str,
        key_id: &Digest,
        wrapped: &[u8],
    ) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO recipient_key (party, key_id, wrapped) VALUES (?1, ?2, ?3)")
            .bind(party)
            .bind(key_id.0.as_slice())
            .bind(wrapped)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// An originator whose tail has at least so many entries or fingerprints; none of `but`.
    pub async fn full_tail(
        &mut self,
        entries: u64,
        records: u64,
        but: &[String],
    ) -> Result<Option<AgencyId>, StoreError> {
        let row = sqlx::query(
            "SELECT agency FROM recipient_tail \
             WHERE agency NOT IN (SELECT value FROM json_each(?3)) GROUP BY agency \
             HAVING count(*) >= ?1 OR sum(length(sealed) - 16) >= 8 * ?2 LIMIT 1",
        )
        .bind(signed(entries))
        .bind(signed(records))
        .bind(serde_json::Value::from(but.to_vec()).to_string())
        .fetch_optional(&mut *self.inner)
        .await?;
        row.map(|row| Ok(AgencyId::new(row.try_get::<&str, _>(0)?))).transpose()
    }

    /// An originator's tail from an entry on, at most `limit` rows.
    pub async fn recipient_tail(
        &mut self,
        agency: &AgencyId,
        from: u64,
        limit: u32,
    ) -> Result<Vec<TailRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.idx, t.sealed, e.leaf FROM recipient_tail t \
             LEFT JOIN log_entry e ON e.idx = t.idx \
             WHERE t.agency = ?1 AND t.idx >= ?2 ORDER BY t.idx LIMIT ?3",
        )
        .bind(agency.as_str())
        .bind(signed(from))
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(TailRow {
                    index: unsigned(row.try_get(0)?, "recipient_tail.idx")?,
                    sealed: row.try_get(1)?,
                    leaf: row.try_get(2)?,
                })
            })
            .collect()
    }

    /// The oldest runs of one originator and level where there are so many of them; of none of `but`.
    pub async fn runs_due(&mut self, fan: u32, but: &[String]) -> Result<Vec<RunRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id, r.agency, r.level, r.first_idx, r.last_idx, r.records, r.pages, r.fences \
             FROM recipient_run r JOIN (SELECT agency, level FROM recipient_run \
             WHERE agency NOT IN (SELECT value FROM json_each(?2)) \
             GROUP BY agency, level HAVING count(*) >= ?1 ORDER BY level LIMIT 1) due \
             ON r.agency = due.agency AND r.level = due.level ORDER BY r.id LIMIT ?1",
        )
        .bind(fan)
        .bind(serde_json::Value::from(but.to_vec()).to_string())
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(run_row).collect()
    }

    /// Runs of an originator that reach an entry or go beyond it.
    pub async fn runs(&mut self, agency: &AgencyId, from: u64) -> Result<Vec<RunRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, agency, level, first_idx, last_idx, records, pages, fences \
             FROM recipient_run WHERE agency = ?1 AND last_idx >= ?2 ORDER BY id",
        )
        .bind(agency.as_str())
        .bind(signed(from))
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(run_row).collect()
    }

    /// A run that is not there and has pages. One seek for each run, and no walk over their pages. Must not be asked
    /// while a run is being written.
    pub async fn orphaned_run(&mut self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query(
            "WITH RECURSIVE seen (run) AS (SELECT min(id) / ?1 FROM recipient_page UNION ALL \
             SELECT (SELECT min(id) / ?1 FROM recipient_page WHERE id >= (seen.run + 1) * ?1) \
             FROM seen WHERE seen.run IS NOT NULL) SELECT run FROM seen \
             WHERE run IS NOT NULL AND run NOT IN (SELECT id FROM recipient_run) LIMIT 1",
        )
        .bind(signed(PAGES))
        .fetch_optional(&mut *self.inner)
        .await?;
        row.map(|row| unsigned(row.try_get(0)?, "recipient_page.id")).transpose()
    }

    /// A page of a run.
    pub async fn recipient_page(
        &mut self,
        run: u64,
        page: u32,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT sealed FROM recipient_page WHERE id = ?1")
            .bind(page_id(run, page))
            .fetch_optional(&mut *self.inner)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Does one step of a merge. Of [`MergeStep::Begin`] the run's id, of [`MergeStep::Sweep`] how many
    /// pages went.
    pub async fn merge_step(&mut self, step: &MergeStep) -> Result<u64, StoreError> {
        match step {
            MergeStep::Begin => {
                let row = sqlx::query(
                    "UPDATE recipient_state SET next_run = next_run + 1 RETURNING next_run - 1",
                )
                .fetch_one(&mut *self.inner)
                .await?;
                unsigned(row.try_get(0)?, "recipient_state.next_run")
            }
            MergeStep::Pages(run, from, pages) => self.put_pages(*run, *from, pages).await,
            MergeStep::Publish { run, pages, merged, tail } => {
                self.put_pages(run.id, pages.0, &pages.1).await?;
                self.publish(run, merged, *tail).await
            }
            MergeStep::Sweep(run) => {
                let done = sqlx::query(
                    "DELETE FROM recipient_page WHERE id IN (SELECT id FROM recipient_page \
                     WHERE id >= ?1 AND id < ?2 LIMIT 16)",
                )
                .bind(page_id(*run, 0))
                .bind(page_id(run.saturating_add(1), 0))
                .execute(&mut *self.inner)
                .await?;
                Ok(done.rows_affected())
            }
        }
    }

    async fn put_pages(
        &mut self,
        run: u64,
        from: u32,
        pages: &[Vec<u8>],
    ) -> Result<u64, StoreError> {
        for (number, sealed) in (from..).zip(pages) {
            sqlx::query("INSERT INTO recipient_page (id, sealed) VALUES (?1, ?2)")
                .bind(page_id(run, number))
                .bind(sealed)
                .execute(&mut *self.inner)
                .await?;
        }
        Ok(pages.len() as u64)
    }

    async fn publish(
        &mut self,
        run: &RunRow,
        merged: &[u64],
        tail: Option<u64>,
    ) -> Result<u64, StoreError> {
        sqlx::query(
            "INSERT INTO recipient_run \
             (id, agency, level, first_idx, last_idx, records, pages, fences) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .bind(signed(run.id))
        .bind(run.agency.as_str())
        .bind(run.level)
        .bind(signed(run.first))
        .bind(signed(run.last))
        .bind(signed(run.records))
        .bind(run.pages)
        .bind(&run.fences)
        .execute(&mut *self.inner)
        .await?;
        for id in merged {
            sqlx::query("DELETE FROM recipient_run WHERE id = ?1")
                .bind(signed(*id))
                .execute(&mut *self.inner)
                .await?;
        }
        if let Some(last) = tail {
            sqlx::query("DELETE FROM recipient_tail WHERE agency = ?1 AND idx <= ?2")
                .bind(run.agency.as_str())
                .bind(signed(last))
                .execute(&mut *self.inner)
                .await?;
        }
        Ok(run.records)
    }

    /// Fingerprints of every originator, by the sizes of what is there: of a run whose pages do not add up to what it
    /// says, none.
    pub async fn recipient_counts(&mut self) -> Result<Vec<RecipientCount>, StoreError> {
        let rows = sqlx::query(
            "SELECT agency, sum(records), sum(bytes) FROM ( \
             SELECT agency, (length(sealed) - 16) / 8 AS records, length(sealed) AS bytes \
             FROM recipient_tail UNION ALL SELECT agency, CASE WHEN said = there THEN said \
             ELSE 0 END, bytes FROM (SELECT r.agency, r.records AS said, \
             coalesce(sum((length(p.sealed) - 28) / 14), 0) AS there, \
             length(r.fences) + coalesce(sum(length(p.sealed)), 0) AS bytes \
             FROM recipient_run r LEFT JOIN recipient_page p \
             ON p.id >= r.id * ?1 AND p.id < (r.id + 1) * ?1 GROUP BY r.id)) \
             GROUP BY agency ORDER BY agency",
        )
        .bind(signed(PAGES))
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| {
                let records = unsigned(row.try_get(1)?, "recipient_run.records")?;
                let bytes = unsigned(row.try_get(2)?, "recipient_page.sealed")?;
                Ok(RecipientCount { agency: row.try_get(0)?, records, bytes })
            })
            .collect()
    }
}

fn page_id(run: u64, page: u32) -> i64 {
    signed(run.saturating_mul(PAGES).saturating_add(u64::from(page)))
}

fn run_row(row: &SqliteRow) -> Result<RunRow, StoreError> {
    let number = |at: usize, column| unsigned(row.try_get(at)?, column);
    let small = |at: usize, column| {
        u32::try_from(row.try_get::<i64, _>(at)?).map_err(|_| StoreError::Malformed(column))
    };
    Ok(RunRow {
        id: number(0, "recipient_run.id")?,
        agency: AgencyId::new(row.try_get::<&str, _>(1)?),
        level: small(2, "recipient_run.level")?,
        first: number(3, "recipient_run.first_idx")?,
        last: number(4, "recipient_run.last_idx")?,
        records: number(5, "recipient_run.records")?,
        pages: small(6, "recipient_run.pages")?,
        fences: row.try_get(7)?,
    })
}
