//! Budgets, subjects and idempotency keys. What is charged is decided by the log's sequencer; here are only the rows.

use std::collections::HashSet;

use portcullis_core::id::Moment;
use sqlx::Row as _;

use super::error::{signed, unsigned};
use super::{StoreError, Tx};

/// A budget in one window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BudgetKey {
    /// Which budget.
    pub key: String,
    /// When its window began.
    pub window_start: Moment,
}

/// A budget and what was used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Which.
    pub key: BudgetKey,
    /// When its window ends.
    pub window_end: Moment,
    /// So far.
    pub used: u64,
}

/// An idempotency key and what was charged under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyRow {
    /// Keyed hash of requester and key.
    pub mark: [u8; 32],
    /// Keyed hash of the query's digest.
    pub query_mark: [u8; 32],
    /// Forgotten from then on.
    pub expires_at: Moment,
    /// Budget, and the most that any attempt used of it.
    pub charged: Vec<(String, u64)>,
}

impl Tx<'_> {
    /// What was used of a budget in a window.
    pub async fn budget_used(&mut self, key: &BudgetKey) -> Result<u64, StoreError> {
        let row = sqlx::query("SELECT used FROM budget WHERE key = ?1 AND window_start = ?2")
            .bind(&key.key)
            .bind(key.window_start.0)
            .fetch_optional(&mut *self.inner)
            .await?;
        row.map_or(Ok(0), |row| unsigned(row.try_get(0)?, "budget.used"))
    }

    /// Which of these subjects were met.
    pub async fn subjects_met(
        &mut self,
        marks: &[[u8; 32]],
    ) -> Result<HashSet<[u8; 32]>, StoreError> {
        let wanted: Vec<String> = marks.iter().map(hex::encode).collect();
        let rows = sqlx::query(
            "SELECT mark FROM budget_subject \
             WHERE mark IN (SELECT unhex(value) FROM json_each(?1))",
        )
        .bind(serde_json::Value::from(wanted).to_string())
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| {
                let mark: &[u8] = row.try_get(0)?;
                mark.try_into().map_err(|_| StoreError::Malformed("budget_subject.mark"))
            })
            .collect()
    }

    /// Writes subjects that were met for the first time, each with the end of its window.
    pub async fn put_subjects(&mut self, met: &[([u8; 32], Moment)]) -> Result<(), StoreError> {
        let rows: Vec<_> =
            met.iter().map(|(mark, end)| serde_json::json!([hex::encode(mark), end.0])).collect();
        sqlx::query(
            "INSERT INTO budget_subject (mark, window_end) \
             SELECT unhex(value ->> 0), value ->> 1 FROM json_each(?1)",
        )
        .bind(serde_json::Value::from(rows).to_string())
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Forgets subjects whose window has ended, a few thousand at a time; how many.
    pub async fn forget_subjects(&mut self, now: Moment) -> Result<u64, StoreError> {
        let done = sqlx::query(
            "DELETE FROM budget_subject WHERE mark IN (SELECT mark FROM budget_subject \
             WHERE window_end <= ?1 ORDER BY window_end LIMIT 4096)",
        )
        .bind(now.0)
        .execute(&mut *self.inner)
        .await?;
        Ok(done.rows_affected())
    }

    /// An idempotency key that has not expired, with what was charged under it.
    pub async fn idempotency(
        &mut self,
        mark: &[u8; 32],
        now: Moment,
    ) -> Result<Option<IdempotencyRow>, StoreError> {
        let row = sqlx::query(
            "SELECT query_mark, expires_at FROM idempotency WHERE mark = ?1 AND expires_at > ?2",
        )
        .bind(mark.as_slice())
        .bind(now.0)
        .fetch_optional(&mut *self.inner)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let charges = sqlx::query("SELECT budget, charged FROM idempotency_charge WHERE mark = ?1")
            .bind(mark.as_slice())
            .fetch_all(&mut *self.inner)
            .await?;
        let charged = charges.iter().map(|row| {
            Ok((row.try_get(0)?, unsigned(row.try_get(1)?, "idempotency_charge.charged")?))
        });
        Ok(Some(IdempotencyRow {
            mark: *mark,
            query_mark: row
                .try_get::<&[u8], _>(0)?
                .try_into()
                .map_err(|_| StoreError::Malformed("idempotency.query_mark"))?,
            expires_at: Moment(row.try_get(1)?),
            charged: charged.collect::<Result<_, StoreError>>()?,
        }))
    }

    /// Writes an idempotency key and what was charged under it.
    pub async fn put_idempotency(&mut self, row: &IdempotencyRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO idempotency (mark, query_mark, expires_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (mark) DO UPDATE \
             SET query_mark = excluded.query_mark, expires_at = excluded.expires_at",
        )
        .bind(row.mark.as_slice())
        .bind(row.query_mark.as_slice())
        .bind(row.expires_at.0)
        .execute(&mut *self.inner)
        .await?;
        // The list is complete, and what an expired use of the same key left behind must not count.
        sqlx::query("DELETE FROM idempotency_charge WHERE mark = ?1")
            .bind(row.mark.as_slice())
            .execute(&mut *self.inner)
            .await?;
        for (budget, charged) in &row.charged {
            sqlx::query(
                "INSERT INTO idempotency_charge (mark, budget, charged) VALUES (?1, ?2, ?3)",
            )
            .bind(row.mark.as_slice())
            .bind(budget)
            .bind(signed(*charged))
            .execute(&mut *self.inner)
            .await?;
        }
        Ok(())
    }

    /// Forgets idempotency keys that have expired, a few hundred at a time.
    pub async fn expire_idempotency(&mut self, now: Moment) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM idempotency_charge WHERE mark IN \
             (SELECT mark FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 256)",
        )
        .bind(now.0)
        .execute(&mut *self.inner)
        .await?;
        sqlx::query(
            "DELETE FROM idempotency WHERE mark IN \
             (SELECT mark FROM idempotency WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 256)",
        )
        .bind(now.0)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}
