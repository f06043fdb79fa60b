-- Sums of the ledger by hour, provider and model, so that the sum of a long range reads hours instead
-- of entries. The hour is the time of its beginning.
CREATE TABLE entry_sum (
    namespace         TEXT    NOT NULL DEFAULT 'default',
    hour              INTEGER NOT NULL,
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
    PRIMARY KEY (namespace, hour, provider, model)
) STRICT, WITHOUT ROWID;

INSERT INTO entry_sum SELECT
    namespace, at - ((at % 3600000000) + 3600000000) % 3600000000 AS hour, provider, model,
    count(*), count(*) - count(cost), sum(estimated), sum(uncertain),
    sum(coalesce(cost, 0) / 1000000000), sum(coalesce(cost, 0) % 1000000000),
    sum(iif(uncertain, coalesce(cost, 0) / 1000000000, 0)),
    sum(iif(uncertain, coalesce(cost, 0) % 1000000000, 0)),
    sum((input_tokens >> 32) & 4294967295), sum(input_tokens & 4294967295),
    sum((output_tokens >> 32) & 4294967295), sum(output_tokens & 4294967295)
FROM entry GROUP BY namespace, hour, provider, model;
