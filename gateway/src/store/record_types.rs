//! Record types that agencies registered: their schemas, and what was done with them by whom.

use portcullis_core::id::{Digest, Moment};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::error::digest;
use super::{StoreError, Tx};

/// A registered record type, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordTypeRow {
    /// Full name of the message.
    pub name: String,
    /// Whose it is.
    pub agency: String,
    /// SHA-256 of the schema.
    pub schema_hash: Digest,
    /// `google.protobuf.FileDescriptorSet`.
    pub descriptor_set: Vec<u8>,
    /// What was done last.
    pub last: RecordTypeEvent,
}

/// What was done with a record type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordTypeEvent {
    /// Registered, or withdrawn.
    pub in_use: bool,
    /// When.
    pub at: Moment,
    /// The system that did it.
    pub spiffe_id: String,
    /// SHA-256 of its certificate.
    pub certificate: Digest,
}

impl Tx<'_> {
    /// Every record type that was ever registered, by name.
    pub async fn record_types(&mut self) -> Result<Vec<RecordTypeRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT t.name, t.agency, t.schema_hash, t.descriptor_set, e.in_use, e.at, e.spiffe_id, \
             e.certificate FROM record_type t JOIN record_type_event e ON e.id = \
             (SELECT max(id) FROM record_type_event WHERE name = t.name) ORDER BY t.name",
        )
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(record_type).collect()
    }

    /// Writes what was done with a record type, and its schema if it is new.
    pub async fn put_record_type(&mut self, row: &RecordTypeRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO record_type (name, agency, schema_hash, descriptor_set) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT (name) DO NOTHING",
        )
        .bind(&row.name)
        .bind(&row.agency)
        .bind(row.schema_hash.0.as_slice())
        .bind(&row.descriptor_set)
        .execute(&mut *self.inner)
        .await?;
        sqlx::query(
            "INSERT INTO record_type_event (name, in_use, at, spiffe_id, certificate) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )
        .bind(&row.name)
        .bind(row.last.in_use)
        .bind(row.last.at.0)
        .bind(&row.last.spiffe_id)
        .bind(row.last.certificate.0.as_slice())
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}

fn record_type(row: &SqliteRow) -> Result<RecordTypeRow, StoreError> {
    let (hash, certificate): (Vec<u8>, Vec<u8>) = (row.try_get(2)?, row.try_get(7)?);
    Ok(RecordTypeRow {
        name: row.try_get(0)?,
        agency: row.try_get(1)?,
        schema_hash: digest(&hash, "record_type.schema_hash")?,
        descriptor_set: row.try_get(3)?,
        last: RecordTypeEvent {
            in_use: row.try_get(4)?,
            at: Moment(row.try_get(5)?),
            spiffe_id: row.try_get(6)?,
            certificate: digest(&certificate, "record_type_event.certificate")?,
        },
    })
}
