CREATE INDEX event_in_blob ON event (blob) WHERE blob IS NOT NULL;

-- Files that may be nobody's any more. They are put down with the deletion that let go of them, and
-- removed once that is on disk.
CREATE TABLE loose_blob (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
