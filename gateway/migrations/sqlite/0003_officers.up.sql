-- Officers' tokens that were used. Neither agency nor token can be told from the marks.
CREATE TABLE officer_token (
    mark BLOB PRIMARY KEY,        -- keyed hash of agency and jti, 32 bytes
    bound BLOB NOT NULL,          -- as idempotency.query_mark: what may use it again; empty: nothing
    expires_at INTEGER NOT NULL   -- milliseconds since 1970; forgotten from then on
) STRICT, WITHOUT ROWID;
CREATE INDEX officer_token_expiry ON officer_token (expires_at);
