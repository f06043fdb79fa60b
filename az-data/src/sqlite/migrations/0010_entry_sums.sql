-- Sums of the ledger by hour and by day of UTC, provider and model, so that the sum of a long range reads
-- them instead of entries. `unit` is the length of the hour or day in microseconds.
CREATE TABLE entry_sum (
    namespace         TEXT    NOT NULL DEFAULT 'default',
    unit              INTEGER NOT NULL,
    start             INTEGER NOT NULL,
    provider          TEXT    NOT NULL,
    model             TEXT    NOT NULL,
    calls             INTEGER NOT NULL,
    unpriced          INTEGER NOT NULL,
    estimated         INTEGER NOT NULL,
    uncertain         INTEGER NOT NULL,
    dollars           INTEGER NOT NULL,
    nanos             INTEGER NOT NULL,
    uncertain_dollars INTEGER NOT NULL,
    uncertain_nanos   INTEGER NOT NULL,
    input_upper       INTEGER NOT NULL,
    input_lower       INTEGER NOT NULL,
    output_upper      INTEGER NOT NULL,
    output_lower      INTEGER NOT NULL,
    PRIMARY KEY (namespace, unit, start, provider, model)
) STRICT, WITHOUT ROWID;

INSERT INTO entry_sum SELECT
    namespace, unit, at - ((at % unit) + unit) % unit AS start, provider, model,
    count(*), count(*) - count(cost), sum(estimated), sum(uncertain),
    sum(coalesce(cost, 0) / 1000000000), sum(coalesce(cost, 0) % 1000000000),
    sum(iif(uncertain, coalesce(cost, 0) / 1000000000, 0)),
    sum(iif(uncertain, coalesce(cost, 0) % 1000000000, 0)),
    sum((input_tokens >> 32) & 4294967295), sum(input_tokens & 4294967295),
    sum((output_tokens >> 32) & 4294967295), sum(output_tokens & 4294967295)
FROM entry, (SELECT 3600000000 AS unit UNION ALL SELECT 86400000000)
GROUP BY namespace, unit, start, provider, model;
