# SPDX-License-Identifier: Apache-2.0
"""Distributions of elements: activation_stats and weight_distribution, by textbook formulas in two passes."""
import numpy as np

from cases import Cases, bf16

rng = np.random.default_rng(23)
LEVELS = {"q001": 0.001, "q01": 0.01, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q99": 0.99, "q999": 0.999}


def summary(x):
    v = x[np.isfinite(x)].ravel()
    out = {"nan_count": np.isnan(x).sum(), "inf_count": np.isinf(x).sum()}
    if len(v) == 0:
        names = ["mean", "sd", "min", "max", "rms", "median_abs", "zero_share", "skew", "kurtosis", *LEVELS]
        return {**out, **{name: "nonfinite" for name in names}}
    unit = max(np.abs(v).max(), 5e-324)  # so that powers stay in range
    unit = 2.0 ** np.floor(np.log2(unit)) if not 1e-30 < unit < 1e30 else 1.0
    u = v / unit
    d = u - u.mean()
    variance = (d ** 2).mean()
    out.update(mean=u.mean() * unit, sd=np.sqrt(variance) * unit, min=v.min(), max=v.max(),
               rms=np.sqrt((u ** 2).mean()) * unit, median_abs=np.median(np.abs(v)), zero_share=(v == 0).mean())
    out.update({name: np.quantile(u, q) * unit for name, q in LEVELS.items()})
    if len(v) < 4:
        out.update(skew="saturated", kurtosis="saturated")
    elif v.min() == v.max():
        out.update(skew="degenerate", kurtosis="degenerate")
    else:
        out.update(skew=(d ** 3).mean() / variance ** 1.5, kurtosis=(d ** 4).mean() / variance ** 2 - 3)
    return out


def saturation(x, share):
    if not np.isfinite(x).all():
        return {"saturation": "nonfinite", "saturation_rank": "nonfinite"}
    if (x == x[0]).all():
        return {"saturation": "degenerate", "saturation_rank": "degenerate"}
    c = (x - x.mean(axis=0)) / np.abs(x).max()
    values = np.sort(np.linalg.eigvalsh(c.T @ c))[::-1]
    k = 1 + np.argmax(np.cumsum(values) >= share * values.sum())
    return {"saturation": k / x.shape[1], "saturation_rank": k}


def activations(x, share=0.99, tau=0.025, relu=False, below=0.0):
    v = x[np.isfinite(x)]
    out = {**summary(x), **saturation(x, share)}
    out["value"] = out["mean"]
    a = np.abs(v)
    out["outlier_share"] = ((a > 100) & (a > 1000 * np.median(a))).mean() if len(v) else "nonfinite"
    columns = [c[np.isfinite(c)] for c in x.T]
    seen = [c for c in columns if len(c) > 0]
    out["dead_units"] = sum(c.max() <= below if relu else np.abs(c).max() <= below for c in seen)
    out["dormant_units"] = sum(np.abs(c).mean() <= tau * a.mean() for c in seen)
    return out


def units(x):
    mean = np.abs(x[np.isfinite(x)]).mean()
    top = max(np.abs(x[np.isfinite(x)]).max(), 1e-300)
    columns = [c[np.isfinite(c)] for c in x.T]
    some = lambda f: np.array([f(c) if len(c) > 0 else 0.0 for c in columns])
    return {"unit_mean": some(np.mean), "unit_sd": some(lambda c: (c / top).std() * top), "unit_max": some(np.max),
            "unit_score": some(lambda c: np.abs(c).mean() / mean if mean > 0 else 0.0)}


def weights(x, limit=0.5, bins=128):
    out = summary(x)
    v = x[np.isfinite(x)]
    out["value"] = out["sd"]
    a = np.abs(v)
    unit = a.max() if len(a) and a.max() > 0 else 1.0
    out.update(l1=a.sum(), l2=np.sqrt(((a / unit) ** 2).sum()) * unit, max_abs=a.max() if len(a) else 0.0)
    edges = np.linspace(-limit, limit, bins + 1)
    log_edges = 10.0 ** np.arange(-12, 3.25, 0.25)
    nonzero = a[a > 0]
    out.update(edges=edges, log_edges=log_edges, counts=np.histogram(v, edges)[0],
               log_counts=np.histogram(nonzero, log_edges)[0], underflow=(v < edges[0]).sum(),
               overflow=(v > edges[-1]).sum(), log_underflow=(nonzero < log_edges[0]).sum(),
               log_overflow=(nonzero > log_edges[-1]).sum())
    return out


def inputs():
    relu = np.maximum(rng.normal(size=(30, 12)) - 0.5, 0)
    relu[:, 3] = 0
    relu[:, 7] *= 1e-4
    massive = rng.normal(size=(25, 8)) * 0.05
    massive[3, 2] = 412.0
    massive[17, 2] = -280.0
    massive[5, 5] = 99.0
    broken = rng.normal(size=(9, 6))
    broken[2, 1] = np.nan
    broken[4, 4] = np.inf
    broken[5, 4] = -np.inf
    broken[:, 3] = np.nan
    yield "normal", rng.normal(size=(40, 9)), "f64"
    yield "wide", rng.normal(size=(4, 50)) * 0.1, "f64"
    yield "weights", np.float32(rng.normal(size=(48, 16)) * 0.02), "f32"
    yield "coarse", bf16(rng.normal(size=(20, 11)) * 0.3), "bf16"
    yield "relu", relu, "f64"
    yield "massive", massive, "f64"
    yield "skewed", np.exp(rng.normal(size=(21, 5))), "f64"
    yield "offset", rng.normal(size=(16, 4)) * 1e-3 + 1e6, "f64"
    yield "negative", -rng.uniform(0.2, 0.9, size=(10, 7)), "f64"
    yield "duplicates", np.repeat(rng.normal(size=(2, 6)), 5, axis=0), "f64"
    yield "low_rank", rng.normal(size=(15, 2)) @ rng.normal(size=(2, 10)), "f64"
    yield "huge", rng.normal(size=(7, 5)) * 1e300, "f64"
    yield "tiny", rng.normal(size=(7, 5)) * 1e-290, "f64"
    yield "broken", broken, "f64"
    yield "row", rng.normal(size=(1, 9)), "f64"
    yield "column", rng.normal(size=(9, 1)), "f64"
    yield "single", np.array([[0.25]]), "f64"
    yield "three", np.array([[1.0, -2.0, 0.0]]), "f64"
    yield "zero", np.zeros((5, 4)), "f64"
    yield "constant", np.full((6, 3), 0.1), "f64"
    yield "all_nan", np.full((2, 2), np.nan), "f64"


with Cases("statistics") as out:
    for name, x, dtype in inputs():
        x = np.asarray(x, dtype=np.float64)
        out.matrix(name, x, dtype)
        # Where a mean is a million deviations, NumPy's own third and fourth powers have ten digits; 1e-6 holds them.
        out.case("activation_stats", "", [name], activations(x))
        out.case("activation_stats", "share: 0.8, tau: 0.5", [name], activations(x, share=0.8, tau=0.5))
        if name != "all_nan":
            out.case("activation_stats", "per_unit: true", [name], units(x))
        out.case("weight_distribution", "", [name], weights(x))
    x = np.array([[-0.5, 0.5, 0.50001, -0.51, 0.0, 0.25, 1e-12, 9e-13, 1e3, 1001.0, 0.1, 1.0]])
    out.matrix("edges", x)
    out.case("weight_distribution", "", ["edges"], weights(x))
    out.case("weight_distribution", "range: 1, bins: 10", ["edges"], weights(x, 1.0, 10))
    x = -rng.uniform(0.2, 0.9, size=(10, 7))
    x[3, 2] = 0.1
    out.matrix("mostly_negative", x)
    out.case("activation_stats", "dead: relu", ["mostly_negative"], activations(x, relu=True))
    out.case("activation_stats", "dead: relu, dead_below: 0.1", ["mostly_negative"],
             activations(x, relu=True, below=0.1))
    out.case("activation_stats", "dead_below: 0.85", ["mostly_negative"], activations(x, below=0.85))
