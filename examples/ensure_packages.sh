#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ensure_packages.sh PACKAGE...: install what is missing of these Debian packages. Does nothing when all are there.
set -eu
if ! command -v dpkg-query >/dev/null; then
    echo "This is no Debian or Ubuntu: please see to these yourself, or to what they are called here: $*" >&2
    exit 0
fi
missing=
for package in "$@"; do
    case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) in
    ii*) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0
as_root=
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "As root, install:$missing" >&2; exit 1; }
    as_root=sudo
fi
echo "Installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Word splitting is wanted: one word a package.
# shellcheck disable=SC2086
if ! { $as_root apt-get -q update && $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y \
    --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    exit 1
fi
