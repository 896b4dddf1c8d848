-- What agencies did with agreements, in the order in which it was taken. Rows are never changed or removed: how
-- an agreement stands is what its rows come to.
CREATE TABLE agreement_act (
    seq INTEGER PRIMARY KEY,      -- in the order in which it was taken
    agreement TEXT NOT NULL,      -- agreement id, as in the statement
    version INTEGER NOT NULL,     -- its version, as in the statement
    agency TEXT NOT NULL,         -- whose act, as in the statement
    act TEXT NOT NULL,            -- sign, suspend, .., as in the statement
    note TEXT NOT NULL,           -- the signed statement as it came
    text TEXT,                    -- the agreement's text, where the act brought a new one
    at INTEGER NOT NULL,          -- when it was taken, milliseconds since 1970
    spiffe_id TEXT NOT NULL,      -- system that brought it
    certificate BLOB NOT NULL     -- SHA-256 of its certificate, 32 bytes
) STRICT;
CREATE INDEX agreement_act_agreement ON agreement_act (agreement, seq);

-- Cases and operation rooms that agencies opened. A row is never changed or removed: an id is used once.
CREATE TABLE case_opened (
    id TEXT PRIMARY KEY,          -- case id
    title TEXT NOT NULL,          -- for people
    opens INTEGER NOT NULL,       -- milliseconds since 1970
    closes INTEGER,               -- milliseconds since 1970; none: until it is closed
    room INTEGER NOT NULL,        -- 1: an operation room, with tokens of its own shared by its members
    template TEXT NOT NULL        -- the most that is told inside it, one line per rule; empty: no cap
) STRICT, WITHOUT ROWID;

-- What was done with them, and by whom.
CREATE TABLE case_event (
    seq INTEGER PRIMARY KEY,      -- in the order in which it was done
    id TEXT NOT NULL REFERENCES case_opened (id),
    act TEXT NOT NULL,            -- open, invite, join, leave, close
    agency TEXT NOT NULL,         -- whom it is about
    by_agency TEXT NOT NULL,      -- who did it
    at INTEGER NOT NULL,          -- milliseconds since 1970
    spiffe_id TEXT NOT NULL,      -- system that did it
    certificate BLOB NOT NULL     -- SHA-256 of its certificate, 32 bytes
) STRICT;
CREATE INDEX case_event_id ON case_event (id, seq);
