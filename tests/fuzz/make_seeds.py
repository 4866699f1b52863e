#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of the fuzz targets out of tests/data: a folder for each target. Needs nothing but Python.

Usage: make_seeds.py DATA_DIRECTORY OUTPUT_DIRECTORY
"""
import io
import json
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
        return b"PAu1" + struct.pack("<IQI", len(bytes_), 24, 0) + bytes_  # the header had been flushed

    def row(item, outputs):
        numbers = b"".join(number(n) for n in (0, 1, 4, 8, 4, 4, 0))
        return (b"R" + number(item) + number(-1) + text(b"layers.0.simple.weights") + struct.pack("<d", 1.5) + numbers +
                text(b"definition") + text(b"") + text(b"") + number(len(outputs)) + b"".join(outputs))

    scalar = text(b"part") + number(0) + number(0) + struct.pack("<d", 2.5)
    array = text(b"all") + number(0) + number(1) + text(b"i") + number(2) + struct.pack("<dd", 1.0, 2.0)
    skipped = b"S" + number(0) + number(0) + number(10) + number(0)
    header = b"PAjrnl\r\n" + struct.pack("<IQI", 3, 0, 0)
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


def hub_answer():
    """The first byte is the question; see hub_answer.c."""
    def ask(kind, name, body):
        put("hub_answer", name, bytes((kind,)) + (body if isinstance(body, bytes) else json.dumps(body).encode()))

    digits = "0123456789abcdef" * 4
    sha1, sha256 = digits[:40], digits
    ask(0, "commit", {"id": "pico-lm/demo", "sha": sha1, "tags": ["x"]})
    parts = ("Learning Dynamics Data (train)", "Learning Dynamics Data (val)", "HF Model", "Fabric Checkpoint")
    commits = [{"id": digits[i:i + 40], "title": "Saving %s -- Step %d" % (part, step), "message": "", "authors": []}
               for step in (100, 50, 0) for i, part in enumerate(parts)]
    ask(1, "commits", commits + [{"id": sha1, "title": "initial commit"}])
    ask(1, "commits_again", commits + commits[::-1])
    ask(1, "no_commits", [])
    plain = {"type": "file", "path": "training_config.yaml", "size": 519, "oid": sha1}
    large = {"type": "file", "path": "learning_dynamics/val_weights.pt", "size": 9, "oid": sha1,
             "lfs": {"oid": sha256, "size": 9, "pointerSize": 130}, "xetHash": sha256}
    odd = dict(plain, path='a "name" \u00e9')
    ask(2, "tree", [{"type": "directory", "path": "learning_dynamics", "oid": sha1, "size": 0}, plain, large, odd])
    ask(2, "tree_twice", [plain, plain])
    kept = {"a.yaml": {"size": 519, "blob_id": sha1},
            "b/c.pt": {"size": 130, "blob_id": sha1, "lfs_sha256": sha256, "lfs_size": 9, "xet_hash": sha256}}
    ask(3, "kept", {"format_version": 1, "files": kept})
    lines = (b"HTTP/1.1 429 Too Many Requests", b"Retry-After: 7", b'RateLimit: "api";r=0;t=55',
             b"X-Error-Code: GatedRepo", b"X-Error-Message: Access to this resource is disabled.",
             b'Link: <https://huggingface.co/a?cursor=1>; rel="prev", <https://huggingface.co/b>; rel="next"',
             b"Location: https://cdn.example/x?y=z", b"Content-Range: bytes 1000-1999/2000", b"", b"")
    for i, code in enumerate(b"\xc9\xcc\xe5\x2f"):
        ask(4, "headers_%d" % i, bytes((code, i // 3)) + b"\r\n".join(lines[:3] + lines[3 + i:]))
    for i, url in enumerate(("/api/x", "//cdn.example/x", "https://huggingface.co:443/x", "https://huggingface.co@evil/x",
                             "http://huggingface.co/x", "?cursor=%2F", "https://HuggingFace.co/x", "file:///etc/passwd")):
        ask(5, "url_%d" % i, url.encode())


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
hub_answer()
