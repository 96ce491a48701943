"""A server on this machine that speaks the Hub's API, for the real library, and lies or fails when a test asks it to.

    def test_it(hub: HubServer, hub_settings: Settings) -> None:
        hub.add("owner/name", {"config.json": b"{}", "model.onnx": data})
        open_repository(Reference.parse("hf:owner/name"), hub_settings)

A test module takes the fixtures by `from hub_server import hub, hub_settings`.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from veriscope.settings import Limits, Settings

LARGE = (".onnx", ".safetensors", ".bin")  # kept apart from the repository, behind a redirect to another host
TOKEN = "hf_notARealTokenButOneThatMustNeverBeSeen"


@dataclasses.dataclass
class Asked:
    """One request that arrived."""

    method: str
    path: str
    headers: dict[str, str]


@dataclasses.dataclass
class HubServer:
    """Repositories, and how the server misbehaves."""

    commits: dict[str, dict[str, dict[str, bytes]]] = dataclasses.field(default_factory=dict)  # repository → commit → files
    heads: dict[str, dict[str, str]] = dataclasses.field(default_factory=dict)  # repository → revision → commit
    cards: dict[str, Mapping[str, object]] = dataclasses.field(default_factory=dict)
    asked: list[Asked] = dataclasses.field(default_factory=list)
    gated: set[str] = dataclasses.field(default_factory=set)
    status: dict[str, int] = dataclasses.field(default_factory=dict)  # a part of a path → the status of its answers
    silent: set[str] = dataclasses.field(default_factory=set)  # parts of paths that are never answered
    cuts: dict[str, list[int]] = dataclasses.field(default_factory=dict)  # file → bytes after which each download breaks off
    served: dict[str, bytes] = dataclasses.field(default_factory=dict)  # file → what is sent in its place
    understated: set[str] = dataclasses.field(default_factory=set)  # files whose HEAD tells of what is not sent
    etags: dict[str, str] = dataclasses.field(default_factory=dict)
    created: dict[str, bool] = dataclasses.field(default_factory=dict)  # repository that a client made → whether it is private
    uploaded: dict[str, dict[str, bytes]] = dataclasses.field(default_factory=dict)  # repository → files of its last commit
    answer: bytes | None = None  # to every question about a repository
    url: str = ""
    other_host: str = ""
    closing: threading.Event = dataclasses.field(default_factory=threading.Event)

    def add(
        self,
        repository: str,
        files: Mapping[str, bytes],
        card: Mapping[str, object] | None = None,
        revision: str = "main",
    ) -> str:
        """A commit with these files, to which the revision now leads; its hash."""
        content = "".join(f"{name} {hashlib.sha1(data).hexdigest()}\n" for name, data in sorted(files.items()))
        commit = hashlib.sha1(f"{repository}\n{content}".encode()).hexdigest()
        self.commits.setdefault(repository, {})[commit] = dict(files)
        self.heads.setdefault(repository, {})[revision] = commit
        self.cards[repository] = {"license": "mit"} if card is None else card
        return commit

    def paths(self, method: str = "GET") -> list[str]:
        return [urlsplit(asked.path).path for asked in self.asked if asked.method == method]

    def commit_of(self, repository: str, revision: str) -> str | None:
        if revision in self.commits.get(repository, {}):
            return revision
        return self.heads.get(repository, {}).get(revision)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        hub.asked.append(Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
        status = next((status for part, status in hub.status.items() if part in path), 200)
        self._answer(status, json.dumps(self._written(path, body) if status == 200 else {}).encode())

    def _written(self, path: str, body: bytes) -> dict[str, Any]:
        """A new repository, or a commit of files whose content is in the request."""
        hub = self.hub
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = "/".join(part for part in (asked.get("organization"), asked["name"]) if part)
            hub.created[name] = asked.get("private", asked.get("visibility") == "private") is True
            return {"url": f"{hub.url}/{name}", "id": name}
        repository = "/".join(path.split("/")[3:5])
        if "/preupload/" in path:
            files = json.loads(body)["files"]
            return {"files": [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in files]}
        if "/commit/" in path:
            lines = [json.loads(line) for line in body.splitlines()]
            sent = [line["value"] for line in lines if line["key"] == "file"]
            hub.uploaded[repository] = {file["path"]: base64.b64decode(file["content"]) for file in sent}
            return {"success": True, "commitOid": "0" * 40, "commitUrl": f"{hub.url}/{repository}/commit/{'0' * 40}"}
        return {"errors": [], "warnings": []}  # of the check of a model card

    def log_message(self, *_: object) -> None: ...

    def _handle(self) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.asked.append(Asked(self.command, self.path, {key.lower(): value for key, value in self.headers.items()}))
        if any(part in path for part in hub.silent):
            hub.closing.wait(60)
            self.close_connection = True
        elif status := next((status for part, status in hub.status.items() if part in path), 0):
            self._answer(status, b"no")
        elif path.startswith("/blobs/"):
            name = path.split("/", 3)[3]
            self._send(name, hub.commits[hub_repository(path)][path.split("/")[2].partition("@")[2]][name])
        elif path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"))
        else:
            self._resolve(path.removeprefix("/"))

    def _describe(self, path: str) -> None:
        repository, _, revision = path.partition("/revision/")
        hub = self.hub
        if hub.answer is not None:
            return self._answer(200, hub.answer)
        if repository in hub.gated and self.headers.get("authorization") != f"Bearer {TOKEN}":
            return self._answer(401 if "authorization" not in self.headers else 403, b"", {"X-Error-Code": "GatedRepo"})
        if repository not in hub.commits:
            return self._answer(401, b"", {"X-Error-Code": "RepoNotFound"})
        commit = hub.commit_of(repository, revision or "main")
        if commit is None:
            return self._answer(404, b"", {"X-Error-Code": "RevisionNotFound"})
        files = hub.commits[repository][commit]
        return self._answer(200, json.dumps(description(repository, commit, files, hub.cards[repository])).encode())

    def _resolve(self, path: str) -> None:
        hub = self.hub
        repository, _, rest = path.partition("/resolve/")
        revision, _, name = rest.partition("/")
        commit = hub.commit_of(repository, revision)
        if commit is None or name not in hub.commits[repository][commit]:
            return self._answer(404, b"", {"X-Error-Code": "EntryNotFound"})
        data = hub.commits[repository][commit][name]
        etag = hub.etags.get(name, hashlib.sha256(data).hexdigest())
        headers = {"X-Repo-Commit": commit, "ETag": f'"{etag}"'}
        if not name.endswith(LARGE):
            return self._send(name, data, headers)
        owner, _, short = repository.partition("/")
        headers |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(data))}
        return self._answer(302, b"", headers | {"Location": f"{hub.other_host}/blobs/{owner}~{short}@{commit}/{name}"})

    def _send(self, name: str, data: bytes, headers: Mapping[str, str] | None = None) -> None:
        """A file or the rest of it, broken off when a test wants that."""
        if self.command != "HEAD" or name not in self.hub.understated:
            data = self.hub.served.get(name, data)
        start = int(self.headers.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        extra = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if "range" in self.headers else {}
        end = None
        if self.command == "GET" and self.hub.cuts.get(name):
            end = self.hub.cuts[name].pop(0)
            self.close_connection = True
        self._answer(206 if extra else 200, data[start:], {**(headers or {}), **extra}, end)

    def _answer(self, status: int, data: bytes, headers: Mapping[str, str] | None = None, end: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(ConnectionError):
                self.wfile.write(data[:end])


def hub_repository(path: str) -> str:
    """The repository that a path of the other host means."""
    return path.split("/")[2].partition("@")[0].replace("~", "/", 1)


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def description(repository: str, commit: str, files: Mapping[str, bytes], card: Mapping[str, object]) -> dict[str, Any]:
    """What the Hub says about a model at a commit, as far as a client needs it."""
    siblings: list[dict[str, object]] = []
    for name, data in files.items():
        row: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": git_hash(data)}
        if name.endswith(LARGE):
            row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}
        siblings.append(row)
    return {"id": repository, "modelId": repository, "sha": commit, "siblings": siblings, "cardData": dict(card), "tags": []}


@contextlib.contextmanager
def serving() -> Iterator[HubServer]:
    """The server and its second host, which is the same on another port."""
    hub = HubServer()
    handler = type("Handler", (_Handler,), {"hub": hub})
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for _ in range(2)]
    hub.url, hub.other_host = (f"http://127.0.0.1:{server.server_port}" for server in servers)
    threads = [threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield hub
    finally:
        hub.closing.set()
        for server in servers:
            server.shutdown()
            server.server_close()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """A running server that the Hub's library talks to, with an empty cache."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        yield server


@pytest.fixture
def hub_settings(tmp_path: Path) -> Settings:
    """Settings with a lock of their own, patient enough for a loaded machine."""
    return Settings(hub_folder=tmp_path / "hub-folder", limits=Limits(hub_seconds=60.0))
