# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# A small world for the tests of the program: a bank, three terminals, a pcscd of one's own, cards as
# processes. Everything real, everything below the scratch directory, everything ended at the end.
#
# A test is started as: test-NAME STIVER PCSCD-PRIVATE. Every call is bounded in time.
source "$(dirname "${BASH_SOURCE[0]}")/../script/tap.sh"
program=$(realpath "$1")
pcscd_private=$(realpath "$2")
passphrase='five words nobody ever guesses'
export XDG_RUNTIME_DIR=$scratch
unset STIVER_READER_PORT STIVER_READER_PID PCSCLITE_CSOCK_NAME
mkdir "$scratch/pids"
cd "$scratch"

stiver() { timeout 60 "$program" "$@"; }
with_bank() { stiver "$@" --bank bank --passphrase-fd 3 3<<<"$passphrase"; }
# A program of another day: at +8d command...
at() {
    local offset=$1
    shift
    timeout 60 faketime -f "$offset" "$program" "$@"
}

# ---- processes: known by files, so that functions in subshells can end what others began ----

is_ended() {
    [ ! -e "/proc/$1" ] || grep -q '^State:[[:space:]]Z' "/proc/$1/status" 2>/dev/null
}

# Waits up to ten seconds for a command to succeed.
soon() {
    for _ in {1..500}; do
        if "$@"; then return 0; fi
        sleep 0.02
    done
    echo "waited in vain for: $*"
    return 1
}

end_process() { # NAME [SIGNAL]
    local file=$scratch/pids/$1
    [ -e "$file" ] || return 0
    kill "-${2-TERM}" "$(cat "$file")" 2>/dev/null || true
    soon is_ended "$(cat "$file")" && rm -f "$file"
}

end_world() {
    local file
    for file in "$scratch"/pids/*; do
        if [ -e "$file" ]; then end_process "$(basename "$file")" KILL || true; fi
    done
    if [ -n "${STIVER_READER_PID-}" ]; then
        kill "$STIVER_READER_PID" 2>/dev/null || true
        soon is_ended "$STIVER_READER_PID" || true
    fi
    rm -rf "$scratch"
}
trap end_world EXIT

start_pcscd() {
    eval "$(timeout 60 "$pcscd_private" --background)"
    export PCSCLITE_CSOCK_NAME STIVER_READER_PORT
}

# insert IMAGE [OPTIONS...]: the card stays until it is pulled, or removed. Its process is known by
# $slot, 0 if that is not set.
insert() {
    local name=card${slot-0} log
    log=$scratch/$name.log
    remove && : >"$log" || return 1
    "$program" card insert "$@" --slot "${slot-0}" >"$log" 2>&1 3>&- &
    echo $! >"$scratch/pids/$name"
    disown # its end is nothing to report
    soon grep -q 'is in the reader' "$log" || { cat "$log"; return 1; }
}
remove() { end_process "card${slot-0}" "${1-TERM}"; }
# What the service last saw of its reader, which is late where a process was killed.
reader_sees() { "$program" reader list | grep -q "0${slot-0}: $1"; }
again() { insert "${1-purse.card}"; }
# The card was pulled as it was asked for, and its process is gone.
was_pulled() {
    soon is_ended "$(cat "$scratch/pids/card${slot-0}")" &&
        grep -q 'was pulled' "$scratch/card${slot-0}.log" && rm -f "$scratch/pids/card${slot-0}"
}

# ---- parties ----

found() { # DIRECTORY [OPTIONS...]
    stiver bank found "$1" --name 'Test' --currency EUR --test-scheme --passphrase-fd 3 \
        "${@:2}" 3<<<"$passphrase"
}
enrol() { # NAME [OPTIONS...]
    stiver terminal create "$1" --request "$1.enrol" &&
        with_bank bank enrol "$1.enrol" --out "$1.package" "${@:2}" &&
        stiver terminal adopt --terminal "$1" "$1.package"
}
make_card() { # NAME: a blank card in stock, NAME.card
    stiver card create "$1.card" --stock "$1.stock" && with_bank bank stock "$1.stock"
}
personalise() { with_bank personalise --terminal station --pin-letter "${1-purse}.pin" --wait 5; }
load() { with_bank load "$1" --terminal kiosk --wait 5; }
pay() { stiver pay "$@" --terminal pos --wait 5; }
sync() { with_bank terminal sync --terminal "$1"; }

# All of it, up to 20.00 EUR on purse.card, which is out of the reader.
build_world() {
    {
        found bank && enrol station --role station && enrol kiosk --role kiosk --credit 500 &&
            enrol pos --role pos --merchant 7 --limit 50 && start_pcscd && make_card purse &&
            insert purse.card && personalise && load 20 && remove
    } >"$scratch/world.log" 2>&1 || {
        sed 's/^/# /' "$scratch/world.log"
        echo "Bail out! The world could not be built."
        exit 1
    }
}

# ---- what must hold ----

# Refused with this status, in one sentence that says this, and nothing else said:
# refused STATUS TEXT command...
refused() {
    local wanted=$1 text=$2 status=0
    shift 2
    "$@" >"$scratch/said.out" 2>"$scratch/said.err" || status=$?
    echo "status $status"
    cat "$scratch/said.out" "$scratch/said.err"
    [ "$status" -eq "$wanted" ] && [ ! -s "$scratch/said.out" ] &&
        [ "$(wc -l <"$scratch/said.err")" -eq 1 ] && grep -q '^stiver: ' "$scratch/said.err" &&
        grep -qF -- "$text" "$scratch/said.err"
}

# Money on the card in minor units; the card must be in a reader.
on_card() {
    stiver balance --terminal pos --wait 5 --json "$@" |
        jq -r 'select(.event == "balance").balance.minor'
}
holds_money() { # MINOR
    local held
    held=$(on_card)
    echo "on the card: $held"
    [ "$held" = "$1" ]
}
# Entries of a terminal's journal in a state: entries TERMINAL STATE
entries() {
    stiver terminal journal --terminal "$1" --json | jq -s "map(select(.state == \"$2\")) | length"
}
# A command that must leave money and journal as they were: still command...
still() {
    local before after
    before="$(on_card) $(entries pos finished) $(entries pos open)"
    "$@" || return 1
    after="$(on_card) $(entries pos finished) $(entries pos open)"
    echo "before: $before, after: $after"
    [ "$before" = "$after" ]
}
# Everything home, and bank, cards and documents agree.
settled() {
    sync pos && sync kiosk && sync station && with_bank bank books && with_bank bank audit
}
