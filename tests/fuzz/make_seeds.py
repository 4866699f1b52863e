#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzz targets out of tests/data: a folder for each target. Needs nothing but Python.

Usage: make_seeds.py DATA_DIRECTORY OUTPUT_DIRECTORY
"""
import io
import os
import struct
import sys
import zipfile

DATA, OUT = sys.argv[1:3]
LARGEST = 32768


def put(target, name, data):
    folder = os.path.join(OUT, target)
    os.makedirs(folder, exist_ok=True)
    if len(data) <= LARGEST:
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def files(folder):
    for name in sorted(os.listdir(os.path.join(DATA, folder))):
        with open(os.path.join(DATA, folder, name), "rb") as file:
            yield name, file.read()


def without_crcs(data):
    """Directory entries whose CRC is 0, "not computed": changes of the records are then no damage."""
    data = bytearray(data)
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 16:at + 20] = bytes(4)
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def torch():
    written = [("2.15_" + name, data) for name, data in files("written/2.15")
               if name.endswith(".pt") and name != "no_crc.pt"]             # which zipfile takes for damaged
    for name, data in [*files("torch"), *written]:
        if not data.startswith(b"PK"):
            put("torch_legacy", name, data)
            continue
        put("torch_zip", name, data)
        put("torch_zip", "nocrc_" + name, without_crcs(data))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for record in archive.namelist():
                if record.endswith(".pkl"):
                    put("pickle", name + ".pkl", archive.read(record))


def journal():
    """A header and records; the target mends plan and checksums."""
    def number(value):
        return struct.pack("<q", value)

    def text(value):
        return number(len(value)) + value + b"\0"

    def unit(step, layer, rows):
        bytes_ = number(step) + number(layer) + b"".join(rows) + b"E"
        return b"PAu1" + struct.pack("<II", len(bytes_), 0) + bytes_

    def row(item, outputs):
        numbers = b"".join(number(n) for n in (0, 1, 4, 8, 4, 4, 0))
        return (b"R" + number(item) + number(-1) + text(b"layers.0.simple.weights") + struct.pack("<d", 1.5) + numbers +
                text(b"definition") + text(b"") + text(b"") + number(len(outputs)) + b"".join(outputs))

    scalar = text(b"part") + number(0) + number(0) + struct.pack("<d", 2.5)
    array = text(b"all") + number(0) + number(1) + text(b"i") + number(2) + struct.pack("<dd", 1.0, 2.0)
    skipped = b"S" + number(0) + number(0) + number(10) + number(0)
    header = b"PAjrnl\r\n" + struct.pack("<IQI", 2, 0, 0)
    put("results_log", "empty", header)
    for name, rows in (("none", []), ("row", [row(0, [])]), ("outputs", [row(0, [scalar, array])]), ("skip", [skipped])):
        put("results_log", name, header + b"".join(unit(step, layer, rows) for step in (0, 10, 20) for layer in (0, 1)))


def api():
    put("api", "zeros", bytes(64))
    put("api", "count", bytes(range(256)))
    put("api", "count_down", bytes(range(255, -1, -1)))
    # Leaves of 3 x 4 in all slots, then every metric on each.
    leaves = b"".join(bytes((0, i, i, i, 1, 4, 5, 33, 0)) for i in range(8))
    for first in range(0, 40, 8):
        put("api", "metrics_%d" % first, leaves + b"".join(bytes((3, 0, m, 1, 0, 1, 1)) for m in range(first, first + 8)))


torch()
for name, data in files("safetensors"):
    put("json_index" if name.endswith(".json") else "safetensors" if name.endswith(".safetensors") else "torch_zip",
        name, data)
for name, data in files("npy"):
    put("npy", name, data)
for name, data in files("../../examples/configs"):
    put("yaml", name, data)
with open(os.path.join(DATA, "tiny_run", "training_config.yaml"), "rb") as source:
    put("yaml", "training_config.yaml", source.read())
journal()
api()
