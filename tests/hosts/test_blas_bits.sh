#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_blas_bits.sh VALUES: every build of OpenBLAS that is installed gives the same bits. Skipped (77) when there is
# only one.
set -eu
. "$(dirname "$0")/blas_dir.sh"
values=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
first=
n=0
for build in pthread openmp serial; do
    blas_dir "$build" >/dev/null || { echo "OpenBLAS' $build build is not installed"; continue; }
    with_blas "$build" "$values" | grep -v '^build ' >"$work/$build"
    [ -s "$work/$build" ]
    n=$((n + 1))
    first=${first:-$build}
    if ! diff "$work/$first" "$work/$build"; then
        echo "the $first and the $build build differ"
        exit 1
    fi
done
[ "$n" -gt 1 ] || exit 77
echo "$n builds, $(wc -l <"$work/$first") values, no bit differs"
