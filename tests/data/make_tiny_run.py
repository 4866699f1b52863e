#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/tiny_run: a run whose every number follows from where it stands, with files missing on purpose.

Three layers, d_model 8, 4 heads, 2 kv heads; steps 0, 10, 20, 40. Element (i, j) of a tensor is
((step + 7 layer + 3 i + 5 j + 11 kind + 13 split + 2 suffix) mod 17 - 8) / 8 with the numbers of the tables below,
which every storage type holds exactly; tests/support/tiny_run.h repeats the formula.
Needs Debian's python3-torch.
"""
import os

import torch

KINDS = ["weights", "gradients", "activations"]
SPLITS = ["train", "val"]
SUFFIXES = ["attention.v_proj", "attention.k_proj", "attention.o_proj", "swiglu.w_2"]
SHAPES = {"attention.v_proj": (4, 8), "attention.k_proj": (4, 8), "attention.o_proj": (8, 8), "swiglu.w_2": (8, 16)}
STEPS = [0, 10, 20, 40]
N_LAYERS = 3
SAMPLES = 12
ABSENT = [(10, "val", "gradients"), (20, "train", "weights"), (20, "train", "gradients"), (20, "train", "activations"),
          (40, "train", "weights"), (40, "train", "gradients")]

CONFIG = """checkpointing:
  run_name: tiny
model:
  attention_n_heads: 4
  attention_n_kv_heads: 2
  d_model: 8
  n_layers: 3
"""


def tensor(step, split, kind, layer, suffix):
    rows, cols = SHAPES[suffix]
    if kind == "activations":
        rows, cols = SAMPLES, rows
        if step == 40 and split == "val":
            rows = 9  # another number of samples cannot be compared
    i = torch.arange(rows).reshape(-1, 1)
    j = torch.arange(cols).reshape(1, -1)
    where = step + 7 * layer + 11 * KINDS.index(kind) + 13 * SPLITS.index(split) + 2 * SUFFIXES.index(suffix)
    return (((where + 3 * i + 5 * j) % 17 - 8).to(torch.float32) / 8).contiguous()


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tiny_run")
    for step in STEPS:
        directory = os.path.join(root, "checkpoints", "step_%d" % step, "learning_dynamics")
        os.makedirs(directory, exist_ok=True)
        for split in SPLITS:
            for kind in KINDS:
                if (step, split, kind) in ABSENT:
                    continue
                prefix = "_forward_module." if split == "train" else ""
                tensors = {"%slayers.%d.%s" % (prefix, layer, suffix): tensor(step, split, kind, layer, suffix)
                           for layer in range(N_LAYERS) for suffix in SUFFIXES
                           if not (kind == "activations" and suffix == "swiglu.w_2")}
                torch.save(tensors, os.path.join(directory, "%s_%s.pt" % (split, kind)))
    with open(os.path.join(root, "training_config.yaml"), "w") as file:
        file.write(CONFIG)


if __name__ == "__main__":
    main()
