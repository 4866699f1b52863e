#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The straightforward way in PyTorch, as pico-analyze goes it: what the benchmark compares with.

    baseline.py CONFIG.yaml RUN_DIR OUT_DIR [pico]

For each step and metric the three files of the split are loaded whole, every circuit is formed densely, CKA is taken in
feature space, PWCCA by covariances, pseudo-inverses and retries with noise, and everything spectral by a full SVD. With
"pico" the OV weights of a head are V O, as small as a head, as pico-analyze has them; else O V, like what this program
computes. Its numbers are not for comparing: tests/data/reference/reference.py is for that.
"""
import itertools
import json
import math
import os
import re
import sys

import numpy as np
import torch
import yaml

KINDS = ("weights", "gradients", "activations")
PICO = "pico" in sys.argv[4:]


def load(run, step, split):
    folder = os.path.join(run, "checkpoints", f"step_{step}", "learning_dynamics")
    if not os.path.isdir(folder) or not os.path.exists(os.path.join(folder, f"{split}_weights.pt")):
        return None
    return {kind: torch.load(os.path.join(folder, f"{split}_{kind}.pt"), map_location="cpu") for kind in KINDS}


def simple(states, prefix, component, layer, model):
    kind, suffix = component["data_type"], component["layer_suffixes"]
    return {f"layers.{layer}.{suffix}.{kind}": states[kind][f"{prefix}{layer}.{suffix}"].float()}


def ov_circuit(states, prefix, component, layer, model):
    kind, suffixes = component["data_type"], component["layer_suffixes"]
    heads, group = model["attention_n_heads"], model["attention_n_heads"] // model["attention_n_kv_heads"]
    size = model["d_model"] // heads
    output = states["weights"][f"{prefix}{layer}.{suffixes['output_layer']}"].float()
    value = states[kind][f"{prefix}{layer}.{suffixes['value_layer']}"].float()
    value_weight = states["weights"][f"{prefix}{layer}.{suffixes['value_layer']}"].float()
    output_gradient = states["gradients"][f"{prefix}{layer}.{suffixes['output_layer']}"].float()
    parts = []
    for head in range(heads):
        rows = slice(head // group * size, (head // group + 1) * size)
        out = output[:, head * size : (head + 1) * size]
        if kind == "activations":
            parts.append(value[:, rows] @ out.T)
        elif kind == "gradients":
            parts.append(out @ value[rows] + output_gradient[:, head * size : (head + 1) * size] @ value_weight[rows])
        else:
            parts.append(value[rows] @ out if PICO else out @ value[rows])
    found = {f"layers.{layer}.ov_circuit.{kind}.heads.{head}": part for head, part in enumerate(parts)}
    found[f"layers.{layer}.ov_circuit.{kind}"] = torch.cat(parts, dim=1)
    return found


def components(states, metric, model):
    prefix = re.match(r".*layers\.", next(iter(states["activations"]))).group()
    found = {}
    for component in metric["components"]:
        build = {"simple": simple, "ov_circuit": ov_circuit}[component["component_name"]]
        layers = range(model["n_layers"]) if component["layers"] == "all" else component["layers"]
        for layer in layers:
            found.update(build(states, prefix, component, layer, model))
    return found


def cka(x, y, metric):
    x, y = x.numpy(), y.numpy()
    x, y = x - x.mean(0), y - y.mean(0)
    norms = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return float(np.linalg.norm(x.T @ y) ** 2 / norms) if norms > 0 else None


def inverse_root(s):
    w, v = np.linalg.eigh(np.linalg.pinv(s))
    with np.errstate(invalid="ignore"):
        return v @ np.diag(np.sqrt(w)) @ v.T


def pwcca(x, y, metric):
    x, y = x.numpy().T, y.numpy().T
    noise = np.random.default_rng(0)
    for _ in range(10):
        try:
            p = x.shape[0]
            covariance = np.cov(x, y)
            xx, xy, yy = covariance[:p, :p], covariance[:p, p:], covariance[p:, p:]
            x_max, y_max = np.abs(xx).max(), np.abs(yy).max()
            whitened = inverse_root(xx / x_max) @ (xy / math.sqrt(x_max * y_max)) @ inverse_root(yy / y_max)
            u, rho, _ = np.linalg.svd(whitened)
            means = x.mean(1, keepdims=True)
            q, _ = np.linalg.qr((u.T @ (x - means) + means).T)
            alpha = np.abs(q.T @ x.T).sum(1)
            return float((alpha / alpha.sum() * rho).sum())
        except (np.linalg.LinAlgError, ValueError):  # rank-deficient
            x = x + noise.normal(scale=1e-6, size=x.shape)
            y = y + noise.normal(scale=1e-6, size=y.shape)
    return None


def per(x, metric):
    sigma = torch.svd(x).S
    p = sigma / sigma.sum()
    return torch.exp(-torch.sum(p * torch.log(p))).item() / len(sigma)


def condition_number(x, metric):
    sigma = torch.svd(x).S
    return (sigma.max() / sigma.min()).item()


def norm(x, metric):
    kind = metric.get("norm_type", "frobenius")
    if kind == "spectral":
        return torch.linalg.matrix_norm(x, 2).item()
    return torch.norm(x, p={"frobenius": "fro", "nuclear": "nuc", "inf": math.inf, "l1": 1}[kind]).item()


def gini(x, metric):
    a = torch.sort(x.flatten().abs())[0]
    n = len(a)
    return (((2 * torch.arange(1, n + 1, dtype=a.dtype) - n - 1) * a).sum() / (n * a.sum())).item()


def hoyer(x, metric):
    n = x.numel()
    return (math.sqrt(n) - (torch.norm(x, p=1) / torch.norm(x, p=2)).item()) / (math.sqrt(n) - 1)


def main(config_path, run, out):
    with open(config_path, encoding="utf-8") as f:
        config = yaml.safe_load(f)
    with open(os.path.join(run, "training_config.yaml"), encoding="utf-8") as f:
        model = yaml.safe_load(f)["model"]
    steps = config["steps"]
    steps = steps if isinstance(steps, list) else range(steps["start"], steps["end"] + 1, steps["step"])
    targets = {}
    for i, metric in enumerate(config["metrics"]):
        if "target_checkpoint" in metric:
            states = load(run, metric["target_checkpoint"], metric["data_split"])
            targets[i] = components(states, metric, model)
    for step, (i, metric) in itertools.product(steps, enumerate(config["metrics"])):
        states = load(run, step, metric["data_split"])
        if states is None:
            continue
        compute = globals()[metric["metric_name"]]
        found = components(states, metric, model)
        if i in targets:
            values = {k: compute(x, targets[i][k], metric) for k, x in found.items()}
        else:
            values = {k: compute(x, metric) for k, x in found.items()}
        folder = os.path.join(out, f"step_{step}")
        os.makedirs(folder, exist_ok=True)
        file = f"{metric['metric_name']}_{metric['data_split']}_{i}.json"
        with open(os.path.join(folder, file), "w", encoding="utf-8") as f:
            json.dump(values, f)


if __name__ == "__main__":
    main(*sys.argv[1:4])
