#!/usr/bin/env bash
# Backends killed with kill -9 and immediate shutdowns, in the middle of maintenance and at random under load; then
# recovery, a standby that follows all of it, and recovery from an archive to a point in time. What was committed is
# there, and is counted once.
#
# usage: test/tap/crash.sh [CRASHES]       default 3 at wait points, and as many under load
#
# The wait points are those of test/faults; where the library can't be built with them, only the load is there.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
source "$(dirname "${BASH_SOURCE[0]}")/tap.bash"

CRASHES=${1:-3}
find_postgres
scratch_init
if [[ $(uname -m) == x86_64 ]]; then
    WAIT_POINTS=true
    build_variant FAULTS=1
else
    WAIT_POINTS=false
    build_private
fi
mkdir -p "$SCRATCH/archive"
own "$SCRATCH/archive"
cluster_start "$SCRATCH/p" fsync=off wal_level=replica max_wal_senders=4 archive_mode=on \
    "archive_command=cp %p $SCRATCH/archive/%f" checkpoint_timeout=30s max_wal_size=64MB

on() { PGHOST=$SCRATCH/$1 sql "${@:2}"; }
up() { on "$1" 'SELECT 1' >/dev/null 2>&1; }

query_of() {
    case $1 in
    plain) echo 'SELECT kind, count(*) AS n, sum(amount) AS amount FROM item GROUP BY kind' ;;
    state) echo 'SELECT kind, avg(amount) AS mean, stddev(price) AS price FROM item WHERE amount > 2 GROUP BY kind' ;;
    keyed) echo "SELECT kind, string_agg(amount::text, ',' ORDER BY amount) AS all FROM item WHERE owner < 3 GROUP BY kind" ;;
    joined) echo 'SELECT k.factor, count(*) AS n, sum(i.amount) AS amount FROM item i JOIN kind k ON i.kind = k.kind GROUP BY k.factor' ;;
    above) echo 'SELECT n % 2 AS odd, count(*) AS n, sum(amount) AS amount FROM plain GROUP BY n % 2' ;;
    swapped) echo 'SELECT kind, rank() OVER (ORDER BY kind) AS place, count(*) AS n FROM item GROUP BY kind' ;;
    esac
}
IMATS='plain state keyed joined above swapped'

# By EXCEPT ALL with the queries, and by imat.verify.
wrong() { # CLUSTER
    local imat text=''
    for imat in $IMATS; do
        text+="SELECT '$imat', count(*), imat.verify('$imat') FROM ((TABLE $imat EXCEPT ALL $(query_of "$imat"))
               UNION ALL ($(query_of "$imat") EXCEPT ALL TABLE $imat)) d UNION ALL "
    done
    on "$1" "SELECT * FROM (${text%UNION ALL }) AS x(imat, rows, verified) WHERE rows <> 0 OR verified <> 0" 2>&1
}

# The rows whose insertion was acknowledged to the client, and that are not there.
lost() { # CLUSTER FILE
    [[ -s $2 ]] || { echo "nothing was acknowledged"; return; }
    on "$1" "SELECT count(*) FROM unnest('{$(paste -sd, "$2")}'::bigint[]) id WHERE id NOT IN (SELECT id FROM item)"
}

writer_script() { # OWNER
    local i
    for ((i = 0; i < 400; i++)); do
        echo "INSERT INTO item (owner, kind, amount, price) VALUES ($1, $((i * 7 % 5)), $((i % 9)), $i / 7.0) RETURNING id;"
        echo "UPDATE item SET amount = amount % 9 + 1, kind = (kind + 1) % 6 WHERE owner = $1 AND id % 5 = $((i % 5));"
        echo "UPDATE kind SET factor = (factor + 1) % 3 WHERE owner = $1;"
    done
}

