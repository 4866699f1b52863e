#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes files that must be refused, and a manifest of how: test_hostile_files.c opens them.

Usage: make_hostile.py DIRECTORY MANIFEST

In each family the file that the others are made from is there as `honest`, which must be accepted.
A line of the manifest: file, statuses that are right (joined by '|'), a part of the text; separated by tabs. The same
files come out each time. Only Python's own library is needed, and nothing of what is written is ever run.
"""
import hashlib
import os
import shutil
import sys

import configurations
import others
import pickles
import zips

FAMILIES = (("zip", zips.cases), ("pickle", pickles.cases), ("legacy", others.legacy_cases),
            ("legacy_pickle", others.legacy_pickles), ("safetensors", others.safetensors_cases), ("npy", others.npy_cases),
            ("npz", others.npz_cases), ("index", others.index_cases), ("yaml", configurations.cases))


def main():
    target, manifest = sys.argv[1:]
    shutil.rmtree(target, ignore_errors=True)
    lines, seen = [], {}
    for family, cases in FAMILIES:
        for name, content, status, said in cases():
            folder = os.path.join(target, family, name)
            os.makedirs(folder)
            files = content if isinstance(content, dict) else {"model": content}
            for file, data in files.items():
                with open(os.path.join(folder, file), "wb") as f:
                    f.write(data)
            digest = hashlib.sha256(repr(sorted(files.items())).encode()).digest()
            if digest in seen:
                sys.exit("%s/%s is the same as %s" % (family, name, seen[digest]))
            seen[digest] = "%s/%s" % (family, name)
            statuses = (status,) if isinstance(status, str) else status
            lines.append("%s/%s/model\t%s\t%s\n" % (family, name, "|".join("PA_OK" if s == "OK" else "PA_ERR_" + s for s in statuses), said))
    with open(manifest, "w", encoding="utf-8") as f:
        f.writelines(lines)


if __name__ == "__main__":
    main()
