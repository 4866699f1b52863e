# SPDX-License-Identifier: Apache-2.0
"""Attention patterns with their tokens: every score from its set, position by position."""
import numpy as np

from cases import Cases, bf16

rng = np.random.default_rng(31)


def scores(a, tokens):
    n = len(tokens)
    after, at, before = [], [], []
    for i in range(n):
        earlier = [j for j in range(i) if tokens[j] == tokens[i]]
        if earlier:
            after.append(sum(a[i, j + 1] for j in earlier))
            at.append(sum(a[i, j] for j in earlier))
        if any(j >= 1 for j in earlier):
            before.append(sum(a[i, j - 1] for j in earlier if j >= 1))
    mean = lambda x: np.mean(x) if len(x) > 0 else "empty"
    entropy = np.array([-sum(p * np.log(p) for p in row if p > 0) for row in a])
    places = np.arange(n)
    return {
        "value": mean(after), "queries": len(after), "duplicate_token": mean(at), "anti_induction": mean(before),
        "previous_token": mean([a[i, i - 1] for i in range(1, n)]), "sink_mass": a[:, 0].mean(),
        "distance": (a * np.abs(places[:, None] - places)).sum(axis=1).mean(), "entropy": entropy.mean(),
        "entropy_normalized": mean([entropy[i] / np.log(i + 1) for i in range(1, n)]),
    }


def causal(n, sharpness=1.0):
    a = np.tril(np.exp(sharpness * rng.normal(size=(n, n))))
    return a / a.sum(axis=1, keepdims=True)


def ideal(tokens):
    """All attention on what came after the same token, in equal parts; on the first token where there is none."""
    a = np.zeros((len(tokens), len(tokens)))
    for i, token in enumerate(tokens):
        to = [j + 1 for j in range(i) if tokens[j] == token] or [0]
        a[i, to] = 1 / len(to)
    return a


def previous(n):
    a = np.eye(n, k=-1)
    a[0, 0] = 1
    return a


with Cases("attention") as out:
    repeated = np.concatenate([[-1], np.tile(rng.permutation(1000)[:8], 4)])
    few = rng.integers(0, 5, size=14)
    distinct = rng.permutation(50)[:9]
    rows = {
        "random": (causal(14), few, "f64"),
        "sharp": (causal(14, 4.0), few, "f64"),
        "ideal": (ideal(repeated), repeated, "f64"),
        "previous": (previous(14), few, "f64"),
        "first": (np.eye(14)[[0] * 14], few, "f64"),
        "uniform": (np.tril(np.ones((14, 14))) / np.arange(1, 15)[:, None], few, "f64"),
        "both_ways": ((lambda a: a / a.sum(axis=1, keepdims=True))(np.exp(rng.normal(size=(14, 14)))), few, "f64"),
        "single": (np.float32(causal(14)), few, "f32"),
        "same": (causal(6), np.full(6, 7), "f64"),
        "distinct": (causal(9), distinct, "f64"),
        "one": (np.ones((1, 1)), np.array([3]), "f64"),
        "two": (causal(2), np.array([3, 3]), "f64"),
    }
    for name, (a, tokens, dtype) in rows.items():
        a = np.asarray(a, dtype=np.float64)
        out.matrix(name, a, dtype)
        out.matrix(name + "_tokens", tokens[:, None])
        out.case("attention_pattern", "", [name, name + "_tokens"], scores(a, tokens))
    coarse = bf16(np.eye(14) * 0.75 + previous(14) * 0.25)
    out.matrix("coarse", coarse, "bf16")
    out.case("attention_pattern", "", ["coarse", "random_tokens"], scores(coarse, few))

    rounded = bf16(rows["uniform"][0])
    out.matrix("rounded", rounded, "bf16")
    out.case("attention_pattern", "", ["rounded", "random_tokens"], scores(rounded, few))

    out.matrix("logits", rng.normal(size=(14, 14)))
    out.matrix("nearly", causal(14) * 1.0077)
    out.matrix("no_longer", causal(14) * 1.0079)
    out.matrix("negative", np.eye(14) + 0.5 * np.eye(14, k=-1) - 0.5 * np.eye(14, k=-2))
    out.matrix("oblong", causal(14)[:, :13])
    out.matrix("broken", np.where(np.eye(14) > 0, np.nan, causal(14)))
    out.matrix("two_columns", np.zeros((14, 2)))
    for name in ("logits", "no_longer", "negative", "oblong"):
        out.case("attention_pattern", "", [name, "random_tokens"], {"value": "unsupported"})
    out.case("attention_pattern", "", ["random", "two_columns"], {"value": "unsupported"})
    out.case("attention_pattern", "", ["random", "ideal_tokens"], {"value": "unsupported"})
    out.case("attention_pattern", "", ["broken", "random_tokens"], {"value": "nonfinite"})
    out.case("attention_pattern", "", ["nearly", "random_tokens"], {"queries": scores(causal(14), few)["queries"]})