load() { # a few writers, each on rows of its own; what was acknowledged to writer N is in acknowledged.N
    local owner
    WRITERS=()
    rm -f "$SCRATCH"/acknowledged.*
    for owner in 0 1 2; do
        writer_script $owner >"$SCRATCH/writer.$owner"
        PGHOST=$SCRATCH/p as_user "$PGBIN/psql" -XAtq -f "$SCRATCH/writer.$owner" >"$SCRATCH/acknowledged.$owner" \
            2>"$SCRATCH/writer.log" &
        WRITERS+=($!)
    done
}

backend_of_load() {
    on p "SELECT pid FROM pg_stat_activity WHERE query ~ '^(INSERT|UPDATE) ' AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
}

# What the server has noticed, and what its clients have been told.
noticed_more() { (($(crashes_seen) > $1)); } # THAN
acknowledged() { # NUMBER: so many, and something to each writer
    local owner
    for owner in 0 1 2; do
        [[ -s $SCRATCH/acknowledged.$owner ]] || return 1
    done
    (($(cat "$SCRATCH"/acknowledged.* | wc -l) >= $1))
}
crashes_seen() { grep -c 'terminated by signal 9' "$SCRATCH/p/server.log" || true; }

crash() { # HOW PID
    local killed
    if [[ $1 == kill ]]; then
        killed=$(crashes_seen)
        as_user bash -c "kill -9 $2" # the shell's own: not every machine has a program of that name
        eventually noticed_more "$killed" || not_ok "the server notices"
    else
        cluster_stop "$SCRATCH/p" immediate
        cluster_start "$SCRATCH/p"
    fi
    eventually up p || not_ok "the server comes back"
}

how_of() { (($1 % 2)) && echo kill || echo immediate; }

sql "CREATE EXTENSION pg_imat;
     CREATE TABLE item (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner int, kind int, amount int, price numeric);
     CREATE TABLE kind (kind int PRIMARY KEY, owner int, factor int);
     INSERT INTO kind SELECT k, k % 3, k FROM generate_series(0, 5) k;
     INSERT INTO item (owner, kind, amount, price) SELECT 3, g % 6, g % 9, g / 3.0 FROM generate_series(1, 300) g" >/dev/null
for imat in $IMATS; do
    sql "SELECT imat.create('$imat', \$q\$$(query_of "$imat")\$q\$)" >/dev/null
done
is "before: all equal their queries" '' "$(wrong p)"

# --- a standby, and a backup for later --------------------------------------------------------------------

mkdir "$SCRATCH/s" "$SCRATCH/r"
own "$SCRATCH/s" "$SCRATCH/r"
as_user "$PGBIN/pg_basebackup" -D "$SCRATCH/s/data" -R -X stream -c fast >"$SCRATCH/s.log" 2>&1
as_user cp -a "$SCRATCH/s/data" "$SCRATCH/r/data"
for name in s r; do
    as_user sed -i "s|^unix_socket_directories.*|unix_socket_directories = '$SCRATCH/$name'|; s|^archive_mode.*|archive_mode = 'off'|" \
        "$SCRATCH/$name/data/postgresql.conf"
    echo "$SCRATCH/$name" >>"$SCRATCH/clusters"
done
cluster_start "$SCRATCH/s"
cluster_use "$SCRATCH/p"

# --- at wait points ---------------------------------------------------------------------------------------

if $WAIT_POINTS; then
    sql "CREATE FUNCTION imat_fault_arm(int, text) RETURNS void LANGUAGE c STRICT AS '\$libdir/pg_imat'"
    # the places that matter most by name, the rest by chance
    places=('1 in LockRelationOid' '1 in GetLatestSnapshot' '3 in ExecInsertIndexTuples' '2 in CommandCounterIncrement'
        '1 in ExecutorRun' '2 in LockAcquire')
    for ((n = 0; n < CRASHES; n++)); do
        place=${places[n]:-$((RANDOM % 900 + 1))}
        cat >"$SCRATCH/waiter.sql" <<END
