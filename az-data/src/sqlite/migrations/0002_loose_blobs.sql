CREATE INDEX event_in_blob ON event (blob) WHERE blob IS NOT NULL;

-- Files that may be orphaned. They are listed by the deletion that removes a reference to them, and
-- removed once that is on disk.
CREATE TABLE loose_blob (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
