# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What all scripts share. Sourced, never run: it goes to the root of the tree and sets the names of
# the build directories. STIVER_BUILD moves them out of the tree.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
build=${STIVER_BUILD:-$root/build}
export LC_ALL=C.UTF-8

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# The options of each build: gcc is what ships, sanitized is also the build that clang must accept.
build_options() {
    case $1 in
    gcc) echo "" ;;
    sanitized) echo "-Db_sanitize=address,undefined -Db_lundef=false" ;;
    release) echo "--buildtype=release -Dtests=false -Dbench=true" ;;
    fuzz) echo "-Dtests=false -Dfuzz=true -Db_lundef=false" ;;
    *) die "no build is called '$1'; there are gcc, sanitized, release and fuzz" ;;
    esac
}

build_compiler() {
    case $1 in
    sanitized | fuzz) echo clang ;;
    *) echo gcc ;;
    esac
}

build_dir() {
    if [ "$1" = gcc ]; then echo "$build"; else echo "$build-$1"; fi
}

# Files of the tree that match the patterns, new ones included, built ones not.
source_files() {
    git ls-files --cached --others --exclude-standard -- "$@" | sort -u | while read -r file; do
        if [ -f "$file" ]; then printf '%s\n' "$file"; fi
    done
}

fuzz_targets() {
    local source
    for source in fuzz/fuzz_*.c; do
        if [ -e "$source" ]; then basename "$source" .c; fi
    done
}
