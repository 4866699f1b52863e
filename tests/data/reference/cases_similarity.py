# SPDX-License-Identifier: Apache-2.0
"""Similarities of representations: canonical correlations, Procrustes distances, CKA with both kernels."""
import numpy as np

from cases import Cases, bf16

rng = np.random.default_rng(17)
EPS = {"f64": 2.0**-52, "f32": 2.0**-23, "bf16": 2.0**-23}


def centered(x):
    return x - x.mean(axis=0)


def is_constant(x):
    return np.linalg.norm(centered(x)) <= 1e-13 * max(np.linalg.norm(x), 1e-300)


def basis(x, dtype, keep=None):
    """Left singular vectors up to the numerical rank, or those that hold a share of the sum of squares."""
    u, s, _ = np.linalg.svd(centered(x), full_matrices=False)
    rank = int((s > max(x.shape) * EPS[dtype] * s[0]).sum())
    if keep is not None:
        share = np.cumsum(s**2) / (s**2).sum()
        rank = min(rank, int((share < keep).sum()) + 1)
    return u[:, :rank]


def correlations(a, b, keep=None):
    if is_constant(a[0]) or is_constant(b[0]):
        return "degenerate"
    qx, qy = basis(*a, keep), basis(*b, keep)
    if max(qx.shape[1], qy.shape[1]) >= len(a[0]) - 1:
        return "saturated"
    return np.minimum(np.linalg.svd(qx.T @ qy, compute_uv=False), 1.0)


def cca(a, b, summary):
    rho = correlations(a, b)
    if isinstance(rho, str):
        return {"value": rho}
    return {"value": rho.mean() if summary == "mean" else (rho**2).mean(), "correlations": rho}


def svcca(a, b, keep):
    rho = correlations(a, b, keep)
    if isinstance(rho, str):
        return {"value": rho}
    return {
        "value": rho.mean(),
        "correlations": rho,
        "kept": basis(*a, keep).shape[1],
        "target_kept": basis(*b, keep).shape[1],
    }


def procrustes(x, y, form):
    """The best rotation is found and applied, to matrices of equal width."""
    if is_constant(x) or is_constant(y):
        return {"value": "degenerate"}
    width = max(x.shape[1], y.shape[1])
    x, y = (np.hstack([centered(m), np.zeros((len(m), width - m.shape[1]))]) for m in (x, y))
    x, y = x / np.linalg.norm(x), y / np.linalg.norm(y)
    u, s, vt = np.linalg.svd(x.T @ y)
    distance = np.linalg.norm(x @ u @ vt - y)
    return {"value": distance if form == "distance" else 2 * np.arcsin(min(distance / 2, 1.0)), "nuclear": s.sum()}


def linear_kernel(x):
    return centered(x) @ centered(x).T


def rbf_kernel(x, threshold, with_diagonal):
    n = len(x)
    d = np.array([[((x[i] - x[j]) ** 2).sum() for j in range(n)] for i in range(n)])
    middle = np.median(d if with_diagonal else d[np.triu_indices(n, 1)])
    if middle <= 1e-13 * d.max():
        return None
    return np.exp(-d / (2 * threshold**2 * middle))


def hsic(k, l):
    h = np.eye(len(k)) - 1 / len(k)
    return np.trace(h @ k @ h @ l)


def hsic1(k, l):
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    one = np.ones(n)
    return (
        np.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 * (one @ k @ l @ one) / (n - 2)
    ) / (n * (n - 3))


def cka(x, y, kernel, debiased=False, **how):
    if is_constant(x) or is_constant(y):
        return {"value": "degenerate"}
    if debiased and len(x) < 4:
        return {"value": "saturated"}
    k, l = (linear_kernel(m) if kernel == "linear" else rbf_kernel(m, **how) for m in (x, y))
    if k is None or l is None:
        return {"value": "degenerate"}
    inner = hsic1 if debiased else hsic
    if min(inner(k, k), inner(l, l)) <= 1e-13 * max(np.abs(k).max(), np.abs(l).max()) ** 2:
        return {"value": "degenerate"}
    return {"value": inner(k, l) / np.sqrt(inner(k, k) * inner(l, l))}


