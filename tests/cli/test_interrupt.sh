# SPDX-License-Identifier: Apache-2.0
# Ctrl-C and kill during the work: a clean end, seen by the shell as what it was, no results, and the way to go on.
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
    expect_err 'interrupted; '
    expect_absent results/slow/results.csv
    if [ -e results/slow/results.journal ]; then # the first layer of the first step was done
        expect_err 'interrupted; the same command with --resume goes on from here'
    else
        expect_err 'interrupted; nothing was written'
        expect_absent results
    fi
    [ "$(grep -c . started)" -lt 40 ] || fail 'the work went on after the signal' # all are 60
done

# When a layer is done, that is kept, and --resume computes only the rest.
rm -rf started results
command='signal in the middle'
"$PA_HELPERS/signal_when" results/slow/results.journal 2 "$PICOANALYZE" analyze --config_path slow.yaml \
    --run_path "$run" --output_dir results --threads 2 --plugin "$PA_HELPERS/slow_metric.so" >out 2>err
status=$?
expect_status 0
expect_one_error_line
expect_err 'interrupted; the same command with --resume goes on from here'
expect_file results/slow/results.journal
expect_absent results/slow/results.csv
before=$(grep -c . started)
: >started
pico analyze --config_path slow.yaml --run_path "$run" --output_dir results --threads 2 --resume \
    --plugin "$PA_HELPERS/slow_metric.so"
expect_status 0
after=$(grep -c . started)
[ $((before + after)) -ge 60 ] && [ "$after" -le 55 ] || fail "of 60 values $before were computed before and $after after"
[ "$(grep -c . results/slow/results.jsonl)" -eq 60 ] || fail 'not 60 rows'
expect_absent results/slow/results.journal
expect_no_leftovers results

# A journal of something else is not gone on from.
pico analyze --config_path "$demo" --run_path "$run" --output_dir results --quiet
mkdir -p results/slow
"$PA_HELPERS/signal_when" results/slow/results.journal 2 "$PICOANALYZE" analyze --config_path slow.yaml \
    --run_path "$run" --output_dir results --threads 2 --plugin "$PA_HELPERS/slow_metric.so" >out 2>err
sed 's/100\]/]/' slow.yaml >other.yaml
pico analyze --config_path other.yaml --run_path "$run" --output_dir results --resume \
    --plugin "$PA_HELPERS/slow_metric.so"
expect_status 1
expect_one_error_line
expect_err 'results/slow/results.journal: is the journal of another analysis'
pico analyze --config_path other.yaml --run_path "$run" --output_dir results --quiet \
    --plugin "$PA_HELPERS/slow_metric.so"
expect_status 0
expect_absent results/slow/results.journal

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
