# SPDX-License-Identifier: Apache-2.0
# Faster kernels: said by doctor, taken by analyze with one restart, never against the user's own setting.
. "$PA_ROOT/tests/cli/check.sh"
START_LOG=$work/starts
ASAN_OPTIONS=verify_asan_link_order=0:${ASAN_OPTIONS:-}
export START_LOG ASAN_OPTIONS
unset OPENBLAS_CORETYPE

# starts EXPECTED ARG...: run with the fake processor; the starts must be those expected.
starts() {
    expected=$1
    shift
    rm -f "$START_LOG"
    command="picoanalyze $* (preloaded)"
    LD_PRELOAD="$PA_HELPERS/fake_runtime.so" "$PICOANALYZE" "$@" >out 2>err
    status=$?
    [ "$(tr '\n' ' ' <"$START_LOG")" = "$expected" ] || fail "starts: $(tr '\n' ' ' <"$START_LOG"), expected $expected"
}

starts 'start unset ' doctor
expect_status 0; expect_out 'OPENBLAS_CORETYPE=Haswell'; expect_out Prescott
starts 'start unset start Haswell ' analyze --config_path "$demo" --run_path "$run" --output_dir results --quiet
expect_status 0; expect_file results/demo/results.csv
starts 'start unset ' analyze --help
expect_status 0
starts 'start unset start Haswell ' analyze --config_path missing.yaml --run_path "$run"
expect_status 1; expect_err missing.yaml
OPENBLAS_CORETYPE=Prescott
export OPENBLAS_CORETYPE
starts 'start Prescott ' analyze --config_path "$demo" --run_path "$run" --output_dir results --quiet
expect_status 0
finish