with Cases("similarity") as out:
    N = 20
    shared = rng.normal(size=(N, 4))
    twins = rng.normal(size=(N, 3))
    twins[:15] = twins[0]
    matrices = {
        "related": (shared @ rng.normal(size=(4, 6)) + 0.3 * rng.normal(size=(N, 6)), "f64"),
        "other": (shared @ rng.normal(size=(4, 9)) + 0.3 * rng.normal(size=(N, 9)) + 50.0, "f64"),
        "narrow": (rng.normal(size=(N, 1)), "f64"),
        "wide": (rng.normal(size=(N, 30)), "f64"),
        "decaying": (rng.normal(size=(N, 8)) * 4.0 ** -np.arange(8), "f64"),
        "rank_three": (rng.normal(size=(N, 3)) @ rng.normal(size=(3, 10)), "f64"),
        "single": (np.float32(rng.normal(size=(N, 5))), "f32"),
        "coarse": (bf16(shared), "bf16"),
        "pairs": (np.repeat(rng.normal(size=(N // 2, 3)), 2, axis=0), "f64"),
        "twins": (twins, "f64"),
        "faint": (np.float32(rng.normal(size=(N, 2)) * [1.0, 2e-7]), "f32"),  # of rank 1 by its storage
        "constant": (np.full((N, 3), 0.1), "f64"),
        "zero": (np.zeros((N, 2)), "f64"),
    }
    for name, (x, dtype) in matrices.items():
        matrices[name] = (np.asarray(x, dtype=np.float64), dtype)
        out.matrix(name, *matrices[name])
    for i, a in enumerate(matrices):
        for j, b in enumerate(matrices):
            x, y = matrices[a], matrices[b]
            out.case("cca", "", [a, b], cca(x, y, "mean"))
            out.case("svcca", "", [a, b], svcca(x, y, 0.99))
            out.case("procrustes", "", [a, b], procrustes(x[0], y[0], "distance"))
            rbf = {"kernel": "rbf", "threshold": 1.0, "with_diagonal": False}
            out.case("cka", "kernel: rbf", [a, b], cka(x[0], y[0], **rbf))
            if (i + j) % 2 == 0:
                out.case("cca", "summary: r2", [a, b], cca(x, y, "r2"))
                out.case("svcca", "keep: 1.0", [a, b], svcca(x, y, 1.0))
                out.case("svcca", "keep: 0.6", [a, b], svcca(x, y, 0.6))
                out.case("procrustes", "form: angular", [a, b], procrustes(x[0], y[0], "angular"))
                out.case("cka", "kernel: rbf, debiased: true", [a, b], cka(x[0], y[0], debiased=True, **rbf))
                rbf = {"kernel": "rbf", "threshold": 0.4, "with_diagonal": True}
                out.case("cka", "kernel: rbf, threshold: 0.4, median_diagonal: true", [a, b], cka(x[0], y[0], **rbf))
                out.case("cka", "", [a, b], cka(x[0], y[0], "linear"))
                out.case("cka", "debiased: true", [a, b], cka(x[0], y[0], "linear", debiased=True))
    for rows in (1, 2, 3):
        names = ["few%d" % rows, "few_more%d" % rows]
        x, y = rng.normal(size=(rows, 5)), rng.normal(size=(rows, 2))
        out.matrix(names[0], x)
        out.matrix(names[1], y)
        rbf = {"kernel": "rbf", "threshold": 1.0, "with_diagonal": False}
        out.case("cca", "", names, cca((x, "f64"), (y, "f64"), "mean"))
        out.case("svcca", "", names, svcca((x, "f64"), (y, "f64"), 0.99))
        out.case("procrustes", "", names, procrustes(x, y, "distance"))
        out.case("cka", "kernel: rbf", names, cka(x, y, **rbf))
        out.case("cka", "kernel: rbf, debiased: true", names, cka(x, y, debiased=True, **rbf))
    out.matrix("broken", np.where(shared > 1.5, np.nan, shared))
    for metric, options in (("cca", ""), ("svcca", ""), ("procrustes", ""), ("cka", "kernel: rbf")):
        out.case(metric, options, ["related", "broken"], {"value": "nonfinite"})
        out.case(metric, options, ["related", "few3"], {"value": "unsupported"})
