# SPDX-License-Identifier: Apache-2.0
"""Which variables decide, and which of them when several are set."""
from hub_case import HubCase, main

NOBODY = "http://127.0.0.1:1"


class EnvironmentTest(HubCase):
    def expect_cache(self, folder, **environment):
        """`environment` has names of directories."""
        self.analyze(**{name: str(self.work / value) if value else "" for name, value in environment.items()})
        self.assertTrue((self.work / folder / "models--pico-lm--demo/refs/demo-1").exists(), folder)

    def test_the_cache(self):
        home = {"HF_HOME": "", "XDG_CACHE_HOME": ""}
        self.expect_cache("home/.cache/huggingface/hub", **home, HOME="home")
        self.expect_cache("xdg/huggingface/hub", **dict(home, XDG_CACHE_HOME="xdg"), HOME="not")
        self.expect_cache("hf_home/hub", HF_HOME="hf_home", XDG_CACHE_HOME="not")
        self.expect_cache("old", HF_HOME="not", HUGGINGFACE_HUB_CACHE="old")
        self.expect_cache("new", HF_HOME="not", HUGGINGFACE_HUB_CACHE="not", HF_HUB_CACHE="new")
        self.assertFalse((self.work / "not").exists())

    def test_who_asks(self):
        (self.work / "hf").mkdir()
        (self.work / "hf/token").write_text("hf_home\n")
        (self.work / "token").write_text(" hf_path\n\n")
        path = {"HF_TOKEN_PATH": str(self.work / "token")}
        no_file = {"HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}
        for token, environment in (("hf_home", {}), ("hf_path", path), ("", no_file), ("", dict(path, **no_file)),
                                   ("hf_old", dict(path, HUGGING_FACE_HUB_TOKEN="hf_old")),
                                   ("hf_new", dict(no_file, HUGGING_FACE_HUB_TOKEN="hf_old", HF_TOKEN="hf_new"))):
            self.hub.reset()
            self.analyze(repo="pico-lm/absent", expect=1, **environment)
            self.assertEqual(self.hub.authorized, [("api", "Bearer " + token)] if token else [], environment)
        err = self.analyze(expect=1, HF_TOKEN="hf_a\x7fb")
        self.assertIn("the token is not one word", err)
        self.assertNotIn("hf_a", err)

    def test_offline(self):
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
            for value, asked in (("1", 0), ("on", 0), ("YES", 0), ("True", 0), ("0", 1), ("", 1)):
                self.hub.reset()
                err = self.analyze(repo="pico-lm/absent", expect=1, **{name: value})
                self.assertEqual(len(self.hub.requests), asked, (name, value))
                self.assertEqual("offline" in err, not asked)

    def test_proxies(self):
        for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            self.hub.reset()
            self.analyze(repo="pico-lm/absent", expect=1, HF_ENDPOINT="http://hub.invalid", **{name: self.hub.url})
            self.assertEqual([path for _, path, _ in self.hub.requests],
                             ["http://hub.invalid/api/models/pico-lm/absent/revision/demo-1"])
        for name in ("no_proxy", "NO_PROXY"):
            self.hub.reset()
            self.analyze(repo="pico-lm/absent", expect=1, all_proxy=NOBODY, **{name: "a.invalid,127.0.0.1"})
            self.assertEqual(len(self.hub.requests), 1)


if __name__ == "__main__":
    main()
