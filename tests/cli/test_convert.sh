# SPDX-License-Identifier: Apache-2.0
# Any file of tensors as a safetensors file: the same bits, all or nothing, nothing replaced unasked.
. "$PA_ROOT/tests/cli/check.sh"
data=$PA_ROOT/tests/data

pico convert "$data/torch/views.pt" out.safetensors; expect_status 0; expect_no_err
expect_out_matches '^out\.safetensors: 12 tensors, [0-9.]+ (K|M)?i?B of elements$'
cp out.safetensors first
pico convert "$data/torch/small.pt" out.safetensors; expect_status 1; expect_no_out; expect_one_error_line
expect_err 'out.safetensors: exists already; --force replaces it'
cmp -s first out.safetensors || fail 'the old file has changed'
pico convert --force --quiet "$data/torch/small.pt" out.safetensors; expect_status 0; expect_no_out; expect_no_err
cmp -s first out.safetensors && fail 'the old file is still there'

# A step's own file, entries that are no tensors, what is no file of tensors, and places that cannot be written to.
pico convert "$run/checkpoints/step_50/learning_dynamics/val_weights.pt" weights.safetensors; expect_status 0
pico convert "$data/torch/mixed.pt" mixed.safetensors; expect_status 0; expect_err 'mixed.pt: entries that are no tensors'
pico convert "$data/torch/mixed.pt" none/mixed.safetensors; expect_status 1; expect_err 'none/mixed.safetensors'
pico convert "$run" run.safetensors; expect_status 1; expect_one_error_line; expect_err 'is a directory, not a file'
pico convert missing.pt m.safetensors; expect_status 1; expect_one_error_line; expect_err 'missing.pt: no such file'
pico convert "$run/training_config.yaml" y.safetensors; expect_status 1; expect_err training_config.yaml
pico convert --force "$data/torch/small.pt" /dev/null; expect_status 1; expect_err '/dev/null: is not a regular file'
[ -c /dev/null ] || fail '/dev/null is gone'

# No room: an ignored SIGXFSZ makes write() fail as a full disk does.
command='convert beyond a file size limit'
weights=$run/checkpoints/step_50/learning_dynamics/val_weights.pt
(
    trap '' XFSZ
    ulimit -f 8
    exec "$PICOANALYZE" convert --force "$weights" out.safetensors
) >out 2>err
status=$?
expect_status 1; expect_one_error_line; expect_err 'out.safetensors: write: '
pico inspect weights.safetensors && [ "$status" = 0 ] || expect_err 'install Jansson'
expect_no_leftovers

# Interrupted in the middle of 4 GiB, which the sparse file in does not have on the disk.
awk 'BEGIN { printf "{"; for (i = 0; i < 256; i++) printf "%s\"t%d\":{\"dtype\":\"F32\",\"shape\":[4194304],\"data_offsets\":[%.0f,%.0f]}",
    i ? "," : "", i, i * 16777216, (i + 1) * 16777216; printf "}" }' >header
length=$(wc -c <header)
{ printf "\\$(printf %03o $((length % 256)))\\$(printf %03o $((length / 256)))\\0\\0\\0\\0\\0\\0"; cat header; } >large
truncate -s $((8 + length + 256 * 16777216)) large
if pico inspect large && [ "$status" = 0 ]; then
    command='convert, then SIGTERM'
    "$PICOANALYZE" convert large big.safetensors >out 2>err &
    child=$!
    until ls big.safetensors.*.part >parts 2>/dev/null || ! kill -0 $child 2>/dev/null; do :; done
    kill -TERM $child
    wait $child 2>/dev/null
    status=$?
    expect_status 143 # the shell's way to say: died of SIGTERM
    expect_err 'interrupted; nothing was written'
    [ -s parts ] || fail 'it had not begun'
    expect_absent big.safetensors
    expect_no_leftovers
fi
finish
