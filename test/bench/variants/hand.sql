-- the client keeps a table current itself, in the statement that inserts (insert_by_hand.pgbench)
CREATE TABLE agg AS SELECT grp, count(*) AS n, sum(amount) AS total FROM trips GROUP BY grp;
ALTER TABLE agg ADD PRIMARY KEY (grp);
