# SPDX-License-Identifier: Apache-2.0
"""`picoanalyze analyze --repo_id` against a server that behaves like the Hub: test_hub.py PICOANALYZE SOURCE_TREE."""
import fcntl
import json
import os
import pathlib
import re
import subprocess

from hub_case import RUN, STEPS, STUDY, WEIGHTS, HubCase, main
from repository import DYNAMICS
from server import blob_of


class HubTest(HubCase):
    def test_three_steps_fetch_nothing_else(self):
        self.analyze()
        self.assertEqual(self.results(), self.local())
        self.assertEqual(self.hub.sent, {
            "training_config.yaml": (RUN / "training_config.yaml").stat().st_size,
            DYNAMICS + "val_gradients.pt": self.size_of(DYNAMICS + "val_gradients.pt")})
        files = [path for _, path, _ in self.hub.requests if not path.startswith("/api/")]
        self.assertEqual(len(files), 1 + 2 * len(STEPS))  # each large one leads to the CDN
        self.assertEqual(len(files), len(set(files)))
        self.hub.reset()
        ref = self.cache / "models--pico-lm--demo/refs/demo-1"
        before = ref.stat().st_ino
        self.analyze()  # now from the cache
        self.assertEqual(ref.stat().st_ino, before)  # not even written again: it may be others', and read-only
        self.assertEqual(self.hub.sent, {})
        self.assertEqual(len(self.hub.requests), 1)  # where the branch is

    def test_state_dict_is_that_of_the_step(self):
        self.analyze(study=WEIGHTS)
        self.assertEqual(self.results(), self.local(WEIGHTS))
        self.assertEqual(self.hub.sent["model.safetensors"], self.size_of("model.safetensors"))
        self.assertNotIn("fabric_state/checkpoint.pt", self.hub.sent)

    def test_shards_of_a_model(self):
        for commit in self.hub.repos["pico-lm/demo"]["commits"]:
            files = commit["files"]
            model = files.pop("model.safetensors", None)
            if model:
                names = json.loads(model[8:8 + int.from_bytes(model[:8], "little")])
                files["model-00001-of-00001.safetensors"] = model
                files["model.safetensors.index.json"] = json.dumps(
                    {"weight_map": {n: "model-00001-of-00001.safetensors" for n in names if n != "__metadata__"}}).encode()
        self.analyze(study=WEIGHTS)
        self.assertEqual(self.results(), self.local(WEIGHTS))

    def test_a_step_has_no_files_of_the_one_before(self):
        for commit in self.hub.repos["pico-lm/demo"]["commits"]:
            if commit["title"].endswith("(val) -- Step 50"):
                commit["title"] = "another"
        self.analyze()
        local = self.local()
        self.assertEqual(self.results(), {n: text for n, text in local.items() if "step_50/" not in n})
        self.assertNotEqual(self.results(), local)

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

    def test_locks_are_those_of_other_tools(self):
        lock = self.cache / ".locks/models--pico-lm--demo" / (blob_of(self.data_of(50, DYNAMICS + "val_gradients.pt"), True)
                                                              + ".lock")
        lock.parent.mkdir(parents=True)
        with lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            process = self.start("--quiet")
            with self.assertRaises(subprocess.TimeoutExpired):
                process.wait(2)
        self.end(process)  # closed: it may go on
        self.assertEqual(self.results(), self.local())

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

    def slowly(self, pause):
        self.hub.faults = {DYNAMICS + "val_gradients.pt": [("slow", 4096, pause)] * len(STEPS)}
        sizes = [p.stat().st_size for p in (RUN / "training_config.yaml", *(
            RUN / "checkpoints" / ("step_%d" % s) / DYNAMICS / "val_gradients.pt" for s in STEPS))]
        return r"fetched ([0-9.]+) KiB of %.1f KiB, (\d) of 4 files" % (sum(sizes) / 1024)

    def test_progress_on_a_terminal(self):
        pattern = self.slowly(0.05)
        shown, err = self.end(self.start(before=[pathlib.Path(os.environ["PA_HELPERS"]) / "in_terminal"], TERM="xterm"))
        bars = re.findall(r"\r\x1b\[K\[#*\.*\] +(\d+) %  " + pattern + r"  \d+ s", shown)
        self.assertEqual(err, "")
        self.assertGreater(len(bars), 3, shown)
        for before, after in zip(bars, bars[1:]):
            self.assertLessEqual([float(x) for x in before], [float(x) for x in after])
        self.assertLessEqual(int(bars[-1][0]), 100)
        self.assertNotIn(" of 2 files", shown)  # the sum is there from the beginning
        self.assertIn("\r\x1b[K\x1b[1mstep 0", shown)  # gone for the table

    def test_no_progress_when_quiet(self):
        self.slowly(0.05)
        shown, _ = self.end(self.start("--quiet", before=[pathlib.Path(os.environ["PA_HELPERS"]) / "in_terminal"],
                                       TERM="xterm"))
        self.assertNotIn("fetched", shown)

    def test_progress_without_a_terminal(self):
        pattern = self.slowly(0.25)
        lines = self.end(self.start())[1].splitlines()
        self.assertRegex(lines[0], "^" + pattern + "$")  # once in five seconds
        self.assertTrue(lines[1].startswith("step 0 done"), lines)


if __name__ == "__main__":
    main()
