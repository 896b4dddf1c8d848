//! The log's tables: entries, bodies, parties, epochs, nodes, head, checkpoints.

use portcullis_core::id::{AgencyId, Digest, Moment};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

use super::error::{digest, signed, unsigned};
use super::{Budget, StoreError, Tx};

/// An entry to be appended. What is in columns beside the leaf is a copy, for looking up.
#[derive(Clone, Debug)]
pub struct NewEntry {
    /// Its kind's number.
    pub kind: u8,
    /// When.
    pub at: Moment,
    /// Exchange id.
    pub exchange: [u8; 16],
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// The sealed body.
    pub sealed: Vec<u8>,
    /// Agencies that can read some of it.
    pub agencies: Vec<AgencyId>,
    /// Fingerprints of its records by originator, sealed; see `audit::recipients`.
    pub recipients: Vec<(AgencyId, Vec<u8>)>,
}

/// What one append writes.
pub struct Append<'a> {
    /// Index of the first entry.
    pub first: u64,
    /// Entries.
    pub entries: &'a [&'a NewEntry],
    /// Budgets as they are to be.
    pub budgets: &'a [Budget],
    /// Size of the tree with them.
    pub size: u64,
    /// Its peaks.
    pub peaks: &'a [Digest],
}

/// What an append reads back.
pub struct Written {
    /// Index and bytes of every leaf from the first entry on; one more than were written, if there is.
    pub leaves: Vec<(u64, Vec<u8>)>,
    /// Size and peaks.
    pub head: (u64, Vec<Digest>),
}

/// A stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryRow {
    /// Position in the log.
    pub index: u64,
    /// Its kind's number.
    pub kind: i64,
    /// When.
    pub at: Moment,
    /// Exchange id.
    pub exchange: Vec<u8>,
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// The sealed body; none if its row is gone.
    pub sealed: Option<Vec<u8>>,
}

/// A wrapped epoch key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// Names it.
    pub id: [u8; 16],
    /// Whose: an agency, or empty for the gateway.
    pub party: String,
    /// SHA-256 of the public key it is wrapped under.
    pub key_id: Digest,
    /// HPKE encapsulated key and ciphertext.
    pub wrapped: Vec<u8>,
}

/// A complete subtree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// Height above the leaves.
    pub level: u32,
    /// Counted among the subtrees of its level.
    pub position: u64,
    /// Its hash.
    pub hash: Digest,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct ListFilter {
    /// Only those that this agency can read some of; none: all.
    pub party: Option<AgencyId>,
    /// Only this exchange.
    pub exchange: Option<[u8; 16]>,
    /// From this index on.
    pub from: u64,
    /// At most so many.
    pub limit: u32,
}

