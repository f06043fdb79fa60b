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

-- The number of log records of each level in each period of ten minutes, so that the newest records of a
-- large number are found without counting them. `start` is the time at which the period begins.
CREATE TABLE log_count (
    namespace TEXT    NOT NULL DEFAULT 'default',
    start     INTEGER NOT NULL,
    level     INTEGER NOT NULL,
    records   INTEGER NOT NULL,
    PRIMARY KEY (namespace, start, level)
) STRICT, WITHOUT ROWID;

INSERT INTO log_count (namespace, start, level, records)
    SELECT namespace, at - ((at % 600000000) + 600000000) % 600000000 AS start, level, count(*)
    FROM log GROUP BY namespace, start, level;

CREATE TRIGGER log_added AFTER INSERT ON log BEGIN
    INSERT INTO log_count (namespace, start, level, records) VALUES (
        NEW.namespace, NEW.at - ((NEW.at % 600000000) + 600000000) % 600000000, NEW.level, 1
    ) ON CONFLICT DO UPDATE SET records = records + 1;
END;

CREATE TRIGGER log_removed AFTER DELETE ON log BEGIN
    UPDATE log_count SET records = records - 1
        WHERE namespace = OLD.namespace AND level = OLD.level
        AND start = OLD.at - ((OLD.at % 600000000) + 600000000) % 600000000;
    DELETE FROM log_count
        WHERE namespace = OLD.namespace AND level = OLD.level AND records <= 0
        AND start = OLD.at - ((OLD.at % 600000000) + 600000000) % 600000000;
END;
