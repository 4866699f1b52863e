#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Naive float64 evaluation of a pico-analyze configuration, independent of the library.

    reference.py CONFIG.yaml RUN_DIR OUT_DIR [--compat pico]

Reads the .pt files with torch.load, forms every matrix densely, uses full SVDs and explicit loops, and writes
OUT_DIR/step_N/<metric>_<split>.json with the keys of pico-analyze; null where the metric is undefined (or, with
`--compat pico`, where pico-analyze fails or its answer is random or rounding noise). A metric listed again for the same
split gets its options into the file name. Needs Debian's python3-torch, python3-numpy and python3-yaml.
"""
import argparse
import itertools
import json
import math
import os
import re

import numpy as np
import torch
import yaml

KINDS = ("weights", "gradients", "activations")
COMPARATIVE = ("cka", "pwcca")


class Run:
    """Tensors of a run directory by (step, split, kind, layer, suffix), each as float64 with its storage type."""

    def __init__(self, path):
        self.path = path
        with open(os.path.join(path, "training_config.yaml"), encoding="utf-8") as f:
            model = yaml.safe_load(f)["model"]
        self.d_model = model["d_model"]
        self.heads = model["attention_n_heads"]
        self.kv_heads = model["attention_n_kv_heads"] or self.heads
        self.layers = model["n_layers"]
        self.files = {}

    def has(self, step, split):
        folder = os.path.join(self.path, "checkpoints", f"step_{step}", "learning_dynamics")
        return any(os.path.exists(os.path.join(folder, f"{split}_{kind}.pt")) for kind in KINDS)

    def tensor(self, step, split, kind, layer, suffix):
        at = (step, split, kind)
        if at not in self.files:
            file = os.path.join(self.path, "checkpoints", f"step_{step}", "learning_dynamics", f"{split}_{kind}.pt")
            self.files[at] = {}
            for name, value in torch.load(file, map_location="cpu").items():
                found = re.match(r"^(?:.*\blayers\.)(\d+)\.(.+?)(?:\.weight)?$", name)
                narrow = value.dtype != torch.float64
                self.files[at][int(found[1]), found[2]] = (value.to(torch.float64).numpy(), narrow)
        return self.files[at][layer, suffix]


# Components: (key, dense matrix, whether it was stored narrower than float64) -----------------------------------------


def simple(run, step, split, component, layer, pico):
    kind, suffix = component["data_type"], component["layer_suffixes"]
    yield f"layers.{layer}.{suffix}.{kind}", *run.tensor(step, split, kind, layer, suffix)


def ov_circuit(run, step, split, component, layer, pico):
    kind, suffixes = component["data_type"], component["layer_suffixes"]
    d_head = run.d_model // run.heads
    w_o, narrow = run.tensor(step, split, "weights", layer, suffixes["output_layer"])

    def value(of_kind, head):
        first = head * run.kv_heads // run.heads * d_head
        tensor = run.tensor(step, split, of_kind, layer, suffixes["value_layer"])[0]
        return tensor[:, first : first + d_head] if of_kind == "activations" else tensor[first : first + d_head]

    parts = []
    for head in range(run.heads):
        columns = slice(head * d_head, (head + 1) * d_head)
        out = w_o[:, columns]
        if kind == "activations":
            part = value("activations", head) @ out.T
        elif kind == "weights":
            part = value("weights", head) @ out if pico else out @ value("weights", head)
        else:
            d_out = run.tensor(step, split, "gradients", layer, suffixes["output_layer"])[0][:, columns]
            part = out @ value("gradients", head) + d_out @ value("weights", head)
        parts.append(part)
        yield f"layers.{layer}.ov_circuit.{kind}.heads.{head}", part, narrow
    yield f"layers.{layer}.ov_circuit.{kind}", np.concatenate(parts, axis=1), narrow


# Metrics --------------------------------------------------------------------------------------------------------------


def singular_values(a):
    return np.linalg.svd(a, compute_uv=False)


def rank_of(sigma, shape, narrow):
    eps = np.finfo(np.float32 if narrow else np.float64).eps
    return int(np.sum(sigma > max(shape) * eps * sigma[0])) if sigma[0] > 0 else 0


def centered(x):
    return x - x.mean(axis=0)


def constant(x):
    """Whether nothing but rounding is left once the columns are centred."""
    return np.abs(centered(x)).max() <= 1e-13 * np.abs(x).max()


def cka(x, y, options, narrow, pico):
    if constant(x) or constant(y):
        return None
    x, y = centered(x), centered(y)
    if not options.get("debiased", False):
        gram = [x @ x.T, y @ y.T]
        return np.sum(gram[0] * gram[1]) / (np.linalg.norm(gram[0]) * np.linalg.norm(gram[1]))
    n = len(x)
    if n < 4:
        return None

    def hsic(a, b):  # Song et al. 2012, eq. 5, term by term
        k, l = a @ a.T, b @ b.T
        np.fill_diagonal(k, 0.0)
        np.fill_diagonal(l, 0.0)
        one = np.ones(n)
        cross = one @ k @ l @ one
        return (np.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * cross) / (
            n * (n - 3)
        )

    own = hsic(x, x), hsic(y, y)
    return hsic(x, y) / math.sqrt(own[0] * own[1]) if min(own) > 0 else None


def pwcca(x, y, options, narrow, pico):
    """Morcos et al. 2018, with rank truncation; the projection weights are those of x.

    pico-analyze's own number is not reproducible: it adds random noise to rank-deficient input and, as it adds the
    means back after an SVD, depends on the arbitrary signs of singular vectors for any other.
    """
    if pico:
        return None
    if constant(x) or constant(y):
        return None
    bases, ranks = [], []
    for a in (centered(x), centered(y)):
        u, sigma, _ = np.linalg.svd(a, full_matrices=False)
        ranks.append(rank_of(sigma, a.shape, narrow))
        bases.append(u[:, : ranks[-1]])
    if len(x) - 1 <= max(ranks):
        return None  # n centred points span n - 1 directions: every correlation would be 1
    left, rho, _ = np.linalg.svd(bases[0].T @ bases[1], full_matrices=False)
    loadings = (bases[0] @ left).T @ centered(x)
    # Directions of equal correlations are not unique: take those along which x varies most.
    first = 0
    for end in range(1, len(rho) + 1):
        if end == len(rho) or rho[end - 1] - rho[end] > 1e-8:
            turn, _, _ = np.linalg.svd(loadings[first:end], full_matrices=False)
            loadings[first:end] = turn.T @ loadings[first:end]
            first = end
    alpha = np.abs(loadings).sum(axis=1)
    return float(np.sum(alpha * np.clip(rho, 0, 1)) / np.sum(alpha))


def per(x, options, narrow, pico):
    sigma = singular_values(x)
    if sigma[0] == 0:
        return None
    if pico and np.any(sigma <= 0):
        return None  # 0 log 0 is not a number there
    p = sigma / sigma.sum()
    p = p[p > 0]
    return math.exp(-np.sum(p * np.log(p))) / len(sigma)


def condition_number(x, options, narrow, pico):
    sigma = singular_values(x)
    if sigma[0] == 0 or sigma[-1] == 0:
        return None
    if rank_of(sigma, x.shape, narrow) < len(sigma):
        return None  # pico-analyze divides by what rounding left of a zero
    return sigma[0] / sigma[-1]


def norm(x, options, narrow, pico):
    kind = options.get("norm_type", "frobenius")
    if kind == "inf":
        return np.abs(x).max() if pico else np.abs(x).sum(axis=1).max()
    return {
        "frobenius": lambda: math.sqrt(math.fsum((x * x).ravel())),
        "nuclear": lambda: singular_values(x).sum(),
        "spectral": lambda: singular_values(x)[0],
        "l1": lambda: np.abs(x).sum(),
    }[kind]()


def gini(x, options, narrow, pico):
    a = np.sort(np.abs(x).ravel())
    n = a.size
    if a.sum() == 0:
        return 0.0 if pico else None
    return float(np.sum((2 * np.arange(1, n + 1) - n - 1) * a) / (n * a.sum()))


def hoyer(x, options, narrow, pico):
    n, l2 = x.size, np.linalg.norm(x)
    if n == 1 or l2 == 0:
        return None
    return (math.sqrt(n) - np.abs(x).sum() / l2) / (math.sqrt(n) - 1)


# The analysis ---------------------------------------------------------------------------------------------------------


def steps_of(config):
    steps = config["steps"]
    return steps if isinstance(steps, list) else range(steps["start"], steps["end"] + 1, steps["step"])


def matrices(run, step, split, component, pico):
    build = {"simple": simple, "ov_circuit": ov_circuit}[component["component_name"]]
    layers = range(run.layers) if component["layers"] == "all" else component["layers"]
    return itertools.chain.from_iterable(build(run, step, split, component, layer, pico) for layer in layers)


def evaluate(config, run, out, pico):
    for step, metric in itertools.product(steps_of(config), config["metrics"]):
        name, split = metric["metric_name"], metric["data_split"]
        if not run.has(step, split):
            continue
        options = {k: metric[k] for k in ("norm_type", "debiased") if k in metric}
        values = {}
        for component in metric["components"]:
            found = list(matrices(run, step, split, component, pico))
            if name in COMPARATIVE:
                other = {k: m for k, m, _ in matrices(run, metric["target_checkpoint"], split, component, pico)}
                compute = {"cka": cka, "pwcca": pwcca}[name]
                values.update({k: compute(m, other[k], options, narrow, pico) for k, m, narrow in found})
            else:
                compute = globals()[name]
                values.update({k: compute(m, options, narrow, pico) for k, m, narrow in found})
        file = f"{name}_{split}"
        if [m for m in config["metrics"] if (m["metric_name"], m["data_split"]) == (name, split)][0] is not metric:
            file += "." + ".".join(f"{k}={str(v).lower()}" for k, v in options.items())
        folder = os.path.join(out, f"step_{step}")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, f"{file}.json"), "w", encoding="utf-8") as f:
            json.dump({k: None if v is None else float(v) for k, v in values.items()}, f, indent=0, allow_nan=False)
            f.write("\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("config")
    parser.add_argument("run")
    parser.add_argument("out")
    parser.add_argument("--compat", choices=("literature", "pico"), default="literature")
    arguments = parser.parse_args()
    with open(arguments.config, encoding="utf-8") as f:
        evaluate(yaml.safe_load(f), Run(arguments.run), arguments.out, arguments.compat == "pico")
