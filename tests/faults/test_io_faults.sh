# SPDX-License-Identifier: Apache-2.0
# The k-th call of each kind fails, for every k until there is no such call, once or from then on: one line of error that
# names the file and the reason, with all that was there before intact, or the very results. Without the fault the
# same command, with or without --resume, then gives the very results.
. "$PA_ROOT/tests/cli/check.sh"

cat >"$work/study.yaml" <<END
analysis_name: study
metrics:
  - {metric_name: gini, components: [{component_name: ov_circuit, data_type: weights, layers: [0]}]}
steps: [0, 50]
END
mkdir run_copy empty
cp "$run/training_config.yaml" run_copy
for step in 0 50; do
    mkdir -p "run_copy/checkpoints/step_$step/learning_dynamics"
    cp "$run/checkpoints/step_$step/learning_dynamics/val_weights.pt" "run_copy/checkpoints/step_$step/learning_dynamics"
done
run=$work/run_copy
file=$run/checkpoints/step_0/learning_dynamics/val_weights.pt

# with_fault CALL AT ERRNO once|ever PATTERN COMMAND...
with_fault() {
    export PA_FAULT_CALL="$1" PA_FAULT_AT="$2" PA_FAULT_ERRNO="$3" PA_FAULT_PATH="$5" PA_FAULT_FIRED="$work/fired"
    [ "$4" = once ] || export PA_FAULT_EVER=1
    shift 5
    LD_PRELOAD=$PA_FAULTS timeout 60 "$@" >out 2>err
    status=$?
    unset PA_FAULT_CALL PA_FAULT_EVER
}

analyze() { set -- "$PICOANALYZE" analyze --config_path "$work/study.yaml" --run_path "$run" --threads 1 --quiet "$@"; "$@" >out 2>err; status=$?; }

# What all must come to; an earlier result of the same names; that with the journal of half the work.
analyze --output_dir whole
expect_status 0
analyze --output_dir earlier --compat pico
expect_status 0
sed -i 's/^/earlier /' earlier/study/*.* earlier/study/*/*
cp -R earlier half
with_fault pwrite 3 5 ever '*' "$PICOANALYZE" analyze --config_path "$work/study.yaml" --run_path "$run" --threads 1 --quiet \
    --output_dir half
expect_status 1
expect_file half/study/results.journal
kept=$(wc -c <half/study/results.journal)
"$PICOANALYZE" convert "$file" whole.safetensors --quiet
"$PICOANALYZE" inspect "$run" >whole.txt
echo earlier >earlier.safetensors

# Each case makes its beginning, the command, and what is to be seen afterwards.
begin() {
    rm -rf fired broken broken.safetensors
    case $1 in
    resume) cp -R half broken ;;
    anew) cp -R empty broken ;;
    convert) cp earlier.safetensors broken.safetensors ;;
    esac
}
command_of() {
    case $1 in
    resume) echo "analyze --config_path $work/study.yaml --run_path $run --threads 1 --quiet --output_dir $work/broken --resume" ;;
    anew) echo "analyze --config_path $work/study.yaml --run_path $run --threads 1 --quiet --output_dir $work/broken/new" ;;
    convert) echo "convert $file $work/broken.safetensors --force --quiet" ;;
    inspect) echo "inspect $run" ;;
    esac
}
expect_result() {
    case $1 in
    resume) diff -r whole broken >diff.txt || fail "other files: $(head -3 diff.txt)" ;;
    anew) diff -r whole broken/new >diff.txt || fail "other files: $(head -3 diff.txt)" ;;
    convert) cmp -s whole.safetensors broken.safetensors || fail 'another file' ;;
    inspect) cmp -s whole.txt out || fail 'another list' ;;
    esac
}
# With "late", the fault may have come while files were renamed: each of them is the old or the new one.
expect_intact() {
    case $1 in
    resume)
        for old in $(cd earlier && find . -type f); do
            cmp -s "earlier/$old" "broken/$old" || { [ "$2" = late ] && cmp -s "whole/$old" "broken/$old"; } ||
                fail "$old is neither what it was nor what it should be"
        done
        head -c "$kept" broken/study/results.journal | cmp -s - half/study/results.journal ||
            fail 'the journal has lost what was in it'
        ;;
    anew) [ "$2" = late ] || [ -z "$(find broken -name '*.json*' -o -name '*.csv')" ] || fail "there are results" ;;
    convert) cmp -s earlier.safetensors broken.safetensors || [ "$2" = late ] || fail 'the earlier file is not intact' ;;
    esac
    expect_no_leftovers .
}
expect_reason() {
    case $1 in
    5) expect_err 'Input/output error' ;;
    13) expect_err 'Permission denied' ;;
    24) expect_err 'Too many open files' ;;
    -28 | 28) expect_err 'No space left on device' ;;
    -122) expect_err 'Disk quota exceeded' ;;
    esac
}

