# SPDX-License-Identifier: Apache-2.0
"""Composition scores of dense circuits, and a check by simulation of the closed forms that the z-score uses."""
import numpy as np

from cases import Cases, bf16

rng = np.random.default_rng(13)


def rotations(d, count):
    """Uniform over the orthogonal group: QR of Gaussian matrices, signs fixed."""
    q, r = np.linalg.qr(rng.normal(size=(count, d, d)))
    return q * np.sign(np.einsum("nii->ni", r))[:, None, :]


def moments(a, b):
    """Mean and variance of ||A R B||_F^2 over uniform rotations R."""
    d = a.shape[1]
    s, t = a.T @ a, b @ b.T
    mean = np.trace(s) * np.trace(t) / d
    variance = 2 * (np.trace(s @ s) - np.trace(s) ** 2 / d) * (np.trace(t @ t) - np.trace(t) ** 2 / d)
    return mean, variance / ((d - 1) * (d + 2)) if d > 1 else 0.0


def composition(a, b):
    d = a.shape[1]
    norms = np.sqrt((a * a).sum() * (b * b).sum())
    if norms == 0:
        return {"value": "degenerate"}
    squared = ((a @ b) ** 2).sum()
    mean, variance = moments(a, b)
    value = np.sqrt(squared) / norms
    spread = variance > 1e-24 * mean * mean
    return {
        "value": value,
        "baseline": d**-0.5,
        "excess": value - d**-0.5,
        "z": (squared - mean) / np.sqrt(variance) if spread else "degenerate",
    }


def circuit(d, k):
    return rng.normal(size=(d, k)) @ rng.normal(size=(k, d)) / np.sqrt(k * d)


# 4e4 rotations: the mean is within 4 standard errors, the variance within 4 %.
for d, k, l in ((4, 1, 2), (12, 3, 3), (16, 16, 2)):
    a, b = circuit(d, k), circuit(d, l)
    simulated = ((a @ rotations(d, 40000) @ b) ** 2).sum(axis=(1, 2))
    mean, variance = moments(a, b)
    assert abs(simulated.mean() - mean) < 4 * np.sqrt(variance / len(simulated)), (d, simulated.mean(), mean)
    assert abs(simulated.var() / variance - 1) < 0.04, (d, simulated.var(), variance)

# Random heads score 1/sqrt(d): 0.1250 at 64, 0.0361 at 768.
for d, k, expected in ((64, 16, 0.1250), (768, 64, 0.0361)):
    scores = [composition(circuit(d, k), circuit(d, k))["value"] for _ in range(10)]
    assert abs(np.mean(scores) - expected) < 0.02 * expected, (d, np.mean(scores))

with Cases("composition") as out:
    reader = circuit(12, 3)
    basis = rotations(12, 1)[0]
    matrices = {
        "reader": (reader, "f64"),
        "writer": (circuit(12, 3), "f64"),
        "full": (rng.normal(size=(12, 12)), "f64"),
        "single": (np.float32(circuit(12, 4)), "f32"),
        "coarse": (bf16(circuit(12, 2)), "bf16"),
        "first": (np.outer(basis[0], basis[1]), "f64"),
        "second": (np.outer(basis[1], basis[2]), "f64"),  # first @ second: score 1
        "third": (np.outer(basis[3], basis[0]), "f64"),
        "identity": (np.eye(12), "f64"),
        "constant": (np.full((12, 12), 0.1), "f64"),
        "duplicates": (np.tile(rng.normal(size=(1, 12)), (12, 1)), "f64"),
        "zero": (np.zeros((12, 12)), "f64"),
    }
    for name, (x, dtype) in matrices.items():
        matrices[name] = (np.asarray(x, dtype=np.float64), dtype)
        out.matrix(name, *matrices[name])
    for a in matrices:
        for b in matrices:
            out.case("composition", "", [a, b], composition(matrices[a][0], matrices[b][0]))
    for d in (1, 2):
        x, y = rng.normal(size=(d, d)), rng.normal(size=(d, d))
        out.case("composition", "", [out.matrix("x%d" % d, x), out.matrix("y%d" % d, y)], composition(x, y))
    out.matrix("flat", rng.normal(size=(12, 5)))
    out.matrix("broken", np.where(np.eye(12) > 0, np.nan, 1.0))
    out.case("composition", "", ["flat", "reader"], {"value": "unsupported"})
    out.case("composition", "", ["reader", "flat"], {"value": "unsupported"})
    out.case("composition", "", ["reader", "broken"], {"value": "nonfinite"})
