# SPDX-License-Identifier: Apache-2.0
"""The cache beside the real huggingface_hub, of the Python that PA_TEST_PYTHON names or of this one."""
import os
import pathlib
import sys

python = os.environ.pop("PA_TEST_PYTHON", sys.executable)
if python != sys.executable:
    os.execv(python, [python, *sys.argv])
for variable in [v for v in os.environ if v.startswith("HF_")]:  # it reads them when it is imported
    del os.environ[variable]
os.environ.update(HF_HUB_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
try:
    import huggingface_hub
except ImportError:
    print("no huggingface_hub in %s; PA_TEST_PYTHON may name another Python" % sys.executable)
    sys.exit(77)

from hub_case import RUN, STEPS, HubCase, main  # noqa: E402
from repository import DYNAMICS  # noqa: E402

try:
    from huggingface_hub._tree_cache import read_tree_cache
except ImportError:
    read_tree_cache = None  # older ones keep no lists
NAME = DYNAMICS + "val_gradients.pt"
REPO = "pico-lm/demo"


class HuggingFaceTest(HubCase):
    def commits(self):
        """Of the steps' validation data, with that the study is about; the oldest of a step counts."""
        return {int(c["title"].rsplit(" ", 1)[1]): c["id"] for c in self.hub.repos[REPO]["commits"] if "(val)" in c["title"]}

    def test_it_finds_what_was_fetched_here(self):
        self.analyze()
        self.hub.reset()
        for name, revision, expected in (
                ("training_config.yaml", "demo-1", (RUN / "training_config.yaml").read_bytes()),
                *((NAME, c, self.data_of(step, NAME)) for step, c in self.commits().items())):
            path = huggingface_hub.hf_hub_download(REPO, name, revision=revision, cache_dir=self.cache,
                                                   local_files_only=True)
            self.assertEqual(pathlib.Path(path).read_bytes(), expected)
            online = huggingface_hub.hf_hub_download(REPO, name, revision=revision, cache_dir=self.cache,
                                                     endpoint=self.hub.url)
            self.assertEqual(path, online)
        self.assertEqual(self.hub.sent, {})
        info = huggingface_hub.scan_cache_dir(self.cache)
        self.assertEqual(info.warnings, [])
        repo, = info.repos
        self.assertEqual((repo.repo_id, repo.nb_files), (REPO, 1 + len(STEPS)))
        self.assertIn("demo-1", repo.refs)

    def test_it_reads_lists_of_files_kept_here(self):
        if read_tree_cache is None:
            self.skipTest("this huggingface_hub keeps none")
        self.analyze()
        for commit in self.commits().values():
            kept = read_tree_cache(str(self.cache / "models--pico-lm--demo"), commit)
            files = self.hub.commit(REPO, commit)["files"]
            self.assertEqual(set(kept), set(files))
            for name, entry in kept.items():
                size = entry.lfs_size if entry.lfs_sha256 else entry.size
                self.assertEqual(size, len(files[name]))

    def test_what_it_has_fetched_is_found_here(self):
        head = self.hub.repos[REPO]["branches"]["demo-1"]
        wanted = [("training_config.yaml", head)] + [(NAME, c) for c in self.commits().values()]
        for name, revision in wanted:
            huggingface_hub.hf_hub_download(REPO, name, revision=revision, cache_dir=self.cache, endpoint=self.hub.url)
        self.assertEqual(self.hub.sent[NAME], self.size_of(NAME))
        self.hub.reset()
        self.analyze()
        self.assertEqual(self.hub.sent, {})
        self.assertEqual(self.results(), self.local())
        self.hub.reset()
        self.analyze(HF_HUB_OFFLINE="1", output="offline")
        self.assertEqual(self.hub.requests, [])
        self.assertEqual(self.results("offline"), self.results())

    def test_lists_of_files_it_has_kept_are_read(self):
        for commit in self.commits().values():
            huggingface_hub.snapshot_download(REPO, revision=commit, cache_dir=self.cache, endpoint=self.hub.url,
                                              allow_patterns=[NAME])
        kept = {p.stem for p in self.cache.glob("models--*/trees/*.json")}
        if not kept:
            self.skipTest("this huggingface_hub keeps none")
        self.hub.reset()
        self.analyze()
        asked = {path.split("/tree/")[1].split("?")[0] for _, path, _ in self.hub.requests if "/tree/" in path}
        self.assertEqual(set(self.commits().values()) & asked, set())
        self.assertEqual(set(self.hub.sent), {"training_config.yaml"})
        self.assertEqual(self.results(), self.local())


if __name__ == "__main__":
    main()
