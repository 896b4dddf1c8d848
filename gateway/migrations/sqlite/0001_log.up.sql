-- The disclosure log. Leaves are hashed as they stand here; nothing is ever updated or re-encoded.
CREATE TABLE log_entry (
    idx INTEGER PRIMARY KEY,      -- position in the log, from 0, without gaps
    kind INTEGER NOT NULL,        -- portcullis.audit.v1.EntryKind, as in the leaf
    at INTEGER NOT NULL,          -- milliseconds since 1970, as in the leaf
    exchange BLOB NOT NULL,       -- exchange id, 16 bytes, as in the leaf
    leaf BLOB NOT NULL            -- the leaf's bytes
) STRICT;
CREATE INDEX log_entry_exchange ON log_entry (exchange, idx);

-- What stands behind a leaf, sealed to its readers and to the gateway's audit key.
CREATE TABLE log_body (
    idx INTEGER PRIMARY KEY,      -- of the entry
    sealed BLOB NOT NULL          -- sealed body; the leaf has its SHA-256
) STRICT;

-- Which agencies can read some of an entry.
CREATE TABLE log_party (
    agency TEXT NOT NULL,         -- agency id
    idx INTEGER NOT NULL,         -- of the entry
    PRIMARY KEY (agency, idx)
) STRICT, WITHOUT ROWID;

-- Epoch keys, each wrapped for its reader.
CREATE TABLE seal_epoch (
    id BLOB PRIMARY KEY,          -- 16 bytes, follows from the other columns
    party TEXT NOT NULL,          -- agency id; empty: the gateway's auditor
    key_id BLOB NOT NULL,         -- SHA-256 of the public key it is wrapped under
    wrapped BLOB NOT NULL         -- HPKE encapsulated key and ciphertext
) STRICT, WITHOUT ROWID;

-- Complete subtrees of 256 leaves and more, so that proofs need not read the whole log.
CREATE TABLE log_node (
    level INTEGER NOT NULL,       -- height above the leaves, at least 8
    position INTEGER NOT NULL,    -- counted among the subtrees of its level
    hash BLOB NOT NULL,           -- 32 bytes
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

-- One row: the tree's frontier.
CREATE TABLE log_head (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    size INTEGER NOT NULL,        -- entries
    peaks BLOB NOT NULL           -- hashes of the complete subtrees, largest first, 32 bytes each
) STRICT;

-- Every signed checkpoint.
CREATE TABLE log_checkpoint (
    size INTEGER PRIMARY KEY,     -- entries it covers
    note TEXT NOT NULL            -- C2SP signed note
) STRICT;

-- What was used of a budget in a window.
CREATE TABLE budget (
    key TEXT NOT NULL,            -- which budget
    window_start INTEGER NOT NULL, -- milliseconds since 1970
    window_end INTEGER NOT NULL,  -- milliseconds since 1970
    used INTEGER NOT NULL,        -- so far
    PRIMARY KEY (key, window_start)
) STRICT, WITHOUT ROWID;

-- Idempotency keys seen in the last day. Neither key nor query digest can be told from the marks.
CREATE TABLE idempotency (
    mark BLOB PRIMARY KEY,        -- keyed hash of requester and key, 32 bytes
    query_mark BLOB NOT NULL,     -- keyed hash of the query's digest, 32 bytes
    expires_at INTEGER NOT NULL   -- milliseconds since 1970
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_expiry ON idempotency (expires_at);

-- What was charged already under an idempotency key.
CREATE TABLE idempotency_charge (
    mark BLOB NOT NULL,           -- of the idempotency key
    budget TEXT NOT NULL,         -- which budget
    charged INTEGER NOT NULL,     -- the most that any attempt used
    PRIMARY KEY (mark, budget)
) STRICT, WITHOUT ROWID;
