# SPDX-License-Identifier: Apache-2.0
"""Gradient similarity and weight movement: element by element in float64."""
import numpy as np

from cases import Cases, bf16

rng = np.random.default_rng(11)


def norm(a):
    return np.sqrt((a * a).sum())


def gradient_similarity(a, b):
    na, nb = norm(a), norm(b)
    both = (a != 0) & (b != 0)
    agree = (np.sign(a) == np.sign(b)) & both
    return {
        "value": (a * b).sum() / (na * nb) if na > 0 and nb > 0 else "degenerate",
        "sign_agreement": agree.sum() / both.sum() if both.any() else "degenerate",
        "signs_compared": both.sum(),
        "norm_ratio": na / nb if nb > 0 else "degenerate",
        "inner": (a * b).sum(),
        "norm": na,
        "target_norm": nb,
    }


def weight_movement(w, t):
    distance, nw, nt = norm(w - t), norm(w), norm(t)
    return {
        "value": distance / nt if nt > 0 else "degenerate",
        "distance": distance,
        "cosine": (w * t).sum() / (nw * nt) if nw > 0 and nt > 0 else "degenerate",
        "update_ratio": distance / nw if nw > 0 else "degenerate",
        "norm": nw,
        "target_norm": nt,
    }


with Cases("movement") as out:
    base = rng.normal(size=(12, 7))
    half = base.copy()
    half[::2, :3] = 0.0
    matrices = {
        "base": (base, "f64"),
        "other": (rng.normal(size=(12, 7)), "f64"),
        "near": (base + 1e-9 * rng.normal(size=(12, 7)), "f64"),
        "opposite": (-3.0 * base, "f64"),
        "half": (half, "f64"),
        "single": (np.float32(rng.normal(size=(12, 7))), "f32"),
        "coarse": (bf16(base), "bf16"),
        "zero": (np.zeros((12, 7)), "f64"),
        "constant": (np.full((12, 7), 0.1), "f64"),
        "duplicates": (np.tile(rng.normal(size=(1, 7)), (12, 1)), "f64"),
        "rank_two": (rng.normal(size=(12, 2)) @ rng.normal(size=(2, 7)), "f64"),
    }
    for name, (x, dtype) in matrices.items():
        matrices[name] = (np.asarray(x, dtype=np.float64), dtype)
        out.matrix(name, *matrices[name])
    for a in matrices:
        for b in matrices:
            x, y = matrices[a][0], matrices[b][0]
            out.case("gradient_similarity", "", [a, b], gradient_similarity(x, y))
            out.case("weight_movement", "", [a, b], weight_movement(x, y))
    for shape in ((1, 9), (9, 1), (1, 1)):
        x, y = rng.normal(size=shape), rng.normal(size=shape)
        names = [out.matrix("%s_%d_%d" % (n, *shape), m) for n, m in (("x", x), ("y", y))]
        out.case("gradient_similarity", "", names, gradient_similarity(x, y))
        out.case("weight_movement", "", names, weight_movement(x, y))
    out.matrix("narrow", rng.normal(size=(12, 6)))
    out.matrix("short", rng.normal(size=(11, 7)))
    out.matrix("broken", np.where(base > 1.5, np.nan, base))
    for metric in ("gradient_similarity", "weight_movement"):
        out.case(metric, "", ["base", "narrow"], {"value": "unsupported"})
        out.case(metric, "", ["base", "short"], {"value": "unsupported"})
        out.case(metric, "", ["base", "broken"], {"value": "nonfinite"})
