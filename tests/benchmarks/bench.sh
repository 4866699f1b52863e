#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench.sh BIN_DIR PICOANALYZE SOURCE_ROOT WORK_DIR [--quick] [PART...]: measures everything in docs/performance.md.
#
# Parts: suite mini open read steps reopen ranks elements. Whole processes, side by side in rounds, medians; nothing is asserted. WORK_DIR
# keeps the generated runs (5 GB; with --quick 1 GB) for the next time. PICOANALYZE_BENCH_RUN and
# PICOANALYZE_BENCH_CONFIG put another run and configuration in the place of those of "mini".
set -eu
bin=$1 picoanalyze=$2 source=$3 here=$3/tests/benchmarks work=$4
shift 4
rounds=7 slow_rounds=3 widths='384 768' many=200 study=200 columns=20000 open_layers=12 read_layers=24 journal=1000
if [ "${1:-}" = --quick ]; then
    shift
    rounds=3 slow_rounds=1 widths=384 many=60 study=40 columns=2000 open_layers=4 read_layers=4 journal=100
fi
parts=${*:-suite mini open read steps reopen ranks elements}
python=/usr/bin/python3
torch=yes
$python -c 'import torch, yaml' 2>/dev/null || torch=no
mkdir -p "$work"

# make_run NAME ARGUMENT...: WORK_DIR/NAME, unless it is there and was made with the same arguments.
make_run() {
    run=$work/$1
    shift
    if [ "$(cat "$run/made_with" 2>/dev/null)" != "$*" ]; then
        rm -rf "$run"
        "$bin/make_run" "$@" --out "$run"
        echo "$*" >"$run/made_with"
    fi
}

# row NAME "WALL PROCESSOR MIB"
row() {
    echo "$2" | awk -v name="$1" '{ printf "  %-28s %8.3f s   %8.3f s of processors   %7.1f MiB\n", name, $1, $2, $3 }'
}

# line N TEXT
line() {
    echo "$2" | sed -n "$1p"
}

# ratio TEXT "WALL PROCESSOR ..." "WALL PROCESSOR ...": the first divided by the second
ratio() {
    echo "$2 $3" | awk -v text="$1" '{ printf "  = %.2f (processor time %.2f) %s\n", $1 / $4, $2 / $5, text }'
}

# analyze CONFIG RUN OUT THREADS: the command, for measure; no blanks in the paths
analyze() {
    echo "$picoanalyze analyze --quiet --threads $4 --config_path $1 --run_path $2 --output_dir $3"
}

# with_torch CONFIG RUN "WALL of this program": the straightforward way, when it is possible
with_torch() {
    if [ $torch = no ]; then
        echo "  no python3-torch here: nothing to compare with"
        return
    fi
    theirs=$("$bin/measure" $slow_rounds $python "$here/baseline.py" "$1" "$2" "$work/theirs" , \
        $python "$here/baseline.py" "$1" "$2" "$work/theirs" pico)
    row 'PyTorch, same matrices' "$(line 1 "$theirs")"
    row "PyTorch, pico-analyze's own" "$(line 2 "$theirs")"
    ratio 'PyTorch, same matrices / picoanalyze, 2 threads' "$(line 1 "$theirs")" "$3"
    ratio "PyTorch, pico-analyze's own / picoanalyze, 2 threads" "$(line 2 "$theirs")" "$3"
}

part_suite() {
    for width in $widths; do
        echo "suite.yaml, d_model $width: one layer, 12 heads, 4 kv heads, 1024 samples, f32"
        make_run "suite-$width" --d_model "$width" --layers 1 --heads 12 --kv_heads 4 --samples 1024 --steps 0,50
        found=$("$bin/measure" $rounds \
            $(analyze "$here/suite.yaml" "$run" "$work/ours" 1) , \
            $(analyze "$here/suite.yaml" "$run" "$work/ours" 2) , \
            "$bin/floor" "$run" 1 , "$bin/floor" "$run" 2)
        row 'picoanalyze, 1 thread' "$(line 1 "$found")"
        row 'picoanalyze, 2 threads' "$(line 2 "$found")"
        row 'floor, 1 thread' "$(line 3 "$found")"
        row 'floor, 2 threads' "$(line 4 "$found")"
        ratio 'picoanalyze / floor, 1 thread' "$(line 1 "$found")" "$(line 3 "$found")"
        ratio 'picoanalyze / floor, 2 threads' "$(line 2 "$found")" "$(line 4 "$found")"
        ratio 'picoanalyze 1 / 2 threads' "$(line 1 "$found")" "$(line 2 "$found")"
        ratio 'floor 1 / 2 threads' "$(line 3 "$found")" "$(line 4 "$found")"
        "$bin/floor" "$run" 1 >"$work/floor.txt"
        awk -f "$here/compare.awk" "$work/floor.txt" "$work/ours/suite/results.csv"
        with_torch "$here/suite.yaml" "$run" "$(line 2 "$found")"
    done
}

