#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [--kills N] [--share X] [BUILD_DIR]: kills an analysis at N random points (default: 1000) and at each of its
# calls on files, then loses the power after X of the calls of analyses and conversions (default: 1, all) in every way
# that disk.py knows. Each ends with a line of its numbers; the exit code is 0 only if all is well. Without BUILD_DIR,
# build/faults is made.
set -eu
kills=1000 share=1
while [ $# -gt 1 ]; do
    case $1 in
    --kills) kills=$2 ;;
    --share) share=$2 ;;
    *) break ;;
    esac
    shift 2
done
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$root/build/faults}
if [ $# -eq 0 ]; then
    mkdir -p "$root/build"
    [ -f "$build/build.ninja" ] ||
        meson setup "$build" "$root" -Dtests=enabled -Dexamples=enabled -Ddocs=disabled >"$build.log"
    ninja -C "$build" >"$build.log" || { tail -n 40 "$build.log"; exit 1; }
fi
program=$build/examples/picoanalyze/picoanalyze shims=$build/tests/faults
export PYTHONDONTWRITEBYTECODE=1
bad=0
python3 "$root/tests/faults/kills.py" "$program" "$root" "$build/tests/cli/slow_metric.so" "$shims/failing_calls.so" \
    "$kills" each || bad=1
python3 "$root/tests/faults/power_loss.py" "$program" "$root" "$shims/record_calls.so" "$shims/failing_calls.so" \
    "$share" || bad=1
exit $bad
