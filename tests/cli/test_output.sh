# SPDX-License-Identifier: Apache-2.0
# When output cannot be written: an error with a text, nothing left behind, earlier results intact.
. "$PA_ROOT/tests/cli/check.sh"

analyze() { pico analyze --config_path "$demo" --run_path "$run" --output_dir results --quiet; }
analyze; expect_status 0
cp -R results before

# A directory where a file must go: the other files of the set stay as they were.
rm results/demo/results.csv
mkdir -p results/demo/results.csv/in_the_way
pico analyze --config_path "$demo" --run_path "$run" --output_dir results --quiet --compat pico
expect_status 1; expect_no_out; expect_err results.csv
expect_no_leftovers results
diff -r before/demo/step_0 results/demo/step_0 >/dev/null || fail 'an earlier result was changed'
cmp -s before/demo/results.jsonl results/demo/results.jsonl || fail 'results.jsonl was changed'

# The output directory cannot be made: known before anything is computed.
echo in the way >blocked
for where in blocked blocked/deeper ./blocked; do
    pico analyze --config_path "$demo" --run_path "$run" --output_dir "$where"
    expect_status 1; expect_no_out; expect_err "$where/demo: cannot be written"
    ! grep -q ' done' err || fail "computed before the output directory was looked at: $(cat err)"
done
mkdir locked && chmod a-w locked
if [ ! -w locked ]; then # root may write everywhere
    pico analyze --config_path "$demo" --run_path "$run" --output_dir locked/deeper
    expect_status 1; expect_no_out; expect_err 'locked: Permission denied'
fi
pico analyze --config_path "$demo" --run_path "$run" --output_dir made//of/several/ --quiet
expect_status 0; expect_file made/of/several/demo/results.csv

# A full disk, as a limit on the size of files: the small files and the journal fit, results.jsonl does not.
# What was computed is kept for --resume, which then only writes.
(
    trap '' XFSZ
    ulimit -f 160
    exec "$PICOANALYZE" analyze --config_path "$demo" --run_path "$run" --output_dir full --quiet
) >/dev/null 2>pipe_err
status=$?; cp pipe_err err; : >out; command='analyze under ulimit -f'
expect_status 1; expect_err 'picoanalyze: '; expect_err full/demo
[ "$(find full -type f)" = full/demo/results.journal ] || fail "left behind: $(find full)"
pico analyze --config_path "$demo" --run_path "$run" --output_dir full --quiet --resume
expect_status 0; expect_out ' 0 B read'
expect_absent full/demo/results.journal
diff -r before full >/dev/null || fail 'the results of --resume differ'

# Not even the journal fits.
(
    trap '' XFSZ
    ulimit -f 1
    exec "$PICOANALYZE" analyze --config_path "$demo" --run_path "$run" --output_dir fuller --quiet
) >/dev/null 2>pipe_err
status=$?; cp pipe_err err; : >out; command='analyze under ulimit -f 1'
expect_status 1; expect_err 'picoanalyze: '; expect_err fuller/demo/results.journal
[ -z "$(find fuller -type f)" ] || fail "left behind: $(find fuller)"

# Standard output that takes nothing.
if [ -w /dev/full ]; then
    for args in "analyze --config_path $demo --run_path $run --output_dir late --quiet" metrics components doctor \
        --help --version "inspect $run"; do
        command="picoanalyze $args >/dev/full"
        # shellcheck disable=SC2086
        "$PICOANALYZE" $args >/dev/full 2>err
        status=$?
        expect_status 1; expect_err 'standard output: No space left on device'
    done
    expect_file late/demo/results.csv # complete all the same: only the summary had no place
fi

# Streams that are closed: no file takes their place, so that what is printed never lands in one.
command='analyze with closed streams'
"$PICOANALYZE" analyze --config_path "$demo" --run_path "$run" --output_dir closed 2>err >&-
status=$?; : >out
expect_status 1; expect_err 'standard output: Bad file descriptor'
diff -r before closed >/dev/null || fail 'other results with standard output closed'
mkdir -p silent/demo/results.csv/in_the_way
for again in '' --resume; do # the second time the journal is the first file to be opened
    # shellcheck disable=SC2086
    "$PICOANALYZE" analyze --config_path "$demo" --run_path "$run" --output_dir silent $again >out 2>&-
    status=$?; : >err
    expect_status 1; expect_file silent/demo/results.journal
done
rm -r silent/demo/results.csv
pico analyze --config_path "$demo" --run_path "$run" --output_dir silent --quiet --resume
expect_status 0; expect_out ' 0 B read'
diff -r before silent >/dev/null || fail 'other results with standard error closed'

# A conversion: no directory, a file in place of one, a directory in place of the file, a disk that is full.
weights=$run/checkpoints/step_0/learning_dynamics/val_weights.pt
for out in nowhere/out.safetensors blocked/out.safetensors results /dev/full; do
    pico convert "$weights" "$out" --force
    expect_status 1; expect_no_out; expect_one_error_line; expect_err "$out"
done

# A reader that goes away.
command='picoanalyze inspect ... | true'
{ sleep 0.3; "$PICOANALYZE" inspect "$run" 2>err; echo $? >code; } | true
: >out; status=$(cat code)
expect_status 1; expect_err 'standard output: Broken pipe'
finish
