# SPDX-License-Identifier: Apache-2.0
"""Writes cases for tests/conformance/test_reference_cases.c: matrices, metrics on them, and what NumPy says they give.

A script cases_<topic>.py beside this one computes the expected numbers naively in float64 and writes
cases/<topic>.txt:

    from cases import Cases
    with Cases("spectra") as out:
        x = out.matrix("tall", np.random.default_rng(1).normal(size=(7, 3)))
        out.case("stable_rank", "", [x], {"value": 2.1, "sigma": np.array([...])})
        out.case("stable_rank", "", [zero], {"value": "degenerate"})

Expected: a number, the name of a state, or an array; "value" is the value itself, other names are named outputs.
cases_components.py has lines of its own, for tests/conformance/test_reference_components.c.
"""
import os

import numpy as np


class Cases:
    def __init__(self, topic):
        self.path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cases", topic + ".txt")
        self.lines = ["# Written by cases_%s.py; do not edit." % topic]
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            with open(self.path, "w", encoding="ascii") as out:
                out.write("\n".join(self.lines) + "\n")

    def matrix(self, name, x, dtype="f64"):
        """Define a matrix; its elements must be exact in dtype (f64, f32, bf16). Returns its name, for case()."""
        x = np.asarray(x, dtype=np.float64)
        self.lines.append("matrix %s %s %d %d" % (name, dtype, *x.shape))
        self.lines += [" ".join(repr(float(v)) for v in row) for row in x if len(row) > 0]
        return name

    def case(self, metric, options, inputs, expected, rtol=1e-6):
        self.count += 1
        self.lines.append("case %d %s %g %s" % (self.count, metric, rtol, " ".join(inputs)))
        self.lines.append("options " + options)
        for name, what in expected.items():
            if isinstance(what, str):
                self.lines.append("state %s %s" % (name, what))
            elif np.ndim(what) == 0:
                self.lines.append("number %s %r" % (name, float(what)))
            else:
                what = np.asarray(what, dtype=np.float64)
                self.lines.append("array %s %d %s" % (name, what.ndim, " ".join(str(s) for s in what.shape)))
                self.lines.append(" ".join(repr(float(v)) for v in what.ravel()))
        self.lines.append("end")


def bf16(x):
    """Round to bfloat16, to nearest even."""
    bits = np.asarray(x, dtype=np.float32).view(np.uint32).astype(np.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype(np.uint32).view(np.float32).astype(np.float64)
