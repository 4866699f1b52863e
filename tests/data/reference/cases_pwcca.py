# SPDX-License-Identifier: Apache-2.0
"""PWCCA as its paper defines it, and where the weights of google/svcca, which others copied, give something else."""
import numpy as np

from cases import Cases

rng = np.random.default_rng(43)
N = 40


def centered(x):
    return x - x.mean(axis=0)


def basis(x):
    u, s, _ = np.linalg.svd(centered(x), full_matrices=False)
    return u[:, s > max(x.shape) * 2.0**-52 * s[0]]


def pwcca(x, y):
    """Weights: inner products of the columns of x with its canonical variates, which have unit length."""
    if min(np.linalg.norm(centered(m)) for m in (x, y)) == 0:
        return {"value": "degenerate"}
    qx, qy = basis(x), basis(y)
    if max(qx.shape[1], qy.shape[1]) >= N - 1:
        return {"value": "saturated"}
    u, rho, _ = np.linalg.svd(qx.T @ qy, full_matrices=False)
    alpha = [sum(abs(h @ column) for column in centered(x).T) for h in (qx @ u).T]
    return {"value": alpha @ rho / sum(alpha)}


def root_of_inverse(a):
    values, vectors = np.linalg.eigh(a)
    return vectors @ np.diag(values**-0.5) @ vectors.T


def google(x, y):
    """Of full rank: directions that are not whitened, so that wide columns weigh twice, and to which means are added."""
    cx, cy = centered(x), centered(y)
    white_x, white_y = root_of_inverse(cx.T @ cx), root_of_inverse(cy.T @ cy)
    u, rho, _ = np.linalg.svd(white_x @ cx.T @ cy @ white_y, full_matrices=False)
    directions = u.T @ cx.T + x.mean(axis=0)[: len(rho), None]
    alpha = np.abs(directions @ x).sum(axis=1)
    return alpha @ rho / alpha.sum()


with Cases("pwcca") as out:
    shared = rng.normal(size=(N, 4))
    scales = 2.0 ** -np.arange(6)
    matrices = {
        "even": shared @ rng.normal(size=(4, 6)) + rng.normal(size=(N, 6)),
        "uneven": (shared @ rng.normal(size=(4, 6)) + rng.normal(size=(N, 6))) * scales,
        "narrow": shared[:, :3] * [3.0, 1.0, 0.1] + 0.5 * rng.normal(size=(N, 3)),
        "offset": shared @ rng.normal(size=(4, 8)) + rng.normal(size=(N, 8)) + 50.0,
        "head": (shared + rng.normal(size=(N, 4))) @ rng.normal(size=(4, 12)),  # of rank 4, as a head writes it
        "other_head": (shared + rng.normal(size=(N, 4))) @ rng.normal(size=(4, 12)),
        "dead_unit": np.hstack([shared[:, :2], np.zeros((N, 1)), rng.normal(size=(N, 2))]),
        "wide": rng.normal(size=(N, N + 5)),
        "constant": np.full((N, 3), 0.5),
    }
    for name, x in matrices.items():
        out.matrix(name, x)
    for a, x in matrices.items():
        for b, y in matrices.items():
            if a != b or a in ("wide", "constant"):
                out.case("pwcca", "", [a, b], pwcca(x, y), rtol=1e-9)
            else:
                out.case("pwcca", "", [a, b], {"value": 1.0}, rtol=1e-12)
    for a in ("uneven", "narrow"):
        x, y = matrices[a], matrices["even"]
        assert abs(google(x, y) - pwcca(x, y)["value"]) > 0.015, a
