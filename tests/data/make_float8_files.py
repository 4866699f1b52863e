#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes float8/codes.txt: what each code of the 8-bit floating-point types means, by ml_dtypes (made with 0.6.0) and by
the definitions in exact fractions, which must agree. And safetensors/types.safetensors, with safetensors 0.8.0: every
element type that can be read, of the 8-bit floats all codes.

Usage: make_float8_files.py [DIRECTORY]
"""
import math
import os
import sys
from fractions import Fraction

import ml_dtypes
import numpy as np
import safetensors

OUT = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
# Exponent bits, mantissa bits, bias: OCP 8-bit Floating Point Specification 1.0; arXiv 2206.02915 for fnuz.
LAYOUTS = {"float8_e4m3fn": (4, 3, 7), "float8_e5m2": (5, 2, 15), "float8_e4m3fnuz": (4, 3, 8),
           "float8_e5m2fnuz": (5, 2, 16), "float8_e8m0fnu": (8, 0, 127)}


def by_definition(name, code):
    exponent_bits, mantissa_bits, bias = LAYOUTS[name]
    if name == "float8_e8m0fnu":
        return math.nan if code == 255 else float(Fraction(2) ** (code - bias))
    sign = -1.0 if code >> 7 else 1.0
    exponent = code >> mantissa_bits & (1 << exponent_bits) - 1
    mantissa = code & (1 << mantissa_bits) - 1
    if name.endswith("fnuz") and code == 128 or name == "float8_e4m3fn" and code & 127 == 127:
        return math.nan
    if name == "float8_e5m2" and exponent == 31:
        return math.nan if mantissa else sign * math.inf
    fraction = Fraction(mantissa, 1 << mantissa_bits) + (1 if exponent else 0)
    return sign * float(fraction * Fraction(2) ** (max(exponent, 1) - bias))


def text(value):
    return "nan" if math.isnan(value) else "inf" if value == math.inf else "-inf" if value == -math.inf else value.hex()


def codes():
    columns = []
    for name in LAYOUTS:
        values = np.arange(256, dtype=np.uint8).view(getattr(ml_dtypes, name)).astype(np.float64)
        for code in range(256):
            assert text(float(values[code])) == text(by_definition(name, code)), (name, code)
        columns.append([text(float(v)) for v in values])
    os.makedirs(os.path.join(OUT, "float8"), exist_ok=True)
    with open(os.path.join(OUT, "float8", "codes.txt"), "w", encoding="ascii") as out:
        out.write("# code " + " ".join(LAYOUTS) + "\n")
        for code in range(256):
            out.write(" ".join([str(code)] + [column[code] for column in columns]) + "\n")


def types():
    sizes = {"bool": 1, "uint8": 1, "int8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4,
             "uint32": 4, "float32": 4, "float64": 8, "int64": 8, "uint64": 8}
    specs, held = {}, []
    def add(name, dtype, data, shape):
        held.append(data)
        specs[name] = safetensors.TensorSpec(dtype=dtype, shape=shape, data_ptr=data.ctypes.data, data_len=data.nbytes)
    for dtype, size in sizes.items():
        first = np.zeros(3 * size, np.uint8) if dtype == "bool" else np.arange(1, 3 * size + 1, dtype=np.uint8)
        add("b." + dtype, dtype, first, [3])
        add("a." + dtype, dtype, first[::-1].copy(), [1, 3])
    for dtype in LAYOUTS:
        add(dtype, dtype, np.arange(256, dtype=np.uint8), [16, 16])
    with open(os.path.join(OUT, "safetensors", "types.safetensors"), "wb") as out:
        out.write(safetensors.serialize(specs, {"format": "pt \"\u00e9\\\n\x01\x7f\U0001f600/"}))


codes()
types()
