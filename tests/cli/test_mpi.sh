# SPDX-License-Identifier: Apache-2.0
# Several processes under mpirun: the files of one process, to the last bit; a rank that dies; errors told once.
. "$PA_ROOT/tests/cli/check.sh"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export TMPDIR="$work" # mpirun keeps sockets there, whose names must be short

# mpi N ARG...: the program as N processes, which leave their numbers in pid.<rank>.
cat >rank.sh <<'END'
#!/bin/sh
echo $$ >"pid.$OMPI_COMM_WORLD_RANK"
exec "$PICOANALYZE" "$@"
END
chmod +x rank.sh
mpi() {
    n=$1
    shift
    command="mpirun -n $n picoanalyze $*"
    timeout 100 mpirun -n "$n" --oversubscribe ./rank.sh "$@" >out 2>err
    status=$?
}

pico analyze --config_path "$demo" --run_path "$run" --output_dir one --quiet
expect_status 0
for n in 1 2 4; do
    mpi $n analyze --config_path "$demo" --run_path "$run" --output_dir "ranks$n" --threads 1 --quiet
    expect_status 0
    diff -r one "ranks$n" >diff.txt || fail "$n ranks: $(head -5 diff.txt)"
    [ "$(grep -c 'values (' out)" -eq 1 ] || fail 'not one summary'
    [ "$(grep -c 'warning: no train gradients at step 100' err)" -eq 1 ] || fail 'not one warning'
done

# What is wrong everywhere is told once, by rank 0.
mpi 3 analyze --config_path nowhere.yaml --run_path "$run"
[ "$status" -eq 1 ] || fail "status $status"
[ "$(grep -c '^picoanalyze: ' err)" -eq 1 ] || fail 'not one line of error'
expect_err 'picoanalyze: nowhere.yaml: '
mpi 3 analyze --help
expect_status 0
[ "$(grep -c '^usage: ' out)" -eq 1 ] || fail 'not one help text'

# A rank is killed in the middle: the others end, --resume does the rest, and the files are those of one process.
cat >slow.yaml <<END
analysis_name: slow
metrics:
  - {metric_name: slow, marker: $work/started, components: [{component_name: ov_circuit, data_type: weights}]}
  - {metric_name: per, components: [{component_name: ov_circuit, data_type: weights}]}
steps: [0, 50, 100]
END
slow="analyze --config_path slow.yaml --run_path $run --threads 1 --quiet --plugin $PA_HELPERS/slow_metric.so"
pico $slow --output_dir whole
expect_status 0
for victim in 0 1; do
    rm -f pid.* started
    command="kill -9 of rank $victim"
    timeout 100 mpirun -n 3 --oversubscribe ./rank.sh $slow --output_dir killed$victim >out 2>err &
    mpirun=$!
    for _ in $(seq 1000); do
        [ -e killed$victim/slow/results.journal ] && break
        sleep 0.01
    done
    kill -9 "$(cat pid.$victim)"
    wait $mpirun
    status=$?
    [ "$status" -ne 0 ] || fail 'mpirun was content'
    expect_err "rank $victim "
    expect_err 'signal 9'
    [ "$victim" -eq 0 ] || expect_err 'picoanalyze: interrupted; the same command with --resume goes on from here'
    expect_file killed$victim/slow/results.journal
    expect_absent killed$victim/slow/results.csv
    : >started
    mpi 2 $slow --output_dir killed$victim --resume
    expect_status 0
    [ "$(grep -c . started)" -lt 60 ] || fail 'all was computed again'
    diff -r whole killed$victim >diff.txt || fail "rank $victim killed: $(head -5 diff.txt)"
done
finish
