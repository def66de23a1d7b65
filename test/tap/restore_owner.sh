#!/usr/bin/env bash
# A dump that is read by a role that is no superuser: with what a superuser has to grant for that, and without.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
cluster_start "$SCRATCH/restore" fsync=off
cd "$SCRATCH"

as_owner() { PGUSER=owner "$@"; }
fresh() { # DATABASE
    sql "CREATE DATABASE $1 OWNER owner"
    sql "GRANT ALL ON SCHEMA public TO owner" -d "$1"
}
restore() { as_owner as_user "$PGBIN/pg_restore" "$@" source.dump 2>&1; }

sql "CREATE ROLE owner LOGIN; CREATE ROLE other; GRANT other TO owner"
fresh source
sql "CREATE EXTENSION pg_imat; GRANT CREATE ON SCHEMA public TO other" -d source
as_owner sql "CREATE TABLE trip (city text, fare numeric); INSERT INTO trip SELECT chr(97 + g % 3), g FROM generate_series(1, 30) g;
    CREATE TABLE parted (id int, k int) PARTITION BY RANGE (id); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100); INSERT INTO parted VALUES (1, 1);
    SELECT imat.create('means', 'SELECT city, avg(fare) AS a, count(DISTINCT fare) AS d FROM trip GROUP BY city');
    SELECT imat.create('sums', 'SELECT city, sum(fare) AS s, count(*) AS n FROM trip GROUP BY city');
    SELECT imat.create('over', 'SELECT n, count(*) AS c FROM sums GROUP BY n');
    SELECT imat.create('parts', 'SELECT k, count(*) AS n FROM parted GROUP BY k');
    GRANT SELECT ON trip TO other; ALTER TABLE means OWNER TO other; INSERT INTO trip VALUES ('d', 4)" -d source >/dev/null
as_owner as_user "$PGBIN/pg_dump" -Fc -d source -f source.dump
is "dumped by its owner" 0 $?

contents() { sql "SELECT 'means', t::text FROM means t UNION ALL SELECT 'sums', t::text FROM sums t UNION ALL SELECT 'over', t::text FROM over t UNION ALL SELECT 'parts', t::text FROM parts t ORDER BY 1, 2" -d "$1"; }
works() { # NAME DATABASE
    # (before PostgreSQL 15 schema public is a superuser's)
    is "$1: no complaint" '' "$(grep -v 'WARNING:  no privileges were granted for "public"' "$2.log")"
    is "$1: same contents" "$(contents source)" "$(contents "$2")"
    is "$1: owners" "means other,over owner,parts owner,sums owner" "$(sql "SELECT string_agg(relname || ' ' || relowner::regrole, ',' ORDER BY relname) FROM pg_class JOIN imat.registered ON imat = oid" -d "$2")"
    as_owner sql "INSERT INTO trip VALUES ('new', 1), ('a', 1); DELETE FROM trip WHERE city = 'c'; INSERT INTO parted VALUES (2, 2)" -d "$2"
    is "$1: maintained" '' "$(differing "$2")"
    is "$1: seen" 1 "$(sql "SELECT count(*) FROM means WHERE city = 'new'" -d "$2")"
    like "$1: protected" "cannot change incremental materialized table" "$(as_owner sql "DELETE FROM sums" -d "$2" 2>&1)"
    is "$1: what belongs together is dropped together" "0 0" "$(as_owner sql "SET client_min_messages = error; DROP TABLE trip, parted CASCADE" -d "$2" && sql "SELECT (SELECT count(*) FROM imat.registered) || ' ' ||
        (SELECT count(*) FROM pg_class WHERE relnamespace IN ('imat'::regnamespace, 'public'::regnamespace) AND relname ~ 'means|sums|over|parts')" -d "$2")"
}
granted() { # DATABASE
    fresh "$1"
    sql "CREATE EXTENSION pg_imat; GRANT CREATE ON SCHEMA imat TO owner, other; GRANT CREATE ON SCHEMA public TO other; GRANT INSERT ON imat.registered, imat.source TO owner" -d "$1"
}

granted whole
restore --exit-on-error --no-comments -d whole >whole.log
works whole whole
for n in 1 2 3 4; do
    granted "jobs_$n"
    restore --exit-on-error --no-comments -j4 -d "jobs_$n" >"jobs_$n.log"
        works "four jobs, $n" "jobs_$n"
done
granted parts
restore --exit-on-error --no-comments --schema-only -d parts >parts.log && restore --exit-on-error --no-comments --data-only -d parts >>parts.log
works "schema, then data" parts
granted plain
as_owner as_user "$PGBIN/pg_dump" --no-comments -d source -f plain.sql && as_owner as_user "$PGBIN/psql" -Xq -o /dev/null -v ON_ERROR_STOP=1 -d plain -f plain.sql >plain.log 2>&1
works plain plain

# as several jobs may come to it: what is known of the tables comes last, but for who may read what
granted late
as_user "$PGBIN/pg_restore" -l source.dump >list
grep ' ACL ' list >rights.list
grep -E ' TABLE DATA imat (registered|source) ' list >last.list
grep -vFf last.list list | grep -v ' ACL ' >first.list
for section in pre-data data post-data; do
    restore --exit-on-error --no-comments --section=$section -L first.list -d late
done >late.log
for list in last rights; do
    restore --exit-on-error -L $list.list -d late >>late.log
done
works "rights last" late

# without: it is said, and what there is are tables like any other
fresh without
like "without the extension: said" 'permission denied to create extension "pg_imat"' "$(restore --exit-on-error -d without)"
sql "CREATE EXTENSION pg_imat" -d without
said=$(restore -d without)
like "without rights: said, of the tables in which it is kept" "permission denied for schema imat" "$said"
like "without rights: said, of what is known of them" "permission denied for table registered" "$said"
is "without rights: none is maintained" 0 "$(sql "SELECT count(*) FROM imat.registered" -d without)"
is "without rights: rows are there" "31|4" "$(sql "SELECT (SELECT count(*) FROM trip), (SELECT count(*) FROM sums)" -d without)"
is "without rights: sources can be written" '' "$(as_owner sql "INSERT INTO trip VALUES ('new', 1); UPDATE parted SET k = 3; DELETE FROM sums" -d without 2>&1)"
is "without rights: and be read by new ones" again "$(as_owner sql "SELECT imat.create('again', 'SELECT city, sum(fare) AS s FROM trip GROUP BY city')" -d without)"
as_owner sql "INSERT INTO trip VALUES ('new', 2)" -d without
is "without rights: which are maintained" '3|' "$(sql "SELECT s FROM again WHERE city = 'new'" -d without)|$(differing without)"
done_testing
