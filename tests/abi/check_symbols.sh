#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_symbols.sh LIBRARY HEADER_DIR: the library exports exactly the functions that the public headers declare, but
# for pa_plugin_register(), which plugins define.
set -eu
export LC_ALL=C
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nm -D --defined-only "$1" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
    grep -v '^_*\(asan\|odr_asan\|ubsan\|tsan\|gcov\)_' | sort -u >"$work/exported"
cat "$2"/*.h | tr '\n' ' ' | sed 's/;/;\n/g' | sed -n 's/.*PA_API [^(]*\b\(pa_[a-z0-9_]*\)(.*/\1/p' |
    grep -vx pa_plugin_register | sort -u >"$work/declared"
[ -s "$work/declared" ] || { echo "no PA_API function found in $2"; exit 1; }
if ! diff "$work/declared" "$work/exported" >"$work/diff"; then
    sed -n 's/^< /declared but not exported: /p; s/^> /exported but not declared: /p' "$work/diff"
    exit 1
fi
echo "$(wc -l <"$work/declared") functions, each declared and exported"
