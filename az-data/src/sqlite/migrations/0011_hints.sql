-- The texts that people sent to tasks, until a run records them.
CREATE TABLE hint (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT    NOT NULL DEFAULT 'default',
    task_id   TEXT    NOT NULL,
    call_id   TEXT    NOT NULL,
    text      TEXT    NOT NULL,
    at        INTEGER NOT NULL,
    UNIQUE (namespace, task_id, call_id)
) STRICT;

CREATE INDEX hint_of_task ON hint (namespace, task_id, id);
