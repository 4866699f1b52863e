# SPDX-License-Identifier: Apache-2.0
# kill -9 at random points of an analysis: --resume gives the same files, to the last bit.
. "$PA_ROOT/tests/cli/check.sh"

cat >study.yaml <<END
analysis_name: study
metrics:
  - metric_name: slow
    marker: $work/started
    milliseconds: 2
    components: [{component_name: ov_circuit, data_type: weights}]
  - {metric_name: cka, target_checkpoint: 100, components: [{component_name: ov_circuit, data_type: activations}]}
  - {metric_name: per, data_split: train, components: [{component_name: ov_circuit, data_type: gradients}]}
  - {metric_name: gini, components: [{component_name: ov_circuit, data_type: weights}]}
steps: [0, 50, 100]
END

analyze() {
    pico analyze --config_path study.yaml --run_path "$run" --output_dir "$@" --threads 2 --quiet \
        --plugin "$PA_HELPERS/slow_metric.so"
}

# What an interrupted analysis must come to, and how long it takes.
begin=$(date +%s%N)
analyze whole
expect_status 0
duration=$((($(date +%s%N) - begin) / 1000))
expect_absent whole/study/results.journal
all=$(grep -c . started)

# --resume with nothing to go on from computes everything.
analyze absent --resume
expect_status 0
diff -r whole absent >diff.txt || fail "--resume without a journal: $(head -5 diff.txt)"

# Each seed gives a point; every third study is killed three times before it may end.
resumed=0
for seed in $(seq 1 36); do
    rm -rf killed
    : >started
    kills=$(awk -v seed="$seed" -v d="$duration" 'BEGIN {
        srand(seed); n = seed % 3 == 0 ? 3 : 1
        for (i = 0; i < n; i++) printf "%.6f\n", 1.1 * rand() * d / n / 1e6 }')
    for seconds in $kills; do
        "$PICOANALYZE" analyze --config_path study.yaml --run_path "$run" --output_dir killed --threads 2 --quiet \
            --plugin "$PA_HELPERS/slow_metric.so" --resume >out 2>err &
        sleep "$seconds"
        kill -9 $! 2>>/dev/null
        wait $! 2>>/dev/null
    done
    : >started
    [ -s killed/study/results.journal ] && journal=1 || journal=0
    analyze killed --resume
    expect_status 0
    [ $journal -eq 0 ] || [ "$(grep -c . started)" -ge "$all" ] || resumed=$((resumed + 1))
    find killed -name '*.part' -exec rm {} + # of a killed export
    diff -r whole killed >diff.txt || fail "seed $seed: $(head -5 diff.txt)"
done
[ "$resumed" -gt 0 ] || fail 'no analysis was resumed in its middle'
finish
