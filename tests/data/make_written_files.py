#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes written/VERSION/: files of torch.save(), safetensors and NumPy as these packages write them today, and what is
in them, by these packages.

Usage: make_written_files.py VERSION [DIRECTORY], once with torch 2.1.2, NumPy 1.26.4, safetensors 0.8.0 as VERSION 2.1,
and once with torch 2.15.0, NumPy 2.4.6, safetensors 0.8.0 as VERSION 2.15. No test needs them.
From one making to the next the keys of legacy files, which are addresses, and the order of sets and notes differ.

expected.txt, whose fields are separated by tabs:
    file NAME                              the lines below are about this file
    tensor NAME DTYPE SHAPE CRC VALUES     CRC-32 of the elements as little-endian doubles, each NaN as 7ff8000000000000;
                                           the first four elements
    omitted NAME WHAT                      a tensor that cannot be read, while those beside it can
    converted BYTES CRC                    what safetensors.torch.save() makes of the tensors that can be read
    refused TEXT                           the file cannot be read, for that reason
"""
import argparse
import collections
import dataclasses
import datetime
import enum
import functools
import io
import os
import pathlib
import sys
import types
import uuid
import warnings
import zlib

import numpy as np
import safetensors.torch
import torch
import torch.nn as nn

from make_torch_files import deepspeed, fabric

HERE = os.path.dirname(os.path.abspath(__file__))
DTYPES = {"float64": "f64", "float32": "f32", "float16": "f16", "bfloat16": "bf16", "int8": "i8", "int16": "i16",
          "int32": "i32", "int64": "i64", "uint8": "u8", "uint16": "u16", "uint32": "u32", "uint64": "u64",
          "bool": "bool", "float8_e4m3fn": "f8_e4m3fn", "float8_e5m2": "f8_e5m2", "float8_e4m3fnuz": "f8_e4m3fnuz",
          "float8_e5m2fnuz": "f8_e5m2fnuz", "float8_e8m0fnu": "f8_e8m0fnu"}
OLDER = not hasattr(torch, "uint16")                                        # before torch 2.3
OUT = None
lines = []


def known(names):
    return {name: getattr(torch, name) for name in names if hasattr(torch, name)}


def leaf(t):
    return str(t.dtype).removeprefix("torch.")


def text(value):
    return "nan" if value != value else str(value) if abs(value) == float("inf") else float(value).hex()


def doubles(t):
    """All elements as doubles, row after row: through NumPy where torch cannot convert the type."""
    t = t.detach().resolve_neg().contiguous()
    name = leaf(t)
    if name.startswith("uint") and name != "uint8":
        return np.frombuffer(t.view(torch.uint8).numpy().tobytes() if t.dim() else bytes(t.untyped_storage())[
            t.storage_offset() * t.element_size():][:t.element_size()], name).astype("<f8")
    if name.startswith("float8"):
        t = t.float()
    return t.double().reshape(-1).numpy().astype("<f8")


def tensor_line(name, t):
    values = doubles(t)
    held = values.copy()
    held.view("<u8")[np.isnan(values)] = 0x7ff8 << 48
    shape = ",".join(str(n) for n in t.shape)
    return "\t".join(["tensor", name, DTYPES[leaf(t)], shape or "-", "%08x" % zlib.crc32(held.tobytes()),
                      " ".join(text(v) for v in values[:4]) or "-"])


def walk(value, name, found):
    """Tensors under names as the library gives them: keys and positions joined by dots."""
    if isinstance(value, torch.Tensor):
        found.append((name, value))
    elif isinstance(value, (dict, list, tuple)):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            if isinstance(key, (str, int)) and not isinstance(key, bool):
                walk(item, f"{name}.{key}" if name else str(key), found)


def expect(file, value, omitted=(), root=""):
    """What is in a file, as PyTorch gives it back, but for `omitted`: name -> what it is."""
    omitted = dict(omitted)
    found = []
    walk(value, root, found)
    lines.append("file\t" + file)
    readable = {n: t for n, t in found if n not in omitted}
    lines.extend(tensor_line(n, t) for n, t in readable.items())
    lines.extend(f"omitted\t{n}\t{what}" for n, what in omitted.items())
    plain = {n: t.detach().resolve_neg().clone().contiguous() for n, t in readable.items()}
    held = safetensors.torch.save(plain, metadata={"format": "pt"})
    lines.append("converted\t%d\t%08x" % (len(held), zlib.crc32(held)))


def refuse(file, why):
    lines.extend(["file\t" + file, "refused\t" + why])


def write_expected(to):
    with open(to, "w", encoding="utf-8") as out:
        out.write("\n".join(lines) + "\n")


def path(name):
    return os.path.join(OUT, name)


def load(name):
    return torch.load(path(name), map_location="cpu", weights_only=False)


def kept(tensors, **options):
    """Those that this version can write and read again."""
    good = {}
    for name, t in tensors.items():
        try:
            held = io.BytesIO()
            torch.save({name: t}, held, **options)
            held.seek(0)
            torch.load(held, weights_only=False)
            good[name] = t
        except Exception as error:
            print("no", name, options, repr(error)[:80])
    return good


def save(name, value, omitted=(), root="", **options):
    torch.save(value, path(name), **options)
    expect(name, load(name), omitted, root)


def element(dtype):
    """Six elements of a type, the extreme ones too."""
    if dtype.is_floating_point:
        size = torch.empty(0, dtype=dtype).element_size()
        if size == 1:
            return torch.tensor([0, 1, 0x38, 0x7e, 0x80, 0xff], dtype=torch.uint8).view(dtype).reshape(2, 3)
        return torch.tensor([[-2.5, -0.0, 1 / 3], [float("inf"), float("nan"), 6e-8]]).to(dtype)
    if dtype == torch.bool:
        return torch.tensor([[True, False, False], [True, True, False]])
    info = torch.iinfo(dtype)
    values = np.array([info.min, info.max, 0, 1, 77, info.max - 1], dtype=leaf(torch.empty(0, dtype=dtype)))
    raw = torch.from_numpy(values.view(np.uint8).copy())
    return raw.view(dtype).reshape(2, 3)


def dtypes():
    return {name: element(dtype) for name, dtype in known(DTYPES).items()}


def views():
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    held = {"base": base, "transposed": base.t(), "rows": base[1:3], "columns": base[:, 2:5], "strided": base[::2, ::3],
            "expanded": torch.tensor([[5.0], [7.0]]).expand(2, 3), "flat": base.view(-1), "again": base,
            "tail": torch.arange(1000, dtype=torch.bfloat16)[990:994], "scalar": torch.tensor(2.5), "none": torch.zeros(0, 3),
            "permuted": torch.arange(24.).reshape(2, 3, 4).permute(2, 0, 1), "overlapping": base.as_strided((3, 4), (1, 2)),
            "channels_last": torch.arange(24.).reshape(1, 2, 3, 4).contiguous(memory_format=torch.channels_last)}
    if not OLDER:
        words = torch.from_numpy(np.arange(12, dtype=np.uint16).reshape(3, 4))
        held |= {"words": words, "words_transposed": words.t()[1:]}
    bytes8 = torch.arange(48, 72, dtype=torch.uint8).view(torch.float8_e4m3fn).reshape(4, 6)
    return held | {"eighths": bytes8, "eighths_columns": bytes8[:, 1:3]}


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        self.norm = nn.LayerNorm(4)
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight                                # tied: one storage under two names
        self.register_buffer("mask", torch.ones(3, 3, dtype=torch.bool).tril())
        self.batch = nn.BatchNorm1d(4)

    def forward(self, tokens):
        x = self.embed(tokens)
        for layer in self.layers:
            x = layer(x).relu()
        return self.head(self.batch(self.norm(x)))


class Precision(enum.Enum):
    FULL = 32


@dataclasses.dataclass
class Options:
    rate: float = 0.1
    layers: tuple = (1, 2)


def training():
    """What a script keeps of a run: state dicts, and whatever else was at hand."""
    torch.manual_seed(0)
    model = Tiny()
    optimizer = torch.optim.AdamW([{"params": model.layers.parameters()}, {"params": model.norm.parameters()}], lr=0.1)
    slow = torch.optim.SGD(model.embed.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(slow)
    for _ in range(2):
        model(torch.tensor([0, 1, 2])).square().sum().backward()
        optimizer.step()
        slow.step()
    scheduler.step()
    counts = collections.defaultdict(list)
    counts["loss"].append(torch.tensor([0.5, 0.25]))
    counts["step"].append(3)
    tables = collections.defaultdict(dict)
    tables["norms"]["layers.0"] = torch.tensor(1.5)
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "slow": slow.state_dict(),
            "scheduler": scheduler.state_dict(), "plateau": plateau.state_dict(), "scaler": {"scale": 65536.0},
            "ema": {k: v.clone().half() for k, v in model.named_parameters()}, "parameters": list(model.norm.parameters()),
            "history": counts, "tables": tables, "counter": collections.Counter("abca"), "epoch": np.int64(7),
            "best": np.float32(0.5), "curve": np.linspace(0, 1, 5), "names": np.array(["a", "bc"]),
            "flags": np.array([True, False]), "args": argparse.Namespace(lr=0.1, tags=["x"], where=pathlib.Path("/tmp")),
            "options": foreign_options(), "space": types.SimpleNamespace(a=1), "when": datetime.datetime(2024, 1, 2),
            "id": uuid.UUID(int=7), "set": {1, 2}, "frozen": frozenset("ab"), "bytes": b"\x00\xff", "array": bytearray(b"ab"),
            "complex": 1 + 2j, "big": 1 << 100, "negative": -(1 << 40), "range": range(3), "slice": slice(1, 2), "type": dict,
            "partial": functools.partial(int, base=2), "chain": collections.deque([1, 2]), "float": float, "numpy": np.float32,
            "generator_itself": torch.Generator() if not OLDER else None, "device": torch.device("cpu"), "dtype": torch.bfloat16, "size": torch.Size([2, 3]),
            "layout": torch.strided, "generator": torch.Generator().get_state()[:16].clone(),
            "random": np.random.default_rng(0).bit_generator.state,
            "none": None, (1, 2): torch.ones(1), 3: torch.full((2,), 3.0), "true": True,
            "nested": [{"a": torch.ones(1)}, (torch.zeros(2), [torch.ones(1, 1)])]}


def foreign_options():
    """Classes that whoever reads the file does not have."""
    module = types.ModuleType("somebody.options")
    sys.modules["somebody"] = types.ModuleType("somebody")
    sys.modules["somebody.options"] = module
    for made in (Options, Precision):
        made.__module__ = "somebody.options"
        setattr(module, made.__name__, made)
    return {"options": Options(), "precision": Precision.FULL, "class": Options}


def unsupported():
    """Tensors that are no plain arrays of numbers, one of each kind, between two that are."""
    dense = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    ramp = torch.arange(4, dtype=torch.float32).reshape(2, 2)
    tagged = torch.ones(2, dtype=torch.complex64)

    def pair():
        return torch.view_as_complex(ramp.clone())

    tagged.note = "an attribute"
    kinds = {"coo": (dense.to_sparse(), "sparse"), "csr": (dense.to_sparse_csr(), "sparse"),
             "csc": (dense.to_sparse_csc(), "sparse"), "bsr": (torch.eye(4).to_sparse_bsr((2, 2)), "sparse"),
             "quantized": (torch.quantize_per_tensor(ramp, 0.5, 0, torch.qint8), "quantized"),
             "per_channel": (torch.quantize_per_channel(ramp, torch.tensor([0.5, 1.0]), torch.tensor([0, 0]), 0,
                                                        torch.quint8), "quantized"),
             "complex64": (pair(), "complex64"), "complex128": (ramp.to(torch.complex128), "complex128"),
             "complex32": (ramp.to(torch.complex32), "complex32"), "conjugated": (pair().conj(), "complex64"),
             "negated": (pair().conj().imag, "stored conjugated or negated"),
             "meta": (torch.empty(2, 3, device="meta"), "meta"), "tagged": (tagged, "complex64"),
             "parameter": (nn.Parameter(pair()), "complex64"),
             "nested": (torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "nested"),
             "bits": (torch.tensor([1, 2], dtype=torch.uint8).view(torch.bits8), "bits8")}
    for name in ("float4_e2m1fn_x2", "int4", "uint2", "uint7", "bcomplex32"):
        if hasattr(torch, name):
            raw = torch.arange(4, dtype=torch.int16 if name == "bcomplex32" else torch.uint8)
            try:
                kinds[name] = (raw.view(torch.int32).view(getattr(torch, name)) if name == "bcomplex32" else
                               raw.view(getattr(torch, name)), name)
            except RuntimeError as error:
                print("no", name, error)
    held = {"first": torch.ones(2)}
    omitted = {}
    for name, (value, what) in kinds.items():
        try:
            torch.save({"t": value}, io.BytesIO())
        except Exception as error:                                          # not of this version
            print("not saved:", name, repr(error)[:100])
            continue
        held[name], omitted[name] = value, what
    return held | {"last": torch.arange(3.0)}, omitted


def small():
    return {"layers.0.attention.v_proj": torch.arange(6, dtype=torch.float32).reshape(2, 3),
            "layers.1.swiglu.w_2.weight": torch.arange(4, dtype=torch.bfloat16).reshape(2, 2), "norm.weight": torch.ones(2)}


def big_endian():
    """As on a machine of the other byte order: the elements swapped, and what torch asks for the order."""
    held = {n: t.clone() for n, t in kept(dtypes()).items()}
    swapped = {}
    for name, t in held.items():
        other = t.clone()
        if t.element_size() > 1:
            raw = np.frombuffer(bytes(t.untyped_storage()), f">u{t.element_size()}").astype(f"<u{t.element_size()}")
            other = torch.frombuffer(bytearray(raw.tobytes()), dtype=torch.uint8).view(t.dtype).reshape(t.shape)
        swapped[name] = other
    order = sys.byteorder
    sys.byteorder = "big"
    try:
        torch.save(swapped, path("big_endian.pt"))
    finally:
        sys.byteorder = order
    back = load("big_endian.pt")
    for name, t in held.items():
        if "uint" not in name:                                              # which torch forgets to swap
            assert torch.equal(back[name].nan_to_num() if t.dtype.is_floating_point and t.element_size() > 1 else
                               back[name].view(torch.uint8), t.nan_to_num() if t.dtype.is_floating_point and
                               t.element_size() > 1 else t.view(torch.uint8)), name
    expect("big_endian.pt", held)


def torch_files():
    save("dtypes.pt", kept(dtypes()))
    save("views.pt", kept(views()))
    legacy = {"_use_new_zipfile_serialization": False}
    save("legacy.pt", kept(views() | dtypes(), **legacy), **legacy)
    save("state_dict.pt", Tiny().half().state_dict())
    save("training.pt", training())
    if OLDER:
        save("training_legacy.pt", training(), **legacy)
    for protocol in (2, 3, 4, 5):
        held = training()
        keep = ("curve", "epoch", "names", "args", "options", "set", "frozen", "bytes", "array", "big", "complex", "nested")
        save(f"protocol{protocol}.pt", small() | {k: held[k] for k in keep}, pickle_protocol=protocol)
    held, omitted = unsupported()
    torch.save(held, path("unsupported.pt"))
    expect("unsupported.pt", {k: v for k, v in held.items() if k not in omitted}, omitted)
    with open(path("file_object.pt"), "wb") as out:
        torch.save(small(), out)
    expect("file_object.pt", load("file_object.pt"))
    save("small.pt", small())
    save("renamed.tar.gz", small())
    save("tensor.pt", torch.arange(6.0).reshape(2, 3), root="tensor")
    save("list.pt", [torch.ones(2), (torch.zeros(1), 7), {"a": torch.arange(3)}])
    save("tuple.pt", tuple(torch.full((1, 2), float(i)) for i in range(3)))
    save("parameter.pt", nn.Parameter(torch.ones(2)), root="parameter")
    big_endian()
    torch.save(nn.Linear(2, 2), path("module.pt"))
    refuse("module.pt", "holds a")
    torch.save(None, path("nothing.pt"))
    refuse("nothing.pt", "holds a")
    save("fabric.pt", fabric())
    states = deepspeed()
    torch.save(states, path("deepspeed.pt"))
    expect("deepspeed.pt", {"module": states["module"]})                   # what is in objects of others is not seen
    if hasattr(torch.serialization, "set_crc32_options"):
        torch.serialization.set_crc32_options(False)
        save("no_crc.pt", small())
        torch.serialization.set_crc32_options(True)
    try:
        from torch.utils.serialization import config
    except ImportError:
        return
    for alignment in (1, 4096):
        config.save.storage_alignment = alignment
        save(f"aligned{alignment}.pt", small())
    config.save.storage_alignment = 64


def safetensors_files():
    held = dtypes() | {"scalar": torch.tensor(2.5), "none": torch.zeros(0, 3), "cube": torch.arange(24.).reshape(2, 3, 4)}
    safetensors.torch.save_file(held, path("dtypes.safetensors"), metadata={"format": "pt", "step": "7"})
    safetensors.torch.save_model(Tiny(), path("model.safetensors"), metadata={"format": "pt"})  # of ties one is left out
    for name in ("dtypes.safetensors", "model.safetensors"):
        expect(name, safetensors.torch.load_file(path(name)))
        with open(path(name), "rb") as f:                                   # notes are kept: it comes out as it went in
            held = f.read()
        lines[-1] = "converted\t%d\t%08x" % (len(held), zlib.crc32(held))
    omitted = {"complex": "C64"}
    held = {"first": torch.ones(2), "complex": torch.ones(2, dtype=torch.complex64), "last": torch.arange(3.0)}
    if hasattr(torch, "float4_e2m1fn_x2"):
        held["four"] = torch.arange(6, dtype=torch.uint8).reshape(2, 3).view(torch.float4_e2m1fn_x2)
        omitted["four"] = "F4"
    safetensors.torch.save_file(held, path("unsupported.safetensors"), metadata={"format": "pt"})
    expect("unsupported.safetensors", {k: v for k, v in held.items() if k not in omitted}, omitted)


def plain(value):
    """An array as a tensor, in this machine's byte order and rows."""
    return torch.from_numpy(np.array(value.astype(value.dtype.newbyteorder("=")), order="C").reshape(value.shape))


