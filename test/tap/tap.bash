# shellcheck shell=bash
# For the tests of this directory: ok and not ok lines, and the plan after them. Sourced after scripts/lib.sh. A test
# goes on after a failure, to tell all of them.
set +e
TESTS=0 NOT_OK=0

ok() { # NAME
    TESTS=$((TESTS + 1))
    say "ok $TESTS - $1"
}

not_ok() { # NAME [explanation]
    TESTS=$((TESTS + 1)) NOT_OK=$((NOT_OK + 1))
    say "not ok $TESTS - $1"
    printf '%s\n' "${@:2}" | sed 's/^/#   /'
}

is() { # NAME WANTED FOUND
    if [[ $2 == "$3" ]]; then
        ok "$1"
    else
        not_ok "$1" "$(diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") | head -n 40)"
    fi
}

like() { # NAME PATTERN FOUND
    if [[ $3 =~ $2 ]]; then ok "$1"; else not_ok "$1" "$3"; fi
}

# The IMATs of a database that don't equal their definitions.
differing() { sql "SELECT imat || ' ' || imat.verify(imat) FROM imat.registered WHERE imat.verify(imat) <> 0 ORDER BY 1" -d "$1" 2>&1; }

# eventually COMMAND...: within ten seconds.
eventually() {
    local i
    for ((i = 0; i < 100; i++)); do
        ! "$@" || return 0
        sleep 0.1
    done
    return 1
}

done_testing() {
    say "1..$TESTS"
    exit $((NOT_OK > 0))
}
