# SPDX-License-Identifier: Apache-2.0
# Sourced by the tests: runs the program and checks what came out. Every check that fails is printed; the test fails at
# the end if any did.
set -u
: "${PICOANALYZE:?path of the program}" "${PA_ROOT:?source tree}"
run="$PA_ROOT/examples/data/pico-decoder-nano-1"
demo="$PA_ROOT/examples/configs/demo.yaml"
unset NO_COLOR
failures=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
    printf '  command: %s\n  status: %s\n  stdout: %s\n  stderr: %s\n' "${command:-}" "${status:-}" \
        "$(head -c 2000 out 2>/dev/null)" "$(head -c 2000 err 2>/dev/null)"
}

# pico ARG...: run the program; sets status, writes the files out and err.
pico() {
    command="picoanalyze $*"
    "$PICOANALYZE" "$@" >out 2>err
    status=$?
}

expect_status() { [ "$status" -eq "$1" ] || fail "status $status, expected $1"; }
expect_out() { grep -qF -e "$1" out || fail "stdout lacks '$1'"; }
expect_err() { grep -qF -e "$1" err || fail "stderr lacks '$1'"; }
expect_out_matches() { grep -qE -e "$1" out || fail "stdout lacks a line like '$1'"; }
expect_no_out() { [ ! -s out ] || fail "stdout is not empty"; }
expect_no_err() { [ ! -s err ] || fail "stderr is not empty"; }
expect_file() { [ -s "$1" ] || fail "file $1 is missing or empty"; }
expect_absent() { [ ! -e "$1" ] || fail "$1 exists"; }
expect_one_error_line() {
    [ "$(grep -v '^step ' err | grep -vc 'warning: ')" -eq 1 ] || fail 'not one line of error'
    expect_err 'picoanalyze: '
}
# Nothing that was begun and not finished lies about.
expect_no_leftovers() {
    left=$(find "${1:-.}" -name '*.part' -o -name '*.tmp')
    [ -z "$left" ] || fail "left behind: $left"
}

finish() {
    [ "$failures" -eq 0 ] || { echo "$failures checks failed"; exit 1; }
    exit 0
}
