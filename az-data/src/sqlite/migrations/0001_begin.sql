-- Times are microseconds since 1970, money is nano-dollars, ids are text, the rest is JSON.

-- What is read to choose a task comes first in its row, so that a large command or answer behind
-- it is not read with it.
CREATE TABLE task (
    id               TEXT    NOT NULL PRIMARY KEY,
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
    CHECK ((lease_owner IS NULL) = (lease_until IS NULL))
) STRICT;

CREATE INDEX task_newest ON task (created_at DESC, id DESC);
CREATE INDEX task_newest_of_status ON task (status, created_at DESC, id DESC);
CREATE INDEX task_newest_of_priority ON task (priority, created_at DESC, id DESC);
CREATE INDEX task_newest_of_both ON task (status, priority, created_at DESC, id DESC);
CREATE INDEX task_parts ON task (parent_task_id, created_at DESC, id DESC)
    WHERE parent_task_id IS NOT NULL;
CREATE INDEX task_next ON task (priority DESC, created_at, id, not_before)
    WHERE status = 'pending';
CREATE INDEX task_expiring ON task (lease_until) WHERE status = 'running';
CREATE INDEX task_held ON task (lease_owner) WHERE lease_owner IS NOT NULL;

-- Whose part a task is. It outlives the task, as its costs do.
CREATE TABLE part (
    task_id   TEXT NOT NULL PRIMARY KEY,
    parent_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX part_of ON part (parent_id);

-- A large body lies in a file of its own, and its SHA-256 here. Rows are kept in the order of
-- writing: one page at the end takes what many tasks append at the same time.
CREATE TABLE event (
    task_id TEXT    NOT NULL REFERENCES task (id) ON DELETE CASCADE,
    seq     INTEGER NOT NULL,
    epoch   INTEGER NOT NULL,
    type    TEXT    NOT NULL,
    call_id TEXT,
    at      INTEGER NOT NULL,
    body    TEXT,
    blob    TEXT,
    PRIMARY KEY (task_id, seq),
    CHECK ((body IS NULL) <> (blob IS NULL))
) STRICT;

CREATE UNIQUE INDEX event_once ON event (task_id, call_id, type) WHERE call_id IS NOT NULL;
CREATE INDEX event_snapshot ON event (task_id, seq) WHERE type = 'snapshot';

-- The ledger. It outlives the tasks.
CREATE TABLE entry (
    id        INTEGER PRIMARY KEY,
    task_id   TEXT    NOT NULL,
    call_id   TEXT    NOT NULL,
    provider  TEXT    NOT NULL,
    model     TEXT    NOT NULL,
    usage     TEXT    NOT NULL,
    cost      INTEGER CHECK (cost >= 0),
    estimated INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    UNIQUE (task_id, call_id)
) STRICT;

CREATE INDEX entry_by_time ON entry (at, cost);
CREATE INDEX entry_of_model ON entry (model, at, cost);

-- A scope is `global`, `task:ID` or `model:NAME`.
CREATE TABLE budget (
    scope  TEXT    NOT NULL,
    period TEXT    NOT NULL,
    amount INTEGER NOT NULL,
    alerts TEXT    NOT NULL,
    hard   INTEGER NOT NULL,
    PRIMARY KEY (scope, period)
) STRICT, WITHOUT ROWID;

-- What a budget's scope has used in one period: sums of `entry` and `hold`, kept in step.
CREATE TABLE bucket (
    scope  TEXT    NOT NULL,
    period TEXT    NOT NULL,
    start  INTEGER NOT NULL,
    stop   INTEGER NOT NULL,
    spent  INTEGER NOT NULL,
    held   INTEGER NOT NULL,
    PRIMARY KEY (scope, period, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE hold (
    task_id  TEXT    NOT NULL,
    call_id  TEXT    NOT NULL,
    provider TEXT    NOT NULL,
    model    TEXT    NOT NULL,
    amount   INTEGER CHECK (amount >= 0),
    at       INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    PRIMARY KEY (task_id, call_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX hold_expiring ON hold (until);

-- Which buckets a hold is counted in.
CREATE TABLE hold_bucket (
    task_id TEXT    NOT NULL,
    call_id TEXT    NOT NULL,
    scope   TEXT    NOT NULL,
    period  TEXT    NOT NULL,
    start   INTEGER NOT NULL,
    PRIMARY KEY (task_id, call_id, scope, period, start),
    FOREIGN KEY (task_id, call_id) REFERENCES hold (task_id, call_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Which marks of a budget were reported in a period.
CREATE TABLE alert (
    scope   TEXT    NOT NULL,
    period  TEXT    NOT NULL,
    start   INTEGER NOT NULL,
    percent INTEGER NOT NULL,
    PRIMARY KEY (scope, period, start, percent)
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT, because an id must not come back after the newest snapshot was deleted.
CREATE TABLE snapshot (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    task_id TEXT    NOT NULL,
    name    TEXT,
    at      INTEGER NOT NULL,
    state   TEXT    NOT NULL
) STRICT;

CREATE INDEX snapshot_of_task ON snapshot (task_id, id);

CREATE TABLE setting (
    key   TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    level   INTEGER NOT NULL,
    target  TEXT    NOT NULL,
    task_id TEXT,
    message TEXT    NOT NULL
) STRICT;

CREATE INDEX log_by_time ON log (at, id);
CREATE INDEX log_of_task ON log (task_id, at, id) WHERE task_id IS NOT NULL;
