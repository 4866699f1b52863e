# SPDX-License-Identifier: Apache-2.0
"""Norms: the smallest set of cases, and a pattern for others."""
import numpy as np

from cases import Cases, bf16

rng = np.random.default_rng(5)
with Cases("norms") as out:
    inputs = {
        "wide": (rng.normal(size=(3, 8)), "f64"),
        "tall": (bf16(rng.normal(size=(9, 2))), "bf16"),
        "single": (np.float32(rng.normal(size=(4, 4))), "f32"),
        "zero": (np.zeros((2, 3)), "f64"),
    }
    for name, (x, dtype) in inputs.items():
        x = np.asarray(x, dtype=np.float64)
        out.matrix(name, x, dtype)
        sigma = np.linalg.svd(x, compute_uv=False)
        out.case("norm", "norm_type: frobenius", [name], {"value": np.sqrt((x * x).sum())})
        out.case("norm", "norm_type: nuclear", [name], {"value": sigma.sum()})
        out.case("norm", "norm_type: spectral", [name], {"value": sigma[0]})
        out.case("norm", "norm_type: l1", [name], {"value": np.abs(x).sum()})
    out.matrix("broken", np.array([[1.0, np.nan], [2.0, 3.0]]))
    out.case("norm", "norm_type: frobenius", ["broken"], {"value": "nonfinite"})
