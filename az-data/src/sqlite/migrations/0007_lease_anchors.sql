-- The lease time at which each boot of a machine began. Leases and holds expire in lease time, which
-- does not jump when the wall clock is set.
CREATE TABLE lease_anchor (
    namespace TEXT    NOT NULL DEFAULT 'default',
    boot      TEXT    NOT NULL,
    began     INTEGER NOT NULL,
    PRIMARY KEY (namespace, boot)
) STRICT, WITHOUT ROWID;
