# SPDX-License-Identifier: Apache-2.0
"""Runs again.c beside a server that behaves like the Hub: test_again.py PROGRAM SOURCE_TREE."""
import os
import pathlib
import subprocess
import sys
import tempfile

from repository import repository
from server import Hub

DATA = pathlib.Path(sys.argv[2]).resolve() / "tests/data"
hub = Hub(page=100)
model = (DATA / "safetensors/small.safetensors").read_bytes()
hub.repos["pico-lm/tiny"] = repository(DATA / "tiny_run", (0, 10, 20), model)
# In memory, where it can be: thousands of files are flushed to the disk.
with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as work:
    code = subprocess.run([os.path.abspath(sys.argv[1])],
                          env=dict(os.environ, PA_HUB_ENDPOINT=hub.url, PA_HUB_CACHE=work + "/hub")).returncode
hub.close()
sys.exit(code)
