-- The tokens of an entry, beside the usage that they are counted from: sums need no more of it.
-- Counts are kept bit by bit, so that the largest is negative here.
ALTER TABLE entry ADD COLUMN input_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN output_tokens INTEGER NOT NULL DEFAULT 0;

-- What is too large to be an integer here becomes the largest one.
UPDATE entry SET
    input_tokens = CAST(
        coalesce(usage ->> 'input', 0)
        + coalesce(usage ->> 'cache_read', 0)
        + coalesce(usage ->> 'cache_write_5m', 0)
        + coalesce(usage ->> 'cache_write_1h', 0)
        + coalesce(usage ->> 'tool_input', 0)
        + coalesce(usage ->> 'audio_input', 0) AS INTEGER),
    output_tokens = CAST(
        coalesce(usage ->> 'output', 0)
        + coalesce(usage ->> 'audio_output', 0) AS INTEGER);
