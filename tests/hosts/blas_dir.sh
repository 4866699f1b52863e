# SPDX-License-Identifier: Apache-2.0
# To be sourced. blas_dir BUILD: the directory of OpenBLAS' build of that name (pthread, openmp, serial), as Debian
# installs them side by side; fails when it is absent.
blas_dir() {
    for dir in /usr/lib/*/openblas-"$1" /usr/lib/openblas-"$1"; do
        if [ -e "$dir/libopenblas.so.0" ]; then
            echo "$dir"
            return 0
        fi
    done
    return 1
}

# with_blas BUILD COMMAND...: run it with that build instead of the machine's choice.
with_blas() {
    dir=$(blas_dir "$1") || return 1
    shift
    LD_LIBRARY_PATH=$dir${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} "$@"
}