part_mini() {
    config=${PICOANALYZE_BENCH_CONFIG:-$here/mini.yaml}
    if [ -n "${PICOANALYZE_BENCH_RUN:-}" ]; then
        run=$PICOANALYZE_BENCH_RUN
    elif [ $torch = yes ]; then # trained here, once: how often pwcca of pico-analyze tries again depends on the data
        run=$work/pico-decoder-mini-1
        if [ ! -f "$run/training_config.yaml" ]; then
            $python "$source/examples/data/make_run.py" mini "$run" >"$work/training.log"
        fi
    else
        make_run mini --d_model 48 --layers 12 --heads 12 --kv_heads 4 --samples 640 --steps 0,50,100 --train
    fi
    echo "$(basename "$config"), $(basename "$run"): a study of a small run, three steps, two layers"
    found=$("$bin/measure" $rounds $(analyze "$config" "$run" "$work/ours" 1) , \
        $(analyze "$config" "$run" "$work/ours" 2))
    row 'picoanalyze, 1 thread' "$(line 1 "$found")"
    row 'picoanalyze, 2 threads' "$(line 2 "$found")"
    with_torch "$config" "$run" "$(line 2 "$found")"
}

part_open() {
    make_run open --d_model 1536 --layers $open_layers --samples 8192 --steps 0 --sparse
    gigabytes=$(du -b -s "$run/checkpoints" | awk '{ printf "%.1f", $1 / 1e9 }')
    echo "opening a step of $gigabytes GB: inspect --step 0"
    row 'picoanalyze inspect' "$("$bin/measure" $rounds "$picoanalyze" inspect --step 0 "$run")"
    row '(picoanalyze --version)' "$("$bin/measure" $rounds "$picoanalyze" --version)"
}

# A run of 1.3 GB of weights as torch writes it, and the same tensors as a safetensors file, which has no check sums.
part_read() {
    make_run read --d_model 2048 --layers $read_layers --heads 16 --kv_heads 16 --samples 64 --steps 0
    weights=$run/checkpoints/step_0/learning_dynamics/val_weights.pt
    "$picoanalyze" convert --quiet --force "$weights" "$run/val_weights.safetensors"
    echo "reading $(du -b "$weights" | awk '{ printf "%.1f", $1 / 1e9 }') GB from the page cache"
    "$bin/read" "$weights" "$run/val_weights.safetensors"
}

# steps_config LAST [LAYERS]: the suite on steps 0 ... LAST
steps_config() {
    sed -e "s/^steps:.*/steps: {start: 0, end: $1, step: 1}/" -e "s/layers: .*/layers: [${2:-0}]/" \
        "$here/suite.yaml" >"$work/steps-$1.yaml"
    echo "$work/steps-$1.yaml"
}

part_steps() {
    last=$((many - 1)) middle=$((many / 2))
    echo "$many steps, suite.yaml at d_model 192, 2 threads"
    make_run many --d_model 192 --layers 1 --heads 12 --kv_heads 4 --samples 256 --steps 0:$last
    found=$("$bin/measure" $slow_rounds $(analyze "$(steps_config 2)" "$run" "$work/ours" 2) , \
        $(analyze "$(steps_config $middle)" "$run" "$work/ours" 2) , \
        $(analyze "$(steps_config $last)" "$run" "$work/ours" 2))
    row "3 steps" "$(line 1 "$found")"
    row "$((middle + 1)) steps" "$(line 2 "$found")"
    row "$many steps" "$(line 3 "$found")"
    echo "$found" | tr '\n' ' ' | awk -v m=$((middle + 1)) -v n=$many '{
        first = ($4 - $1) / (m - 3); second = ($7 - $4) / (n - m)
        printf "  a step: %.2f ms in the first half, %.2f ms in the second\n", 1e3 * first, 1e3 * second
        printf "  = %.2f second / first half\n  = %.2f peak memory of %d / 3 steps\n", second / first, $9 / $3, n
    }'
}

part_reopen() {
    echo "a journal of $journal MB: --resume before it computes anything"
    "$bin/reopen" "$source/examples/data/pico-decoder-nano-1" "$work/reopen" $journal
}

part_ranks() {
    if ! command -v mpirun >/dev/null || ! ldd "$picoanalyze" | grep -q libmpi; then
        echo 'ranks: built without MPI, or no mpirun here'
        return
    fi
    echo "$study steps of two layers, suite.yaml at d_model 384: processes against threads"
    make_run study --d_model 384 --layers 2 --heads 12 --kv_heads 4 --samples 512 --steps 0:$((study - 1))
    config=$(steps_config $((study - 1)) '0, 1')
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 # in a container
    found=$("$bin/measure" $slow_rounds $(analyze "$config" "$run" "$work/ours" 2) , \
        mpirun --oversubscribe -n 4 $(analyze "$config" "$run" "$work/ours" 1))
    row '1 process, 2 threads' "$(line 1 "$found")"
    row '4 ranks, 1 thread each' "$(line 2 "$found")"
    ratio '2 threads / 4 ranks' "$(line 1 "$found")" "$(line 2 "$found")"
}

part_elements() {
    echo "$((columns / 100)) million elements, f32, 1 thread"
    "$bin/elements" $columns
}

processors=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | sort | uniq -c | sed 's/^ *//')
echo "$processors, load $(cut -d' ' -f1 /proc/loadavg)"
for part in $parts; do
    part_$part
done
