#!/usr/bin/env bash
# What others have put in the way before CREATE EXTENSION is not run, and is not used in place of ours.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
cluster_start "$SCRATCH/hostile" fsync=off
cd "$SCRATCH"

sql "CREATE ROLE evil LOGIN; CREATE ROLE app LOGIN"
trap_functions="CREATE FUNCTION public.boom(oid, regclass) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
    CREATE FUNCTION public.boom(regclass, regclass[]) RETURNS regclass[] LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
    CREATE OPERATOR public.= (FUNCTION = public.boom, LEFTARG = oid, RIGHTARG = regclass);
    CREATE OPERATOR public.|| (FUNCTION = public.boom, LEFTARG = regclass, RIGHTARG = regclass[]);
    CREATE FUNCTION public.boom() RETURNS bool LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
    CREATE FUNCTION public.to_regclass(varchar) RETURNS regclass LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
    CREATE FUNCTION public.format(text, regclass) RETURNS text LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';"

fresh() { # DATABASE
    sql "CREATE DATABASE $1"
    sql "GRANT CREATE ON DATABASE $1 TO evil, app; GRANT CREATE ON SCHEMA public TO evil, app" -d "$1"
}

as() { # ROLE DATABASE COMMAND
    PGUSER=$1 psql_script -At -d "$2" -c "$3" 2>&1
}

works() { # NAME DATABASE
    sql "ALTER DATABASE $2 SET search_path = pg_catalog" # the traps are not for us
    sql "CREATE TABLE public.t (k int, v int); INSERT INTO public.t VALUES (1, 1);
         SELECT imat.create('public.sums', 'SELECT k, avg(v) AS a, count(DISTINCT v) AS n FROM public.t GROUP BY k')" -d "$2" >/dev/null
    sql "INSERT INTO public.t VALUES (1, 2), (2, 2)" -d "$2"
    is "$1: maintained" '' "$(differing "$2")"
    is "$1: what there is can be asked for" "sums|public.sums" "$(sql "SELECT c.mv_name, s.imat FROM imat.imat_config c JOIN imat.status s USING (imat)" -d "$2" 2>&1)"
}

fresh operators
as evil operators "$trap_functions" >/dev/null
is "operators in public: installed" '' "$(sql 'CREATE EXTENSION pg_imat' -d operators 2>&1)"
works "operators in public" operators

fresh view
as evil view "$trap_functions CREATE SCHEMA imat; CREATE VIEW imat.imat_config AS SELECT 1 AS x WHERE public.boom()" >/dev/null
is "a view: installed" '' "$(sql 'CREATE EXTENSION pg_imat' -d view 2>&1)"
is "a view: has made room" "v|evil|postgres" "$(sql "SELECT relkind, relowner::regrole, nspowner::regrole FROM pg_class, pg_namespace
    WHERE relname = 'imat_config_before_pg_imat' AND nspname = 'imat'" -d view)"
works "a view" view
like "a view: its owner can't rename the schema" 'must be owner of schema' "$(as evil view 'ALTER SCHEMA imat RENAME TO mine')"
like "a view: nor drop it" 'must be owner of schema' "$(as evil view 'DROP SCHEMA imat CASCADE')"
is "a view: it goes on creating objects there" '' "$(as evil view 'CREATE TABLE imat.mine (a int)')"

# functions that would be called in place of ours: they can't be made first, nor beside them
fresh functions
as evil functions "CREATE SCHEMA imat; CREATE FUNCTION imat.capture() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END'" >/dev/null
like "a function: refused" 'already exists' "$(sql 'CREATE EXTENSION pg_imat' -d functions 2>&1)"
is "a function: nothing is left" 0 "$(sql "SELECT count(*) FROM pg_extension WHERE extname = 'pg_imat'" -d functions)"

# a schema of an application's, whose materialized views stand in it
fresh application
as app application "CREATE SCHEMA imat; CREATE TABLE imat.imat_config (a int); INSERT INTO imat.imat_config VALUES (1);
    CREATE TABLE public.src (k int, v int); CREATE MATERIALIZED VIEW imat.agg AS SELECT k, sum(v) AS s FROM public.src GROUP BY k" >/dev/null
is "an application: installed" '' "$(sql 'CREATE EXTENSION pg_imat' -d application 2>&1)"
is "an application: its table is kept" 1 "$(as app application 'SELECT count(*) FROM imat.imat_config_before_pg_imat')"
is "an application: converts its view without a superuser" agg "$(as app application "SELECT create_imat('agg')")"
as app application "INSERT INTO public.src VALUES (1, 1), (2, 2), (1, 3)" >/dev/null
is "an application: maintained" '' "$(differing application)"
is "an application: seen" "1|4 2|2" "$(as app application 'SELECT * FROM public.agg ORDER BY k' | paste -sd' ')"
is "an application: another one, all of it" '' "$(as app application "CREATE MATERIALIZED VIEW imat.more AS SELECT k, max(v) AS m FROM public.src GROUP BY k;
    SELECT create_imat('more', 'public'); DELETE FROM public.src WHERE k = 1 AND v = 3; SELECT imat.alter('more', strategy => 'keyed');
    SELECT imat.refresh('more'); SELECT imat.drop('more', keep => 'materialized view')" | grep -v more)"
is "an application: maintained still" '' "$(differing application)"
done_testing
