#!/usr/bin/env bash
# A subscriber's IMATs follow what the workers of logical replication write; and an IMAT can be published.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
cluster_start "$SCRATCH/pub" fsync=off wal_level=logical
cluster_start "$SCRATCH/sub" fsync=off wal_level=logical
cd "$SCRATCH"

pub() { cluster_use "$SCRATCH/pub" && sql "$@"; }
sub() { cluster_use "$SCRATCH/sub" && sql "$@"; }

# What the publisher has written has been applied.
caught_up() {
    local target
    target=$(pub "SELECT pg_current_wal_lsn()")
    [[ $(pub "SELECT count(*) FROM pg_stat_replication WHERE application_name = 's' AND replay_lsn >= '$target'") == 1 ]]
}
synced() { [[ $(sub "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'") == 0 ]]; }

# Everything on the subscriber equals its definition and the publisher's rows, and was done as it should be.
follows() { # NAME
    eventually caught_up || not_ok "$1: caught up"
    is "$1: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
    is "$1: the publisher's rows" "$(pub "SELECT $rows")" "$(sub "SELECT $rows")"
}
rows="(SELECT count(*) || ' ' || md5(string_agg(t::text, ' ' ORDER BY t)) FROM plain t), (SELECT count(*) || ' ' || md5(string_agg(t::text, ' ' ORDER BY t)) FROM part t)"
contents() { "$1" "SELECT string_agg(t::text, ' ' ORDER BY t) FROM $2 t"; }
work() { sub "SELECT deltas_applied || ' ' || swaps FROM imat.status WHERE imat = '$1'::regclass"; }

tables="CREATE TABLE plain (id int PRIMARY KEY, k int, v numeric);
    CREATE TABLE city (k int PRIMARY KEY, name text NOT NULL);
    CREATE TABLE part (id int, k int, v float8, PRIMARY KEY (id)) PARTITION BY RANGE (id);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (100);"
pub "$tables
    CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (100) TO (200);
    INSERT INTO plain SELECT i, i % 4, i FROM generate_series(1, 20) i;
    INSERT INTO city SELECT i, 'city ' || i FROM generate_series(0, 9) i;
    INSERT INTO part SELECT i, i % 3, i FROM generate_series(1, 190) i;
    CREATE PUBLICATION p FOR TABLE plain, city, part WITH (publish_via_partition_root = true)"
# the subscriber's partitions are others, and have another layout
sub "CREATE EXTENSION pg_imat; $tables
    CREATE TABLE part_2 (gone int, v float8, k int, id int NOT NULL);
    ALTER TABLE part_2 DROP COLUMN gone;
    ALTER TABLE part ATTACH PARTITION part_2 FOR VALUES FROM (100) TO (150);
    CREATE TABLE part_3 PARTITION OF part DEFAULT PARTITION BY RANGE (id);
    CREATE TABLE part_3_0 PARTITION OF part_3 FOR VALUES FROM (150) TO (170);
    CREATE TABLE part_3_1 PARTITION OF part_3 DEFAULT;
    SELECT imat.create('sums', 'SELECT k, sum(v) AS s, count(*) AS n FROM plain GROUP BY k');
    SELECT imat.create('highest', 'SELECT k, max(v) AS m FROM plain GROUP BY k', strategy => 'keyed');
    SELECT imat.create('ranked', 'SELECT id, rank() OVER (ORDER BY v) AS r FROM plain');
    SELECT imat.create('named', 'SELECT c.name, sum(p.v) AS s, count(*) AS n FROM plain p JOIN city c ON c.k = p.k GROUP BY c.name');
    SELECT imat.create('parts', 'SELECT k, sum(v) AS s, count(*) AS n FROM part GROUP BY k');
    SELECT imat.create('leaf', 'SELECT k, sum(v) AS s, count(*) AS n FROM part_2 GROUP BY k');
    SELECT imat.create('again', 'SELECT n, count(*) AS groups FROM sums GROUP BY n')" >/dev/null || die "the subscriber could not be set up"
sub "CREATE SUBSCRIPTION s CONNECTION 'host=$SCRATCH/pub port=5432 user=postgres dbname=postgres' PUBLICATION p" >/dev/null 2>&1

eventually synced || not_ok "the tables were synchronised"
follows "initial copy"
is "initial copy: seen" "5|10" "$(sub "SELECT (SELECT count(*) FROM sums) + 1, (SELECT count(*) FROM named) + (SELECT count(*) FROM parts) + (SELECT count(*) FROM leaf)")"

