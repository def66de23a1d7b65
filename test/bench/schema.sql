-- What every variant starts from: a table, in a schema of its own, with rows in each of :groups groups.
CREATE SCHEMA :variant;
SET search_path = :variant, public;
CREATE TABLE trips (
    id bigserial PRIMARY KEY,
    grp int NOT NULL,
    amount int NOT NULL,
    fare double precision NOT NULL,
    at timestamptz DEFAULT now()
);
INSERT INTO trips (grp, amount, fare)
    SELECT 1 + i % :groups, i % 100, (i % 100) / 7.0 FROM generate_series(1, :rows) i;
