#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh [OUTPUT_DIR]: from a fresh Debian or Ubuntu to numbers. Installs what is missing, builds, and analyses
# the run that the repository carries: 4 layers, trained for 100 steps (examples/data/make_run.py).
set -eu
cd "$(dirname "$0")/.."
out=${1:-analysis_results}

examples/ensure_packages.sh gcc libc6-dev meson ninja-build pkg-config libopenblas-dev liblapacke-dev libyaml-dev \
    zlib1g-dev libisal-dev libjansson-dev libcurl4-openssl-dev nettle-dev

build=build/release
echo "Building into $build ..."
[ -f $build/build.ninja ] || meson setup -Dbuildtype=release -Dwerror=false -Dtests=disabled $build >/dev/null
ninja -C $build --quiet

$build/examples/picoanalyze/picoanalyze analyze --config_path examples/configs/demo.yaml \
    --run_path examples/data/pico-decoder-nano-1 --output_dir "$out"

echo
echo "And with everything there is, every metric, component and target, without the table:"
$build/examples/picoanalyze/picoanalyze analyze --quiet --config_path examples/configs/everything.yaml \
    --run_path examples/data/pico-decoder-nano-1 --output_dir "$out"

cat <<END

Your own run:     $build/examples/picoanalyze/picoanalyze analyze --config_path C.yaml --run_path RUN
What a file has:  $build/examples/picoanalyze/picoanalyze inspect FILE
First steps:      docs/tutorial_first_analysis.md
END
