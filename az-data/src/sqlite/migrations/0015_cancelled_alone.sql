-- Whether the cancellation of a task was requested for the task itself, and not for the one that has spawned it. That
-- of older tasks is not known: they are resumed with their parents, as before.
ALTER TABLE task ADD COLUMN cancelled_alone INTEGER NOT NULL DEFAULT 0;
