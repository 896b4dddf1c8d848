-- Record types that agencies registered. A row is never changed or removed: a name stands for one schema for ever.
CREATE TABLE record_type (
    name TEXT PRIMARY KEY,        -- full name of the message
    agency TEXT NOT NULL,         -- whose it is
    schema_hash BLOB NOT NULL,    -- SHA-256 of the schema, 32 bytes
    descriptor_set BLOB NOT NULL  -- google.protobuf.FileDescriptorSet as it was brought
) STRICT, WITHOUT ROWID;

-- What was done with them, and by whom. The last one of a name says whether it is in use.
CREATE TABLE record_type_event (
    id INTEGER PRIMARY KEY,       -- in the order in which it was done
    name TEXT NOT NULL REFERENCES record_type (name),
    in_use INTEGER NOT NULL,      -- 1: registered, 0: withdrawn
    at INTEGER NOT NULL,          -- milliseconds since 1970
    spiffe_id TEXT NOT NULL,      -- system that did it
    certificate BLOB NOT NULL     -- SHA-256 of its certificate, 32 bytes
) STRICT;
CREATE INDEX record_type_event_name ON record_type_event (name, id);
