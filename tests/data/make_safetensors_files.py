#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files in safetensors/ with the safetensors package (made with 0.8.0, NumPy 1.24, torch 1.13).

The values follow formulas that the tests know. Usage: make_safetensors_files.py [DIRECTORY]
"""
import json
import os
import sys

import numpy as np
import safetensors.numpy
import safetensors.torch
import torch

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "safetensors")


def path(name):
    return os.path.join(OUT, name)


def ramp(*shape):
    return np.arange(int(np.prod(shape)), dtype=np.float32).reshape(shape)


def dtypes():
    small = torch.arange(6).reshape(2, 3)                                  # 0 ... 5
    signed = small - 2                                                     # -2 ... 3
    tensors = {name: (signed.to(getattr(torch, name)) * 0.5 if name.startswith(("float", "bfloat")) else
                      signed.to(getattr(torch, name)))
               for name in ("float64", "float32", "float16", "bfloat16", "int8", "int16", "int32", "int64")}
    tensors["uint8"] = small.to(torch.uint8) + 250
    tensors["bool"] = small % 2 == 1
    tensors["scalar"] = torch.tensor(2.5)
    tensors["empty"] = torch.zeros(0, 3)
    tensors["cube"] = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    return tensors


def main():
    os.makedirs(OUT, exist_ok=True)
    # The tensors of torch/small.pt, under the names of a state_dict.
    small = {"pico_decoder.layers.0.attention.v_proj.weight": ramp(2, 3),
             "pico_decoder.layers.1.swiglu.w_2.weight": ramp(2, 2), "pico_decoder.output_norm.weight": np.ones(2, "f4")}
    safetensors.numpy.save_file(small, path("small.safetensors"), metadata={"format": "pt"})
    safetensors.torch.save_file(dtypes(), path("dtypes.safetensors"))
    safetensors.numpy.save_file({"u16": np.array([0, 65535], "u2"), "u32": np.array([0, 2**32 - 1], "u4"),
                                 "u64": np.array([0, 2**53], "u8")}, path("unsigned.safetensors"))
    safetensors.numpy.save_file({}, path("empty.safetensors"))
    odd = {"a\nb\t\u00e9\U0001f600": ramp(1), "": ramp(2), "a\"b\\": ramp(3), "\u001b[31m": ramp(1)}
    safetensors.numpy.save_file(odd, path("names.safetensors"))

    # Two shards, as transformers writes them; the first also holds what nobody asked for.
    names = list(small)
    shards = {"model-00001-of-00002.safetensors": names[:2], "model-00002-of-00002.safetensors": names[2:]}
    for file, held in shards.items():
        tensors = {name: small[name] for name in held}
        if file.startswith("model-00001"):
            tensors["extra"] = ramp(1)
        safetensors.numpy.save_file(tensors, path(file), metadata={"format": "pt"})
    index = {"metadata": {"total_size": 48}, "weight_map": {n: f for f, held in shards.items() for n in held}}
    with open(path("model.safetensors.index.json"), "w", encoding="utf-8") as out:
        json.dump(index, out, indent=2)
        out.write("\n")
    for file, held in shards.items():
        torch.save({n: torch.from_numpy(small[n]) for n in held},
                   path(file.replace("model-", "pytorch_model-").replace(".safetensors", ".bin")))
    index["weight_map"] = {n: f.replace("model-", "pytorch_model-").replace(".safetensors", ".bin")
                           for n, f in index["weight_map"].items()}
    with open(path("pytorch_model.bin.index.json"), "w", encoding="utf-8") as out:
        json.dump(index, out, indent=2)
        out.write("\n")


main()
