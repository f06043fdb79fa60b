-- Holds, entries and budgets belong to payers, of which tasks are one kind: `task:ID`, `key:ID`, …
PRAGMA defer_foreign_keys = ON;

ALTER TABLE entry RENAME COLUMN task_id TO payer;
UPDATE entry SET payer = 'task:' || payer;

ALTER TABLE hold_bucket RENAME COLUMN task_id TO payer;
UPDATE hold_bucket SET payer = 'task:' || payer;
ALTER TABLE hold RENAME COLUMN task_id TO payer;
UPDATE hold SET payer = 'task:' || payer;

-- The parents of payers. They outlive tasks, as costs do.
CREATE TABLE payer (
    payer  TEXT NOT NULL PRIMARY KEY,
    parent TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX payer_children ON payer (parent);

INSERT INTO payer (payer, parent) SELECT 'task:' || task_id, 'task:' || parent_id FROM part;
DROP TABLE part;
