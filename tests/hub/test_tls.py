# SPDX-License-Identifier: Apache-2.0
"""A server whose certificate no public authority has made."""
import shutil
import subprocess
import sys
import time

from hub_case import HubCase, main
from server import Hub


class TlsTest(HubCase):
    def certificate(self, name):
        paths = self.work / (name + ".pem"), self.work / (name + ".key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                        "-addext", "subjectAltName=IP:127.0.0.1", "-out", paths[0], "-keyout", paths[1]],
                       check=True, capture_output=True)
        return paths

    def make_hub(self):
        return Hub(tls=self.certificate("ours"))

    def test_authorities_are_those_that_are_named(self):
        ours = str(self.work / "ours.pem")
        other = str(self.certificate("other")[0])
        (self.work / "empty.pem").write_text("")
        begun = time.monotonic()
        for text, environment in (
                ("is not trusted", {}), ("in SSL_CERT_FILE\n", {}),
                ("in SSL_CERT_FILE, which is now " + other, {"SSL_CERT_FILE": other}),
                ("in REQUESTS_CA_BUNDLE, which is now " + other, {"REQUESTS_CA_BUNDLE": other, "SSL_CERT_FILE": ours}),
                ("/absent.pem: no certificates", {"SSL_CERT_FILE": str(self.work / "absent.pem")}),
                ("/empty.pem: no certificates", {"SSL_CERT_FILE": str(self.work / "empty.pem")}),
                ("named by CURL_CA_BUNDLE\n", {"CURL_CA_BUNDLE": str(self.work / "empty.pem"), "SSL_CERT_FILE": ours})):
            err = self.analyze(expect=1, HF_TOKEN="hf_secret", **environment)
            self.assertIn(text, err)
            self.assertEqual(err.count("\n"), 1, err)
        self.assertLess(time.monotonic() - begun, 20)  # not asked again
        self.assertEqual(self.hub.requests, [])
        for variable in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
            self.hub.reset()
            self.analyze(HF_TOKEN="hf_secret", **{variable: ours, "HF_HUB_CACHE": str(self.work / variable)})
            self.assertEqual(set(self.hub.authorized), {("api", "Bearer hf_secret")})
        self.assertEqual(self.results(), self.local())

    def test_redirects_do_not_weaken_the_connection(self):
        self.hub.faults = {"training_config.yaml": [("code", 302, [("Location", "http://127.0.0.1:1/x")])]}
        err = self.analyze(expect=1, SSL_CERT_FILE=str(self.work / "ours.pem"))
        self.assertIn("no https URL", err)


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("no openssl command to make certificates with")
        sys.exit(77)
    main()
