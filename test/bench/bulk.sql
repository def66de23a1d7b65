INSERT INTO trips (grp, amount, fare)
    SELECT 1 + i % :groups, i % 100, (i % 100) / 7.0 FROM generate_series(1, 100000) i;
