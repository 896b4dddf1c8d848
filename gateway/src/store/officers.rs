//! Officers' tokens that were used. Whether one may be used again is decided by the log's sequencer.

use portcullis_core::id::Moment;
use sqlx::Row as _;

use super::{StoreError, Tx};

/// A token that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Keyed hash that names the token.
    pub mark: [u8; 32],
    /// The idempotency key and query that may use it again; empty: nothing may.
    pub bound: Vec<u8>,
    /// Forgotten from then on.
    pub expires_at: Moment,
}

impl Tx<'_> {
    /// A token that was used. One that is due to be forgotten and still there counts.
    pub async fn officer_token(&mut self, mark: &[u8; 32]) -> Result<Option<TokenRow>, StoreError> {
        let row = sqlx::query("SELECT bound, expires_at FROM officer_token WHERE mark = ?1")
            .bind(mark.as_slice())
            .fetch_optional(&mut *self.inner)
            .await?;
        row.map(|row| {
            Ok(TokenRow {
                mark: *mark,
                bound: row.try_get(0)?,
                expires_at: Moment(row.try_get(1)?),
            })
        })
        .transpose()
    }

    /// Writes that a token is used. One that is there already is a mistake of the caller's, and fails.
    pub async fn put_officer_token(&mut self, row: &TokenRow) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO officer_token (mark, bound, expires_at) VALUES (?1, ?2, ?3)")
            .bind(row.mark.as_slice())
            .bind(row.bound.as_slice())
            .bind(row.expires_at.0)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Forgets tokens that are due, a few hundred at a time.
    pub async fn expire_officer_tokens(&mut self, now: Moment) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM officer_token WHERE mark IN \
             (SELECT mark FROM officer_token WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 256)",
        )
        .bind(now.0)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}
