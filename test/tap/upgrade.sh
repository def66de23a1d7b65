#!/usr/bin/env bash
# pg_upgrade, here to the same release: tables go on being maintained, and what depends on what is known again.
# (test/upgrade/run does the same with random databases, and from one release to another.)
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
cluster_start "$SCRATCH/old" fsync=off
cd "$SCRATCH"

sql "CREATE EXTENSION pg_imat; CREATE TABLE trip (id int PRIMARY KEY, city text, fare float8); CREATE TABLE city (city text PRIMARY KEY, country text);
     CREATE TABLE parted (id int, k int) PARTITION BY RANGE (id); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
     CREATE FUNCTION twice(float8) RETURNS float8 IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN \$1 * 2; END'; CREATE SCHEMA apart; CREATE TABLE apart.far (k int);
     INSERT INTO trip SELECT g, chr(97 + g % 3), g / 3.0 FROM generate_series(1, 200) g; INSERT INTO city VALUES ('a', 'A'), ('b', 'B');
     INSERT INTO parted SELECT g, g % 3 FROM generate_series(1, 50) g;
     SELECT imat.create('means', 'SELECT city, avg(fare) AS fare, count(DISTINCT fare) AS fares FROM trip GROUP BY city');
     SELECT imat.create('joined', 'SELECT c.country, count(*) AS n FROM trip t JOIN city c ON c.city = t.city GROUP BY c.country');
     SELECT imat.create('over', 'SELECT n, count(*) AS c FROM joined GROUP BY n');
     SELECT imat.create('countries', 'SELECT c.country, sum(s.n) AS n FROM city c JOIN (SELECT city, count(*) AS n, sum(fare) AS fare FROM trip GROUP BY city) s ON s.city = c.city WHERE s.fare > 1 GROUP BY c.country');
     SELECT imat.create('doubled', 'SELECT city, sum(twice(fare)) AS fare FROM trip GROUP BY city');
     SELECT imat.create('parts', 'SELECT k, count(*) AS n FROM parted GROUP BY k');
     SELECT imat.create('of_far', 'SELECT k, avg(k) AS n FROM apart.far GROUP BY k');
     CREATE SCHEMA old; CREATE MATERIALIZED VIEW old.moved AS SELECT city, count(*) AS n FROM trip GROUP BY city; SELECT create_imat('old.moved', 'public')" >/dev/null
cluster_stop "$SCRATCH/old"

mkdir "$SCRATCH/new"
own "$SCRATCH/new"
as_user "$PGBIN/initdb" -D "$SCRATCH/new/data" -A trust -N -U postgres -E UTF8 --locale=C.UTF-8 >initdb.log 2>&1
AS_USER_DIR=$SCRATCH/new as_user "$PGBIN/pg_upgrade" -b "$PGBIN" -B "$PGBIN" -d "$SCRATCH/old/data" -D "$SCRATCH/new/data" -U postgres -s "$SCRATCH/new" >upgrade.log 2>&1
is "upgraded" 0 $?
sed "s|'$SCRATCH/old'|'$SCRATCH/new'|" "$SCRATCH/old/data/postgresql.conf" >new.conf
own new.conf
as_user cp new.conf "$SCRATCH/new/data/postgresql.conf"
echo "$SCRATCH/new" >>"$SCRATCH/clusters"
cluster_start "$SCRATCH/new"

is "verified" '' "$(differing postgres)"
sql "INSERT INTO trip VALUES (300, 'a', 1), (301, 'z', 1); DELETE FROM city WHERE city = 'b'; UPDATE parted SET k = 7 WHERE k = 1"
is "maintained" '' "$(differing postgres)"
is "seen" "1|1|1" "$(sql "SELECT (SELECT count(*) FROM means WHERE city = 'z'), (SELECT count(*) FROM joined), (SELECT count(*) FROM parts WHERE k = 7)")"

# each in a session that has done nothing else, and undone
undone() { psql_script -At -c "BEGIN" -c "SET client_min_messages = error" -c "$1" -c "$2" -c "ROLLBACK" 2>&1; }
left="SELECT string_agg(imat::text, ' ' ORDER BY imat::text) FROM imat.registered"
dangling="SELECT count(*) FROM pg_class c WHERE relnamespace IN ('public'::regnamespace, 'imat'::regnamespace, 'old'::regnamespace) AND relname ~"
like "DROP TABLE of a source: refused" "cannot drop table trip because other objects depend on it" "$(undone 'DROP TABLE trip' 'SELECT 1')"
like "DROP TABLE of an IMAT that is read: refused" "cannot drop table joined because other objects depend on it" "$(undone 'DROP TABLE joined' 'SELECT 1')"
state=$(sql "SELECT state FROM imat.imat_config WHERE mv_name = 'means'")
like "DROP TABLE of the hidden one: refused" "cannot drop" "$(undone "DROP TABLE $state" 'SELECT 1')"
like "DROP VIEW of the definition: refused" "cannot drop view .* because other objects depend on it" "$(undone "DROP VIEW $(sql "SELECT definition FROM imat.imat_config WHERE mv_name = 'means'")" 'SELECT 1')"
is "DROP TABLE CASCADE of a source: its IMATs are gone" "of_far parts|0" "$(undone 'DROP TABLE trip CASCADE' "SELECT ($left), ($dangling 'means|joined|over|doubled|moved|countries')")"
is "DROP COLUMN CASCADE" "joined moved of_far over parts|0" "$(undone 'ALTER TABLE trip DROP COLUMN fare CASCADE' "SELECT ($left), ($dangling 'means|doubled|countries')")"
is "DROP FUNCTION CASCADE" "countries imat.countries_s joined means moved of_far over parts|0" "$(undone 'DROP FUNCTION twice CASCADE' "SELECT ($left), ($dangling 'doubled')")"
is "DROP SCHEMA CASCADE" "countries doubled imat.countries_s joined means moved over parts|0" "$(undone 'DROP SCHEMA apart CASCADE' "SELECT ($left), ($dangling 'of_far')")"
is "DROP TABLE CASCADE of an IMAT" "countries doubled imat.countries_s means moved of_far parts|0" "$(undone 'DROP TABLE joined CASCADE' "SELECT ($left), ($dangling '^(joined|over)')")"
is "DROP TABLE of an IMAT: nothing is left" "countries doubled imat.countries_s joined means of_far over parts|0" "$(undone 'DROP TABLE moved' "SELECT ($left), ($dangling 'moved')")"
is "DROP OWNED" "|0" "$(undone "CREATE ROLE heir; ALTER TABLE trip OWNER TO heir; ALTER TABLE city OWNER TO heir; ALTER TABLE parted OWNER TO heir; ALTER TABLE apart.far OWNER TO heir; DROP OWNED BY heir CASCADE" "SELECT ($left), ($dangling 'means|joined|over|doubled|moved|parts|of_far|countries')")"
is "DROP TABLE of an IMAT: nothing is left of its subqueries" "doubled joined means moved of_far over parts|0" "$(undone 'DROP TABLE countries' "SELECT ($left), ($dangling 'countries')")"
sql "DROP TABLE means; SELECT imat.drop('over'), imat.drop('moved', keep => 'materialized view')" >/dev/null
is "dropped for good" "countries doubled imat.countries_s joined of_far parts|0" "$(sql "SELECT ($left), ($dangling '^(means|over)')")"
sql "INSERT INTO trip VALUES (400, 'a', 1)"
is "the others: maintained" '' "$(differing postgres)"
done_testing
