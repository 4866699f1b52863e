#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files in npy/ with NumPy (made with 1.24). The values follow formulas that the tests know.

Usage: make_npy_files.py [DIRECTORY]
"""
import os
import sys
import warnings
import zipfile

import numpy as np

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "npy")


def path(name):
    return os.path.join(OUT, name)


def main():
    os.makedirs(OUT, exist_ok=True)
    ramp = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    np.save(path("layers.0.attention.v_proj.npy"), ramp[0])
    np.save(path("fortran.npy"), np.asfortranarray(ramp))
    np.save(path("big_endian.npy"), ramp[0].astype(">f8"))
    np.save(path("scalar.npy"), np.float64(2.5))
    np.save(path("empty.npy"), np.zeros((0, 3), "<f2"))
    for version in ((2, 0), (3, 0)):
        with open(path("version%d.npy" % version[0]), "wb") as out, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.lib.format.write_array(out, ramp[0], version=version)
    np.save(path("objects.npy"), np.array([{}], dtype=object), allow_pickle=True)
    np.save(path("fields.npy"), np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
    np.save(path("void.npy"), np.zeros(2, dtype="V2"))
    np.save(path("complex.npy"), np.zeros(2, dtype="<c8"))

    signed = np.arange(6).reshape(2, 3) - 2                                # -2 ... 3
    arrays = {t: (signed * 0.5 if t.startswith("f") else signed).astype("<" + t)
              for t in ("f2", "f4", "f8", "i1", "i2", "i4", "i8")}
    arrays.update({t: (signed + 252).astype("<" + t) for t in ("u1", "u2", "u4", "u8")})
    arrays.update({"b1": signed % 2 == 1, "W": ramp[0], "w": ramp[1], "layers.1.mlp": np.asfortranarray(ramp[0]),
                   "labels": np.array(["a", "b"]), "long": np.arange(2000, dtype="<f4")})
    np.savez(path("activations.npz"), **arrays)
    np.savez_compressed(path("compressed.npz"), **arrays)
    with zipfile.ZipFile(path("activations.npz"), "a") as archive:
        archive.writestr("README", "not an array")


main()