impl Tx<'_> {
    /// Size and peaks of the tree; nothing yet: 0 and none.
    pub async fn head(&mut self) -> Result<(u64, Vec<Digest>), StoreError> {
        let row = sqlx::query("SELECT size, peaks FROM log_head WHERE one = 1")
            .fetch_optional(&mut *self.inner)
            .await?;
        row.as_ref().map_or_else(|| Ok((0, Vec::new())), head_row)
    }

    /// Writes size and peaks of the tree.
    pub async fn put_head(&mut self, size: u64, peaks: &[Digest]) -> Result<(), StoreError> {
        let peaks: Vec<u8> = peaks.iter().flat_map(|peak| peak.0).collect();
        sqlx::query(
            "INSERT INTO log_head (one, size, peaks) VALUES (1, ?1, ?2) \
             ON CONFLICT (one) DO UPDATE SET size = excluded.size, peaks = excluded.peaks",
        )
        .bind(signed(size))
        .bind(peaks)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// As [`Tx::head`], and what was used of budgets, in one round trip and one row: every row of an answer
    /// wakes whoever waits for it.
    pub async fn head_and_used(
        &mut self,
        budgets: &mut [Budget],
    ) -> Result<(u64, Vec<Digest>), StoreError> {
        if budgets.is_empty() {
            return self.head().await;
        }
        let wanted: Vec<_> = budgets
            .iter()
            .map(|budget| serde_json::json!([budget.key.key, budget.key.window_start.0]))
            .collect();
        let row = sqlx::query(
            "SELECT h.size, h.peaks, u.used FROM \
             (SELECT json_group_array(coalesce(b.used, 0) ORDER BY j.key) AS used \
             FROM json_each(?) j LEFT JOIN budget b \
             ON b.key = j.value ->> 0 AND b.window_start = j.value ->> 1) u \
             LEFT JOIN log_head h ON h.one = 1",
        )
        .bind(serde_json::Value::from(wanted).to_string())
        .fetch_one(&mut *self.inner)
        .await?;
        let used: Vec<i64> = serde_json::from_str(row.try_get(2)?)
            .ok()
            .filter(|used: &Vec<i64>| used.len() == budgets.len())
            .ok_or(StoreError::Malformed("budget"))?;
        for (budget, used) in budgets.iter_mut().zip(used) {
            budget.used = unsigned(used, "budget.used")?;
        }
        head_row(&row)
    }

    /// Appends entries, writes what was used of budgets and the new head, and reads leaves and head back. All
    /// in one round trip, and one statement per table however many entries there are: their bytes go in as
    /// one blob that SQLite cuts, because a statement per row costs ten times as much.
    pub async fn append(&mut self, append: &Append<'_>) -> Result<Written, StoreError> {
        let first = append.first;
        let (mut leaves, mut bodies) = (Vec::new(), Vec::new());
        let (mut leaf_cuts, mut body_cuts, mut parties) = (Vec::new(), Vec::new(), Vec::new());
        let (mut prints, mut print_cuts) = (Vec::new(), Vec::new());
        for (index, entry) in (first..).zip(append.entries) {
            leaf_cuts.push(serde_json::json!([
                leaves.len() + 1,
                entry.leaf.len(),
                entry.kind,
                entry.at.0,
                hex::encode(entry.exchange),
            ]));
            body_cuts.push(serde_json::json!([bodies.len() + 1, entry.sealed.len()]));
            leaves.extend_from_slice(&entry.leaf);
            bodies.extend_from_slice(&entry.sealed);
            for agency in &entry.agencies {
                parties.push(serde_json::json!([agency.as_str(), index]));
            }
            for (agency, sealed) in &entry.recipients {
                let cut =
                    serde_json::json!([agency.as_str(), index, prints.len() + 1, sealed.len()]);
                print_cuts.push(cut);
                prints.extend_from_slice(sealed);
            }
        }
        let budgets: Vec<_> = append
            .budgets
            .iter()
            .map(|budget| {
                serde_json::json!([
                    budget.key.key,
                    budget.key.window_start.0,
                    budget.window_end.0,
                    signed(budget.used)
                ])
            })
            .collect();
        let peaks: Vec<u8> = append.peaks.iter().flat_map(|peak| peak.0).collect();
        // Parameters without numbers, bound in order: the driver counts them across statements.
        let row = sqlx::query(
            "INSERT INTO budget (key, window_start, window_end, used) \
             SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) \
             WHERE true ON CONFLICT (key, window_start) DO UPDATE \
             SET used = excluded.used, window_end = excluded.window_end; \
             INSERT INTO log_entry (idx, kind, at, exchange, leaf) \
             SELECT ? + key, value ->> 2, value ->> 3, unhex(value ->> 4), \
             substr(?, value ->> 0, value ->> 1) FROM json_each(?); \
             INSERT INTO log_body (idx, sealed) \
             SELECT ? + key, substr(?, value ->> 0, value ->> 1) FROM json_each(?); \
             INSERT INTO log_party (agency, idx) \
             SELECT value ->> 0, value ->> 1 FROM json_each(?); \
             INSERT INTO recipient_tail (agency, idx, sealed) \
             SELECT value ->> 0, value ->> 1, substr(?, value ->> 2, value ->> 3) \
             FROM json_each(?); \
             INSERT INTO log_head (one, size, peaks) VALUES (1, ?, ?) \
             ON CONFLICT (one) DO UPDATE SET size = excluded.size, peaks = excluded.peaks; \
             SELECT h.size, h.peaks, (SELECT group_concat(idx || ':' || hex(leaf), ',' ORDER BY idx) \
             FROM (SELECT idx, leaf FROM log_entry WHERE idx >= ? ORDER BY idx LIMIT ?)) \
             FROM log_head h WHERE h.one = 1",
        )
        .bind(serde_json::Value::from(budgets).to_string())
        .bind(signed(first))
        .bind(leaves)
        .bind(serde_json::Value::from(leaf_cuts).to_string())
        .bind(signed(first))
        .bind(bodies)
        .bind(serde_json::Value::from(body_cuts).to_string())
        .bind(serde_json::Value::from(parties).to_string())
        .bind(prints)
        .bind(serde_json::Value::from(print_cuts).to_string())
        .bind(signed(append.size))
        .bind(peaks)
        .bind(signed(first))
        .bind(signed(append.entries.len() as u64 + 1))
        .fetch_one(&mut *self.inner)
        .await?;
        Ok(Written { leaves: read_leaves(row.try_get(2)?)?, head: head_row(&row)? })
    }

    /// Adds a wrapped epoch key; one that is there already stays.
    pub async fn put_epoch(&mut self, epoch: &EpochRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO seal_epoch (id, party, key_id, wrapped) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(epoch.id.as_slice())
        .bind(&epoch.party)
        .bind(epoch.key_id.0.as_slice())
        .bind(&epoch.wrapped)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Wrapped epoch keys of a party, or of all.
    pub async fn epochs(&mut self, party: Option<&str>) -> Result<Vec<EpochRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, party, key_id, wrapped FROM seal_epoch \
             WHERE ?1 IS NULL OR party = ?1 ORDER BY id",
        )
        .bind(party)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(EpochRow {
                    id: row
                        .try_get::<&[u8], _>(0)?
                        .try_into()
                        .map_err(|_| StoreError::Malformed("seal_epoch.id"))?,
                    party: row.try_get(1)?,
                    key_id: digest(row.try_get(2)?, "seal_epoch.key_id")?,
                    wrapped: row.try_get(3)?,
                })
            })
            .collect()
    }

    /// Adds complete subtrees.
    pub async fn put_nodes(&mut self, nodes: &[NodeRow]) -> Result<(), StoreError> {
        for node in nodes {
            sqlx::query("INSERT INTO log_node (level, position, hash) VALUES (?1, ?2, ?3)")
                .bind(i64::from(node.level))
                .bind(signed(node.position))
                .bind(node.hash.0.as_slice())
                .execute(&mut *self.inner)
                .await?;
        }
        Ok(())
    }

    /// Every stored subtree, by level and position.
    pub async fn nodes(&mut self) -> Result<Vec<NodeRow>, StoreError> {
        let rows =
            sqlx::query("SELECT level, position, hash FROM log_node ORDER BY level, position")
                .fetch_all(&mut *self.inner)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(NodeRow {
                    level: u32::try_from(row.try_get::<i64, _>(0)?)
                        .map_err(|_| StoreError::Malformed("log_node.level"))?,
                    position: unsigned(row.try_get(1)?, "log_node.position")?,
                    hash: digest(row.try_get(2)?, "log_node.hash")?,
                })
            })
            .collect()
    }

    /// Adds a signed checkpoint.
    pub async fn put_checkpoint(&mut self, size: u64, note: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO log_checkpoint (size, note) VALUES (?1, ?2)")
            .bind(signed(size))
            .bind(note)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// The newest checkpoint: size and note.
    pub async fn last_checkpoint(&mut self) -> Result<Option<(u64, String)>, StoreError> {
        let row = sqlx::query("SELECT size, note FROM log_checkpoint ORDER BY size DESC LIMIT 1")
            .fetch_optional(&mut *self.inner)
            .await?;
        row.map(|row| Ok((unsigned(row.try_get(0)?, "log_checkpoint.size")?, row.try_get(1)?)))
            .transpose()
    }

    /// Checkpoints with more than `above` entries, oldest first, at most `limit`.
    pub async fn checkpoints(
        &mut self,
        above: Option<u64>,
        limit: u32,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT size, note FROM log_checkpoint WHERE size > ?1 ORDER BY size LIMIT ?2",
        )
        .bind(above.map_or(i64::MIN, signed))
        .bind(limit)
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| Ok((unsigned(row.try_get(0)?, "log_checkpoint.size")?, row.try_get(1)?)))
            .collect()
    }

    /// Leaves from an index on, in order, at most `limit`, each with its index.
    pub async fn leaves(
        &mut self,
        from: u64,
        limit: u32,
    ) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
        let rows =
            sqlx::query("SELECT idx, leaf FROM log_entry WHERE idx >= ?1 ORDER BY idx LIMIT ?2")
                .bind(signed(from))
                .bind(limit)
                .fetch_all(&mut *self.inner)
                .await?;
        rows.iter()
            .map(|row| Ok((unsigned(row.try_get(0)?, "log_entry.idx")?, row.try_get(1)?)))
            .collect()
    }

    /// Entries with their bodies, in order.
    pub async fn list(&mut self, filter: &ListFilter) -> Result<Vec<EntryRow>, StoreError> {
        const COLUMNS_ALL: &str = "SELECT e.idx, e.kind, e.at, e.exchange, e.leaf, b.sealed \
             FROM log_entry e LEFT JOIN log_body b ON b.idx = e.idx \
             WHERE e.idx >= ?1 AND (?3 IS NULL OR e.exchange = ?3) AND ?4 IS NULL \
             ORDER BY e.idx LIMIT ?2";
        const COLUMNS_EXCHANGE: &str = "SELECT e.idx, e.kind, e.at, e.exchange, e.leaf, b.sealed \
             FROM log_entry e LEFT JOIN log_body b ON b.idx = e.idx \
             WHERE e.exchange = ?3 AND e.idx >= ?1 AND (?4 IS NULL OR EXISTS \
             (SELECT 1 FROM log_party p WHERE p.agency = ?4 AND p.idx = e.idx)) \
             ORDER BY e.idx LIMIT ?2";
        const COLUMNS_PARTY: &str = "SELECT e.idx, e.kind, e.at, e.exchange, e.leaf, b.sealed \
             FROM log_party p JOIN log_entry e ON e.idx = p.idx \
             LEFT JOIN log_body b ON b.idx = e.idx \
             WHERE p.agency = ?4 AND p.idx >= ?1 AND ?3 IS NULL ORDER BY p.idx LIMIT ?2";
        let sql = match (&filter.exchange, &filter.party) {
            (Some(_), _) => COLUMNS_EXCHANGE,
            (None, Some(_)) => COLUMNS_PARTY,
            (None, None) => COLUMNS_ALL,
        };
        let rows = sqlx::query(sql)
            .bind(signed(filter.from))
            .bind(filter.limit)
            .bind(filter.exchange.as_ref().map(<[u8; 16]>::as_slice))
            .bind(filter.party.as_ref().map(AgencyId::as_str))
            .fetch_all(&mut *self.inner)
            .await?;
        rows.iter().map(entry_row).collect()
    }

    /// These entries with their bodies, in order; one that is not there is left out.
    pub async fn entries(&mut self, indexes: &[u64]) -> Result<Vec<EntryRow>, StoreError> {
        let wanted: Vec<i64> = indexes.iter().map(|index| signed(*index)).collect();
        let rows = sqlx::query(
            "SELECT e.idx, e.kind, e.at, e.exchange, e.leaf, b.sealed FROM json_each(?1) j \
             CROSS JOIN log_entry e ON e.idx = j.value LEFT JOIN log_body b ON b.idx = e.idx \
             ORDER BY e.idx",
        )
        .bind(serde_json::Value::from(wanted).to_string())
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(entry_row).collect()
    }

    /// Entries of either kind in these exchanges, with their bodies, in order.
    pub async fn of_exchanges(
        &mut self,
        exchanges: &[[u8; 16]],
        kinds: [u8; 2],
    ) -> Result<Vec<EntryRow>, StoreError> {
        let wanted: Vec<String> = exchanges.iter().map(hex::encode).collect();
        let rows = sqlx::query(
            "SELECT e.idx, e.kind, e.at, e.exchange, e.leaf, b.sealed FROM json_each(?1) j \
             CROSS JOIN log_entry e ON e.exchange = unhex(j.value) AND e.kind IN (?2, ?3) \
             LEFT JOIN log_body b ON b.idx = e.idx ORDER BY e.idx",
        )
        .bind(serde_json::Value::from(wanted).to_string())
        .bind(kinds[0])
        .bind(kinds[1])
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter().map(entry_row).collect()
    }

    /// One entry with its body.
    pub async fn entry(&mut self, index: u64) -> Result<Option<EntryRow>, StoreError> {
        let filter = ListFilter { from: index, limit: 1, ..ListFilter::default() };
        Ok(self.list(&filter).await?.pop().filter(|row| row.index == index))
    }

    /// Parties of the entries `from..below`, by index and agency.
    pub async fn parties(
        &mut self,
        from: u64,
        below: u64,
    ) -> Result<Vec<(u64, String)>, StoreError> {
        let rows = sqlx::query(
            "SELECT idx, agency FROM log_party WHERE idx >= ?1 AND idx < ?2 ORDER BY idx, agency",
        )
        .bind(signed(from))
        .bind(signed(below))
        .fetch_all(&mut *self.inner)
        .await?;
        rows.iter()
            .map(|row| Ok((unsigned(row.try_get(0)?, "log_party.idx")?, row.try_get(1)?)))
            .collect()
    }

    /// Rows of entries, bodies and parties whose index is not below `size` or is negative.
    pub async fn strays(&mut self, size: u64) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM log_entry WHERE idx < 0 OR idx >= ?1) \
             + (SELECT count(*) FROM log_body WHERE idx < 0 OR idx >= ?1) \
             + (SELECT count(*) FROM log_party WHERE idx < 0 OR idx >= ?1) \
             + (SELECT count(*) FROM log_checkpoint WHERE size < 0 OR size > ?1)",
        )
        .bind(signed(size))
        .fetch_one(&mut *self.inner)
        .await?;
        unsigned(row.try_get(0)?, "count")
    }
}

