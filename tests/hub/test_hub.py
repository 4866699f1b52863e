# SPDX-License-Identifier: Apache-2.0
"""`picoanalyze analyze --repo_id` against a server that behaves like the Hub: test_hub.py PICOANALYZE SOURCE_TREE."""
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from server import Hub, blob_of

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(sys.argv[2]).resolve()
RUN = ROOT / "examples/data/pico-decoder-nano-1"
STEPS = (0, 50, 100)
DYNAMICS = "learning_dynamics/"
STUDY = """
analysis_name: study
metrics:
  - {metric_name: norm, norm_type: frobenius, data_split: val,
     components: [{component_name: simple, data_type: gradients, layer_suffixes: swiglu.w_2, layers: all}]}
steps: [0, 50, 100]
"""
WEIGHTS = STUDY.replace("data_type: gradients", "data_type: weights").replace("swiglu.w_2", "swiglu.w_0")


def repository():
    """What pico-train pushes: commits oldest first, each with all files so far."""
    files = {"training_config.yaml": (RUN / "training_config.yaml").read_bytes(), "README.md": b"# demo\n"}
    commits = []

    def push(title, new):
        files.update(new)
        name = hashlib.sha1(("%d %s" % (len(commits), title)).encode()).hexdigest()
        commits.insert(0, {"id": name, "title": title, "files": dict(files)})

    push("initial commit", {})
    for step in STEPS:
        folder = RUN / "checkpoints" / ("step_%d" % step)
        of = {p.name: p.read_bytes() for p in (folder / "learning_dynamics").iterdir()}
        for split in ("train", "val"):
            new = {DYNAMICS + n: d for n, d in of.items() if n.startswith(split)}
            if new:
                push("Saving Learning Dynamics Data (%s) -- Step %d" % (split, step), new)
        push("Saving HF Model -- Step %d" % step, {"model.safetensors": (folder / "model.safetensors").read_bytes()})
        push("Saving Fabric Checkpoint -- Step %d" % step, {"fabric_state/checkpoint.pt": b"f" * 100000})
    push("Saving Learning Dynamics Data (val) -- Step 0", {DYNAMICS + "val_gradients.pt": b"a newer one of the step"})
    commits[0]["files"] = dict(commits[1]["files"])
    return {"branches": {"demo-1": commits[0]["id"], "feature/x": commits[0]["id"]}, "commits": commits}


class HubTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.work = pathlib.Path(self.folder.name)
        self.cache = self.work / "hf" / "hub"
        self.hub = Hub()
        self.hub.repos["pico-lm/demo"] = repository()
        (self.work / "study.yaml").write_text(STUDY)

    def tearDown(self):
        self.hub.close()
        self.folder.cleanup()

    def analyze(self, *options, branch="demo-1", repo="pico-lm/demo", expect=0, study=STUDY, **environment):
        (self.work / "study.yaml").write_text(study)
        env = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and not k.lower().endswith("_proxy")}
        env.update(HF_HOME=str(self.work / "hf"), HF_ENDPOINT=self.hub.url, **environment)
        done = subprocess.run(
            [PROGRAM, "analyze", "--config_path", "study.yaml", "--repo_id", repo, "--branch", branch, "--output_dir",
             "out", "--quiet", *options], cwd=self.work, env=env, capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stderr

    def results(self, folder="out"):
        return {p.relative_to(self.work / folder).as_posix(): p.read_text()
                for p in sorted((self.work / folder).rglob("*.json"))}

    def local(self, study=STUDY):
        (self.work / "study.yaml").write_text(study)
        subprocess.run([PROGRAM, "analyze", "--config_path", "study.yaml", "--run_path", RUN, "--output_dir", "local",
                        "--quiet"], cwd=self.work, check=True, capture_output=True)
        return self.results("local")

    def size_of(self, name):
        return sum((RUN / "checkpoints" / ("step_%d" % s) / name).stat().st_size for s in STEPS)

    def test_three_steps_fetch_nothing_else(self):
        self.analyze()
        self.assertEqual(self.results(), self.local())
        self.assertEqual(self.hub.sent, {
            "training_config.yaml": (RUN / "training_config.yaml").stat().st_size,
            DYNAMICS + "val_gradients.pt": self.size_of(DYNAMICS + "val_gradients.pt")})
        self.hub.reset()
        self.analyze()  # now from the cache
        self.assertEqual(self.hub.sent, {})
        self.assertEqual(len(self.hub.requests), 1)  # where the branch is

    def test_state_dict_is_that_of_the_step(self):
        self.analyze(study=WEIGHTS)
        self.assertEqual(self.results(), self.local(WEIGHTS))
        self.assertEqual(self.hub.sent["model.safetensors"], self.size_of("model.safetensors"))
        self.assertNotIn("fabric_state/checkpoint.pt", self.hub.sent)

    def test_files_are_read_as_the_configuration_says(self):
        rows = STUDY.replace("norm, norm_type: frobenius", "per").replace("data_type: gradients", "data_type: activations")
        self.analyze(study=rows)
        stored = self.results()
        self.analyze(study=rows + "unscramble: true\n")
        self.assertEqual(self.results(), self.local(rows + "unscramble: true\n"))
        self.assertNotEqual(self.results(), stored)
        self.assertIn("naming 'llama': no tensor's name", self.analyze(study=WEIGHTS + "naming: llama\n", expect=1))
        self.assertIn("a layout is for directories", self.analyze(study=STUDY + "layout: '{step}'\n", expect=1))

    def test_cache_has_the_standard_layout(self):
        self.analyze(branch="feature/x")
        repo = self.cache / "models--pico-lm--demo"
        head = self.hub.repos["pico-lm/demo"]["branches"]["feature/x"]
        self.assertEqual((repo / "refs/feature/x").read_text(), head)
        links = [p for p in (repo / "snapshots").rglob("*") if p.is_symlink()]
        self.assertEqual(len(links), 4)
        for link in links:
            data = link.read_bytes()
            self.assertFalse(os.path.isabs(os.readlink(link)))
            self.assertEqual(link.resolve(), (repo / "blobs" / blob_of(data, link.suffix == ".pt")).resolve())
        self.assertEqual(list((repo / "blobs").glob("*.incomplete")), [])
        self.assertTrue(any((self.cache / ".locks/models--pico-lm--demo").iterdir()))

    def test_offline(self):
        self.assertIn("offline", self.analyze(expect=1, HF_HUB_OFFLINE="1"))
        self.assertEqual(self.hub.requests, [])
        self.analyze()
        first = self.results()
        self.hub.reset()
        self.analyze(HF_HUB_OFFLINE="1")
        self.assertEqual(self.hub.requests, [])
        self.assertEqual(self.results(), first)
        self.assertIn("offline", self.analyze(expect=1, study=WEIGHTS, HF_HUB_OFFLINE="1"))

    def test_token_stays_at_the_endpoint(self):
        self.hub.gated.add("pico-lm/demo")
        self.assertIn("access is given on request", self.analyze(expect=1))
        self.analyze(HF_TOKEN="hf_secret")
        self.assertEqual(set(self.hub.authorized), {("api", "Bearer hf_secret")})
        self.assertTrue(any(port == "cdn" for port, _, _ in self.hub.requests))
        (self.work / "hf/token").write_text("hf_file\n")
        self.hub.reset()
        self.analyze()
        self.assertEqual(set(self.hub.authorized), {("api", "Bearer hf_file")})

    def test_what_is_missing_is_named(self):
        self.assertIn("there is no such repository", self.analyze(repo="pico-lm/absent", expect=1))
        self.assertIn("there is no such revision", self.analyze(branch="demo-2", expect=1))
        self.assertIn("no repository's name", self.analyze(repo="../etc", expect=1))
        self.assertIn("no branch", self.analyze(branch="../../x", expect=1))
        for commit in self.hub.repos["pico-lm/demo"]["commits"]:
            commit["title"] = "squashed"
        self.assertIn("is titled as pico-train does", self.analyze(expect=1))

    def test_failures_that_pass(self):
        name = DYNAMICS + "val_gradients.pt"
        self.hub.faults = {"commits": [("code", 429, [("Retry-After", "0")])], name: [("code", 503, []), ("cut",)]}
        self.analyze()
        self.assertEqual(self.results(), self.local())
        ranges = [r for port, _, r in self.hub.requests if port == "cdn" and r]
        self.assertEqual(len(ranges), 1)
        self.assertEqual(self.hub.sent[name], self.size_of(name))  # no byte twice

    def test_wrong_bytes_are_never_used(self):
        name = DYNAMICS + "val_gradients.pt"
        for fault, text in ((("wrong",), "digest"), (("long",), "more than")):
            self.hub.faults = {name: [fault]}
            self.assertIn(text, self.analyze("--threads", "1", expect=1))
            self.assertFalse((self.work / "out/study").exists())
        self.analyze()
        self.assertEqual(self.results(), self.local())

    def test_what_an_earlier_attempt_left(self):
        commit = next(c for c in self.hub.repos["pico-lm/demo"]["commits"] if c["title"].endswith("(val) -- Step 50"))
        data = commit["files"][DYNAMICS + "val_gradients.pt"]
        blobs = self.cache / "models--pico-lm--demo/blobs"
        blobs.mkdir(parents=True)
        incomplete = blobs / (blob_of(data, True) + ".incomplete")
        incomplete.write_bytes(data[:1000])
        self.analyze()
        self.assertEqual(self.hub.sent[DYNAMICS + "val_gradients.pt"],
                         self.size_of(DYNAMICS + "val_gradients.pt") - 1000)
        incomplete.with_suffix("").unlink()
        incomplete.write_bytes(b"z" * 1000)  # no part of it: fetched anew
        self.analyze()
        self.assertEqual(self.results(), self.local())

    def test_hostile_answers(self):
        evil = "http://127.0.0.1:%d/api/models/x" % self.hub.cdn.server_port
        link = [("Link", '<%s>; rel="next"' % evil)]
        one = {"type": "file", "size": 1, "oid": "0" * 40}
        cases = (("commits", b"[]", link, "another server"), ("commits", b"[" * 100000, (), "nested"),
                 ("commits", b'[{"id": "../../x", "title": "t"}]', (), "no id"), ("commits", b"{}", (), "array"),
                 ("revision", b'{"sha": "../../../../tmp/x"}', (), "no commit"), ("revision", b"\xff", (), "UTF-8"),
                 ("tree", json.dumps([dict(one, path="../../x")]).encode(), (), "out of the repository"),
                 ("tree", json.dumps([dict(one, path="/x")]).encode(), (), "out of the repository"),
                 ("tree", json.dumps([dict(one, path="x", oid="../x")]).encode(), (), "digest"),
                 ("tree", json.dumps([dict(one, path="x", size=2**62)]).encode(), (), "16 TiB"),
                 ("commits", b" " * (65 << 20), (), "more than"))
        for number, (what, body, headers, text) in enumerate(cases):
            self.hub.faults = {what: [("body", body, headers)]}
            cache = str(self.work / ("cache%d" % number))
            self.assertIn(text, self.analyze(expect=1, HF_HUB_CACHE=cache), (what, body[:80]))
            self.assertNotIn("x", os.listdir(self.work))

    def test_beside_huggingface_hub(self):
        try:
            import huggingface_hub
        except ImportError:
            self.skipTest("huggingface_hub is not installed")
        self.analyze()
        head = self.hub.repos["pico-lm/demo"]["branches"]["demo-1"]
        found = huggingface_hub.try_to_load_from_cache("pico-lm/demo", "training_config.yaml", cache_dir=self.cache,
                                                       revision="demo-1")
        self.assertEqual(pathlib.Path(found).read_bytes(), (RUN / "training_config.yaml").read_bytes())
        info = huggingface_hub.scan_cache_dir(self.cache)
        self.assertEqual(info.warnings, [])
        other = self.work / "other/hub"
        huggingface_hub.hf_hub_download("pico-lm/demo", "training_config.yaml", revision=head, cache_dir=other,
                                        endpoint=self.hub.url)
        for commit in self.hub.repos["pico-lm/demo"]["commits"]:
            if "(val)" in commit["title"]:
                huggingface_hub.hf_hub_download("pico-lm/demo", DYNAMICS + "val_gradients.pt", revision=commit["id"],
                                                cache_dir=other, endpoint=self.hub.url)
        self.hub.reset()
        self.analyze(HF_HUB_CACHE=str(other))
        self.assertEqual(self.hub.sent, {})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2)
