-- The input that was read from caches, and what caches saved, beside the usage and the cost of an entry. What
-- caches saved depends on prices that older entries do not have: it is unknown for those with cached input.
-- Counts are kept bit by bit, as those of all tokens.
ALTER TABLE entry ADD COLUMN cached_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry ADD COLUMN saved INTEGER;
ALTER TABLE entry ADD COLUMN unknown_saving INTEGER NOT NULL DEFAULT 0;

UPDATE entry SET cached_tokens = CAST(coalesce(usage ->> 'cache_read', 0) AS INTEGER), unknown_saving = 1
    WHERE json_valid(usage) AND (usage ->> 'cache_read' > 0 OR usage ->> 'cache_write_5m' > 0
        OR usage ->> 'cache_write_1h' > 0);

ALTER TABLE entry_sum ADD COLUMN cached_upper INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry_sum ADD COLUMN cached_lower INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry_sum ADD COLUMN saved_dollars INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry_sum ADD COLUMN saved_nanos INTEGER NOT NULL DEFAULT 0;
ALTER TABLE entry_sum ADD COLUMN unknown_savings INTEGER NOT NULL DEFAULT 0;

UPDATE entry_sum SET cached_upper = cached.upper, cached_lower = cached.lower, unknown_savings = cached.calls
    FROM (SELECT namespace, unit, at - ((at % unit) + unit) % unit AS start, provider, model, count(*) AS calls,
            sum((cached_tokens >> 32) & 4294967295) AS upper, sum(cached_tokens & 4294967295) AS lower
        FROM entry, (SELECT 3600000000 AS unit UNION ALL SELECT 86400000000)
        WHERE unknown_saving = 1 GROUP BY namespace, unit, start, provider, model) AS cached
    WHERE entry_sum.namespace = cached.namespace AND entry_sum.unit = cached.unit
        AND entry_sum.start = cached.start AND entry_sum.provider = cached.provider
        AND entry_sum.model = cached.model;
