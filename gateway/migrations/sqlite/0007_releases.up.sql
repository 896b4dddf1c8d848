-- Steps of release requests, each written with its entry of the log. Rows are never changed or removed.
CREATE TABLE release_step (
    seq INTEGER PRIMARY KEY,              -- in the order in which they were written, as the entries
    release BLOB NOT NULL,                -- release id, 16 bytes; the entry's exchange
    number INTEGER NOT NULL,              -- of the step, from 1
    leaf_hash BLOB NOT NULL,              -- of the step's entry, 32 bytes
    sealed BLOB NOT NULL,                 -- the step, under a key of the gateway's and bound to the leaf hash
    UNIQUE (release, number)
) STRICT;

-- Finds the entries without reading the log.
CREATE INDEX log_entry_release ON log_entry (idx) WHERE kind = 5;
