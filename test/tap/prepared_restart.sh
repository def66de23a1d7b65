#!/usr/bin/env bash
# PREPARE TRANSACTION applies what is pending; it is kept over a restart and a crash, committed or rolled back later.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
cluster_start "$SCRATCH/prepared" fsync=off

group() { sql "SELECT n, total, mean FROM g WHERE k = $1"; }

sql "CREATE EXTENSION pg_imat; CREATE TABLE t (id int, k int, v float8); CREATE TABLE u (k int PRIMARY KEY, name text);
     INSERT INTO t SELECT i, i % 5, i / 3.0 FROM generate_series(1, 50) i; INSERT INTO u VALUES (1, 'one'), (2, 'two');
     SELECT imat.create('g', 'SELECT k, count(*) AS n, sum(v) AS total, avg(v) AS mean FROM t GROUP BY k');
     SELECT imat.create('s', 'SELECT k, min(v) AS low FROM t GROUP BY k');
     SELECT imat.create('j', 'SELECT u.name, count(*) AS n FROM t JOIN u ON u.k = t.k GROUP BY u.name')" >/dev/null
before=$(group 1)
psql_script -c "BEGIN" -c "INSERT INTO t VALUES (100, 1, 1000), (101, 9, 1)" -c "PREPARE TRANSACTION 'keep'"
is "prepared: not seen by others" "$before" "$(group 1)"
is "prepared: verified as others see it" '' "$(differing postgres)"

cluster_stop "$SCRATCH/prepared"
cluster_start "$SCRATCH/prepared"
is "after a restart: still prepared" keep "$(sql 'SELECT gid FROM pg_prepared_xacts')"
is "after a restart: not seen" "$before" "$(group 1)"

blocked=$(psql_script -c "SET lock_timeout = '300ms'" -c "INSERT INTO t VALUES (102, 1, 1)" 2>&1)
like "another writer of the same group waits" 'lock timeout' "$blocked"
cluster_stop "$SCRATCH/prepared" immediate
cluster_start "$SCRATCH/prepared"
is "after a crash: still prepared" keep "$(sql 'SELECT gid FROM pg_prepared_xacts')"
psql_script -c "COMMIT PREPARED 'keep'"
is "committed: a new group" "1|1|1" "$(group 9)"
is "committed: verified" '' "$(differing postgres)"
psql_script -c "INSERT INTO t VALUES (103, 9, 2)"
is "committed: writers go on" "2|3|1.5" "$(group 9)"

psql_script -c "BEGIN" -c "DELETE FROM t WHERE k = 9" -c "UPDATE u SET name = 'ONE' WHERE k = 1" -c "PREPARE TRANSACTION 'drop'"
cluster_stop "$SCRATCH/prepared" immediate
cluster_start "$SCRATCH/prepared"
psql_script -c "ROLLBACK PREPARED 'drop'"
is "rolled back: as before" "2|3|1.5" "$(group 9)"
is "rolled back: verified" '' "$(differing postgres)"
psql_script -c "DELETE FROM t WHERE k = 9" -c "UPDATE u SET name = 'ONE' WHERE k = 1"
is "rolled back: writers go on" '' "$(differing postgres)"
is "rolled back: the group can go" '' "$(group 9)"
done_testing
