-- Who received a record: an index beside the log. Everything that could tell a record or link two disclosures of one is
-- sealed with keys that follow from the log's key, one for each originator (audit/README.md, "Who received this record").

-- One row: how far back the index reaches.
CREATE TABLE recipient_state (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    complete_from INTEGER NOT NULL, -- first entry that was written with the index
    next_run INTEGER NOT NULL     -- id of the next run; none is used twice
) STRICT;
INSERT INTO recipient_state (one, complete_from, next_run)
    SELECT 1, coalesce((SELECT max(idx) + 1 FROM log_entry), 0), 1;

-- Fingerprints of an entry's records, written with the entry, until a run takes them over.
CREATE TABLE recipient_tail (
    agency TEXT NOT NULL,         -- originator
    idx INTEGER NOT NULL,         -- of the entry
    sealed BLOB NOT NULL,         -- 8 bytes for each record, sealed to the leaf, and a tag of 16
    PRIMARY KEY (agency, idx)
) STRICT, WITHOUT ROWID;

-- Sorted runs of fingerprints, never changed: merged into larger ones and deleted.
CREATE TABLE recipient_run (
    id INTEGER PRIMARY KEY,
    agency TEXT NOT NULL,         -- originator
    level INTEGER NOT NULL,       -- how often its fingerprints were merged
    first_idx INTEGER NOT NULL,   -- lowest entry
    last_idx INTEGER NOT NULL,    -- highest entry
    records INTEGER NOT NULL,     -- fingerprints in it
    pages INTEGER NOT NULL,       -- pages of it
    fences BLOB NOT NULL          -- first fingerprint of every page, sealed to this row
) STRICT;
CREATE INDEX recipient_run_agency ON recipient_run (agency, level, id);

-- Their pages. Pages whose run is not there (yet) belong to a merge under way or cut short.
CREATE TABLE recipient_page (
    id INTEGER PRIMARY KEY,       -- id of the run * 2^24 + number of the page
    sealed BLOB NOT NULL          -- nonce, then 14 bytes for each fingerprint and its entry, and a tag of 16
) STRICT;

-- The index's keys, each wrapped for whom it is: an originator its own, the gateway's auditor the one behind all.
CREATE TABLE recipient_key (
    party TEXT NOT NULL,          -- agency id; empty: the gateway's auditor
    key_id BLOB NOT NULL,         -- SHA-256 of the public key it is wrapped under
    wrapped BLOB NOT NULL,        -- HPKE encapsulated key and ciphertext
    PRIMARY KEY (party, key_id)
) STRICT, WITHOUT ROWID;
