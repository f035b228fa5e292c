"""A hub of model files on this machine: what huggingface_hub asks, answered from memory; it can break off."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub:
    """``files`` by (repository, name). *breaks_at*: names and after how many bytes their transfer breaks off, once."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], bytes] = {}
        self.breaks_at: dict[str, int] = {}
        self.broken: set[str] = set()  # names that are refused after they broke off
        self.asked: list[tuple[str, str]] = []  # (name, Range) of every transfer
        self.altered: dict[str, bytes] = {}  # what is sent in place of what was told
        self.answers: dict[
            str, list[tuple[int, bytes]]
        ] = {}  # status and body, in order, before what is right
        self.url = ""

    def info(self, repository: str) -> dict[str, Any]:
        siblings = [_sibling(name, data) for (repo, name), data in self.files.items() if repo == repository]
        return {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}


def _sibling(name: str, data: bytes) -> dict[str, Any]:
    sha256 = hashlib.sha256(data).hexdigest()
    lfs = {"sha256": sha256, "size": len(data), "pointerSize": 134}
    plain = {"rfilename": name, "size": len(data), "blobId": sha256[:40]}
    return plain if name.endswith(".json") else plain | {"lfs": lfs}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None: ...

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            path = self.path.partition("?")[0]
            if strange := next((told for name, told in hub.answers.items() if told and name in path), None):
                status, content = strange.pop(0)
                self._send(content, {}, body, status)
                return
            if path.startswith("/api/models/"):
                repository = path.removeprefix("/api/models/").partition("/revision/")[0]
                self._send(
                    json.dumps(hub.info(repository)).encode(), {"Content-Type": "application/json"}, body
                )
                return
            repository, _, rest = path.removeprefix("/").partition("/resolve/")
            name = rest.partition("/")[2]
            if (repository, name) not in hub.files or (body and name in hub.broken):
                self.send_error(404 if name not in hub.broken else 500)
                return
            self._file(name, hub.files[repository, name], body)

        def _file(self, name: str, data: bytes, body: bool) -> None:
            etag = hashlib.sha256(data).hexdigest()
            headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            asked, sent = self.headers.get("Range", ""), hub.altered.get(name, data)
            if body:
                hub.asked.append((name, asked))
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            if begin:
                headers["Content-Range"] = f"bytes {begin}-{len(sent) - 1}/{len(sent)}"
            limit = hub.breaks_at.pop(name, None) if body else None
            self._send(sent[begin:], headers, body, 206 if begin else 200, limit)
            if limit is not None:
                hub.broken.add(name)

        def _send(
            self,
            data: bytes,
            headers: dict[str, str],
            body: bool,
            status: int = 200,
            limit: int | None = None,
        ) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                self.wfile.write(data[:limit])
            if limit is not None:
                self.close_connection = True

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        hub.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield hub
        finally:
            server.shutdown()
