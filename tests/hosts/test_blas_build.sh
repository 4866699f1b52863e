#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# test_blas_build.sh BUILD NUMBER UNIT_TEST_DIR VALUES: the tests of the BLAS' door on one build of OpenBLAS. NUMBER is
# what the build says of itself. Skipped (77) where the build is not installed.
set -u
. "$(dirname "$0")/blas_dir.sh"
build=$1 number=$2 units=$3 values=$4
if ! blas_dir "$build" >/dev/null; then
    echo "OpenBLAS' $build build is not installed: skipped"
    exit 77
fi
told=$(with_blas "$build" "$values" | sed -n 's/^build //p')
if [ "$told" != "$number" ]; then
    echo "asked for the $build build ($number), got '$told'"
    exit 1
fi
bad=0
for name in threads callers fork memory input limits; do
    with_blas "$build" "$units/test_blas_$name" || { echo "FAILED: $name"; bad=1; }
done
exit $bad
