# SPDX-License-Identifier: Apache-2.0
"""What --resume goes on from when a run of the Hub has changed meanwhile, and what it does not."""
import hashlib

from hub_case import STEPS, WEIGHTS, HubCase, main
from server import blob_of

NAME = "model.safetensors"


class ResumeTest(HubCase):
    def setUp(self):
        super().setUp()
        self.commits = self.hub.repos["pico-lm/demo"]["commits"]
        self.hub.faults = {NAME: [(), (), ("code", 403, [])]}  # of the third step
        self.analyze("--threads", "1", study=WEIGHTS, expect=1)
        self.journal = self.work / "out/study/results.journal"
        self.assertTrue(self.journal.exists())

    def head(self):
        self.hub.repos["pico-lm/demo"]["branches"]["demo-1"] = self.commits[0]["id"]

    def rewrite(self, step):
        """As a forced push does: another commit in place of that of a step, and others in place of all after it."""
        first = next(i for i, c in enumerate(self.commits) if c["title"] == "Saving HF Model -- Step %d" % step)
        for commit in self.commits[:first + 1]:
            commit["id"] = hashlib.sha1(commit["id"].encode()).hexdigest()
        self.head()

    def forget(self, *steps):
        """Whoever reads the weights of these again fails."""
        for step in steps:
            blob = self.cache / "models--pico-lm--demo/blobs" / blob_of(self.data_of(step, NAME), True)
            blob.write_bytes(b"")

    def test_a_run_that_has_gone_on(self):
        last = dict(self.commits[0], id="%040x" % 1, title="Saving HF Model -- Step 150")
        self.commits.insert(0, last)
        self.head()
        self.forget(0, 50)
        self.analyze("--resume", study=WEIGHTS)
        self.assertEqual(self.results(), self.local(WEIGHTS))
        self.assertEqual((self.cache / "models--pico-lm--demo/refs/demo-1").read_text(), last["id"])

    def test_a_step_in_other_commits(self):
        for step in STEPS[::-1]:
            self.rewrite(step)
            err = self.analyze("--resume", study=WEIGHTS, expect=1)
            self.assertIn("results.journal: is the journal of another analysis: ", err)
            self.assertIn("a commit of a step", err)
        self.analyze(study=WEIGHTS)
        self.assertEqual(self.results(), self.local(WEIGHTS))


if __name__ == "__main__":
    main()
