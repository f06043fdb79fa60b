-- Whether a call may have cost nothing: it failed or was lost, and its cost is the most that it can
-- have been. Entries from before count as certain, as they did.
ALTER TABLE entry ADD COLUMN uncertain INTEGER NOT NULL DEFAULT 0;

-- Few entries are uncertain, and they are looked for in a ledger of any size.
CREATE INDEX entry_uncertain ON entry (namespace, at) WHERE uncertain = 1;
