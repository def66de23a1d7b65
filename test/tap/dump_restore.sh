#!/usr/bin/env bash
# A database that pg_dump wrote and psql or pg_restore read goes on maintaining its tables, with no step by hand.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
cluster_start "$SCRATCH/dump" fsync=off
cd "$SCRATCH"

contents() { # DATABASE
    sql "SELECT 'hourly', t::text FROM hourly t UNION ALL SELECT 'top', t::text FROM top t UNION ALL SELECT 'joined', t::text FROM joined t
         UNION ALL SELECT 'odd', t::text FROM odd t UNION ALL SELECT 'kinds', t::text FROM kinds t UNION ALL SELECT 'moved', t::text FROM moved t
         UNION ALL SELECT 'parcels', t::text FROM parcels t UNION ALL SELECT 'addresses', t::text FROM addresses t
         UNION ALL SELECT 'rides', t::text FROM rides t UNION ALL SELECT 'cities', t::text FROM cities t
         UNION ALL SELECT 'countries', t::text FROM countries t UNION ALL SELECT 'sizes', t::text FROM sizes t
         UNION ALL SELECT 'last_fares', t::text FROM last_fares t
         UNION ALL SELECT 'old name', t::text FROM old.moved t ORDER BY 1, 2" -d "$1"
}

objects() { # DATABASE: what an IMAT consists of, without Oids
    sql "SELECT c.relkind, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname IN ('public', 'imat', 'old') AND c.relkind IN ('r', 'v', 'm') ORDER BY 1, 2,
         regexp_replace(c.relname, '[0-9]+', '', 'g'), 3" -d "$1" | sed 's/[0-9][0-9]*/N/g'
    sql "SELECT tgrelid::regclass::text, regexp_replace(tgname, '[0-9]+', 'N', 'g'), tgtype FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2, 3" -d "$1"
    sql "SELECT mv_name, mv_schema_name, agg_schema_name, strategy, maintenance, settings, multiplicities, subqueries FROM imat.imat_config ORDER BY 1" -d "$1"
    sql "SELECT imat, strategy FROM imat.status ORDER BY imat::text" -d "$1"
}

restored_works() { # NAME DATABASE
    is "$1: same contents" "$(contents source)" "$(contents "$2")"
    is "$1: same objects" "$(objects source)" "$(objects "$2")"
    is "$1: verified" '' "$(differing "$2")"
    sql "INSERT INTO trip VALUES ('2024-01-01 05:30+00', 'a', 7, 0.7), ('2024-02-01 05:30+00', 'new', 7, 0.7);
         UPDATE trip SET fare = fare + 1 WHERE city = 'b'; DELETE FROM trip WHERE city = 'c';
         INSERT INTO ride VALUES ('2024-01-01', 'new', 7), ('2025-01-01', 'a', 7); DELETE FROM ride_january WHERE city = 'c';
         UPDATE city SET country = 'X' WHERE city = 'a';
         INSERT INTO parcel SELECT 'q' || g, date '2024-01-01' + g % 2, s, s, ARRAY[s], repeat(md5(g::text), 200)
         FROM generate_series(5, 8) g, unnest('{small}'::size[]) s; DELETE FROM parcel WHERE label IN ('p2', 'q7')" -d "$2"
    is "$1: still maintained" '' "$(differing "$2")"
    is "$1: a new group is there" 1 "$(sql "SELECT count(*) FROM hourly WHERE city = 'new'" -d "$2")"
    refused=$(sql "DELETE FROM hourly" -d "$2" 2>&1 || true)
    like "$1: still protected" "incremental materialized table" "$refused"
    sql "SELECT imat.refresh('hourly'), imat.drop('top')" -d "$2" >/dev/null
    is "$1: can be refreshed, others dropped" '' "$(differing "$2")"
    sql "SELECT imat.drop('sizes'); DROP TABLE countries" -d "$2" >/dev/null
    is "$1: what subqueries are kept in goes with them" 'last_fares_s' "$(sql "SELECT relname FROM pg_class
        WHERE relnamespace = 'imat'::regnamespace AND relkind = 'r' AND relname ~ '^(sizes|countries|last_fares)'" -d "$2")"
}

