# shellcheck shell=bash
# What the scripts share: packages, an unprivileged user, a private copy of the tree, a private
# installation of PostgreSQL, throw-away clusters. Sourced by scripts/* and by tests, never run.
#
# Nothing here changes a PostgreSQL that is already installed, nor its extensions, nor its clusters:
# whatever is built, installed and started lives under one scratch directory, which the EXIT trap
# empties after stopping every server that was started from it.
#
# Usage:
#   source scripts/lib.sh
#   scratch_init                      # $SCRATCH, the EXIT trap, $RUN_USER
#   find_postgres                     # $PG_CONFIG, $PG_MAJOR
#   build_private                     # $PREFIX with PostgreSQL and pg_imat in it, $PGBIN
#   cluster_start "$SCRATCH/c" fsync=off shared_buffers=64MB
#   sql 'SELECT 1'                    # as_user psql, unadorned output, stops at the first error
#   cluster_stop "$SCRATCH/c"
#
# A script started by another one (demo and bench by check, tests by check) finds the private
# installation in $PG_IMAT_PREFIX and does not build again.
#
# Settings: PG_CONFIG         the PostgreSQL to use; nothing of PostgreSQL is installed then
#           PG_IMAT_PREFIX    a private installation that has pg_imat in it already
#           TMPDIR            where the scratch directory is made (default /tmp)
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
JOBS=$(nproc 2>/dev/null || echo 2)
export SCRATCH=${SCRATCH:-} RUN_USER=${RUN_USER:-}

say() { printf '%s\n' "$*"; }
die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [[ $EUID -eq 0 ]]; }

# --- packages -----------------------------------------------------------------------------------

