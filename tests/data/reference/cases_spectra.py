# SPDX-License-Identifier: Apache-2.0
"""Metrics of singular values and of eigenvalues, from dense matrices and textbook formulas."""
import numpy as np

from cases import Cases, bf16

rng = np.random.default_rng(11)


def shares(sigma):
    p = sigma / sigma.sum()
    return p[p > 0]


def effective(sigma):
    p = shares(sigma)
    entropy = -(p * np.log(p)).sum()
    return {"value": np.exp(entropy), "entropy": entropy}


def participation(x, center):
    c = x - x.mean(axis=0) if center else x
    gram = c.T @ c / len(x)
    return np.trace(gram) ** 2 / (gram * gram).sum()


def inputs():
    low = rng.normal(size=(12, 2)) @ rng.normal(size=(2, 9))
    repeated = np.repeat(rng.normal(size=(3, 5)), 4, axis=0)
    yield "tall", rng.normal(size=(20, 6)), "f64"
    yield "wide", rng.normal(size=(5, 30)) + 3.0, "f64"
    yield "square", rng.normal(size=(8, 8)), "f64"
    yield "single", np.float32(rng.normal(size=(10, 4))), "f32"
    yield "coarse", bf16(rng.normal(size=(9, 11))), "bf16"
    yield "low_rank", low, "f64"
    yield "repeated", repeated, "f64"
    yield "decaying", rng.normal(size=(30, 10)) * 2.0 ** -np.arange(10), "f64"
    yield "shifted", rng.normal(size=(25, 3)) + np.array([100.0, 0.0, -40.0]), "f64"
    yield "row", rng.normal(size=(1, 7)), "f64"
    yield "column", rng.normal(size=(7, 1)), "f64"
    yield "huge", rng.normal(size=(6, 4)) * 1e300, "f64"
    yield "tiny", rng.normal(size=(6, 4)) * 1e-300, "f64"


def copying(x):
    """Of the whole [d, d] matrix; zero eigenvalues of a low rank come out as rounding noise and are cut off."""
    values = np.linalg.eigvals(x)
    values = values[np.abs(values) > 1e-9 * np.abs(values).max()]
    return {"value": values.real.sum() / np.abs(values).sum(), "magnitude": np.abs(values).sum(),
            "positive_share": (values.real > 0).mean()}


def ordered(x):
    values = np.linalg.eigvals(x)
    values = values[np.lexsort((-values.imag, -np.round(np.abs(values), 9)))]
    return {"real": values.real, "imag": values.imag}


with Cases("spectra") as out:
    for name, x, dtype in inputs():
        x = np.asarray(x, dtype=np.float64)
        out.matrix(name, x, dtype)
        unit = x / np.abs(x).max()
        sigma = np.linalg.svd(unit, compute_uv=False)
        out.case("stable_rank", "", [name], {"value": (unit * unit).sum() / sigma[0] ** 2,
                                             "nuclear_rank": sigma.sum() / sigma[0]})
        out.case("effective_rank", "", [name], effective(sigma))
        out.case("effective_rank", "of: squared", [name], effective(sigma ** 2))
        out.case("participation_ratio", "", [name],
                 {"value": "degenerate" if len(x) == 1 else participation(unit, True)})
        out.case("participation_ratio", "center: false", [name], {"value": participation(unit, False)})

    out.matrix("zero", np.zeros((4, 3)))
    out.matrix("constant", np.full((6, 3), 0.1))
    out.matrix("broken", np.array([[1.0, np.nan], [2.0, 3.0]]))
    for metric in ("stable_rank", "effective_rank", "participation_ratio"):
        out.case(metric, "", ["zero"], {"value": "degenerate"})
        out.case(metric, "", ["broken"], {"value": "nonfinite"})
    out.case("stable_rank", "", ["constant"], {"value": 1.0})
    out.case("effective_rank", "", ["constant"], {"value": 1.0})
    out.case("participation_ratio", "", ["constant"], {"value": "degenerate"})
    out.case("participation_ratio", "center: false", ["constant"], {"value": 1.0})

    squares = {
        "square6": rng.normal(size=(6, 6)),
        "symmetric": (lambda a: a + a.T)(rng.normal(size=(7, 7))),
        "positive": (lambda a: a.T @ a)(rng.normal(size=(9, 5))),
        "circuit": rng.normal(size=(16, 4)) @ rng.normal(size=(4, 16)),
        "copies": (lambda a: a @ (a.T + 0.1 * rng.normal(size=(3, 12))))(rng.normal(size=(12, 3))),
        "permutation": np.eye(5)[[1, 2, 0, 4, 3]],
        "upper": np.triu(np.arange(1.0, 17.0).reshape(4, 4)),
        "one": np.array([[-2.5]]),
    }
    for name, x in squares.items():
        out.matrix(name, x)
        out.case("copying", "", [name], copying(x))
    for name in ("square6", "symmetric", "upper"):
        out.case("copying", "", [name], ordered(squares[name]))
    coarse = bf16(rng.normal(size=(8, 8)))
    out.matrix("coarse_square", coarse, "bf16")
    out.case("copying", "", ["coarse_square"], copying(coarse))
    out.matrix("zero_square", np.zeros((3, 3)))
    out.matrix("nilpotent", np.triu(rng.normal(size=(5, 5)), 1))
    out.case("copying", "", ["zero_square"], {"value": "degenerate"})
    out.case("copying", "", ["nilpotent"], {"value": "degenerate"})
    out.case("copying", "", ["tall"], {"value": "unsupported"})
    out.case("copying", "", ["broken"], {"value": "nonfinite"})
