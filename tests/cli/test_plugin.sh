# SPDX-License-Identifier: Apache-2.0
# Metrics and components from shared objects: the two examples that users copy, and what is no plugin.
. "$PA_ROOT/tests/cli/check.sh"
metric="$PA_EXAMPLES/custom_metric.so"
component="$PA_EXAMPLES/custom_component.so"
custom="$PA_ROOT/examples/configs/custom.yaml"

pico metrics --plugin "$metric"; expect_status 0; expect_out spectral_gap; expect_out 'position: integer (default 1)'
expect_out cka
pico metrics --markdown --plugin "$metric"; expect_status 0; expect_out '## spectral_gap'; expect_out '| `position` | integer | `1` |'
expect_out '| `largest` | the largest singular value |'
pico components --plugin "$component"; expect_status 0; expect_out head_output; expect_out 'default attention.o_proj'

pico analyze --config_path "$custom" --run_path "$run" --output_dir results --plugin "$metric" --plugin="$component"
expect_status 0
expect_file results/custom/step_50/spectral_gap_val.json
expect_file results/custom/step_50/spectral_gap_val.position=4.json
grep -q '"layers.3.head_output.weights.heads.3": 0\.' results/custom/step_50/spectral_gap_val.json ||
    fail 'no value for the last head'
# What the metric names beside its value.
expect_out '  spectral_gap, in the files also: largest'
grep -q '"layers.3.head_output.weights.heads.3.largest": [0-9]' results/custom/step_50/spectral_gap_val.json ||
    fail 'no named number in JSON'
grep -q ',spectral_gap,largest,' results/custom/results.csv || fail 'no line of a named number in CSV'
grep -q '"outputs": {"largest": [0-9.]*, "spectrum": {"axes": \["position"\], "shape": \[[0-9]*\], "values": \[' \
    results/custom/results.jsonl || fail 'no outputs in JSON lines'
! grep -q spectrum results/custom/results.csv || fail 'an array in CSV'
expect_out 'head_output.weights, val'

# Without the plugins their names are unknown, and the place is given.
pico analyze --config_path "$custom" --run_path "$run" --output_dir none
expect_status 1; expect_err 'custom.yaml:'; expect_err spectral_gap; expect_absent none

# A bare file name is the file here, not one of the system's libraries.
cp "$metric" here.so
pico metrics --plugin here.so; expect_status 0; expect_out spectral_gap

pico metrics --plugin missing.so; expect_status 1; expect_err 'plugin missing.so: '
echo text >text.so
pico metrics --plugin text.so; expect_status 1; expect_err 'plugin text.so: '
pico metrics --plugin "$PA_HELPERS/not_a_plugin.so"; expect_status 1; expect_err 'exports no function pa_plugin_register'
pico metrics --plugin "$metric" --plugin "$metric"; expect_status 1; expect_err spectral_gap
finish