sql 'CREATE DATABASE source'
sql "CREATE EXTENSION pg_imat;
     CREATE TABLE city (city text PRIMARY KEY, country text);
     INSERT INTO city VALUES ('a', 'A'), ('b', 'B'), ('c', NULL);
     CREATE TABLE trip (at timestamptz, city text, fare numeric, tip float8);
     INSERT INTO trip SELECT timestamptz '2024-01-01' + g * interval '7 min', chr(97 + g % 3), g * 1.10, g / 3.0 FROM generate_series(1, 200) g;
     INSERT INTO trip VALUES (NULL, NULL, NULL, NULL);
     CREATE MATERIALIZED VIEW hourly AS SELECT date_trunc('hour', at) AS hour, city, count(*) AS n, avg(fare) AS fare, sum(tip) AS tips
         FROM trip GROUP BY 1, 2;
     SELECT create_imat('hourly');
     SELECT imat.create('top', 'SELECT city, max(fare) AS best FROM trip GROUP BY city');
     SELECT imat.create('joined', 'SELECT c.country, count(*) AS n, sum(t.fare) AS fare FROM trip t JOIN city c ON c.city = t.city GROUP BY c.country');
     SELECT imat.create('odd', 'SELECT n % 2 AS odd, sum(fare) AS fare FROM hourly GROUP BY n % 2');
     SELECT imat.create('kinds', 'SELECT date_trunc(''day'', at) AS day, count(DISTINCT city) AS cities, count(DISTINCT left(city, 1)::varchar(3)) AS letters,
         count(DISTINCT fare) AS fares, sum(DISTINCT fare::numeric(10,1)) AS total FROM trip GROUP BY 1');
     SELECT imat.create('rolled', 'SELECT city, date_trunc(''day'', at) AS day, count(*) AS n, sum(tip) AS tips FROM trip GROUP BY ROLLUP (city, date_trunc(''day'', at))');
     SELECT imat.create('middles', 'SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY fare) AS middle FROM trip GROUP BY CUBE (city, date_trunc(''day'', at))');
     SELECT imat.create('cities', 'SELECT c.city, c.country, count(*) AS n FROM trip t JOIN city c ON c.city = t.city GROUP BY c.city'); -- needs the key
     SELECT imat.create('countries', 'SELECT c.country, sum(s.fare) AS fare, count(*) AS cities FROM city c
         JOIN (SELECT city, sum(fare) AS fare FROM trip GROUP BY city) s ON s.city = c.city GROUP BY c.country');
     SELECT imat.create('sizes', 'WITH per AS (SELECT city, date_trunc(''day'', at) AS day, count(*) AS n FROM trip GROUP BY 1, 2),
         sizes AS (SELECT n, count(*) AS m FROM per GROUP BY n) SELECT p.city, p.day, s.m FROM per p JOIN sizes s ON s.n = p.n');
     SELECT imat.create('last_fares', 'SELECT fare, count(*) AS n FROM (SELECT fare, row_number() OVER (PARTITION BY city, date_trunc(''day'', at) ORDER BY at DESC, fare) AS r
         FROM trip) s WHERE r < 3 GROUP BY fare');
     SELECT imat.create('firsts', 'SELECT DISTINCT ON (city) at, fare FROM trip ORDER BY city, at, fare');
     CREATE TABLE ride (at date, city text, fare numeric) PARTITION BY RANGE (at);
     CREATE TABLE ride_january PARTITION OF ride FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
     CREATE TABLE ride_later PARTITION OF ride DEFAULT;
     INSERT INTO ride SELECT date '2024-01-01' + g, chr(97 + g % 3), g FROM generate_series(1, 100) g;
     SELECT imat.create('rides', 'SELECT city, count(*) AS n, avg(fare) AS fare FROM ride GROUP BY city');
     CREATE TYPE size AS ENUM ('small', 'large');
     CREATE DOMAIN any_size AS size;
     CREATE TABLE parcel (label text, at date, size size, any_size any_size, sizes size[], address text);
     SELECT imat.create('parcels', 'SELECT at, min(size) AS smallest, max(size) AS largest, max(any_size::size) AS any_size
         FROM parcel GROUP BY at');
     SELECT imat.create('parcel_lists', 'SELECT at, max(sizes) AS sizes FROM parcel GROUP BY at');
     SELECT imat.create('addresses', 'SELECT address, count(*) AS n, count(DISTINCT size) AS sizes FROM parcel GROUP BY address');
     CREATE SCHEMA old;
     CREATE MATERIALIZED VIEW old.moved AS SELECT city, count(*) AS n FROM trip GROUP BY city;
     SELECT create_imat('old.moved', 'public');
     CREATE INDEX ON hourly (city);
     COMMENT ON TABLE hourly IS 'by the hour';
     CREATE ROLE dump_reader; GRANT SELECT ON hourly TO dump_reader;
     INSERT INTO trip VALUES ('2024-01-01 01:00+00', 'a', 1, 1e300), ('2024-01-01 01:00+00', 'a', 1, 1), ('2024-01-01 01:00+00', 'a', 1, -1e300)" \
    -d source >/dev/null
# of such values the Oids are others where they are restored; and keys that are too long for an index are found by their hashes
sql "ALTER TYPE size ADD VALUE 'medium' BEFORE 'large'" -d source
sql "INSERT INTO parcel SELECT 'p' || g, date '2024-01-01' + g % 2, s, s, ARRAY[s, 'large'], repeat(md5(g::text), 200)
     FROM generate_series(1, 6) g, unnest('{small,medium}'::size[]) s" -d source
is "before: verified" '' "$(differing source)"

sql 'CREATE DATABASE plain'
as_user "$PGBIN/pg_dump" -d source -f plain.sql >plain.log 2>&1
as_user "$PGBIN/psql" -Xq -v ON_ERROR_STOP=1 -d plain -f plain.sql >>plain.log 2>&1
is "plain: no complaint" 0 $?
restored_works plain plain

sql 'CREATE DATABASE custom'
as_user "$PGBIN/pg_dump" -Fc -d source -f source.dump >custom.log 2>&1
as_user "$PGBIN/pg_restore" --exit-on-error -j2 -d custom source.dump >>custom.log 2>&1
is "custom, two jobs: no complaint" 0 $?
restored_works "custom, two jobs" custom

sql 'CREATE DATABASE again'
as_user "$PGBIN/pg_dump" -d plain -f again.sql >again.log 2>&1 && as_user "$PGBIN/psql" -Xq -v ON_ERROR_STOP=1 -d again -f again.sql >>again.log 2>&1
is "a restored database can be dumped and restored" 0 $?
is "again: verified" '' "$(differing again)"

# in parts: tables and triggers first, then data, in whatever order that comes, with triggers or without, in several ways
restore_schema() { # DATABASE
    sql "CREATE DATABASE $1"
    as_user "$PGBIN/pg_restore" --exit-on-error --schema-only -d "$1" source.dump >"$1.log" 2>&1
}
restore_data() { # NAME DATABASE OPTION...
    as_user "$PGBIN/pg_restore" --exit-on-error --data-only -d "$2" "${@:3}" source.dump >>"$2.log" 2>&1
    is "$1: no complaint" 0 $?
    restored_works "$1" "$2"
}
as_user "$PGBIN/pg_dump" -Fd -j2 -d source -f source.directory >directory.log 2>&1
sql 'CREATE DATABASE directory'
as_user "$PGBIN/pg_restore" --exit-on-error -j2 -d directory source.directory >>directory.log 2>&1
is "directory, two jobs: no complaint" 0 $?
restored_works "directory, two jobs" directory
# in which order jobs come to what they share is another each time
for n in 1 2 3 4 5 6 7 8; do
    sql "CREATE DATABASE jobs_$n"
    as_user "$PGBIN/pg_restore" --exit-on-error -j4 -d "jobs_$n" source.directory >"jobs_$n.log" 2>&1
    is "directory, four jobs, $n: no complaint" 0 $?
    is "directory, four jobs, $n: verified" '' "$(differing "jobs_$n")"
    sql "DROP DATABASE jobs_$n"
done
# one that jobs can come to: what an IMAT has and what protects it, then our tables, while rows of sources are to come
listed() { grep -E "$@" order.list; }
as_user "$PGBIN/pg_restore" -l source.dump >order.list
{
    sed '/TABLE DATA/,$d' order.list
    listed 'TABLE DATA' | grep -vE 'TABLE DATA (imat (registered|source)|public (trip|city|ride(_.*)?)) '
    listed ' TRIGGER ' | grep -vE ' TRIGGER public (trip|city|ride_.*) '
    listed 'TABLE DATA imat (registered|source) '
} >early.list
{ cat early.list; grep -vxFf early.list order.list; } >reordered.list
own reordered.list
sql 'CREATE DATABASE reordered'
as_user "$PGBIN/pg_restore" --exit-on-error -L reordered.list -d reordered source.dump >reordered.log 2>&1
is "rows of sources last: no complaint" 0 $?
restored_works "rows of sources last" reordered
# one job computes an IMAT anew while another brings the values that are counted for one that reads it
sql 'CREATE DATABASE counted'
sql "CREATE EXTENSION pg_imat; CREATE TABLE a (id int PRIMARY KEY, k int); CREATE TABLE b (id int PRIMARY KEY, k int, v int);
     INSERT INTO a SELECT g, g % 3 FROM generate_series(1, 9) g; INSERT INTO b SELECT g, g % 3, g % 5 FROM generate_series(1, 30) g;
     SELECT imat.create('below', 'SELECT k, count(*) AS n FROM a GROUP BY k');
     SELECT imat.create('above', 'SELECT b.k, count(DISTINCT b.v) AS n FROM b JOIN below USING (k) GROUP BY b.k')" -d counted >/dev/null
as_user "$PGBIN/pg_dump" -Fc -d counted -f counted.dump && as_user "$PGBIN/pg_restore" -l counted.dump >order.list
{ sed '/TABLE DATA/,$d' order.list; listed 'TABLE DATA' | grep -vE ' imat '; listed 'TABLE DATA imat .*_state'; listed ' TRIGGER ' | grep -v ' public b '; } >early.list
listed '(TABLE DATA|INDEX) imat .*_distinct' >values.list
listed 'TABLE DATA imat (registered|source) ' >ours.list
grep -vxFf early.list -f values.list -f ours.list order.list >late.list
own early.list values.list ours.list late.list
is "values that are counted: there are some" 2 "$(wc -l <values.list)"
sql 'CREATE DATABASE jobs_race'
restore_list() { as_user "$PGBIN/pg_restore" --exit-on-error -L "$1.list" -d jobs_race counted.dump >>jobs_race.log 2>&1; }
restore_list early
# the other job has its values in, and then waits
sql "BEGIN; SELECT pg_advisory_xact_lock(7); PREPARE TRANSACTION 'gate'" -d jobs_race >/dev/null
{
    as_user "$PGBIN/pg_restore" -L values.list -f - counted.dump | sed '1iBEGIN;'
    echo "SELECT pg_advisory_xact_lock(7); COMMIT;"
} >values.sql
own values.sql
waiting() { [[ $(sql "SELECT count(*) FROM pg_locks WHERE locktype = '$1' AND NOT granted" -d jobs_race) -gt 0 ]]; }
as_user "$PGBIN/psql" -Xq -v ON_ERROR_STOP=1 -o values.log -d jobs_race -f values.sql &
values=$!
eventually waiting advisory
restore_list ours &
ours=$!
through_or_waiting() { ! kill -0 $ours 2>/dev/null || waiting relation; }
eventually through_or_waiting
is "values that are counted: they are yet to come in" 0 "$(kill -0 $values && echo $?)"
sql "COMMIT PREPARED 'gate'" -d jobs_race
wait $ours
is "values that are counted, meanwhile: no complaint" 0 $?
wait $values
is "values that are counted, meanwhile: they come in" 0 $?
restore_list late
is "values that are counted, meanwhile: verified" '' "$(differing jobs_race)"
sql "INSERT INTO b VALUES (31, 1, 77), (32, 9, 1); DELETE FROM b WHERE v = 2; INSERT INTO a VALUES (10, 9)" -d jobs_race
is "values that are counted, meanwhile: maintained" '' "$(differing jobs_race)"
restore_schema data
restore_data "schema, then data" data
restore_schema at_once
restore_data "schema, then data at once" at_once --single-transaction
restore_schema silent
restore_data "schema, then data, triggers disabled" silent --disable-triggers
restore_schema jobs
restore_data "schema, then data in two jobs" jobs -j2
restore_schema silent_jobs
restore_data "schema, then data in two jobs, triggers disabled" silent_jobs -j2 --disable-triggers
sql 'CREATE DATABASE sections'
for section in pre-data data post-data; do
    as_user "$PGBIN/pg_restore" --exit-on-error --section=$section -d sections source.dump >>sections.log 2>&1
    is "section $section: no complaint" 0 $?
done
restored_works sections sections
as_user "$PGBIN/pg_dump" --schema-only -d source -f schema.sql
as_user "$PGBIN/pg_dump" --data-only --inserts -d source -f inserts.sql
sql 'CREATE DATABASE inserts'
as_user "$PGBIN/psql" -Xq -v ON_ERROR_STOP=1 -d inserts -f schema.sql -f inserts.sql >inserts.log 2>&1
is "schema, then inserts: no complaint" 0 $?
restored_works "schema, then inserts" inserts

# what is dropped takes what depends on it along, as in the database that was dumped
for database in data silent_jobs sections; do
    sql "SET client_min_messages = error; DROP TABLE trip, ride, parcel CASCADE" -d "$database"
    is "$database: nothing is left of what read a table that is dropped" "0 0 0" "$(sql "SELECT (SELECT count(*) FROM imat.registered) || ' ' || (SELECT count(*) FROM imat.source) || ' ' ||
        (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname IN ('public', 'imat') AND relname ~ 'hourly|kinds|joined|rolled|moved')" -d "$database")"
done

# single tables: a source is one that nobody reads, until somebody does; an IMAT is a table like any other
single() { # NAME TABLE
    sql "CREATE DATABASE $1"
    sql "CREATE EXTENSION pg_imat" -d "$1"
    as_user "$PGBIN/pg_dump" -d source -t "$2" -f "$1.sql" && as_user "$PGBIN/psql" -Xq -v ON_ERROR_STOP=1 -d "$1" -f "$1.sql" >"$1.log" 2>&1
    is "table $2: no complaint" 0 $?
    is "table $2: all its rows" "$(sql "SELECT count(*) FROM $2" -d source)" "$(sql "SELECT count(*) FROM $2" -d "$1")"
}
single one_source trip
sql "INSERT INTO trip VALUES (NULL, 'z', 1, 1); SELECT imat.create('per_city', 'SELECT city, avg(fare) AS a FROM trip GROUP BY city'); INSERT INTO trip VALUES (NULL, 'y', 1, 1)" -d one_source >/dev/null
is "table trip: read again" '' "$(differing one_source)"
is "table trip: seen" 2 "$(sql "SELECT count(*) FROM per_city WHERE city IN ('y', 'z')" -d one_source)"
single one_imat hourly
sql "UPDATE hourly SET n = 0; SELECT imat.create('per_city', 'SELECT city, sum(fare) AS f FROM hourly GROUP BY city'); DELETE FROM hourly WHERE city = 'a'; INSERT INTO hourly (city, n) VALUES ('new', 1)" -d one_imat >/dev/null
is "table hourly: read" '' "$(differing one_imat)"
is "table hourly: seen" "0|1" "$(sql "SELECT count(*) FILTER (WHERE city = 'a'), count(*) FILTER (WHERE city = 'new') FROM per_city" -d one_imat)"

done_testing
