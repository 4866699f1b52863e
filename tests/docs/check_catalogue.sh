#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_catalogue.sh PROGRAM COMMAND PAGE: PAGE is what `PROGRAM COMMAND --markdown` prints.
set -eu
program=$1 command=$2 page=$3
if ! "$program" "$command" --markdown | diff -u "$page" -; then
    echo "$page is not current; make it so with: picoanalyze $command --markdown >docs/$command.md" >&2
    exit 1
fi