def array(file, name, value):
    expect(file, {name: plain(value)})


def numpy_files():
    ramp = np.arange(24, dtype="<f4").reshape(2, 3, 4)
    arrays = {"c": ramp, "fortran": np.asfortranarray(ramp), "big": ramp[0].astype(">f8"), "half": ramp[1].astype("<f2"),
              "scalar": np.float64(2.5).reshape(()), "none": np.zeros((0, 3), "<f2"), "view": ramp[:, ::2, 1:],
              "i": np.array([-(2**63), 2**63 - 1]), "b": np.array([True, False])}
    if not OLDER:
        arrays |= {"u2": np.array([0, 65535], ">u2"), "u8": np.array([0, 2**64 - 1], "<u8")}
    for name, value in arrays.items() if not OLDER else ():                 # but for the archives the bytes are the same
        np.save(path(name + ".npy"), value)
        array(name + ".npy", name, value)
    for version in ((2, 0), (3, 0)) if not OLDER else ():
        with open(path("version%d.npy" % version[0]), "wb") as out, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.lib.format.write_array(out, ramp, version=version)
        array("version%d.npy" % version[0], "version%d" % version[0], ramp)
    others = {"objects": (np.array([{}], dtype=object), "Python objects"), "complex": (np.zeros(2, "<c8"), "'<c8'"),
              "fields": (np.zeros(2, [("a", "<f4"), ("b", ">i4", (2,))]), "several fields"),
              "record": (np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), "several fields"),
              "void": (np.zeros(2, "V2"), "have no type"), "texts": (np.array(["a"]), "'<U1'"), "raw": (np.array([b"a"]), "'|S1'"),
              "dates": (np.array(["2024-01-01"], "datetime64[ns]"), "'<M8[ns]'"), "long": (np.zeros(1, "g"), "'<f16'")}
    if not OLDER:
        others["strings"] = (np.array(["a"], np.dtypes.StringDType()), "Python objects")
    for name, (value, why) in others.items() if not OLDER else ():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.save(path(name + ".npy"), value)
        refuse(name + ".npy", why)
    held = {n: v for n, v in arrays.items()} | {"layers.0.attention.v_proj": ramp[0]}
    left = {n: others[n][0] for n in ("texts", "complex", "fields", "objects")}
    for file, write in (("arrays.npz", np.savez), ("compressed.npz", np.savez_compressed)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(path(file), **held, **left)
        expect(file, {n: plain(v) for n, v in held.items()},
               {"texts": "<U1", "complex": "<c8", "fields": "fields", "objects": "|O"})


def main():
    global OUT
    OUT = os.path.join(sys.argv[2] if len(sys.argv) > 2 else os.path.join(HERE, "written"), sys.argv[1])
    warnings.filterwarnings("ignore")
    os.makedirs(OUT, exist_ok=True)
    torch.manual_seed(1)
    torch_files()
    safetensors_files()
    numpy_files()
    write_expected(path("expected.txt"))


if __name__ == "__main__":
    main()
