#!/usr/bin/env bash
# A subscriber's IMATs follow what the workers of logical replication write; and an IMAT can be published.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
streamed=()
[[ $PG_MAJOR -lt 15 ]] || streamed=(logical_decoding_work_mem=64kB)
cluster_start "$SCRATCH/pub" fsync=off wal_level=logical max_prepared_transactions=10 "${streamed[@]}"
cluster_start "$SCRATCH/sub" fsync=off wal_level=logical max_prepared_transactions=10
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

# partitions that are published as themselves, to a table that is no partition, to a partition and to another layout
pub "CREATE TABLE root (id int PRIMARY KEY, k int, v numeric) PARTITION BY RANGE (id);
     CREATE TABLE root_1 PARTITION OF root FOR VALUES FROM (0) TO (100);
     CREATE TABLE root_2 PARTITION OF root FOR VALUES FROM (100) TO (200);
     CREATE TABLE root_3 PARTITION OF root DEFAULT;
     INSERT INTO root SELECT i, i % 4, i FROM generate_series(1, 250) i;
     CREATE PUBLICATION leaves FOR TABLE root WITH (publish_via_partition_root = false)"
sub "CREATE TABLE root (id int PRIMARY KEY, k int, v numeric) PARTITION BY RANGE (id);
     CREATE TABLE root_1 (v numeric, gone int, id int NOT NULL, k int);
     ALTER TABLE root_1 DROP COLUMN gone;
     ALTER TABLE root ATTACH PARTITION root_1 FOR VALUES FROM (0) TO (100);
     CREATE TABLE root_2 PARTITION OF root FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id);
     CREATE TABLE root_2_0 PARTITION OF root_2 FOR VALUES FROM (100) TO (130);
     CREATE TABLE root_2_1 PARTITION OF root_2 DEFAULT;
     CREATE TABLE root_3 (id int PRIMARY KEY, k int, v numeric);
     SELECT imat.create('of_root', 'SELECT k, sum(v) AS s, count(*) AS n FROM root GROUP BY k');
     SELECT imat.create('of_root_1', 'SELECT k, max(v) AS m, min(v) AS l FROM root_1 GROUP BY k');
     SELECT imat.create('of_root_2', 'SELECT id, k FROM root_2');
     SELECT imat.create('of_root_3', 'SELECT k, string_agg(v::text, '','' ORDER BY id) AS l FROM root_3 GROUP BY k');
     SELECT imat.create('of_roots', 'SELECT count(*) AS n FROM root JOIN root_3 USING (k)')" >/dev/null
sub "CREATE SUBSCRIPTION l CONNECTION 'host=$SCRATCH/pub port=5432 user=postgres dbname=postgres' PUBLICATION leaves" >/dev/null 2>&1
eventually synced || not_ok "leaves: synchronised"
follows_leaves() { # NAME
    l_caught_up() { [[ $(pub "SELECT count(*) FROM pg_stat_replication WHERE application_name = 'l' AND replay_lsn >= '$(pub 'SELECT pg_current_wal_lsn()')'") == 1 ]]; }
    eventually l_caught_up || not_ok "leaves, $1: caught up"
    is "leaves, $1: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
    is "leaves, $1: the publisher's rows" "$(pub "SELECT k, sum(v), count(*) FROM root WHERE id BETWEEN 0 AND 199 GROUP BY k ORDER BY k")" "$(sub "SELECT * FROM of_root ORDER BY k")"
}
follows_leaves "initial copy"
is "leaves, initial copy: seen" "4|99|100|4" "$(sub "SELECT (SELECT count(*) FROM of_root), (SELECT max(m) FROM of_root_1), (SELECT count(*) FROM of_root_2), (SELECT count(*) FROM of_root_3)")"
pub "INSERT INTO root VALUES (300, 9, 1); UPDATE root SET v = v + 1 WHERE k = 1; DELETE FROM root WHERE k = 2"
follows_leaves "writes"
pub "UPDATE root SET id = id + 1000 WHERE id BETWEEN 90 AND 110; UPDATE root SET k = 3 - k WHERE id BETWEEN 100 AND 250"
follows_leaves "moves"
pub "TRUNCATE root_1"
follows_leaves "truncate"
is "leaves, truncate: seen" 0 "$(sub 'SELECT count(*) FROM of_root_1')"
sub "DROP SUBSCRIPTION l" >/dev/null 2>&1

