-- The tool, the outcome and the duration of recorded results of tool calls, so that the usage of tools is read
-- from an index instead of from the bodies. They are NULL for all other events, and for older results whose
-- body is in a file or cannot be read; the second index finds those.
ALTER TABLE event ADD COLUMN tool TEXT;
ALTER TABLE event ADD COLUMN outcome TEXT;
ALTER TABLE event ADD COLUMN millis INTEGER;

UPDATE event SET tool = body ->> '$.tool', outcome = body ->> '$.outcome', millis = body ->> '$.millis'
    WHERE type = 'tool_result' AND json_valid(body) AND json_type(body, '$.tool') = 'text'
        AND body ->> '$.outcome' IN ('done', 'failed', 'refused', 'unknown')
        AND typeof(body ->> '$.millis') = 'integer' AND body ->> '$.millis' >= 0;

CREATE INDEX event_of_tool ON event (namespace, at, tool, outcome, millis) WHERE tool IS NOT NULL;
CREATE INDEX event_of_unread_tool ON event (namespace, at) WHERE type = 'tool_result' AND tool IS NULL;
