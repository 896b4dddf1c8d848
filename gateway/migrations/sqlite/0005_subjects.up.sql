-- Distinct subjects that were met, in one budget and window each. Who it is cannot be told from a mark, nor whether two
-- marks of different budgets or windows are of one subject.
CREATE TABLE budget_subject (
    mark BLOB PRIMARY KEY,        -- keyed hash of budget, window and subject, 32 bytes
    window_end INTEGER NOT NULL   -- milliseconds since 1970; forgotten from then on
) STRICT, WITHOUT ROWID;
CREATE INDEX budget_subject_end ON budget_subject (window_end);