# faulty CASE CALL ERRNO once|ever fails|survives|either|dies [PATTERN [late]]
points=0
faulty() {
    at=1
    while :; do
        begin "$1"
        # shellcheck disable=SC2046
        with_fault "$2" $at "$3" "$4" "${6:-$work/*}" "$PICOANALYZE" $(command_of "$1")
        command="$1 with fault in call $at of $2, error $3, $4, pattern ${6:-}"
        [ -e fired ] || break
        case $status in
        0)
            [ "$5" != fails ] || fail 'should have failed'
            expect_result "$1"
            ;;
        1)
            [ "$5" != survives ] || fail 'need not have failed'
            [ "$(grep -c . err)" -eq 1 ] || fail 'not one line of error'
            expect_err "$(sed 's/\.[0-9]*-[0-9]*\.part$//' fired)"
            expect_reason "$3"
            expect_intact "$1" "${7:-}"
            ;;
        137)
            [ "$5" = dies ] || fail 'was killed'
            find . -name '*.part' -exec rm {} + # what a killed program leaves
            expect_intact "$1" late
            ;;
        *) fail 'hangs or crashes' ;;
        esac
        again=$(command_of "$1")
        [ $((at % 2)) -eq 0 ] || again=${again% --resume}
        # shellcheck disable=SC2086
        LD_PRELOAD=$PA_FAULTS pico $again
        expect_status 0
        expect_result "$1"
        at=$((at + 1))
        [ "$4 $5" != 'ever survives' ] || [ $at -le 2 ] || break # every other call fails: these, or those
    done
    [ "$at" -gt 1 ] || fail "there is no such call"
    points=$((points + at - 1))
}

for case in resume anew convert inspect; do
    faulty $case open 24 ever fails '*[lt]'
    faulty $case open 4 ever survives
    faulty $case stat 5 once either
    faulty $case close 5 once survives '*.pt'
    faulty $case pread 4 ever survives
    faulty $case pread 0 ever survives
done
for case in resume anew inspect; do
    faulty $case opendir 24 once fails
    faulty $case readdir 5 once fails
    faulty $case readdir 5 ever fails
done
for case in resume anew convert; do
    faulty $case write -28 once fails
    faulty $case write -122 ever fails
    faulty $case write 4 ever survives
    faulty $case write 0 ever survives
    faulty $case fsync 5 once fails '*.part'
    faulty $case fsync 4 ever survives
    faulty $case close 5 once fails '*.part'
    faulty $case close 4 once survives
    faulty $case rename 5 once fails '*' late
    faulty $case rename 13 ever fails '*' late
done
faulty resume open 5 once fails '*[lt]' # all but directories, which are flushed when the files have their names
faulty resume open 13 once fails '*[lt]'
faulty resume open 5 once fails "$work/broken*[!lt]" late
faulty resume fsync 5 once fails "$work/broken*[!lt]" late
faulty anew fsync 5 once fails "$work/broken*[!lt]" late
faulty resume pwrite 28 ever fails
faulty anew pwrite -28 ever fails
faulty anew pwrite 4 ever survives
faulty anew pwrite 0 ever survives
faulty anew mkdir 5 once either "$work/broken/new*"
faulty anew mkdir 28 ever either "$work/broken/new*"
faulty resume ftruncate 5 once fails
faulty resume ftruncate 4 ever survives
faulty resume lock 4 ever survives
faulty resume access 13 once either
faulty resume close 5 once survives '*.journal'
faulty inspect pread 5 once fails
faulty convert pread 5 once fails
faulty convert fstat 5 ever fails
faulty resume fstat 5 once fails
faulty resume pread 5 ever fails

# kill -9 before the k-th call of each kind that leaves something behind, and after half of a write.
for call in open pwrite ftruncate write fsync close rename unlink mkdir; do
    case $call in mkdir) case=anew ;; *) case=resume ;; esac
    faulty $case $call 1000 once dies "$work/broken*"
done
faulty anew pwrite 1000 once dies
faulty anew pwrite -1000 once dies
faulty resume pwrite -1000 once dies
for call in open write fsync close rename; do
    faulty convert $call 1000 once dies '*.safetensors*'
done

# Results are complete; only that the journal stays is told.
begin resume
# shellcheck disable=SC2046
with_fault unlink 1 5 once '*.journal' "$PICOANALYZE" $(command_of resume)
command='unlink of the journal'
expect_status 0
expect_err 'warning: '
expect_err 'results.journal: cannot be removed: Input/output error'
rm broken/study/results.journal
expect_result resume
echo "$points points"
finish
