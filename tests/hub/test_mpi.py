# SPDX-License-Identifier: Apache-2.0
"""Several processes of one study, and of none, that need the same files at the same time."""
import tempfile

from hub_case import RUN, STEPS, STUDY, HubCase, main
from repository import DYNAMICS

NAME = DYNAMICS + "val_gradients.pt"


class ManyTest(HubCase):
    def expect_each_file_once(self):
        self.assertEqual(self.hub.sent, {"training_config.yaml": (RUN / "training_config.yaml").stat().st_size,
                                         NAME: self.size_of(NAME)})

    def ranks(self, **how):
        with tempfile.TemporaryDirectory() as sockets:  # whose names must be short
            return self.analyze("--threads", "1", before=["mpirun", "-n", "2", "--oversubscribe"], TMPDIR=sockets,
                                OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", **how)

    def test_ranks_fetch_each_file_once(self):
        self.hub.faults = {NAME: [("slow", 8192, 0.02)] * len(STEPS)}
        self.ranks()
        self.expect_each_file_once()
        self.assertEqual(self.results(), self.local())
        self.ranks(output="offline", HF_HUB_OFFLINE="1")
        self.assertEqual(self.results("offline"), self.results())

    def test_ranks_tell_an_error_once(self):
        err = self.ranks(repo="pico-lm/absent", expect=1)
        self.assertEqual(err.count("there is no such repository"), 1, err)
        self.hub.faults = {NAME: [("code", 403, [])] * 20}  # while it is executed
        err = self.ranks(expect=1)
        self.assertEqual(err.count("the token may not read it"), 1, err)

    def test_ranks_warn_once(self):
        err = self.ranks(study=STUDY.replace("100]", "75]"))
        self.assertEqual(err.count("75"), 1, err)

    def test_strangers_fetch_each_file_once(self):
        self.hub.faults = {NAME: [("slow", 8192, 0.02)] * len(STEPS)}
        processes = [self.start("--quiet", output="out%d" % i) for i in range(3)]
        for process in processes:
            self.end(process)
        self.expect_each_file_once()
        for i in range(3):
            self.assertEqual(self.results("out%d" % i), self.local())


if __name__ == "__main__":
    main()
