# SPDX-License-Identifier: Apache-2.0
"""A small Hub for tests: the API on one port, large files on a second one (the CDN), and faults on request.

Nothing but the standard library. Counts what is sent and remembers who sent an Authorization header to which port.
"""
import hashlib
import json
import re
import ssl
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


# To be asked again in a second, and not later each time.
AT_ONCE = [("RateLimit", '"api";r=0;t=0')]


def blob_of(data, large):
    """The etag of a file: SHA-256 of large ones, git's SHA-1 of a blob for others."""
    if large:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


class Hub:
    """Repositories {name: {"branches": {name: commit}, "commits": [newest first]}}; a commit: id, title, files."""

    def __init__(self, page=2, tls=None):
        """`tls`: paths of a certificate and its key."""
        self.tls = tls
        self.scheme = "https" if tls else "http"
        self.repos = {}
        self.page = page
        self.faults = {}  # path of a file or part of an API path -> list of faults, each used once
        self.gated = set()
        self.token = None  # when set, needed for private
        self.lock = threading.Lock()
        self.busy = 0  # requests that are being answered
        self.reset()
        self.api = self._serve("api")
        self.cdn = self._serve("cdn")
        self.url = "%s://127.0.0.1:%d" % (self.scheme, self.api.server_port)

    def reset(self):
        while self.busy > 0:
            time.sleep(0.01)
        self.requests = []  # (port, path, Range)
        self.authorized = []  # (port, value)
        self.sent = {}  # path of a file -> bytes of its body

    def _serve(self, kind):
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_GET(self):
                with hub.lock:
                    hub.requests.append((kind, self.path, self.headers.get("Range")))
                    if self.headers.get("Authorization"):
                        hub.authorized.append((kind, self.headers["Authorization"]))
                    hub.busy += 1
                try:
                    hub.answer(self, kind)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True
                with hub.lock:
                    hub.busy -= 1

            def handle(self):
                try:
                    super().handle()
                except (ConnectionResetError, ssl.SSLError):
                    pass

            do_HEAD = do_GET

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        if self.tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self.tls)
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def close(self):
        for server in (self.api, self.cdn):
            server.shutdown()
            server.server_close()

    def fault(self, name):
        with self.lock:
            waiting = self.faults.get(name)
            return waiting.pop(0) if waiting else None

    # --- answers
    def send(self, h, code, body=b"", headers=()):
        h.send_response(code)
        for key, value in headers:
            h.send_header(key, value)
        if "Content-Length" not in dict(headers):
            h.send_header("Content-Length", str(len(body)))
        h.end_headers()
        if h.command != "HEAD":
            h.wfile.write(body)

    def refuse(self, h, code, name, message=""):
        self.send(h, code, b"{}", [("X-Error-Code", name), ("X-Error-Message", message)])

    def answer(self, h, kind):
        url = urllib.parse.urlsplit(h.path)
        query = urllib.parse.parse_qs(url.query)
        path = url.path
        if kind == "cdn":
            repo, commit, name = re.match(r"/([^/]+/[^/]+)/([0-9a-f]{40})/(.*)", path).groups()
            return self.body(h, urllib.parse.unquote(name), self.commit(repo, commit)["files"][name])
        m = re.match(r"/api/models/([^/]+/[^/]+)/(revision|commits|tree)/([^/]+)$", path)
        r = re.match(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.*)", path)
        if not m and not r:
            return self.refuse(h, 404, "RepoNotFound")
        repo = (m or r).group(1)
        if repo not in self.repos:
            return self.refuse(h, 401, "RepoNotFound", "Repository not found")
        if repo in self.gated and not h.headers.get("Authorization"):
            return self.refuse(h, 403, "GatedRepo")
        if r:
            return self.resolve(h, repo, r.group(2), urllib.parse.unquote(r.group(3)))
        what, revision = m.group(2), urllib.parse.unquote(m.group(3))
        fault = self.fault(what)
        if fault and fault[0] == "code":
            return self.send(h, fault[1], b"{}", fault[2])
        if fault and fault[0] == "body":
            return self.send(h, 200, fault[1], fault[2] if len(fault) > 2 else ())
        if fault and fault[0] == "cut":
            h.close_connection = True
            return self.send(h, 200, b"[", [*AT_ONCE, ("Content-Length", "100")])
        commit = self.commit(repo, revision)
        if commit is None:
            return self.refuse(h, 404, "RevisionNotFound", "Invalid rev id")
        if what == "revision":
            return self.send(h, 200, json.dumps({"sha": commit["id"]}).encode())
        if what == "commits":
            commits = self.repos[repo]["commits"]
            items = commits[commits.index(commit):]
            items = [{"id": c["id"], "title": c["title"], "message": "", "authors": [{"user": "x"}]} for c in items]
        else:
            items = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": "learning_dynamics"}]
            for name, data in commit["files"].items():
                large = name.endswith((".pt", ".safetensors", ".bin"))
                item = {"type": "file", "path": name, "size": len(data), "oid": blob_of(data, False)}
                if large:
                    item["lfs"] = {"oid": blob_of(data, True), "size": len(data), "pointerSize": 130}
                items.append(item)
        at = int(query.get("cursor", ["0"])[0])
        headers = []
        if at + self.page < len(items):
            headers = [("Link", '<%s%s?cursor=%d>; rel="next"' % (self.url, path, at + self.page))]
        self.send(h, 200, json.dumps(items[at:at + self.page]).encode(), headers)

    def commit(self, repo, revision):
        revision = self.repos[repo]["branches"].get(revision, revision)
        return next((c for c in self.repos[repo]["commits"] if c["id"] == revision), None)

    def resolve(self, h, repo, revision, name):
        commit = self.commit(repo, revision)
        if commit is None:
            return self.refuse(h, 404, "RevisionNotFound")
        if name not in commit["files"]:
            return self.refuse(h, 404, "EntryNotFound")
        data = commit["files"][name]
        large = name.endswith((".pt", ".safetensors", ".bin"))
        headers = [("X-Repo-Commit", commit["id"])]
        if not large:
            return self.body(h, name, data, headers + [("ETag", '"%s"' % blob_of(data, False))])
        headers += [("X-Linked-Etag", '"%s"' % blob_of(data, True)), ("X-Linked-Size", str(len(data)))]
        headers += [("Location", "%s://127.0.0.1:%d/%s/%s/%s" % (self.scheme, self.cdn.server_port, repo, commit["id"], name))]
        self.send(h, 302, b"", headers)

    def body(self, h, name, data, headers=()):
        fault = self.fault(name)
        if fault and fault[0] == "code":
            return self.send(h, fault[1], b"", fault[2])
        if fault and fault[0] == "wrong":
            data = bytes([data[0] ^ 1]) + data[1:]
        begin = 0
        asked = re.match(r"bytes=(\d+)-$", h.headers.get("Range") or "")
        if asked and not (fault and fault[0] in ("no range", "cut all")):
            begin = int(asked.group(1))
        h.send_response(206 if begin else 200)
        for key, value in (*headers, *(fault[2] if fault and fault[0] in ("cut", "cut all", "part") and len(fault) > 2 else ())):
            h.send_header(key, value)
        if begin:
            begin += bool(fault and fault[0] == "shift")
            h.send_header("Content-Range", "bytes %d-%d/%d" % (begin, len(data) - 1, len(data)))
        part = data[begin:]
        if fault and fault[0] == "part":  # and no more, as if it were all
            part = part[:fault[1]]
        long = fault and fault[0] == "long"
        h.send_header("Content-Length", str(len(part) + (1000 if long else 0)))
        h.end_headers()
        if h.command == "HEAD":
            return None
        part = part + b"x" * 1000 if long else part
        if fault and fault[0] in ("cut", "cut all"):
            part = part[:fault[1] if len(fault) > 1 else len(part) // 2]
        chunk, pause = fault[1:] if fault and fault[0] == "slow" else (len(part), 0)
        for at in range(0, len(part), chunk):
            with self.lock:
                self.sent[name] = self.sent.get(name, 0) + len(part[at:at + chunk])
            h.wfile.write(part[at:at + chunk])
            time.sleep(pause)
        if fault and fault[0] in ("cut", "cut all"):
            h.close_connection = True
        return None
