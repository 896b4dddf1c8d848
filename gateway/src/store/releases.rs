//! Steps of release requests: appended with their entries of the log, never changed.

use portcullis_core::id::Digest;
use sqlx::Row as _;

use super::error::digest;
use super::{StoreError, Tx};

/// A step of a release request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRow {
    /// Its release.
    pub release: [u8; 16],
    /// From 1.
    pub number: u32,
    /// Leaf hash of the step's entry.
    pub leaf_hash: Digest,
    /// The step, sealed.
    pub sealed: Vec<u8>,
}

impl Tx<'_> {
    /// Writes a step. One that is there already is a mistake of the caller's, and fails.
    pub async fn put_release_step(&mut self, row: &ReleaseRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO release_step (release, number, leaf_hash, sealed) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(row.release.as_slice())
        .bind(row.number)
        .bind(row.leaf_hash.0.as_slice())
        .bind(&row.sealed)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Every step, in the order in which they were written.
    pub async fn release_steps(&mut self) -> Result<Vec<ReleaseRow>, StoreError> {
        let rows =
            sqlx::query("SELECT release, number, leaf_hash, sealed FROM release_step ORDER BY seq")
                .fetch_all(&mut *self.inner)
                .await?;
        rows.iter()
            .map(|row| {
                let release: Vec<u8> = row.try_get(0)?;
                let leaf_hash: Vec<u8> = row.try_get(2)?;
                let malformed = |_| StoreError::Malformed("release_step.release");
                Ok(ReleaseRow {
                    release: release.try_into().map_err(malformed)?,
                    number: row.try_get(1)?,
                    leaf_hash: digest(&leaf_hash, "release_step.leaf_hash")?,
                    sealed: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// Leaves of the log's entries for steps of release requests, in order.
    pub async fn leaves_of_releases(&mut self) -> Result<Vec<Vec<u8>>, StoreError> {
        let rows = sqlx::query("SELECT leaf FROM log_entry WHERE kind = 5 ORDER BY idx")
            .fetch_all(&mut *self.inner)
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}