/// Size and peaks in the first two columns; no head yet: 0 and none.
fn head_row(row: &SqliteRow) -> Result<(u64, Vec<Digest>), StoreError> {
    let Some(size) = row.try_get(0)? else { return Ok((0, Vec::new())) };
    let peaks: Vec<u8> = row.try_get(1)?;
    let peaks = peaks.chunks(32).map(|peak| digest(peak, "log_head.peaks"));
    Ok((unsigned(size, "log_head.size")?, peaks.collect::<Result<_, _>>()?))
}

/// Leaves as one text: `index:hex,index:hex`. Nothing: no text.
fn read_leaves(text: Option<&str>) -> Result<Vec<(u64, Vec<u8>)>, StoreError> {
    let malformed = || StoreError::Malformed("log_entry.leaf");
    text.into_iter()
        .flat_map(|text| text.split(','))
        .map(|one| {
            let (index, leaf) = one.split_once(':').ok_or_else(malformed)?;
            let index = index.parse().map_err(|_| malformed())?;
            Ok((index, hex::decode(leaf).map_err(|_| malformed())?))
        })
        .collect()
}

fn entry_row(row: &SqliteRow) -> Result<EntryRow, StoreError> {
    Ok(EntryRow {
        index: unsigned(row.try_get(0)?, "log_entry.idx")?,
        kind: row.try_get(1)?,
        at: Moment(row.try_get(2)?),
        exchange: row.try_get(3)?,
        leaf: row.try_get(4)?,
        sealed: row.try_get(5)?,
    })
}
