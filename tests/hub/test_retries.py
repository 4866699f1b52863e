# SPDX-License-Identifier: Apache-2.0
"""How often a server that breaks off is asked again: as long as enough comes, and not for ever."""
import json
import struct

from hub_case import RUN, WEIGHTS, HubCase, main
from repository import repository
from server import AT_ONCE

MIB = 1 << 20
NAME = "model.safetensors"
ONE_STEP = WEIGHTS.replace("[0, 50, 100]", "[0]")


class RetriesTest(HubCase):
    def setUp(self):
        super().setUp()
        self.model = self.padded((RUN / "checkpoints/step_0" / NAME).read_bytes(), 9 * MIB)
        self.hub.repos["pico-lm/demo"] = repository(RUN, (0,), self.model)

    @staticmethod
    def padded(model, n):
        """A safetensors file with one more tensor, of n bytes."""
        length, = struct.unpack("<Q", model[:8])
        header, data = json.loads(model[8:8 + length]), model[8 + length:]
        header["padding"] = {"dtype": "U8", "shape": [n], "data_offsets": [len(data), len(data) + n]}
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + data + bytes(n)

    def asked(self):
        return [r for port, path, r in self.hub.requests if port == "cdn" and path.endswith(NAME)]

    def test_what_comes_in_pieces_is_complete_in_the_end(self):
        self.hub.faults = {NAME: [("cut", MIB, AT_ONCE)] * 7}
        self.analyze(study=ONE_STEP)
        self.assertEqual(self.results(), self.local(ONE_STEP))
        self.assertEqual(self.asked(), [None] + ["bytes=%d-" % (n * MIB) for n in range(1, 8)])
        self.assertEqual(self.hub.sent[NAME], len(self.model))  # no byte twice

    def test_crumbs_are_not_waited_for(self):
        self.hub.faults = {NAME: [("cut", 1000, AT_ONCE)] * 12}
        self.assertIn(NAME, self.analyze(study=ONE_STEP, expect=1))
        self.assertEqual(len(self.asked()), 6)

    def test_what_begins_anew_each_time_ends(self):
        self.hub.faults = {NAME: [("cut all", 2 * MIB, AT_ONCE)] * 12}
        self.assertIn(NAME, self.analyze(study=ONE_STEP, expect=1))
        self.assertEqual(len(self.asked()), 6)  # only the first one brought more than ever

    def test_a_part_that_is_said_to_be_all_is_not(self):
        self.hub.faults = {NAME: [("part", 5 * MIB, AT_ONCE)]}
        self.analyze(study=ONE_STEP)
        self.assertEqual(self.results(), self.local(ONE_STEP))
        self.assertEqual(self.asked(), [None, "bytes=%d-" % (5 * MIB)])

    def test_bytes_from_elsewhere_are_not_taken(self):
        self.hub.faults = {NAME: [("cut", MIB, AT_ONCE), ("shift",)]}
        self.analyze(study=ONE_STEP)
        self.assertEqual(self.results(), self.local(ONE_STEP))
        self.assertEqual(self.asked(), [None] + ["bytes=%d-" % MIB] * 2)  # and not from the beginning

    def test_lists_are_asked_for_from_the_beginning(self):
        self.hub.faults = {"commits": [("cut",)], "tree": [("cut",)]}
        self.analyze(study=ONE_STEP)
        self.assertEqual(self.results(), self.local(ONE_STEP))
        lists = [(path, r) for _, path, r in self.hub.requests if path.startswith("/api/")]
        self.assertEqual(len(lists), len(set(lists)) + 2)
        self.assertEqual({r for _, r in lists}, {None})


if __name__ == "__main__":
    main()