SELECT imat_fault_arm(${place%% *}, 'wait${place#"${place%% *}"}');
BEGIN;
INSERT INTO item (owner, kind, amount, price) VALUES (4, 1, 1000, 1), (4, 17, 1000, 1);
UPDATE item SET kind = 2 WHERE owner = 3 AND id % 7 = 1;
UPDATE kind SET factor = factor + 1 WHERE kind = 3;
COMMIT;
END
        # who holds the lock that is waited for ends with the server
        PGAPPNAME=holder as_user "$PGBIN/psql" -XAtq -c 'SELECT pg_advisory_lock(815), pg_sleep(60)' >/dev/null 2>&1 &
        holder=$!
        eventually eval '[[ $(sql "SELECT count(*) FROM pg_locks WHERE locktype = '\''advisory'\'' AND granted") == 1 ]]'
        as_user "$PGBIN/psql" -XAtq -v ON_ERROR_STOP=1 -f "$SCRATCH/waiter.sql" >/dev/null 2>&1 &
        waiter=$!
        waiting="SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        eventually eval '[[ -n $(sql "$waiting") || ! -d /proc/$waiter ]]'
        pid=$(sql "$waiting")
        if [[ -n $pid ]]; then
            crash "$(how_of $n)" "$pid"
            is "$(how_of $n) while it waits (${place}): undone" 0 "$(on p 'SELECT count(*) FROM item WHERE owner = 4')"
        else
            ok "not that many calls ($place)"
            crash immediate ''
        fi
        wait "$holder" "$waiter"
        is "$(how_of $n) while it waits (${place}): all equal their queries" '' "$(wrong p)"
        on p 'DELETE FROM item WHERE owner = 4'
    done
fi

# --- under load -------------------------------------------------------------------------------------------

for ((n = 0; n < CRASHES; n++)); do
    load
    eventually acknowledged $((RANDOM % 60 + 10))
    if ((n == CRASHES / 2)); then
        on p "INSERT INTO kind VALUES (100, 9, 9)" && on p "SELECT pg_create_restore_point('half')" >/dev/null
        on p "INSERT INTO kind VALUES (101, 9, 9)"
    fi
    backend=''
    eventually eval 'backend=$(backend_of_load); [[ -n $backend ]]'
    crash "$(how_of $n)" "$backend"
    wait "${WRITERS[@]}"
    is "$(how_of $n) under load: all equal their queries" '' "$(wrong p)"
    for owner in 0 1 2; do
        is "$(how_of $n) under load: nothing lost (writer $owner)" 0 "$(lost p "$SCRATCH/acknowledged.$owner")"
    done
done
on p "UPDATE item SET amount = amount + 1"
is "written after recovery: all equal their queries" '' "$(wrong p)"

# --- the standby ------------------------------------------------------------------------------------------

caught_up() { [[ $(on s "SELECT pg_last_wal_replay_lsn() >= '$(on p 'SELECT pg_current_wal_lsn()')'") == t ]]; }
eventually caught_up || not_ok "the standby follows"
is "the standby: all equal their queries" '' "$(wrong s)"
is "the standby: the same rows" "$(on p 'SELECT count(*), sum(amount) FROM item')" "$(on s 'SELECT count(*), sum(amount) FROM item')"

# --- recovery to a point in time --------------------------------------------------------------------------

on p 'SELECT pg_switch_wal()' >/dev/null
cluster_stop "$SCRATCH/p"
as_user rm -f "$SCRATCH/r/data/standby.signal" "$SCRATCH/r/data/postgresql.auto.conf"
as_user touch "$SCRATCH/r/data/recovery.signal"
cluster_start "$SCRATCH/r" "restore_command=cp $SCRATCH/archive/%f %p" recovery_target_name=half recovery_target_action=promote
writable() { [[ $(on r 'SELECT pg_is_in_recovery()') == f ]]; }
eventually writable || not_ok "recovery ends"
is "point in time: the rows of that moment" '100' "$(on r 'SELECT kind FROM kind WHERE kind >= 100')"
is "point in time: all equal their queries" '' "$(wrong r)"
on r "DELETE FROM item WHERE id % 3 = 0; UPDATE kind SET factor = 7; INSERT INTO item (owner, kind, amount, price) VALUES (9, 9, 9, 9)"
is "point in time: maintained from there on" '' "$(wrong r)"
done_testing
