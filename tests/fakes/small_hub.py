"""A hub of models on this machine: those answers of the Hugging Face hub that are used."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "hf_secret"


class Repository:
    """Files by commit, the newest last."""

    def __init__(self, private: bool) -> None:
        self.private = private
        self.commits: dict[str, dict[str, bytes]] = {}
        self.commit({".gitattributes": b"* lfs\n"})

    @property
    def head(self) -> str:
        return list(self.commits)[-1]

    def commit(self, files: dict[str, bytes]) -> str:
        """Add or replace files, and return the commit's hash."""
        every = {**(self.commits[self.head] if self.commits else {}), **files}
        text = repr((len(self.commits), sorted(every.items())))
        self.commits[hashlib.sha1(text.encode()).hexdigest()] = every
        return self.head

    def at(self, revision: str) -> str | None:
        return self.head if revision == "main" else revision if revision in self.commits else None


class Hub(ThreadingHTTPServer):
    """The server; *broken* is the status of every answer, a *full* one stores nothing."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.repositories: dict[str, Repository] = {}
        self.objects: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.broken = 0
        self.full = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answers(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Hub

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self) -> None:
        path = self.path.partition("?")[0]
        self.server.asked.append(f"{self.command} {path}")
        body = self._body()
        if self.server.broken:
            return self._say({"error": "broken"}, self.server.broken)
        writes = self.command == "POST"
        if writes and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._say({"error": "Unauthorized"}, 401)
        for pattern, answer in _ROUTES:
            if match := re.fullmatch(pattern, f"{self.command} {path}"):
                return answer(self, body, **match.groupdict())
        return self._say({"error": "no such page"}, 404)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _say(self, content: Any, status: int = 200, **headers: str) -> None:
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _repository(self, name: str) -> Repository | None:
        known = self.server.repositories.get(name)
        if known and known.private and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            known = None
        if known is None:
            self._say({"error": "Repository not found"}, 404, X_Error_Code="RepoNotFound")
        return known

    def create(self, body: bytes) -> None:
        asked = json.loads(body)
        name = f"{asked['organization']}/{asked['name']}"
        known = name in self.server.repositories
        if not known:
            private = bool(asked.get("private") or asked.get("visibility") == "private")
            self.server.repositories[name] = Repository(private)
        self._say({"url": f"{self.server.url}/{name}", "name": name}, 409 if known else 200)

    def info(self, body: bytes, name: str) -> None:
        if repository := self._repository(name):
            files = [{"rfilename": file} for file in repository.commits[repository.head]]
            facts = {"id": name, "sha": repository.head, "private": repository.private}
            self._say({**facts, "siblings": files, "lastModified": "2026-11-27T10:00:00.000Z"})

    def check_card(self, body: bytes) -> None:
        wrong = "license: nonsense" in json.loads(body)["content"]
        errors = [{"message": '"license" is not one of the known'}] if wrong else []
        self._say({"errors": errors, "warnings": []}, 400 if wrong else 200)

    def preupload(self, body: bytes, name: str) -> None:
        modes = {True: "lfs", False: "regular"}
        files = [one["path"] for one in json.loads(body)["files"]]
        kinds = [{"path": f, "uploadMode": modes[f.endswith("tensors")]} for f in files]
        self._say({"files": [{**one, "shouldIgnore": False} for one in kinds]})

    def batch(self, body: bytes, name: str) -> None:
        objects = [
            {**one, "actions": {"upload": {"href": f"{self.server.url}/objects/{one['oid']}"}}}
            for one in json.loads(body)["objects"]
        ]
        self._say({"transfer": "basic", "objects": objects})

    def store(self, body: bytes, oid: str) -> None:
        assert hashlib.sha256(body).hexdigest() == oid
        if self.server.full:
            return self._say({"error": "full"}, 400)
        self.server.objects[oid] = body
        return self._say({})

    def commit(self, body: bytes, name: str) -> None:
        header, *entries = [json.loads(line) for line in body.splitlines()]
        repository = self.server.repositories[name]
        if header["value"].get("parentCommit") != repository.head:
            return self._say({"error": "The branch has moved"}, 412)
        files = {}
        for entry in entries:
            value = entry["value"]
            large = entry["key"] == "lfsFile"
            data = (
                self.server.objects[value["oid"]] if large else base64.b64decode(value["content"])
            )
            files[value["path"]] = data
        oid = repository.commit(files)
        return self._say({"commitOid": oid, "commitUrl": f"{self.server.url}/{name}/commit/{oid}"})

    def file(self, body: bytes, name: str, revision: str, file: str) -> None:
        if repository := self._repository(name):
            commit = repository.at(revision)
            if commit is None:
                return self._say({"error": "no"}, 404, X_Error_Code="RevisionNotFound")
            data = repository.commits[commit].get(file)
            if data is None:
                return self._say(
                    {"error": "no"}, 404, X_Error_Code="EntryNotFound", X_Repo_Commit=commit
                )
            etag = f'"{hashlib.sha256(data).hexdigest()}"'
            self._say(data, ETag=etag, X_Repo_Commit=commit)
        return None


_NAME = r"(?P<name>[^/]+/[^/]+?)"
_ROUTES = (
    (r"POST /api/repos/create", Answers.create),
    (r"POST /api/validate-yaml", Answers.check_card),
    (rf"GET /api/models/{_NAME}", Answers.info),
    (rf"POST /api/models/{_NAME}/preupload/main", Answers.preupload),
    (rf"POST /{_NAME}\.git/info/lfs/objects/batch", Answers.batch),
    (r"PUT /objects/(?P<oid>\w+)", Answers.store),
    (rf"POST /api/models/{_NAME}/commit/main", Answers.commit),
    (rf"(?:GET|HEAD) /{_NAME}/resolve/(?P<revision>[^/]+)/(?P<file>.+)", Answers.file),
)


@contextmanager
def running() -> Iterator[Hub]:
    """Serve until the block ends."""
    hub = Hub()
    thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()
