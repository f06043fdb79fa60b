-- A handle to the store is bound to a namespace, and every table has its column. Rows from before
-- belong to `default`.
--
-- Tables whose keys could collide between namespaces are made anew, because SQLite cannot change a
-- key. `snapshot` and `log` have ids that are unique in the file, and get the column alone.
--
-- `orphaned_blob` has no namespace: a file with a body is named by its SHA-256, and namespaces share
-- it. It is removed once no event of any namespace refers to it.

-- Views of users go on meaning the tables by their names, whatever is renamed in between.
PRAGMA legacy_alter_table = ON;

ALTER TABLE task RENAME TO task_5;
ALTER TABLE event RENAME TO event_5;
ALTER TABLE entry RENAME TO entry_5;
ALTER TABLE budget RENAME TO budget_5;
ALTER TABLE bucket RENAME TO bucket_5;
ALTER TABLE hold RENAME TO hold_5;
ALTER TABLE hold_bucket RENAME TO hold_bucket_5;
ALTER TABLE alert RENAME TO alert_5;
ALTER TABLE payer RENAME TO payer_5;
ALTER TABLE setting RENAME TO setting_5;
ALTER TABLE loose_blob RENAME TO orphaned_blob;

-- What is read to choose a task comes first in its row, so that a large command or answer behind
-- it is not read with it.
CREATE TABLE task (
    namespace        TEXT    NOT NULL DEFAULT 'default',
    id               TEXT    NOT NULL,
    status           TEXT    NOT NULL CHECK (status IN ('initialized', 'pending', 'running',
                                                        'completed', 'failed', 'cancelled')),
    priority         INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    started_at       INTEGER,
    completed_at     INTEGER,
    epoch            INTEGER NOT NULL DEFAULT 0,
    lease_owner      TEXT,
    lease_until      INTEGER,
    not_before       INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    cost             INTEGER NOT NULL,
    estimated_tokens INTEGER NOT NULL,
    actual_tokens    INTEGER NOT NULL,
    parent_task_id   TEXT,
    model            TEXT,
    options          TEXT    NOT NULL,
    failure          TEXT,
    command          TEXT    NOT NULL,
    answer           TEXT,
    PRIMARY KEY (namespace, id),
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;

INSERT INTO task (id, status, priority, created_at, updated_at, started_at, completed_at, epoch,
        lease_owner, lease_until, not_before, cancel_requested, cost, estimated_tokens,
        actual_tokens, parent_task_id, model, options, failure, command, answer)
    SELECT id, status, priority, created_at, updated_at, started_at, completed_at, epoch,
        lease_owner, lease_until, not_before, cancel_requested, cost, estimated_tokens,
        actual_tokens, parent_task_id, model, options, failure, command, answer
    FROM task_5 ORDER BY rowid;

-- A large body lies in a file of its own, and its SHA-256 here. Rows are kept in the order of
-- writing: one page at the end takes what many tasks append at the same time.
CREATE TABLE event (
    namespace TEXT    NOT NULL DEFAULT 'default',
    task_id   TEXT    NOT NULL,
    seq       INTEGER NOT NULL,
    epoch     INTEGER NOT NULL,
    type      TEXT    NOT NULL,
    call_id   TEXT,
    at        INTEGER NOT NULL,
    body      TEXT,
    blob      TEXT,
    PRIMARY KEY (namespace, task_id, seq),
    FOREIGN KEY (namespace, task_id) REFERENCES task (namespace, id) ON DELETE CASCADE,
    CHECK ((body IS NULL) <> (blob IS NULL))
) STRICT;

INSERT INTO event (task_id, seq, epoch, type, call_id, at, body, blob)
    SELECT task_id, seq, epoch, type, call_id, at, body, blob FROM event_5 ORDER BY rowid;

DROP TABLE event_5;
DROP TABLE task_5;

CREATE INDEX task_newest ON task (namespace, created_at DESC, id DESC);
CREATE INDEX task_newest_of_status ON task (namespace, status, created_at DESC, id DESC);
CREATE INDEX task_newest_of_priority ON task (namespace, priority, created_at DESC, id DESC);
CREATE INDEX task_newest_of_both ON task (namespace, status, priority, created_at DESC, id DESC);
CREATE INDEX task_parts ON task (namespace, parent_task_id, created_at DESC, id DESC)
    WHERE parent_task_id IS NOT NULL;
CREATE INDEX task_next ON task (namespace, priority DESC, created_at, id, not_before)
    WHERE status = 'pending';
CREATE INDEX task_expiring ON task (namespace, lease_until) WHERE status = 'running';
CREATE INDEX task_held ON task (namespace, lease_owner) WHERE lease_owner IS NOT NULL;

CREATE UNIQUE INDEX event_once ON event (namespace, task_id, call_id, type)
    WHERE call_id IS NOT NULL;
CREATE INDEX event_snapshot ON event (namespace, task_id, seq) WHERE type = 'snapshot';
-- The blob comes first: that a file is orphaned is asked of all namespaces.
CREATE INDEX event_in_blob ON event (blob, namespace) WHERE blob IS NOT NULL;

-- The ledger. It outlives the tasks.
CREATE TABLE entry (
    id            INTEGER PRIMARY KEY,
    namespace     TEXT    NOT NULL DEFAULT 'default',
    payer         TEXT    NOT NULL,
    call_id       TEXT    NOT NULL,
    provider      TEXT    NOT NULL,
    model         TEXT    NOT NULL,
    usage         TEXT    NOT NULL,
    cost          INTEGER CHECK (cost >= 0),
    computed      INTEGER CHECK (computed >= 0),
    estimated     INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    UNIQUE (namespace, payer, call_id)
) STRICT;

INSERT INTO entry (id, payer, call_id, provider, model, usage, cost, computed, estimated, at,
        input_tokens, output_tokens)
    SELECT id, payer, call_id, provider, model, usage, cost, computed, estimated, at,
        input_tokens, output_tokens
    FROM entry_5 ORDER BY id;
DROP TABLE entry_5;

CREATE INDEX entry_by_time ON entry (namespace, at, cost);
CREATE INDEX entry_of_model ON entry (namespace, model, at, cost);

-- A scope is `global`, `model:NAME`, or a payer.
CREATE TABLE budget (
    namespace TEXT    NOT NULL DEFAULT 'default',
    scope     TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    amount    INTEGER NOT NULL,
    alerts    TEXT    NOT NULL,
    hard      INTEGER NOT NULL,
    PRIMARY KEY (namespace, scope, period)
) STRICT, WITHOUT ROWID;

INSERT INTO budget (scope, period, amount, alerts, hard)
    SELECT scope, period, amount, alerts, hard FROM budget_5;
DROP TABLE budget_5;

-- What a budget's scope has used in one period: sums of `entry` and `hold`, kept in step.
CREATE TABLE bucket (
    namespace TEXT    NOT NULL DEFAULT 'default',
    scope     TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    start     INTEGER NOT NULL,
    stop      INTEGER NOT NULL,
    spent     INTEGER NOT NULL,
    held      INTEGER NOT NULL,
    PRIMARY KEY (namespace, scope, period, start)
) STRICT, WITHOUT ROWID;

INSERT INTO bucket (scope, period, start, stop, spent, held)
    SELECT scope, period, start, stop, spent, held FROM bucket_5;
DROP TABLE bucket_5;

CREATE TABLE hold (
    namespace TEXT    NOT NULL DEFAULT 'default',
    payer     TEXT    NOT NULL,
    call_id   TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    model     TEXT    NOT NULL,
    amount    INTEGER CHECK (amount >= 0),
    at        INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    PRIMARY KEY (namespace, payer, call_id)
) STRICT, WITHOUT ROWID;

INSERT INTO hold (payer, call_id, provider, model, amount, at, until)
    SELECT payer, call_id, provider, model, amount, at, until FROM hold_5;

-- Which buckets a hold is counted in.
CREATE TABLE hold_bucket (
    namespace TEXT    NOT NULL DEFAULT 'default',
    payer     TEXT    NOT NULL,
    call_id   TEXT    NOT NULL,
    scope     TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    start     INTEGER NOT NULL,
    PRIMARY KEY (namespace, payer, call_id, scope, period, start),
    FOREIGN KEY (namespace, payer, call_id) REFERENCES hold (namespace, payer, call_id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

INSERT INTO hold_bucket (payer, call_id, scope, period, start)
    SELECT payer, call_id, scope, period, start FROM hold_bucket_5;
DROP TABLE hold_bucket_5;
DROP TABLE hold_5;

CREATE INDEX hold_expiring ON hold (namespace, until);

-- Which marks of a budget were reported in a period.
CREATE TABLE alert (
    namespace TEXT    NOT NULL DEFAULT 'default',
    scope     TEXT    NOT NULL,
    period    TEXT    NOT NULL,
    start     INTEGER NOT NULL,
    percent   INTEGER NOT NULL,
    PRIMARY KEY (namespace, scope, period, start, percent)
) STRICT, WITHOUT ROWID;

INSERT INTO alert (scope, period, start, percent)
    SELECT scope, period, start, percent FROM alert_5;
DROP TABLE alert_5;

-- The parents of payers. They outlive tasks, as costs do.
CREATE TABLE payer (
    namespace TEXT NOT NULL DEFAULT 'default',
    payer     TEXT NOT NULL,
    parent    TEXT NOT NULL,
    PRIMARY KEY (namespace, payer)
) STRICT, WITHOUT ROWID;

INSERT INTO payer (payer, parent) SELECT payer, parent FROM payer_5;
DROP TABLE payer_5;

CREATE INDEX payer_children ON payer (namespace, parent);

CREATE TABLE setting (
    namespace TEXT NOT NULL DEFAULT 'default',
    key       TEXT NOT NULL,
    value     TEXT NOT NULL,
    PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

INSERT INTO setting (key, value) SELECT key, value FROM setting_5;
DROP TABLE setting_5;

ALTER TABLE snapshot ADD COLUMN namespace TEXT NOT NULL DEFAULT 'default';
DROP INDEX snapshot_of_task;
CREATE INDEX snapshot_of_task ON snapshot (namespace, task_id, id);

ALTER TABLE log ADD COLUMN namespace TEXT NOT NULL DEFAULT 'default';
DROP INDEX log_by_time;
DROP INDEX log_of_task;
CREATE INDEX log_by_time ON log (namespace, at, id);
CREATE INDEX log_of_task ON log (namespace, task_id, at, id) WHERE task_id IS NOT NULL;

PRAGMA legacy_alter_table = OFF;
