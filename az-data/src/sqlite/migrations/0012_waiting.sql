-- A parked task is pending and has the call that it waits for, as JSON. The index of claimable tasks
-- leaves such tasks out, so that a claim reads none of them; those that have a limit of time are
-- claimed by an index of their own.
ALTER TABLE task ADD COLUMN waiting TEXT;
ALTER TABLE task ADD COLUMN deny_at INTEGER;

DROP INDEX task_next;
CREATE INDEX task_next ON task (namespace, priority DESC, created_at, id, not_before, waiting)
    WHERE status = 'pending' AND waiting IS NULL;
CREATE INDEX task_overdue ON task (namespace, deny_at, id) WHERE deny_at IS NOT NULL;
CREATE INDEX task_waiting ON task (namespace, created_at DESC, id DESC) WHERE waiting IS NOT NULL;
