# SPDX-License-Identifier: Apache-2.0
# Ctrl-C and kill during the work: a clean end, seen by the shell as what it was, nothing written.
. "$PA_ROOT/tests/cli/check.sh"

cat >slow.yaml <<END
analysis_name: slow
metrics:
  - metric_name: slow
    marker: $work/started
    components:
      - component_name: ov_circuit
        data_type: weights
steps: [0, 50, 100]
END
for signal in 2 15 1; do
    rm -f started
    command="signal $signal"
    "$PA_HELPERS/signal_when" started $signal "$PICOANALYZE" analyze --config_path slow.yaml --run_path "$run" \
        --output_dir results --threads 2 --plugin "$PA_HELPERS/slow_metric.so" >out 2>err
    status=$?
    expect_status 0 # signal_when: the program died of that signal
    expect_err 'interrupted; nothing was written'
    expect_absent results
    [ "$(grep -c . started)" -lt 40 ] || fail 'the work went on after the signal' # all are 60
done

# Signals that were ignored from the start stay ignored.
rm -f started
command='ignored signal'
(
    trap '' INT
    exec "$PA_HELPERS/signal_when" -k started 2 "$PICOANALYZE" analyze --config_path slow.yaml --run_path "$run" \
        --output_dir results --threads 8 --plugin "$PA_HELPERS/slow_metric.so"
) >out 2>err
status=$?
expect_status 3 # signal_when: the program ended by itself, successfully
expect_file results/slow/results.csv
finish
