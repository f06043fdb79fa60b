-- What we compute that a call cost, beside what the provider says.
ALTER TABLE entry ADD COLUMN computed INTEGER CHECK (computed >= 0);
