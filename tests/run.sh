#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [STAGE...]: install what is missing, build with everything on, run the suite in every way that finds bugs.
# Stages: debug, release (optimised: other warnings, other bugs; without ISA-L), asan (address and undefined behaviour), tsan (threads),
# each with all tests, and valgrind (unit tests). Default: all of them.
# The last line is "N passed, N failed", summed over the stages; the exit code is 0 only if none failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
stages=("$@")
[ $# -gt 0 ] || stages=(debug release asan tsan valgrind)

examples/ensure_packages.sh gcc g++ libc6-dev meson ninja-build pkg-config libopenblas-dev liblapacke-dev libyaml-dev \
    zlib1g-dev libisal-dev libjansson-dev libcurl4-openssl-dev nettle-dev python3 openssl libcmocka-dev valgrind doxygen libopenmpi-dev openmpi-bin libopenblas0-openmp \
    libopenblas0-serial || exit 1

passed=0 failed=0

# build NAME MESON_OPTION...: configure and compile build/NAME; counts as one failed test when it does not.
build() {
    local name=$1 log
    shift
    log=build/$name.log
    mkdir -p build
    local configure=(meson setup)
    [ -f "build/$name/build.ninja" ] && configure+=(--reconfigure)
    if ! { "${configure[@]}" "build/$name" -Dtests=enabled -Dexamples=enabled -Dmpi=enabled "$@" &&
        ninja -C "build/$name"; } >"$log" 2>&1; then
        tail -n 40 "$log"
        echo "$name: does not build"
        failed=$((failed + 1))
        return 1
    fi
}

# suite STAGE BUILD MESON_TEST_OPTION...: run tests and add meson's own counts to ours.
suite() {
    local stage=$1 name=$2 log ok bad
    shift 2
    log=build/$stage.log
    meson test -C "build/$name" --no-rebuild --print-errorlogs "$@" >"$log" 2>&1
    local code=$?
    ok=$(sed -n 's/^\(Ok\|Expected Fail\): *\([0-9]*\).*/\2/p' "$log" | awk '{n += $1} END {print n + 0}')
    bad=$(sed -n 's/^\(Fail\|Unexpected Pass\|Timeout\): *\([0-9]*\).*/\2/p' "$log" | awk '{n += $1} END {print n + 0}')
    # A run that ends without having tested anything, or fails without saying what, is a failure too.
    if [ "$bad" -eq 0 ] && { [ "$code" -ne 0 ] || [ "$ok" -eq 0 ]; }; then
        bad=1
    fi
    [ "$bad" -eq 0 ] || cat "$log"
    printf '%-9s %4d passed, %d failed, %d s\n' "$stage:" "$ok" "$bad" $((SECONDS - started))
    passed=$((passed + ok)) failed=$((failed + bad))
}

export ASAN_OPTIONS=halt_on_error=1:abort_on_error=1:detect_leaks=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:abort_on_error=1:print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:abort_on_error=1:suppressions=$PWD/tests/support/tsan.supp
memcheck="valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect,possible"
memcheck="$memcheck --suppressions=$PWD/tests/support/valgrind.supp"

for stage in "${stages[@]}"; do
    started=$SECONDS
    case $stage in
    debug) build debug -Ddocs=enabled && suite debug debug ;;
    release) build release-tested -Dbuildtype=release -Disal=disabled && suite release release-tested ;;
    asan) build asan -Db_sanitize=address,undefined -Db_lundef=false && suite asan asan --timeout-multiplier 2 ;;
    tsan)
        # ThreadSanitizer of gcc 12 cannot place its shadow memory under strong address randomisation.
        build tsan -Db_sanitize=thread -Db_lundef=false &&
            suite tsan tsan --timeout-multiplier 4 --wrap "setarch $(uname -m) -R"
        ;;
    valgrind)
        build debug -Ddocs=enabled &&
            suite valgrind debug --suite unit --timeout-multiplier 8 --wrap "$memcheck"
        ;;
    *)
        echo "run.sh: unknown stage '$stage': debug, release, asan, tsan or valgrind" >&2
        exit 2
        ;;
    esac
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
