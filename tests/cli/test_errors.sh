# SPDX-License-Identifier: Apache-2.0
# Bad input: one line that names file, place and reason; status 1; no output.
. "$PA_ROOT/tests/cli/check.sh"

analyze() { pico analyze --config_path "$1" --run_path "$2" --output_dir results; }
expect_refused() {
    expect_status 1
    expect_no_out
    expect_one_error_line
    expect_absent results
}

analyze missing.yaml "$run"; expect_refused; expect_err missing.yaml
analyze "$demo" missing_run; expect_refused; expect_err missing_run
analyze "$demo" "$demo"; expect_refused; expect_err demo.yaml
analyze "$work" "$run"; expect_refused
mkdir empty; analyze "$demo" empty; expect_refused; expect_err 'training_config.yaml: no such file; checkpoints that pico-train did not write need a layout'

sed 's/metric_name: gini/metric_name: ginni/' "$demo" >wrong_metric.yaml
analyze wrong_metric.yaml "$run"; expect_refused
line=$(grep -n ginni wrong_metric.yaml | cut -d: -f1)
expect_err "wrong_metric.yaml:$line:"; expect_err "'gini'"
sed 's/data_split: train/data_spilt: train/' "$demo" >wrong_key.yaml
analyze wrong_key.yaml "$run"; expect_refused; expect_err 'wrong_key.yaml:'; expect_err 'data_split'
printf 'metrics: [\n' >broken.yaml
analyze broken.yaml "$run"; expect_refused; expect_err broken.yaml
sed 's/^steps:.*/steps: [7, 8]/' "$demo" >no_steps.yaml
analyze no_steps.yaml "$run"; expect_refused; expect_err 50
sed 's/target_checkpoint: 100/target_checkpoint: 99/' "$demo" >no_target.yaml
analyze no_target.yaml "$run"; expect_refused; expect_err 99

# A file that was cut off is named; so is one that is something else. What was done before is kept, without results.
expect_stopped() {
    expect_status 1; expect_no_out; expect_one_error_line
    expect_err 'step_50/learning_dynamics/val_weights.pt'; expect_err 'with --resume'
    expect_file results/demo/results.journal
    [ "$(find results -type f | wc -l)" -eq 1 ] || fail 'there is more than the journal'
}
cp -R "$run" copy
weights=copy/checkpoints/step_50/learning_dynamics/val_weights.pt
chmod -R u+w copy
size=$(wc -c <"$weights")
cp "$weights" good
head -c $((size / 2)) "$weights" >cut && cp cut "$weights"
analyze "$demo" copy; expect_stopped
cp good "$weights"
pico analyze --config_path "$demo" --run_path copy --output_dir results --resume --quiet
expect_status 0; expect_file results/demo/results.csv; expect_absent results/demo/results.journal
rm -r results
echo 'not a tensor' >"$weights"
analyze "$demo" copy; expect_stopped
pico inspect "$weights"; expect_status 1; expect_one_error_line; expect_err val_weights.pt

pico inspect missing.pt; expect_status 1; expect_no_out; expect_err missing.pt
pico inspect "$run" --step 7; expect_status 1; expect_err 50
finish
