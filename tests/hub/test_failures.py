# SPDX-License-Identifier: Apache-2.0
"""What goes wrong between the program and the Hub, by accident or on purpose."""
import email.utils
import json
import os
import signal
import time

from hub_case import RUN, STEPS, STUDY, HubCase, main
from repository import DYNAMICS
from server import blob_of

NAME = DYNAMICS + "val_gradients.pt"
COMMITS = "/api/models/pico-lm/demo/commits/"


class FailuresTest(HubCase):
    def test_failures_that_pass(self):
        self.hub.faults = {"commits": [("code", 429, [("Retry-After", "0")])], NAME: [("code", 503, []), ("cut",)]}
        self.analyze()
        self.assertEqual(self.results(), self.local())
        ranges = [r for port, _, r in self.hub.requests if port == "cdn" and r]
        self.assertEqual(len(ranges), 1)
        self.assertEqual(self.hub.sent[NAME], self.size_of(NAME))  # no byte twice

    def test_wrong_bytes_are_never_used(self):
        for fault, text in ((("wrong",), "digest"), (("long",), "more than")):
            self.hub.faults = {NAME: [fault]}
            self.assertIn(text, self.analyze("--threads", "1", expect=1))
            self.assertFalse((self.work / "out/study").exists())
        self.analyze()
        self.assertEqual(self.results(), self.local())

    def test_what_is_missing_is_named(self):
        self.assertIn("there is no such repository", self.analyze(repo="pico-lm/absent", expect=1))
        self.assertIn("there is no such revision", self.analyze(branch="demo-2", expect=1))
        self.assertIn("no repository's name", self.analyze(repo="../etc", expect=1))
        self.assertIn("no branch", self.analyze(branch="../../x", expect=1))
        for commit in self.hub.repos["pico-lm/demo"]["commits"]:
            commit["title"] = "squashed"
        self.assertIn("is titled as pico-train does", self.analyze(expect=1))

    def test_what_an_earlier_attempt_left(self):
        commit = next(c for c in self.hub.repos["pico-lm/demo"]["commits"] if c["title"].endswith("(val) -- Step 50"))
        data = commit["files"][NAME]
        blobs = self.cache / "models--pico-lm--demo/blobs"
        blobs.mkdir(parents=True)
        incomplete = blobs / (blob_of(data, True) + ".incomplete")
        incomplete.write_bytes(data[:1000])
        self.analyze()
        self.assertEqual(self.hub.sent[NAME],
                         self.size_of(NAME) - 1000)
        incomplete.with_suffix("").unlink()
        incomplete.write_bytes(b"z" * 1000)  # no part of it: fetched anew
        self.analyze()
        self.assertEqual(self.results(), self.local())

    def test_a_server_that_sends_all_for_a_part(self):
        self.hub.faults = {NAME: [("cut",)] + 3 * [("no range",)]}
        self.analyze()
        self.assertEqual(self.results(), self.local())
        asked = [r for port, path, r in self.hub.requests if port == "cdn" and path.endswith(NAME)]
        self.assertEqual(len([r for r in asked if r]), 1)  # having been told once, not again

    def test_hostile_answers(self):
        evil = "http://127.0.0.1:%d/api/models/x" % self.hub.cdn.server_port
        link = [("Link", '<%s>; rel="next"' % evil)]
        one = {"type": "file", "size": 1, "oid": "0" * 40}
        cases = (("commits", b"[]", link, "another server"), ("commits", b"[" * 100000, (), "nested"),
                 ("commits", b'[{"id": "../../x", "title": "t"}]', (), "no id"), ("commits", b"{}", (), "array"),
                 ("revision", b'{"sha": "../../../../tmp/x"}', (), "no commit"), ("revision", b"\xff", (), "UTF-8"),
                 ("revision", json.dumps({"sha": "0" * 40 + "/x"}).encode(), (), "no commit"),
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

    def test_interrupted_downloads_go_on(self):
        self.hub.faults = {NAME: [("slow", 4096, 0.05)] * len(STEPS)}  # a second each
        process = self.start()
        while self.hub.sent.get(NAME, 0) < 50000:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = self.end(process, -signal.SIGINT)
        self.assertEqual(err, "picoanalyze: interrupted; nothing was written\n")
        blobs = self.cache / "models--pico-lm--demo/blobs"
        left = {p.stem: p.stat().st_size for p in blobs.glob("*.incomplete")}
        self.assertEqual(set(left), {blob_of(self.data_of(s, NAME), True) for s in STEPS})
        self.assertGreater(min(left.values()), 0)
        self.assertFalse((self.work / "out").exists())
        self.hub.faults = {}
        self.hub.reset()
        self.analyze()
        self.assertEqual(self.results(), self.local())
        ranges = {r for port, _, r in self.hub.requests if port == "cdn"}
        self.assertEqual(ranges, {"bytes=%d-" % n for n in left.values()})
        self.assertEqual(self.hub.sent, {NAME: self.size_of(NAME) - sum(left.values())})

    def test_whoever_waits_can_be_interrupted(self):
        for faults in ({"revision": [("code", 503, [("Retry-After", "100")])]}, {NAME: [("slow", 4096, 10)] * len(STEPS)}):
            self.hub.reset()
            self.hub.faults = faults
            process = self.start()
            while not (self.hub.sent.get(NAME) if NAME in faults else self.hub.requests):
                time.sleep(0.01)
            time.sleep(0.3)  # until it waits
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            self.end(process, -signal.SIGINT)
            self.assertLess(time.monotonic() - begun, 5)

    def test_what_cannot_be_resumed_begins_anew(self):
        blobs = self.cache / "models--pico-lm--demo/blobs"
        blobs.mkdir(parents=True)
        data = [self.data_of(s, NAME) for s in STEPS]
        incomplete = [blobs / (blob_of(d, True) + ".incomplete") for d in data]
        incomplete[0].write_bytes(data[0])  # only the name is missing
        incomplete[1].write_bytes(b"z" * (len(data[1]) + 1))  # more than there is
        incomplete[2].write_bytes(b"z" * 1000)
        self.hub.faults = {NAME: [("code", 416, [])] * 2}
        self.analyze()
        self.assertEqual(self.results(), self.local())
        self.assertEqual(self.hub.sent[NAME], len(data[1]) + len(data[2]))

    def test_redirects_end(self):
        here = COMMITS + self.hub.repos["pico-lm/demo"]["branches"]["demo-1"]
        for what, location, text in (("commits", here, "sends on more than 5 times"),
                                     ("commits", "file:///etc/passwd", "no http URL"),
                                     ("training_config.yaml", "training_config.yaml", "sends on more than 5 times")):
            self.hub.reset()
            self.hub.faults = {what: [("code", 302, [("Location", location)])] * 20}
            begun = time.monotonic()
            err = self.analyze(expect=1)
            self.assertIn(text, err)
            self.assertEqual(err.count("\n"), 1, err)
            self.assertLessEqual(sum(what in path for _, path, _ in self.hub.requests), 6)
            self.assertLess(time.monotonic() - begun, 10)  # not asked again

    def test_busy_servers_say_when_to_come_back(self):
        for value in (lambda: "3", lambda: email.utils.formatdate(time.time() + 5, usegmt=True)):
            self.hub.faults = {"revision": [("code", 429, [("Retry-After", value())])]}
            begun = time.monotonic()
            self.analyze()
            self.assertGreater(time.monotonic() - begun, 3, value())
        begun = time.monotonic()
        self.hub.faults = {"revision": [("code", 429, [("Retry-After", "3600")])]}
        self.assertIn("too many requests; wait", self.analyze(expect=1))
        self.assertLess(time.monotonic() - begun, 10)

    def test_refusals_name_the_remedy(self):
        page = self.hub.url + "/pico-lm/demo"
        for code, name, message, text in (
                (403, "GatedRepo", "", "ask for it at %s and set HF_TOKEN" % page),
                (401, "GatedRepo", "", "ask for it at %s and set HF_TOKEN" % page),
                (401, "", "Invalid credentials in Authorization header", "does not know the token; see HF_TOKEN"),
                (401, "RepoNotFound", "", "if it is a private one, set HF_TOKEN"),
                (404, "RepoNotFound", "", "there is no such repository at " + self.hub.url),
                (404, "RevisionNotFound", "", "its branches are listed at " + page),
                (403, "", "Forbidden: no\x01way", "the token may not read it (Forbidden: no?way)"),
                (403, "", "Access to this resource is disabled.", "the repository is disabled"),
                (404, "EntryNotFound", "", "there is no demo-1"), (418, "", "short and stout", "answered 418 short")):
            self.hub.faults = {"revision": [("code", code, [("X-Error-Code", name), ("X-Error-Message", message)])]}
            err = self.analyze(expect=1)
            self.assertIn(text, err)
            self.assertEqual(err.count("\n"), 1, err)

    def test_files_that_are_missing_are_named(self):
        for commit in self.hub.repos["pico-lm/demo"]["commits"]:
            del commit["files"]["training_config.yaml"]
        err = self.analyze(expect=1)
        self.assertIn("pico-lm/demo: commit ", err)
        self.assertIn("has no training_config.yaml", err)

    def test_lists_in_the_cache_may_be_damaged(self):
        self.analyze()
        first = self.results()
        repo = self.cache / "models--pico-lm--demo"
        for path in [*repo.glob("picoanalyze/*.json"), *repo.glob("trees/*.json")]:
            path.write_text(path.read_text()[:-5])
        err = self.analyze(expect=1, HF_HUB_OFFLINE="1")
        self.assertIn("/picoanalyze/steps-", err)
        self.hub.reset()
        self.analyze()
        self.assertEqual(self.results(), first)
        self.assertEqual(self.hub.sent, {})
        for path in repo.glob("trees/*.json"):
            path.write_text('{"format_version": 2, "files": {}}')
        self.hub.reset()
        self.analyze(HF_HUB_OFFLINE="1")
        self.assertEqual(self.hub.requests, [])
        self.assertEqual(self.results(), first)

    def test_of_a_damaged_list_nothing_is_kept(self):
        self.analyze()
        repo = self.cache / "models--pico-lm--demo"
        steps = [{"id": "0" * 40, "title": "Saving Learning Dynamics Data (val) -- Step 75"}, {"id": "x", "title": ""}]
        for path in repo.glob("picoanalyze/*.json"):
            path.write_text(json.dumps(steps))
        for path in repo.glob("trees/*.json"):
            path.write_text(json.dumps({"format_version": 1, "files": {
                "README.md": {"size": 1, "blob_id": "0" * 40}, "x": {"size": 1}}}))
        study = STUDY.replace("[0, 50, 100]", "[0, 75]")
        self.analyze(study=study, output="anew")
        self.assertEqual(self.results("anew"), self.local(study))

    def test_links_that_lead_elsewhere_are_replaced(self):
        self.analyze()
        first = self.results()
        (self.work / "other").write_bytes(b"not of this cache")
        links = list((self.cache / "models--pico-lm--demo/snapshots").rglob("val_gradients.pt"))
        self.assertEqual(len(links), len(STEPS))
        for link in links:
            link.unlink()
            link.symlink_to(self.work / "other")
        self.analyze()
        self.assertEqual(self.results(), first)

    def test_pages_end(self):
        head = self.hub.repos["pico-lm/demo"]["branches"]["demo-1"]
        link = [("Link", '<%s%s%s>; rel="next"' % (self.hub.url, COMMITS, head))]
        self.hub.faults = {"commits": [("body", b"[]", link)] * 1001}
        self.assertIn("more than 1000 pages", self.analyze(expect=1))

    def test_two_files_of_one_name_are_refused(self):
        one = {"type": "file", "path": "x", "size": 1, "oid": "0" * 40}
        self.hub.faults = {"tree": [("body", json.dumps([one, one]).encode())]}
        self.assertIn("pico-lm/demo: the list of files: there are two files 'x'", self.analyze(expect=1))
        self.analyze()


if __name__ == "__main__":
    main()
