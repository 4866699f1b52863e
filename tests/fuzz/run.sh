#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [SECONDS [TARGET...]]: fuzz each target (default: all, 60 s each) with libFuzzer under the address, leak and
# undefined-behaviour sanitizers, on one processor. The last line of each is its executions; what was found is kept in
# build/fuzz/found, the grown corpus in build/fuzz/corpus. The exit code is 0 only if there was no crash, no leak, no
# input over 1 s and never more than 256 MiB.
# run.sh --executions N [TARGET...]: the long run, N executions of each, from the corpus that the above has grown. It
# goes without what makes an execution clever and slow (traces of comparisons, rare features first) and so is about
# five times faster; sanitizers, checks and limits are the same.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
build=build/fuzz
limit=(-max_total_time="${1:-60}" -max_len=8192)
c_args=
if [ "${1:-}" = --executions ]; then
    build=build/fuzz-long
    limit=(-runs="${2:?a number of executions}" -max_len=2048 -entropic=0 -reduce_inputs=0)
    c_args=-fno-sanitize-coverage=trace-cmp,stack-depth,indirect-calls
    shift
fi
[ $# -eq 0 ] || shift
examples/ensure_packages.sh clang-14 libfuzzer-14-dev libc6-dev meson ninja-build pkg-config libopenblas-dev \
    liblapacke-dev libyaml-dev zlib1g-dev libisal-dev libjansson-dev libcurl4-openssl-dev nettle-dev libcmocka-dev || exit 1

mkdir -p build
configure=(meson setup)
[ -f "$build/build.ninja" ] && configure+=(--reconfigure)
if ! { CC=clang-14 "${configure[@]}" "$build" -Dfuzz=enabled -Dtests=enabled -Dexamples=disabled -Dsafetensors=enabled \
    -Dhub=enabled -Dbuildtype=release -Dc_args="$c_args" -Db_sanitize=address,undefined -Db_lundef=false &&
    ninja -C "$build" fuzz; } >"$build.log" 2>&1; then
    tail -n 40 "$build.log"
    echo "the fuzz targets do not build"
    exit 1
fi

targets=("$@")
if [ $# -eq 0 ]; then
    for program in "$build"/tests/fuzz/fuzz_*; do
        [ -f "$program" ] && [ -x "$program" ] && targets+=("${program##*/fuzz_}")
    done
fi
# A small quarantine: what the sanitizer holds back counts as memory of the process. Where memory came from is not kept:
# what is found is run again by itself.
export ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=8:allocator_may_return_null=1:malloc_context_size=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export PA_TEST_DATA=$PWD/tests/data OPENBLAS_NUM_THREADS=1

# Seconds are the wall's, and the machine may be busy: an input is slow if it is so again, by itself.
still_slow() {
    local input slow=1
    for input in "$build/found/$1"-slow-unit-*; do
        [ -f "$input" ] || continue
        if "$build/tests/fuzz/fuzz_$1" -timeout=1 "$input" >>"$build/$1.log" 2>&1; then
            rm -f "$input"
        else
            echo "slow: $input"
            slow=0
        fi
    done
    return $slow
}

bad=0
for target in "${targets[@]}"; do
    corpus=build/fuzz/corpus/$target log=$build/$target.log
    mkdir -p "$corpus" "$build/found"
    inputs=("$corpus" "$build/tests/fuzz/seeds/$target")
    [ -d "tests/fuzz/regressions/$target" ] && inputs+=("tests/fuzz/regressions/$target")
    if nice -n 10 "$build/tests/fuzz/fuzz_$target" "${limit[@]}" -timeout=10 -report_slow_units=1 -rss_limit_mb=256 \
        -dict="tests/fuzz/dictionaries/$target.dict" -artifact_prefix="$build/found/$target-" -print_final_stats=1 \
        "${inputs[@]}" >"$log" 2>&1; then
        result=ok
    else
        tail -n 40 "$log"
        result=FAILED bad=$((bad + 1))
    fi
    still_slow "$target" && result=FAILED bad=$((bad + 1))
    awk -v target="$target" -v result=$result '
        /^stat::number_of_executed_units/ { n = $2 }
        /^stat::average_exec_per_sec/ { rate = $2 }
        /^stat::peak_rss_mb/ { rss = $2 }
        END { printf "%-13s %10d executions, %6d a second, %3d MiB: %s\n", target, n, rate, rss, result }' "$log"
done
[ "$bad" -eq 0 ]