before=$(work sums)
pub "INSERT INTO plain VALUES (101, 1, 0.5), (102, 7, 7)"
follows "insert"
is "insert: by delta, once" "$((${before% *} + 1)) ${before#* }" "$(work sums)"
pub "UPDATE plain SET v = v + 1 WHERE k = 1"
follows "update"
pub "UPDATE plain SET k = 8, id = id + 1000 WHERE id < 5"
follows "update of keys"
pub "DELETE FROM plain WHERE k IN (2, 7)"
follows "delete"
pub "BEGIN; INSERT INTO plain SELECT i, i % 5, i FROM generate_series(201, 260) i; DELETE FROM plain WHERE id % 2 = 0;
     UPDATE city SET name = 'city' WHERE k < 2; UPDATE plain SET v = 0 WHERE k = 3; COMMIT"
follows "several tables in one transaction"
pub "BEGIN; INSERT INTO plain VALUES (301, 1, 1); SAVEPOINT a; INSERT INTO plain VALUES (302, 1, 1); ROLLBACK TO a;
     INSERT INTO plain VALUES (303, 1, 1); COMMIT; BEGIN; DELETE FROM plain; ROLLBACK"
follows "savepoints"
pub "UPDATE part SET id = id + 60 WHERE id BETWEEN 80 AND 139 AND k = 1 AND id + 60 NOT IN (SELECT id FROM part); DELETE FROM part WHERE id BETWEEN 95 AND 110;
     UPDATE part SET v = v * 2, k = k + 1 WHERE id > 140; INSERT INTO part VALUES (1, 1, 1), (120, 1, 1) ON CONFLICT (id) DO UPDATE SET v = -1"
follows "partitions"
pub "TRUNCATE plain"
follows "truncate"
is "truncate: seen" 0 "$(sub 'SELECT count(*) FROM sums')"
pub "INSERT INTO plain SELECT i, i % 4, i FROM generate_series(1, 20) i; TRUNCATE part; INSERT INTO part SELECT i, i % 3, i FROM generate_series(1, 190) i"
follows "after truncate"

# the subscriber writes, too: by the other way, and only once
sub "BEGIN; INSERT INTO plain VALUES (-1, 1, 100); UPDATE plain SET v = v WHERE id = 1; SET LOCAL session_replication_role = replica;
     INSERT INTO plain VALUES (-2, 1, 100); UPDATE plain SET k = 9 WHERE id = -1; DELETE FROM plain WHERE id = 2; TRUNCATE city;
     INSERT INTO city VALUES (1, 'one'); COMMIT"
is "as a replica: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
is "as a replica: seen" "9|100|1" "$(sub 'SELECT * FROM sums WHERE k = 9')"

# a table that joins later is copied when some IMATs read it already
pub "CREATE TABLE late (id int PRIMARY KEY, v int); INSERT INTO late SELECT i, i FROM generate_series(1, 1000) i; ALTER PUBLICATION p ADD TABLE late"
sub "CREATE TABLE late (id int PRIMARY KEY, v int); INSERT INTO late VALUES (-1, 5);
     SELECT imat.create('total', 'SELECT sum(v) AS s, count(*) AS n FROM late')" >/dev/null
sub "ALTER SUBSCRIPTION s REFRESH PUBLICATION"
eventually synced || not_ok "the late table was synchronised"
eventually caught_up || not_ok "late table: caught up"
is "late table: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
is "late table: seen" "500505|1001" "$(sub 'SELECT * FROM total')"

# an IMAT is published: to a plain table on the publisher's side, so that both clusters are both
sub "CREATE PUBLICATION back FOR TABLE sums, named" >/dev/null
pub "CREATE TABLE sums (k int PRIMARY KEY, s numeric, n bigint); CREATE TABLE named (name text PRIMARY KEY, s numeric, n bigint)"
sub "ALTER TABLE sums REPLICA IDENTITY FULL"
pub "CREATE SUBSCRIPTION b CONNECTION 'host=$SCRATCH/sub port=5432 user=postgres dbname=postgres' PUBLICATION back" >/dev/null 2>&1
same_back() { [[ $(contents pub sums) == "$(contents sub sums)" && $(contents pub named) == "$(contents sub named)" ]]; }
eventually same_back
is "published IMAT: copied" "$(contents sub sums)" "$(contents pub sums)"
sub "INSERT INTO city SELECT i, 'back ' || i FROM generate_series(2, 9) i; INSERT INTO plain VALUES (-3, 1, 5), (-4, 77, 5);
     UPDATE plain SET v = 3 WHERE k = 3; DELETE FROM plain WHERE k = 2" >/dev/null
eventually same_back
is "published IMAT: changes arrive" "$(contents sub sums)" "$(contents pub sums)"
is "published IMAT over a join: changes arrive" "$(contents sub named)" "$(contents pub named)"
like "published IMAT: seen" "77,5,1" "$(contents pub sums)"
is "at the end: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"

pub "DROP SUBSCRIPTION b" >/dev/null 2>&1
sub "DROP SUBSCRIPTION s" >/dev/null 2>&1
done_testing
