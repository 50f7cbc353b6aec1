# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of the scripts share: TAP output, a scratch directory, and the tree's root.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
number=0 bad=0

# holds "what must hold" command...
holds() {
    local name=$1 output
    shift
    number=$((number + 1))
    if output=$("$@" 2>&1); then
        echo "ok $number - $name"
    else
        bad=1
        echo "not ok $number - $name"
        echo "# ${output//$'\n'/$'\n'# }"
    fi
}

# Succeeds if the command ends with this status and says this: expect STATUS TEXT command...
expect() {
    local wanted=$1 text=$2 status=0 output
    shift 2
    output=$("$@" 2>&1) || status=$?
    echo "status $status: $output"
    [ "$status" -eq "$wanted" ] && [[ $output == *"$text"* ]]
}

# write FILE: standard input into a file below the scratch directory.
write() {
    mkdir -p "$(dirname "$scratch/$1")"
    cat >"$scratch/$1"
}

finish() {
    echo "1..$number"
    exit $bad
}
