# SPDX-License-Identifier: Apache-2.0
# The n-th read, write, flush or rename of an analysis fails, for growing n until there is no such call: one line of
# error, or the whole result; --resume afterwards gives the same files, to the last bit.
. "$PA_ROOT/tests/cli/check.sh"

cat >study.yaml <<END
analysis_name: study
metrics:
  - {metric_name: gini, components: [{component_name: ov_circuit, data_type: weights, layers: [0]}]}
steps: [0, 50]
END
analyze() { pico analyze --config_path study.yaml --run_path "$run" --output_dir "$@" --threads 1 --quiet; }

analyze whole
expect_status 0

# faulty CALL ERRNO survives|fails
faulty() {
    at=1
    while :; do
        rm -rf broken fired
        command="call $at of $1, error $2"
        PA_FAULT_CALL=$1 PA_FAULT_AT=$at PA_FAULT_ERRNO=$2 PA_FAULT_FIRED=$work/fired LD_PRELOAD=$PA_FAULTS \
            timeout 60 "$PICOANALYZE" analyze --config_path study.yaml --run_path "$run" --output_dir broken \
            --threads 1 --quiet >out 2>err
        status=$?
        [ -e fired ] || break
        case $status in
        0) diff -r whole broken >diff.txt || fail "a success with other files: $(head -3 diff.txt)" ;;
        124 | 13?) fail 'hangs or crashes' ;;
        *)
            [ "$3" = fails ] || fail 'need not have failed'
            [ "$(grep -c '^picoanalyze: ' err)" -eq 1 ] || fail 'not one line of error'
            ;;
        esac
        analyze broken --resume
        expect_status 0
        diff -r whole broken >diff.txt || fail "call $at of $1, error $2, then --resume: $(head -3 diff.txt)"
        at=$((at + 1 + at / 4))
    done
    [ "$at" -gt 1 ] || fail "there is no call of $1"
}

faulty pread 5 fails     # EIO
faulty pread 4 survives  # EINTR
faulty pread 0 survives  # a short read
faulty write 28 fails    # ENOSPC
faulty write 4 survives
faulty write 0 survives
faulty pwrite 28 fails
faulty pwrite 0 survives
faulty fsync 5 fails
faulty rename 5 fails
finish
