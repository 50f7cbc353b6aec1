# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the poisoned runs share: the rooms compiled by one compiler at one optimisation, a run under
# memcheck, and what of its reports no decision explains. Sourced with the arguments
#     compiler optimisation library...
# where the libraries are the build's: they hold the tests, and what no secret passes through.
source "$(dirname "${BASH_SOURCE[0]}")/../script/tap.sh"
compiler=$1 optimisation=$2
shift 2
libraries=()
for library; do
    libraries+=("$(realpath "$library")")
done
cd "$root"

# Whatever a secret passes through: compiled anew for each variant.
passed_by=(src/base/bytes.c src/base/crc32.c src/crypto/crypto.c src/channel/*.c src/card/core/*.c
    src/card/purse/{ledger,personalise,pin}.c)
# See poison.h.
poison_wraps=(stiver_card_manufacture stiver_card_power_on stiver_card_transmit bytes_equal_ct
    bytes_are_zero crypto_random crypto_generate crypto_agree crypto_sign secure_unwrap_command
    pin_draw psa_import_key psa_sign_hash psa_verify_hash)

# compile OUTPUT SOURCE: with line numbers that this valgrind reads of both compilers.
compile() {
    "$compiler" -c -std=c11 "$optimisation" -gdwarf-4 -fstack-protector-strong -Isrc -Iinclude \
        -Itests/card -o "$1" "$2"
}

compile_all() {
    local source
    mkdir -p "$scratch/objects"
    for source in "${passed_by[@]}"; do
        compile "$scratch/objects/${source//\//_}.o" "$source" || return 1
    done
}

# link_to OUTPUT MAIN: MAIN is the name of the library with the main program.
link_to() {
    local library main=
    for library in "${libraries[@]}"; do
        [[ $library != */lib$2.a ]] || main=$library
    done
    "$compiler" -o "$1" "$main" "$scratch"/objects/*.o -Wl,--start-group \
        "${libraries[@]}" -Wl,--end-group "${poison_wraps[@]/#/-Wl,--wrap=}" -lmbedcrypto -lcmocka
}

# memcheck PROGRAM ARGUMENT...: runs it; its reports are in $scratch/reports.
memcheck() {
    valgrind -q --error-limit=no --num-callers=8 --fullpath-after="$root/" \
        --suppressions="$root/tests/secrets/library.supp" --log-file="$scratch/reports" "$@"
}

# Each report as `path:line`: the first of our own lines in it, or `nowhere` with its headline. What
# the build compiled inside the tree is named from its own directory: build/../tests/...
report_lines() {
    awk '/^==[0-9]+== (More than 100 errors|will still be recorded)/ { next }
         /^==[0-9]+== [^ ]/ { if (open) print "nowhere: " open; open = $0; next }
         open && match($0, /\(([^()]*\.\.\/)?(src|tests)\/[^)]*\)$/) {
             place = substr($0, RSTART + 1, RLENGTH - 2); sub(/.*\.\.\//, "", place)
             print place; open = "" }
         END { if (open) print "nowhere: " open }' "$scratch/reports"
}

# Prints every report whose line is no decision of decisions.txt.
undocumented() {
    local place path text decision found
    while read -r place; do
        path=${place%%:*} found=
        text=$(sed -n "${place##*:}p" "$path" 2>/dev/null || true)
        while IFS='|' read -r file decision _; do
            [ "$file" != "$path" ] || [[ $text != *"$decision"* ]] || found=yes
        done < <(grep -v '^#' tests/secrets/decisions.txt)
        [ -n "$found" ] || echo "$place: $text"
    done < <(report_lines | sort -u)
}

# run_clean NAME: the program does what it should, and shows nothing that is not listed.
run_clean() {
    local left
    link_to "$scratch/$1" "$1" && memcheck "$scratch/$1" || return 1
    left=$(undocumented)
    echo "$left"
    [ -z "$left" ]
}
