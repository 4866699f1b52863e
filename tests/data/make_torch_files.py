#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the files in torch/ with PyTorch itself (made with 1.13). The values follow formulas that the tests know.

Usage: make_torch_files.py [DIRECTORY]
"""
import argparse
import collections
import io
import os
import random
import sys
import types
import warnings
import zipfile

import numpy as np
import torch

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "torch")


def path(name):
    return os.path.join(OUT, name)


def rezip(source, target, compression, change=None, extra=()):
    """The same records in a new archive, as an ordinary zip program would write it."""
    with zipfile.ZipFile(path(source)) as old, zipfile.ZipFile(path(target), "w", compression) as new:
        folder = old.namelist()[0].split("/")[0]
        for name in old.namelist():
            data = old.read(name)
            new.writestr(zipfile.ZipInfo(name), change(name, data) if change else data, compression)
        for name, data in extra:
            new.writestr(zipfile.ZipInfo(folder + "/" + name), data, compression)


def views():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    return {
        "contiguous": base,                                                # row r, column c: 6 r + c
        "transposed": base.t(),                                            # c + 6 ... of the same storage
        "rows": base[1:3],
        "columns": base[:, 2:5],
        "every_other": base[::2, ::3],
        "expanded": torch.tensor([[5.0], [7.0]]).expand(2, 3),             # stride 0
        "flat": base.view(-1),
        "tail": torch.arange(1000, dtype=torch.float32)[990:994],          # a small part of a large storage
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "cube": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4),
        "permuted": torch.arange(24, dtype=torch.float32).reshape(2, 3, 4).permute(2, 0, 1),
    }


def attention():
    """Patterns of two heads over three tokens, and the tokens. Rows do not add up to 1: the test is of places."""
    ramp = torch.arange(18, dtype=torch.float32).reshape(2, 3, 3)          # head h, query i, key j: 9 h + 3 i + j
    return {
        "layers.0.attention.pattern": ramp,
        "layers.1.attention.pattern": (ramp / 2).half().permute(0, 2, 1),  # queries and keys in each other's place
        "tokens": torch.tensor([7, 50303, 7]),
    }


def dtypes():
    ramp = torch.arange(6).reshape(2, 3)                                   # 0 ... 5
    signed = ramp - 2                                                      # -2 ... 3
    tensors = {name: (signed.to(getattr(torch, name)) * 0.5 if name.startswith(("float", "bfloat")) else
                      signed.to(getattr(torch, name)))
               for name in ("float64", "float32", "float16", "bfloat16", "int8", "int16", "int32", "int64")}
    tensors["uint8"] = ramp.to(torch.uint8) + 250
    tensors["bool"] = ramp % 2 == 1
    return tensors


def module():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.LayerNorm(2))
    with torch.no_grad():
        model[0].weight.copy_(torch.arange(6).reshape(2, 3))
        model[0].bias.copy_(torch.tensor([10.0, 20.0]))
    return model


def mixed():
    parameter = torch.nn.Parameter(torch.arange(4, dtype=torch.float32).reshape(2, 2))
    tagged = torch.ones(2)
    tagged.note = "an attribute"
    return {
        "model": {"layers": {0: {"weight": torch.full((2, 2), 3.0)}}, "parameter": parameter, "tagged": tagged},
        "step": 7,
        "rate": 1e-3,
        "names": ["a", "b"],
        "nothing": None,
        "big": 1 << 80,
        "complex": torch.zeros(2, dtype=torch.complex64),
        "sparse": torch.sparse_coo_tensor([[0]], [1.0], (3,)),
        "quantised": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "dtype": torch.float16,
    }


def small():
    return {
        "_forward_module.layers.0.attention.v_proj": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "_forward_module.layers.1.swiglu.w_2.weight": torch.arange(4, dtype=torch.bfloat16).reshape(2, 2),
        "norm.weight": torch.ones(2),
    }


class Script(torch.nn.Module):
    def forward(self, x):
        return x + 1


def swap(name, data):
    """Elements of the storages of small.pt in the other byte order."""
    key = name.rsplit("/", 1)[1]
    size = {"0": 4, "1": 2, "2": 4}.get(key) if "/data/" in name else None
    if size is None:
        return data
    return b"".join(data[i:i + size][::-1] for i in range(0, len(data), size))


def foreign(name, **members):
    """A class of another package, as far as pickle can see."""
    module, _, leaf = name.rpartition(".")
    for depth in range(1, module.count(".") + 2):
        part = ".".join(module.split(".")[:depth])
        sys.modules.setdefault(part, types.ModuleType(part))
    made = type(leaf, (), members)
    made.__module__ = module
    setattr(sys.modules[module], leaf, made)
    return made


def fabric():
    """fabric_state/checkpoint.pt of a single device: the model, the optimizer, states of random generators."""
    model = module()
    optimizer = torch.optim.AdamW(model.parameters())
    model(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    model = module()
    random.seed(0)
    np.random.seed(0)
    return {"_model": model.state_dict(), "_optimizer": optimizer.state_dict(), "_checkpoint_step": 7,
            "_lr_scheduler": {"lr_lambdas": [None], "base_lrs": [1e-3]},
            "_rng_states": {"torch": torch.zeros(16, dtype=torch.uint8), "python": random.getstate(),
                            "numpy": np.random.get_state()}}


def deepspeed():
    """mp_rank_00_model_states.pt: weights in bfloat16 between objects of DeepSpeed and of the user."""
    scaler = foreign("deepspeed.runtime.fp16.loss_scaler.LossScaler")()
    scaler.cur_scale = 1.0
    scaler.kept = torch.ones(3)
    address = foreign("deepspeed.utils.tensor_fragment.fragment_address", __reduce__=lambda self: (type(self), (0, 4)))
    stage = foreign("deepspeed.runtime.zero.config.ZeroStageEnum", __reduce__=lambda self: (type(self), (1,)))
    config = foreign("my_project.config.Options")()
    config.stage = stage()
    return {"module": collections.OrderedDict((k, v.bfloat16()) for k, v in module().state_dict().items()),
            "buffer_names": [], "param_shapes": [collections.OrderedDict({"0.weight": torch.Size([2, 3])})],
            "optimizer": {"loss_scaler": scaler, "address": address(), "stage": stage()}, "ds_config": config,
            "options": {"namespace": argparse.Namespace(lr=0.1)}, "ds_version": "0.16.0"}


def main():
    warnings.filterwarnings("ignore")
    os.makedirs(OUT, exist_ok=True)
    torch.save(views(), path("views.pt"))
    torch.save(dtypes(), path("dtypes.pt"))
    torch.save(attention(), path("attention.pt"))
    torch.save(module().state_dict(), path("state_dict.pt"))
    torch.save(mixed(), path("mixed.pt"))
    torch.save(small(), path("small.pt"))
    torch.save(small(), path("protocol4.pt"), pickle_protocol=4)
    torch.save(collections.OrderedDict(("t.%d" % i, torch.full((2, 2), float(i))) for i in range(70)), path("many.pt"))
    torch.save(torch.ones(2), path("tensor.pt"))
    torch.save({}, path("empty_dict.pt"))
    torch.save({"a": io.StringIO}, path("unknown_class.pt"))
    torch.save(fabric(), path("fabric.pt"))
    torch.save(deepspeed(), path("deepspeed.pt"))
    torch.save(small(), path("legacy.pt"), _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(Script()), path("script.pt"))
    rezip("views.pt", "deflated.pt", zipfile.ZIP_DEFLATED)
    rezip("small.pt", "big_endian.pt", zipfile.ZIP_STORED, swap, [("byteorder", b"big")])
    rezip("small.pt", "newer.pt", zipfile.ZIP_STORED, None,
          [("byteorder", b"little"), (".format_version", b"1"), (".storage_alignment", b"64"),
           (".data/serialization_id", b"0" * 40)])


if __name__ == "__main__":
    main()