package_installed() {
    [[ $(dpkg-query -Wf '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# apt-get without questions. force-confold: we may have written createcluster.conf before its package.
quiet_apt() {
    DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 apt-get -qq -y \
        -o Dpkg::Options::=--force-confold -o Dpkg::Use-Pty=0 "$@" </dev/null
}

apt_updated=false
apt_update_once() {
    $apt_updated && return
    quiet_apt update || say "apt-get update failed; going on with the lists that are here" >&2
    apt_updated=true
}

# Debian's PostgreSQL packages make and start a cluster when they are installed. Nobody here needs
# it, so say so first; where postgresql-common is installed already, its owner has decided.
forbid_main_cluster() {
    package_installed postgresql-common && return
    mkdir -p /etc/postgresql-common
    [[ -e /etc/postgresql-common/createcluster.conf ]] ||
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
}

# need_packages NAME...: install what is missing, or say which command would. Off Debian: nothing,
# the commands themselves are looked for when they are needed.
need_packages() {
    local missing=() package
    have dpkg-query && have apt-get || return 0
    for package; do
        package_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    is_root || die "missing packages; as root: apt-get install ${missing[*]}"
    say "installing ${missing[*]}"
    forbid_main_cluster
    apt_update_once
    quiet_apt install --no-install-recommends "${missing[@]}" >/tmp/pg_imat_apt.$$ 2>&1 || {
        cat /tmp/pg_imat_apt.$$ >&2
        rm -f /tmp/pg_imat_apt.$$
        die "apt-get install ${missing[*]} failed"
    }
    rm -f /tmp/pg_imat_apt.$$
    hash -r
}

need_commands() {
    local missing=() command
    for command; do
        have "$command" || missing+=("$command")
    done
    ((${#missing[@]} == 0)) || die "not found on PATH: ${missing[*]}"
}

# --- which PostgreSQL ---------------------------------------------------------------------------

# The newest complete PostgreSQL in Debian's layout, if there is one.
newest_debian_postgres() {
    local bin
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -t/ -k5,5Vr); do
        [[ ! -x $bin/postgres || ! -x $bin/pg_config ]] || { basename "$(dirname "$bin")"; return; }
    done
}

# The major version that the distribution calls "postgresql".
default_debian_postgres() {
    apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1
}

# Set PG_CONFIG and PG_MAJOR. As root on Debian without PG_CONFIG, PostgreSQL is installed if need be.
find_postgres() {
    local major
    if [[ -z ${PG_CONFIG:-} ]]; then
        major=$(newest_debian_postgres)
        if [[ -z $major ]] && have apt-cache; then
            ! is_root || apt_update_once
            major=$(default_debian_postgres)
        fi
        if [[ -n $major ]]; then
            need_packages "postgresql-$major" "postgresql-client-$major" "postgresql-server-dev-$major"
            PG_CONFIG=/usr/lib/postgresql/$major/bin/pg_config
        else
            PG_CONFIG=$(command -v pg_config) || die "no PostgreSQL found; set PG_CONFIG"
        fi
    fi
    [[ $PG_CONFIG == */* ]] || PG_CONFIG=$(command -v "$PG_CONFIG") || die "PG_CONFIG not found"
    [[ -x $PG_CONFIG ]] || die "PG_CONFIG=$PG_CONFIG is not a program"
    [[ -e $("$PG_CONFIG" --includedir-server)/postgres.h ]] ||
        die "no server headers for $("$PG_CONFIG" --version): install postgresql-server-dev"
    PG_MAJOR=$("$PG_CONFIG" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    export PG_CONFIG PG_MAJOR
}

# --- an unprivileged user -----------------------------------------------------------------------

# A server refuses to run as root. Variables that tests and builds need; everything else stays out, so
# that no test depends on the caller's locale, time zone or PG* settings.
passed_variables=(PG_CONFIG PG_MAJOR MAKEFLAGS CI TERM SCRATCH RUN_USER
    ASAN_OPTIONS UBSAN_OPTIONS PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PG_IMAT_PREFIX PG_IMAT_TREE PGBIN)

# as_user CMD...: run CMD as the unprivileged user, in a clean environment, in $AS_USER_DIR (default:
# the scratch directory; the caller's own may be one that this user cannot enter).
as_user() {
    local clean=(LC_ALL=C.UTF-8 TZ=UTC "HOME=$SCRATCH/home" "TMPDIR=$SCRATCH/tmp"
        "PATH=${PGBIN:+$PGBIN:}/usr/local/bin:/usr/bin:/bin") name drop=()
    for name in "${passed_variables[@]}"; do
        [[ -z ${!name:-} ]] || clean+=("$name=${!name}")
    done
    if is_root; then
        drop=(setpriv "--reuid=$RUN_USER" "--regid=$(id -g "$RUN_USER")" --init-groups)
    else
        clean+=("PATH=${PGBIN:+$PGBIN:}$PATH")
    fi
    (cd "${AS_USER_DIR:-$SCRATCH}" && exec "${drop[@]}" env -i "${clean[@]}" "$@")
}

# own PATH...: give these to the unprivileged user.
own() { ! is_root || chown -R "$RUN_USER:" "$@"; }

choose_user() {
    if ! is_root; then
        RUN_USER=$(id -un)
    elif id postgres >/dev/null 2>&1; then
        RUN_USER=postgres
    else
        RUN_USER=nobody
    fi
}

# --- scratch directory --------------------------------------------------------------------------

# Make $SCRATCH. Its path is kept short: it holds sockets, whose paths must fit in 107 bytes.
scratch_init() {
    choose_user
    SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/pg_imat.XXXXXX")
    mkdir "$SCRATCH/home" "$SCRATCH/tmp" "$SCRATCH/logs"
    : >"$SCRATCH/clusters"
    chmod 755 "$SCRATCH"
    own "$SCRATCH"
    trap scratch_cleanup EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# KEEP_SCRATCH=true leaves everything, servers too, as it is.
KEEP_SCRATCH=false
scratch_cleanup() {
    local status=$? cluster
    trap - EXIT
    if ! $KEEP_SCRATCH; then
        while read -r cluster; do
            cluster_stop "$cluster" || true
        done <"$SCRATCH/clusters"
        ${KEEP_LOGS:-false} || rm -rf --one-file-system "$SCRATCH"
    fi
    exit "$status"
}

# --- the tree, the private installation, the build --------------------------------------------------

# copy_tree DIR: the files git tracks or would track, owned by the unprivileged user. The checkout may
# be root's, may hold objects of another version, and is not ours to write.
copy_tree() {
    mkdir -p "$1"
    if have git && git -c safe.directory='*' -C "$ROOT" rev-parse >/dev/null 2>&1; then
        (
            cd "$ROOT"
            git -c safe.directory='*' ls-files -coz --exclude-standard |
                while IFS= read -rd '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done |
                tar -c --null --files-from=-
        )
    else
        tar -c -C "$ROOT" --exclude='*.o' --exclude='*.d' --exclude='*.so' --exclude=results --exclude=.git .
    fi | tar -x -C "$1" --no-same-owner
    own "$1"
}

# private_prefix DIR: an installation of PostgreSQL that extensions can be installed into by
#   make install DESTDIR=DIR
# PostgreSQL finds its share and lib directories from where its executable is, as long as the three
# stand to each other as configured; Debian's build does so too, for SHAREDIR, PKGLIBDIR and the
# programs beside the server. The programs must be real copies, because a program's place is taken
# after resolving symbolic links; all else is links. (What Debian does compile in, the time zone
# files and libpq's directory, is right where it is.)
private_prefix() {
    local prefix=$1 bin share lib
    bin=$("$PG_CONFIG" --bindir) share=$("$PG_CONFIG" --sharedir) lib=$("$PG_CONFIG" --pkglibdir)
    [[ -x $bin/postgres ]] || die "no server in $bin"
    mkdir -p "$prefix$bin" "$prefix$share" "$prefix$lib"
    cp -L "$bin"/* "$prefix$bin/"
    cp -rs "$share"/. "$prefix$share/"
    find "$lib" -mindepth 1 -maxdepth 1 ! -name bitcode ! -name pgxs -exec cp -rs -t "$prefix$lib" {} +
    # a pg_imat that is installed in the system must not stand in for the one that is built here
    rm -rf "$prefix$lib"/pg_imat* "$prefix$share"/extension/pg_imat*
    own "$prefix"
}

use_prefix() {
    PREFIX=$1
    PGBIN=$PREFIX$("$PG_CONFIG" --bindir)
    [[ -x $PGBIN/postgres ]] || die "no server in $PGBIN"
    export PREFIX PGBIN PG_IMAT_PREFIX=$PREFIX
}

# build_extension TREE [make arguments]
build_extension() {
    local tree=$1
    shift
    AS_USER_DIR=$tree as_user make -s -j"$JOBS" PG_CONFIG="$PG_CONFIG" "$@"
}

install_extension() { # TREE PREFIX [make arguments]
    AS_USER_DIR=$1 as_user make -s install PG_CONFIG="$PG_CONFIG" DESTDIR="$2" "${@:3}"
}

# Build pg_imat in a copy of the tree and install it into a private PostgreSQL, unless our caller has.
build_private() {
    if [[ -z ${PG_IMAT_PREFIX:-} ]]; then
        copy_tree "$SCRATCH/tree"
        private_prefix "$SCRATCH/pg"
        if ! { build_extension "$SCRATCH/tree" && install_extension "$SCRATCH/tree" "$SCRATCH/pg"; } \
            >"$SCRATCH/logs/build" 2>&1; then
            tail -n 60 "$SCRATCH/logs/build" >&2
            die "the build failed"
        fi
        PG_IMAT_PREFIX=$SCRATCH/pg
    fi
    use_prefix "$PG_IMAT_PREFIX"
}

# build_variant MAKE-ARGUMENTS...: the same with a library that is built in another way, for tests; never shared.
# Objects that check has compiled are used again, so the arguments may change how they are linked only.
build_variant() {
    if [[ -n ${PG_IMAT_TREE:-} && -e $PG_IMAT_TREE/pg_imat.so ]]; then
        cp -a "$PG_IMAT_TREE" "$SCRATCH/variant"
        rm "$SCRATCH/variant/pg_imat.so"
    else
        copy_tree "$SCRATCH/variant"
    fi
    own "$SCRATCH/variant"
    private_prefix "$SCRATCH/pg_variant"
    if ! { build_extension "$SCRATCH/variant" "$@" && install_extension "$SCRATCH/variant" "$SCRATCH/pg_variant" "$@"; } \
        >"$SCRATCH/logs/variant" 2>&1; then
        tail -n 60 "$SCRATCH/logs/variant" >&2
        die "the build failed"
    fi
    use_prefix "$SCRATCH/pg_variant"
}

# --- throw-away clusters ----------------------------------------------------------------------------

# cluster_start DIR [setting=value...]: make a cluster and start it, on a unix socket in DIR only; the
# PG* variables point to it from then on. A cluster that exists already is started again.
cluster_start() {
    local dir=$1 setting
    shift
    if [[ ! -d $dir/data ]]; then
        mkdir -p "$dir"
        own "$dir"
        as_user "$PGBIN/initdb" -D "$dir/data" -A trust -N -U postgres -E UTF8 --locale=C.UTF-8 \
            >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; die "initdb failed"; }
        {
            echo "listen_addresses = ''"
            echo "unix_socket_directories = '$dir'"
            echo "port = 5432"
            echo "log_line_prefix = '%m [%p] %q%a '"
            echo "max_prepared_transactions = 10"
        } >>"$dir/data/postgresql.conf"
        ! is_root || chown "$RUN_USER" "$dir/initdb.log"
        echo "$dir" >>"$SCRATCH/clusters"
    fi
    for setting; do
        echo "${setting%%=*} = '${setting#*=}'" >>"$dir/data/postgresql.conf"
    done
    cluster_use "$dir"
    as_user "$PGBIN/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -t 60 start >"$dir/pg_ctl.log" 2>&1 </dev/null || {
        tail -n 40 "$dir/server.log" "$dir/pg_ctl.log" >&2
        die "the server did not start"
    }
}

# cluster_stop DIR [MODE]: quietly nothing if it is not running. A server that ignores a fast
# shutdown for half a minute is stopped at once.
cluster_stop() {
    local dir=$1 mode=${2:-fast}
    [[ -f $dir/data/postmaster.pid ]] || return 0
    as_user "$PGBIN/pg_ctl" -D "$dir/data" -m "$mode" -w -t 30 stop >/dev/null 2>&1 ||
        as_user "$PGBIN/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
}

cluster_use() { export PGHOST=$1 PGPORT=5432 PGUSER=postgres PGDATABASE=postgres; }

# The server must have found itself in the private installation, or tests would run something else.
cluster_is_private() {
    local share
    share=$(sql "SELECT setting FROM pg_config() WHERE name = 'SHAREDIR'")
    [[ $(readlink -f "$share") == "$(readlink -f "$PREFIX$("$PG_CONFIG" --sharedir)")" ]] ||
        die "the server looks for extensions in $share, not under $PREFIX"
}

# sql TEXT [psql arguments]: bare results; an error ends it with a status.
sql() {
    local text=$1
    shift
    as_user "$PGBIN/psql" -XAtq -v ON_ERROR_STOP=1 "$@" -c "$text"
}

psql_script() { as_user "$PGBIN/psql" -Xq -v ON_ERROR_STOP=1 "$@"; }
