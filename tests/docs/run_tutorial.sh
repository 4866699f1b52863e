#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run_tutorial.sh TUTORIAL.md SOURCE_ROOT BUILD_ROOT CC_FLAGS: do what a tutorial says and see what it says one sees.
#
# A block that follows the line <!-- file: NAME --> is written to NAME; one that follows <!-- run --> is run by the
# shell; one that follows <!-- output --> must be what the block before it printed, where a line "..." stands for any lines and
# numbers count to six decimals.
set -euo pipefail
tutorial=$1 source=$2 build=$3 cc_flags=${4:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/here"
ln -s "$source/examples" "$work/here/examples"

# Installed into a directory of its own, as a user has it.
meson install -C "$build" --no-rebuild --quiet --destdir "$work/root" >/dev/null
library=$(find "$work/root" -name libpicoanalyze.so | head -n 1)
prefix=$(dirname "$(dirname "$(find "$work/root" -type d -path '*/include/picoanalyze')")")
printf '#!/bin/sh\nexec %s --define-variable=prefix=%s "$@"\n' "$(command -v pkg-config)" "$prefix" \
    >"$work/bin/pkg-config"
chmod +x "$work/bin/pkg-config"
export PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig LD_LIBRARY_PATH=$(dirname "$library")
export PATH=$work/bin:$prefix/bin:$PATH NO_COLOR=1 LC_ALL=C
# `cc` as the library was compiled: a sanitized library needs a sanitized program.
printf '#!/bin/sh\nexec %s %s "$@"\n' "$(command -v cc || command -v gcc)" "$cc_flags" >"$work/bin/cc"
chmod +x "$work/bin/cc"

# Blocks to files: 001.file.NAME, 002.run, 003.output ...
awk -v out="$work" '
    /^<!-- (file: .*|run|output) -->$/ { kind = $2; sub(/:$/, "", kind); name = kind == "file" ? "." $3 : ""; next }
    /^```/ && inside { inside = 0; kind = ""; close(path); next }
    /^```/ && kind != "" { inside = 1; path = sprintf("%s/%03d.%s%s", out, ++n, kind, name); printf "" >path; next }
    inside { print >path }
' "$tutorial"

six_decimals() {
    sed -E 's/([0-9]\.[0-9]{6})[0-9]+/\1/g' "$1"
}

# Each line of the expected text in order; "..." skips.
same_output() {
    awk 'NR == FNR { want[++n] = $0; next } { got[++m] = $0 }
        END {
            for (i = j = 1; i <= n; i++) {
                if (want[i] == "...") { skip = 1; continue }
                while (skip && j <= m && got[j] != want[i]) j++
                if (j > m || got[j] != want[i]) {
                    printf "expected: %s\n     got: %s\n", want[i], j <= m ? got[j] : "the end"; exit 1
                }
                j++; skip = 0
            }
            if (!skip && j <= m) { printf "expected the end\n     got: %s\n", got[j]; exit 1 }
        }' <(six_decimals "$1") <(six_decimals "$2")
}

cd "$work/here"
blocks=0
for block in "$work"/[0-9]*; do
    case $block in
    *.run)
        if ! bash -euo pipefail "$block" >"$work/printed" 2>"$work/complaints"; then
            cat "$block" "$work/printed" "$work/complaints"
            exit 1
        fi
        ;;
    *.output)
        if ! same_output "$block" "$work/printed"; then
            cat "$work/printed" "$work/complaints"
            exit 1
        fi
        ;;
    *.file.*) cp "$block" "${block#*.file.}" ;;
    esac
    blocks=$((blocks + 1))
done
[ "$blocks" -gt 0 ] || { echo "$tutorial: nothing to run"; exit 1; }
echo "$blocks blocks"
