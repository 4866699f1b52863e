#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bench_run.sh MEASURE PICOANALYZE SOURCE_ROOT WORK_DIR: a whole analysis, this program and PyTorch side by side.
#
# The run is PICOANALYZE_BENCH_RUN with the configuration PICOANALYZE_BENCH_CONFIG when these are set; otherwise one
# that examples/data/make_run.py trains here once (12 layers, width 48, 12 heads, 640 samples); otherwise, without
# PyTorch, the bundled one, and then there is nothing to compare with.
set -eu
measure=$1 picoanalyze=$2 source=$3 work=$4
python=/usr/bin/python3
config=${PICOANALYZE_BENCH_CONFIG:-$source/tests/benchmarks/bench_run.yaml}
run=${PICOANALYZE_BENCH_RUN:-$work/pico-decoder-mini-1}
mkdir -p "$work"

torch=yes
$python -c 'import torch, yaml' 2>/dev/null || torch=no
if [ ! -f "$run/training_config.yaml" ]; then
    if [ $torch = yes ]; then
        $python "$source/examples/data/make_run.py" mini "$run" >/dev/null
    else
        run=$source/examples/data/pico-decoder-nano-1
        config=$source/examples/configs/demo.yaml
    fi
fi

echo "run $run, configuration $config"
ours=$("$measure" 5 "$picoanalyze" analyze --quiet --config_path "$config" --run_path "$run" --output_dir "$work/ours")
printf '%-24s %8.3f s  %5d MiB  (median of 5)\n' picoanalyze $ours
if [ $torch = no ]; then
    echo "no python3-torch here: nothing to compare with"
    exit 0
fi
theirs=$("$measure" 1 $python "$source/tests/benchmarks/baseline.py" "$config" "$run" "$work/theirs")
printf '%-24s %8.3f s  %5d MiB\n' 'PyTorch, straightforward' $theirs
echo "$ours $theirs" | awk '{ printf "%.0f times faster, %.1f times less memory\n", $3 / $1, $4 / $2 }'
