# SPDX-License-Identifier: Apache-2.0
# The tensors of a run and of a file.
. "$PA_ROOT/tests/cli/check.sh"

pico inspect "$run"; expect_status 0; expect_no_err
expect_out_matches '^run .*: 4 layers, d_model 32, 4 heads, 2 key/value heads$'
expect_out_matches '^ +step +split +kind +name +dtype +shape$'
expect_out_matches '^ +50 +val +weights +.*layers\.0\.swiglu\.w_2.* +f32 +\[32, 128\]$'
expect_out_matches '^ +0 +train +activations +.*layers\.3\.attention\.v_proj'
expect_out_matches '^[0-9]+ tensors in 3 steps, [0-9.]+ [KM]iB of elements$'
all=$(grep -c 'layers\.' out)

pico inspect "$run" --step 100; expect_status 0
expect_out_matches '^ +100 +val +weights'
grep -q '^ *50 ' out && fail '--step 100 lists step 50'
expect_out_matches '^[0-9]+ tensors in 1 step, '
[ "$(grep -c 'layers\.' out)" -lt "$all" ] || fail '--step lists all'

pico inspect "$run/checkpoints/step_0/learning_dynamics/val_gradients.pt"; expect_status 0
expect_out_matches '^ +- +[a-z-]+ +gradients +.*layers\.1\.swiglu\.w_2'
pico inspect "$run/training_config.yaml"; expect_status 1; expect_err training_config.yaml

# Formats of others: a file, an index of several, a step that has a state dict.
data=$PA_ROOT/tests/data/safetensors
if pico inspect "$data/small.safetensors" && [ "$status" = 0 ]; then
    expect_out_matches '^ +- +- +weights +pico_decoder\.layers\.0\.attention\.v_proj\.weight +f32 +\[2, 3\]$'
    pico inspect "$data/model.safetensors.index.json"; expect_status 0
    expect_out_matches '^3 tensors, 48 B of elements$'
    pico inspect "$data/names.safetensors"; expect_status 0 # no escape sequence reaches the terminal
    expect_out_matches '^ +- +- +weights +\?\[31m +f32 +\[1\]$'
    mkdir model && cp "$data"/model* model # shards and their index
    pico inspect model; expect_status 0; expect_out_matches '^3 tensors, 48 B of elements$'
    pico inspect model --step 0; expect_status 1; expect_no_out; expect_err 'model/training_config.yaml: no such file'
    pico convert model one.safetensors; expect_status 0
    pico inspect one.safetensors; expect_status 0; expect_out_matches '^3 tensors, 48 B of elements$'
    rm model/model.safetensors.index.json; pico inspect model; expect_status 1; expect_no_out; expect_one_error_line
    cp -r "$run" with_dict && cp "$data/small.safetensors" with_dict/checkpoints/step_0/model.safetensors
    pico inspect with_dict --step 0; expect_status 0
    expect_out_matches '^ +0 +val +weights +'
    expect_out_matches '^ +0 +- +weights +pico_decoder\.output_norm\.weight +f32 +\[2\]$'
else
    expect_err 'install Jansson'
fi
finish
