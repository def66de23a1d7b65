#!/usr/bin/env bash
# A standby shows the tables as the primary does, and after promotion goes on maintaining them.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

find_postgres
scratch_init
build_private
cluster_start "$SCRATCH/p" fsync=off wal_level=replica max_wal_senders=4

start_standby() {
    mkdir "$SCRATCH/s"
    own "$SCRATCH/s"
    as_user "$PGBIN/pg_basebackup" -D "$SCRATCH/s/data" -R -X stream -c fast >"$SCRATCH/s.log" 2>&1 || return 1
    as_user sed -i "s|^unix_socket_directories.*|unix_socket_directories = '$SCRATCH/s'|" "$SCRATCH/s/data/postgresql.conf"
    echo "$SCRATCH/s" >>"$SCRATCH/clusters"
    cluster_start "$SCRATCH/s"
}

on_standby() { PGHOST=$SCRATCH/s sql "$1"; }
on_primary() { PGHOST=$SCRATCH/p sql "$1"; }

caught_up() {
    [[ $(on_standby "SELECT pg_last_wal_replay_lsn() >= '$(on_primary 'SELECT pg_current_wal_lsn()')'") == t ]]
}

contents="SELECT 'g', t::text FROM g t UNION ALL SELECT 's', t::text FROM s t ORDER BY 1, 2"
same() { # NAME
    eventually caught_up || not_ok "$1: the standby does not follow"
    is "$1: same contents" "$(on_primary "$contents")" "$(on_standby "$contents")"
}

sql "CREATE EXTENSION pg_imat; CREATE TABLE t (id int, k int, v float8);
     INSERT INTO t SELECT i, i % 5, i / 3.0 FROM generate_series(1, 50) i;
     SELECT imat.create('g', 'SELECT k, count(*) AS n, avg(v) AS mean FROM t GROUP BY k');
     SELECT imat.create('s', 'SELECT k, min(v) AS low FROM t GROUP BY k')" >/dev/null
if start_standby; then ok "the standby starts"; else not_ok "the standby starts" "$(cat "$SCRATCH/s.log")"; fi
same "at first"
on_primary "INSERT INTO t SELECT i, i % 7, i / 3.0 FROM generate_series(100, 200) i; DELETE FROM t WHERE k = 3"
same "after writing"
on_primary "BEGIN; DELETE FROM t; ROLLBACK; TRUNCATE t; INSERT INTO t SELECT i, i % 3, i / 7.0 FROM generate_series(1, 20000) i"
same "after TRUNCATE and a large change"
on_primary "SELECT imat.refresh('g')" >/dev/null
same "after a refresh"
is "the standby verifies, and can't write" 0 "$(on_standby "SELECT imat.verify('g') + imat.verify('s')")"
like "the status can be read" 'delta' "$(on_standby "SELECT strategy FROM imat.status WHERE imat = 'g'::regclass")"
like "writes are refused" 'read-only transaction' "$(on_standby 'INSERT INTO t VALUES (1, 1, 1)' 2>&1)"
like "refresh is refused" 'recovery|read-only' "$(on_standby "SELECT imat.refresh('g')" 2>&1)"

cluster_stop "$SCRATCH/p" immediate
PGHOST=$SCRATCH/s as_user "$PGBIN/pg_ctl" -D "$SCRATCH/s/data" -w promote >/dev/null
on_standby "INSERT INTO t SELECT i, i % 9, i / 3.0 FROM generate_series(1, 50) i; DELETE FROM t WHERE k = 1"
is "promoted: verified" 0 "$(on_standby "SELECT imat.verify('g') + imat.verify('s')")"
is "promoted: a new group" 5 "$(on_standby "SELECT n FROM g WHERE k = 8")"
done_testing
