# SPDX-License-Identifier: Apache-2.0
"""What tests of the program against server.py share. Scripts get PICOANALYZE SOURCE_TREE [UNITTEST_ARG...]."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from repository import repository
from server import Hub

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(sys.argv[2]).resolve()
RUN = ROOT / "examples/data/pico-decoder-nano-1"
STEPS = (0, 50, 100)
STUDY = """
analysis_name: study
metrics:
  - {metric_name: norm, norm_type: frobenius, data_split: val,
     components: [{component_name: simple, data_type: gradients, layer_suffixes: swiglu.w_2, layers: all}]}
steps: [0, 50, 100]
"""
WEIGHTS = STUDY.replace("data_type: gradients", "data_type: weights").replace("swiglu.w_2", "swiglu.w_0")


# Where the tests run in the background it may be ignored, and so it would be by all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


class HubCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.work = pathlib.Path(self.folder.name)
        self.cache = self.work / "hf" / "hub"
        self.hub = self.make_hub()
        self.hub.repos["pico-lm/demo"] = repository(RUN, STEPS)
        (self.work / "study.yaml").write_text(STUDY)

    def make_hub(self):
        return Hub()

    def tearDown(self):
        self.hub.close()
        self.folder.cleanup()

    def start(self, *options, before=(), branch="demo-1", repo="pico-lm/demo", study=STUDY, output="out", **environment):
        """`before` is what the program is started by, e.g. mpirun."""
        if (self.work / "study.yaml").read_text() != study:  # others may be reading it
            (self.work / "study.yaml").write_text(study)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "SSL_CERT"))
               and not k.lower().endswith(("_proxy", "_ca_bundle"))}
        env.update({"HF_HOME": str(self.work / "hf"), "HF_ENDPOINT": self.hub.url}, **environment)
        return subprocess.Popen(
            [*before, PROGRAM, "analyze", "--config_path", "study.yaml", "--repo_id", repo, "--branch", branch,
             "--output_dir", output, *options], cwd=self.work, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def end(self, process, expect=0):
        out, err = (text.decode() for text in process.communicate(timeout=120))
        self.assertEqual(process.returncode, expect, out + err)
        return out, err

    def analyze(self, *options, expect=0, **how):
        return self.end(self.start("--quiet", *options, **how), expect)[1]

    def results(self, folder="out"):
        return {p.relative_to(self.work / folder).as_posix(): p.read_text()
                for p in sorted((self.work / folder).rglob("*.json"))}

    def local(self, study=STUDY):
        (self.work / "study.yaml").write_text(study)
        subprocess.run([PROGRAM, "analyze", "--config_path", "study.yaml", "--run_path", RUN, "--output_dir", "local",
                        "--quiet"], cwd=self.work, check=True, capture_output=True)
        return self.results("local")

    def data_of(self, step, name):
        return (RUN / "checkpoints" / ("step_%d" % step) / name).read_bytes()

    def size_of(self, name):
        return sum((RUN / "checkpoints" / ("step_%d" % s) / name).stat().st_size for s in STEPS)


def main():
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