# what the workers apply before the transaction is over on the other side, in one worker or several, and what is prepared there
if [[ $PG_MAJOR -ge 15 ]]; then
    options="streaming = on, two_phase = on"
    [[ $PG_MAJOR -lt 16 ]] || options="streaming = parallel, two_phase = on"
    pub "CREATE TABLE big (id int PRIMARY KEY, k int, v float8); CREATE PUBLICATION big FOR TABLE big"
    sub "CREATE TABLE big (id int PRIMARY KEY, k int, v float8);
         SELECT imat.create('of_big', 'SELECT k, sum(v) AS s, count(*) AS n FROM big GROUP BY k');
         SELECT imat.create('of_big_keyed', 'SELECT k, percentile_disc(0.5) WITHIN GROUP (ORDER BY v) AS m FROM big GROUP BY k')" >/dev/null
    sub "CREATE SUBSCRIPTION big CONNECTION 'host=$SCRATCH/pub port=5432 user=postgres dbname=postgres' PUBLICATION big WITH ($options)" >/dev/null 2>&1
    eventually synced || not_ok "streaming: synchronised"
    pub "BEGIN; INSERT INTO big SELECT i, i % 10, i FROM generate_series(1, 5000) i; SAVEPOINT a; UPDATE big SET v = v + 1; ROLLBACK TO a;
         SAVEPOINT b; DELETE FROM big WHERE id % 3 = 0; RELEASE b; COMMIT"
    pub "BEGIN; UPDATE big SET k = k + 1; ROLLBACK"
    big() { [[ $(sub 'SELECT sum(n) FROM of_big') == "$1" ]]; }
    eventually big 3334
    is "streaming: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
    is "streaming: seen" 3334 "$(sub 'SELECT sum(n) FROM of_big')"
    psql_pub() { cluster_use "$SCRATCH/pub" && psql_script "$@"; }
    psql_pub -c "BEGIN" -c "INSERT INTO big SELECT i, i % 10, i FROM generate_series(6001, 6010) i" -c "PREPARE TRANSACTION 'one'"
    prepared() { [[ $(sub 'SELECT count(*) FROM pg_prepared_xacts') == "$1" ]]; }
    eventually prepared 1
    is "prepared elsewhere: not seen" 3334 "$(sub 'SELECT sum(n) FROM of_big')"
    psql_pub -c "COMMIT PREPARED 'one'"
    eventually big 3344
    is "prepared elsewhere: seen" 3344 "$(sub 'SELECT sum(n) FROM of_big')"
    is "prepared elsewhere: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
    sub "DROP SUBSCRIPTION big" >/dev/null 2>&1
fi

# triggers that are disabled here: said, by how much, repaired for the moment and for good
sub "ALTER TABLE plain DISABLE TRIGGER ALL" 2>/dev/null
pub "INSERT INTO plain VALUES (401, 1, 1), (402, 5, 1)"
eventually caught_up || not_ok "disabled: caught up"
is "disabled: said" "highest named ranked sums" "$(sub "SELECT string_agg(imat::text, ' ' ORDER BY imat::text) FROM imat.status WHERE NOT trusted")"
is "disabled: by how much" "3|t" "$(sub "SELECT imat.verify('sums'), imat.verify('ranked') > 0")"
sub "SELECT imat.refresh('sums'), imat.refresh('ranked')" >/dev/null
is "disabled: repaired" "0|0" "$(sub "SELECT imat.verify('sums'), imat.verify('ranked')")"
pub "DELETE FROM plain WHERE id = 402"
eventually caught_up || not_ok "disabled: caught up"
sub "ALTER TABLE plain ENABLE TRIGGER ALL" 2>/dev/null
is "enabled: equal to their definitions" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
pub "INSERT INTO plain VALUES (403, 1, 1)"
eventually caught_up || not_ok "enabled: caught up"
is "enabled: maintained" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
is "enabled: trusted" 0 "$(sub "SELECT count(*) FROM imat.status WHERE NOT trusted")"

# a worker that would write an IMAT itself: the initial copy, and later on; it is refused, and nothing is lost
pub "CREATE TABLE total (s bigint, n bigint); INSERT INTO total VALUES (1, 1); CREATE PUBLICATION t FOR TABLE total;
     CREATE TABLE city_count (n bigint); ALTER TABLE city_count REPLICA IDENTITY FULL; CREATE PUBLICATION c FOR TABLE city_count"
sub "SELECT imat.create('city_count', 'SELECT count(*) AS n FROM city')" >/dev/null
before=$(contents sub total)
sub "CREATE SUBSCRIPTION t CONNECTION 'host=$SCRATCH/pub port=5432 user=postgres dbname=postgres' PUBLICATION t" >/dev/null 2>&1
logged() { grep -q "cannot change incremental materialized table \"$1\"" "$SCRATCH/sub/server.log"; }
eventually logged total
is "a copy into an IMAT: refused" "$before" "$(contents sub total)"
sub "SELECT imat.drop('total', keep => 'table'); TRUNCATE total" >/dev/null
copied() { [[ $(contents sub total) == '(1,1)' ]]; }
eventually copied
is "a copy into what was an IMAT: goes on" '(1,1)' "$(contents sub total)"
sub "DROP SUBSCRIPTION t; CREATE SUBSCRIPTION c CONNECTION 'host=$SCRATCH/pub port=5432 user=postgres dbname=postgres' PUBLICATION c WITH (copy_data = false)" >/dev/null 2>&1
pub "INSERT INTO city_count VALUES (7)"
eventually logged city_count
is "changes of an IMAT: refused" '' "$(cluster_use "$SCRATCH/sub" && differing postgres)"
sub "DROP SUBSCRIPTION c" >/dev/null 2>&1

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
