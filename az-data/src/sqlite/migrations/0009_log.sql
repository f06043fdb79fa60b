-- The commands that were run, with their durations and exit codes.
CREATE TABLE command_run (
    id        INTEGER PRIMARY KEY,
    namespace TEXT    NOT NULL DEFAULT 'default',
    at        INTEGER NOT NULL,
    command   TEXT    NOT NULL,
    micros    INTEGER NOT NULL,
    exit_code INTEGER NOT NULL
) STRICT;

CREATE INDEX command_run_by_time ON command_run (namespace, at, id);

-- The records of one level are read in the order of their times, however rare they are.
CREATE INDEX log_of_level ON log (namespace, level, at, id);

-- The size of all records of a namespace, which decides when the oldest are removed.
CREATE TABLE log_size (
    namespace TEXT    NOT NULL DEFAULT 'default',
    bytes     INTEGER NOT NULL,
    PRIMARY KEY (namespace)
) STRICT, WITHOUT ROWID;

INSERT INTO log_size (namespace, bytes)
    SELECT namespace, sum(100 + octet_length(target) + octet_length(message))
    FROM log GROUP BY namespace;
