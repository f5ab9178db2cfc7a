"""Faults at a chosen step of a build: an error, a killed process, a power cut.

A step is a call that leaves the process: a write of a file, an fsync, a rename, a deletion, a
request, a change of an SQLite database. Builds run in threads, so that the N-th step is another one
each time. A step is therefore named by what it touches, as `rename site/en/index.html 1`: its kind,
its subject, and a number that counts the steps of this kind and subject.

`Steps` wraps these calls where Python hands them to the system. The product does not know of it.
"""

import builtins
import errno
import hashlib
import io
import json
import os
import re
import signal
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import httpx2
import requests
from requests.adapters import HTTPAdapter

from papers_pipeline.store.purchases import Purchase, Purchases

Kind = Literal["write", "line", "sync", "rename", "delete", "get", "ask", "row", "kept"]
"""A `line` is a write to the ledger, a `get` a request to the list or to arXiv, an `ask` one to a
model. A `row` is a statement that changes a database, or its commit. `kept` is no call: the answer
that was bought for the asset has been stored."""

Way = Literal[
    "fails", "disk stays full", "reset", "status 500", "answer lost", "killed", "power", "names"
]
"""How a step goes wrong.

- `fails`: the call raises what a full disk (of a write, after half the bytes) or a broken one does.
  A `row` fails as on a broken disk.
- `disk stays full`: so does every later write.
- `reset`: the connection breaks before the request is sent.
- `status 500`: the server answers so, and does not work on the request.
- `answer lost`: the request is sent, and the connection breaks before the answer.
- `killed`: the process ends before the step.
- `power`: the machine ends before the step. What was written and not synced is lost.
- `names`: the machine ends before the step. Renames into folders that were not synced are undone.
"""

WAYS: dict[Kind, tuple[Way, ...]] = {
    "write": ("fails", "disk stays full", "killed", "power"),
    "line": ("fails", "disk stays full", "killed", "power"),
    "sync": ("fails", "killed", "power", "names"),
    "rename": ("fails", "killed", "power", "names"),
    "delete": ("fails", "killed"),
    "get": ("reset", "status 500", "killed"),
    "ask": ("reset", "status 500", "answer lost", "killed", "power"),
    "row": ("fails", "disk stays full", "killed"),
}
CHANGE = re.compile(
    r"\s*(?P<verb>INSERT|REPLACE|UPDATE|DELETE|CREATE|ALTER|DROP|COMMIT)\b"
    r"(?: OR \w+)?(?: (?:INTO|FROM|UNIQUE|TABLE|INDEX|IF NOT EXISTS))*\s*\"?(?P<table>\w*)"
)
"""A statement that changes a database."""
RUN_ID = re.compile(r"[0-9a-f-]{36}(?=\.db)")
SEARCH_HASH = re.compile(r"(?<=_)[0-9a-f]{7,}(?=\.pf_)")
"""In the names of Pagefind's files. It differs each time."""
DEADLY: tuple[Way, ...] = ("killed", "power", "names")


@dataclass(frozen=True)
class Step:
    """A call that leaves the process. `site` names the functions of the product that made it."""

    kind: Kind
    subject: str
    number: int
    site: str = ""

    @property
    def name(self) -> str:
        return f"{self.kind} {self.subject} {self.number}"

    @property
    def place(self) -> str:
        """Where in the product it is: the last two functions above those that only write files."""
        callers = [name for name in self.site.split(" < ") if not name.startswith("store.files.")]
        return " < ".join(callers[:2])


def read_journal(path: Path) -> list[Step]:
    """The steps that a process took, in order, up to its end."""
    return [Step(**json.loads(line)) for line in path.read_text().splitlines()]


class Steps:
    """Wraps the calls of this process that change files below `folder` or send requests.

    It notes each step in `journal`. The step with the name `fatal` goes wrong in this `way`.
    """

    def __init__(self, folder: Path, journal: Path, fatal: str = "", way: Way = "fails") -> None:
        self._folder = folder
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._fatal, self._way = fatal, way
        self._is_full = False
        self._lock = threading.RLock()
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._paths: dict[int, str] = {}
        # The bytes of a file that were synced, if others were not.
        self._synced_bytes: dict[str, int] = {}
        self._renamed: list[tuple[str, str, bytes | None]] = []
        self._true = {name: getattr(os, name) for name in ("open", "fsync", "replace", "unlink")}

    def watch(self) -> None:
        """Wrap the calls, until the process ends."""
        os.open = self._open_descriptor
        os.fsync = self._fsync
        os.replace = os.rename = self._rename
        os.unlink = os.remove = self._delete
        io.open = builtins.open = self._open_file(io.open)
        HTTPAdapter.send = self._get(HTTPAdapter.send)
        for library in (httpx, httpx2):
            transport = library.AsyncHTTPTransport
            transport.handle_async_request = self._ask(library, transport.handle_async_request)
        sqlite3.connect = sqlite3.dbapi2.connect = self._connect(sqlite3.connect)
        Purchases.put = self._kept(Purchases.put)

    def step(self, kind: Kind, subject: str) -> Way | None:
        """Note a step. Ends the process, or returns how the step has to go wrong, if it has to."""
        with self._lock:
            self._numbers[kind, subject] += 1
            step = Step(kind, subject, self._numbers[kind, subject], _site())
            os.write(self._journal, json.dumps(vars(step)).encode() + b"\n")
            if self._is_full and kind in ("write", "line", "row"):
                return "disk stays full"
            if step.name != self._fatal:
                return None
            self._is_full = self._way == "disk stays full"
            if self._way in DEADLY:
                self._end()
            return self._way

    def _end(self) -> None:
        if self._way == "power":
            for path, synced_bytes in self._synced_bytes.items():
                if Path(path).exists():
                    os.truncate(path, synced_bytes)
        if self._way == "names":
            for source, target, before in reversed(self._renamed):
                if not Path(target).exists():
                    continue
                self._true["replace"](target, source)
                if before is not None:
                    Path(target).write_bytes(before)
        os.kill(os.getpid(), signal.SIGKILL)

    def subject(self, path: str) -> str | None:
        """The path below the folder, a temporary file under its target's name; None elsewhere."""
        try:
            below = Path(os.path.abspath(path)).relative_to(self._folder)  # noqa: PTH100
        except ValueError:
            return None
        if below.name.startswith("."):  # `.name.random`
            below = below.with_name(below.name[1:].rpartition(".")[0])
        if below.parts[:1] == ("logs",):  # they are named by the run
            return "/".join((*below.parts[:2], "run.log"))
        return SEARCH_HASH.sub("*", below.as_posix())

    def opened(self, descriptor: int, path: str) -> None:
        with self._lock:
            self._paths[descriptor] = os.path.abspath(path)  # noqa: PTH100

    def write(self, descriptor: int, data: Any, write: Callable[[Any], int | None]) -> int | None:
        """Write to a file of this descriptor, or half of it and raise."""
        path = self._paths.get(descriptor, "")
        subject = self.subject(path)
        if subject is None:
            return write(data)
        kind: Kind = "line" if subject.startswith("ledger/") else "write"
        with self._lock:
            way = self.step(kind, subject)
            self._synced_bytes.setdefault(path, os.fstat(descriptor).st_size)
            if way:
                if way == "fails":
                    write(memoryview(data)[: len(data) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return write(data)

    def _open_descriptor(self, path: Any, *arguments: Any, **options: Any) -> int:
        descriptor: int = self._true["open"](path, *arguments, **options)
        self.opened(descriptor, os.fsdecode(path))
        return descriptor

    def _fsync(self, descriptor: int) -> None:
        path = self._paths.get(descriptor, "")
        subject = self.subject(path)
        if subject is not None and self.step("sync", subject):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        with self._lock:
            # The real disk is not asked: what is lost is what this object says.
            self._synced_bytes.pop(path, None)
            self._renamed = [each for each in self._renamed if os.path.dirname(each[1]) != path]  # noqa: PTH120

    def _rename(self, source: Any, target: Any, **options: Any) -> None:
        old, new = (os.path.abspath(os.fspath(path)) for path in (source, target))  # noqa: PTH100
        subject = self.subject(new)
        with self._lock:
            if subject is not None and self.step("rename", subject):
                raise OSError(errno.EIO, os.strerror(errno.EIO), new)
            before = Path(new).read_bytes() if self._way == "names" and Path(new).exists() else None
            self._true["replace"](source, target, **options)
            self._synced_bytes.pop(new, None)
            if old in self._synced_bytes:
                self._synced_bytes[new] = self._synced_bytes.pop(old)
            self._renamed.append((old, new, before))

    def _delete(self, path: Any, **options: Any) -> None:
        gone = os.path.abspath(os.fspath(path))  # noqa: PTH100
        subject = self.subject(gone)
        with self._lock:
            if subject is not None and self.step("delete", subject):
                raise OSError(errno.EIO, os.strerror(errno.EIO), gone)
            self._true["unlink"](path, **options)
            self._synced_bytes.pop(gone, None)

    def _open_file(self, true_open: Callable[..., Any]) -> Callable[..., Any]:
        def opened(file: Any, mode: str = "r", *arguments: Any, **options: Any) -> Any:
            is_written = set(mode) & set("wax+")
            path = self._paths.get(file, "") if isinstance(file, int) else os.fspath(file)
            if not is_written or "buffering" in options or self.subject(os.fsdecode(path)) is None:
                return true_open(file, mode, *arguments, **options)
            raw = _Raw(file, mode.replace("b", "").replace("t", ""), self)
            self.opened(raw.fileno(), os.fsdecode(path))
            buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return buffered
            return io.TextIOWrapper(buffered, options.get("encoding"))

        return opened

    def _get(self, send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
        def sent(adapter: HTTPAdapter, request: Any, **options: Any) -> requests.Response:
            way = self.step("get", f"{request.method} {request.path_url}")
            if way == "reset":
                raise requests.ConnectionError("connection reset by the test", request=request)
            if way == "status 500":
                answer = requests.Response()
                answer.status_code, answer.url, answer.request = 500, request.url, request
                answer.raw = io.BytesIO(b"a fault of the test")
                return answer
            return send(adapter, request, **options)

        return sent

    def _ask(self, library: Any, send: Callable[..., Any]) -> Callable[..., Any]:
        async def sent(transport: Any, request: Any) -> Any:
            question = hashlib.sha256(request.content).hexdigest()[:12]
            way = self.step("ask", f"{request.url.path} {question}")
            if way == "reset":
                raise library.ConnectError("connection reset by the test", request=request)
            if way == "status 500":
                return library.Response(500, text="a fault of the test", request=request)
            answer = await send(transport, request)
            if way == "answer lost":
                await answer.aread()
                raise library.ReadError("connection reset by the test", request=request)
            return answer

        return sent

    def _connect(self, connect: Callable[..., sqlite3.Connection]) -> Callable[..., Any]:
        steps = self

        class Cursor(sqlite3.Cursor):
            def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
                steps.row(self.connection, statement)
                return super().execute(statement, *parameters)

            def executemany(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
                steps.row(self.connection, statement)
                return super().executemany(statement, *parameters)

        class Connection(sqlite3.Connection):
            file = ""

            def cursor(self, factory: Any = Cursor) -> Any:
                return super().cursor(factory)

            def execute(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
                return self.cursor().execute(statement, *parameters)  # type: ignore[no-any-return]

            def executemany(self, statement: str, *parameters: Any) -> sqlite3.Cursor:
                return self.cursor().executemany(statement, *parameters)  # type: ignore[no-any-return]

            def commit(self) -> None:
                if self.in_transaction:
                    steps.row(self, "COMMIT")
                super().commit()

        def connected(file: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
            connection = connect(file, *arguments, **options, factory=Connection)
            assert isinstance(connection, Connection)
            connection.file = RUN_ID.sub("run", Path(os.fsdecode(file)).name)
            return connection

        return connected

    def row(self, connection: Any, statement: str) -> None:
        """Note a statement, or raise what SQLite raises."""
        change = CHANGE.match(statement)
        if change is None:
            return
        way = self.step("row", f"{connection.file} {change['verb']} {change['table']}".strip())
        if way == "fails":
            raise _sqlite_error("disk I/O error", "SQLITE_IOERR_WRITE")
        if way:
            raise _sqlite_error("database or disk is full", "SQLITE_FULL")

    def _kept(self, put: Callable[..., None]) -> Callable[..., None]:
        def kept(purchases: Purchases, entry: Purchase) -> None:
            put(purchases, entry)
            self.step("kept", entry.asset)

        return kept


class _Raw(io.FileIO):
    """A file whose writes are steps. After one has failed, all others do."""

    def __init__(self, file: Any, mode: str, steps: Steps) -> None:
        super().__init__(file, mode)
        self._steps = steps
        self._error: OSError | None = None

    def write(self, data: Any) -> int | None:
        if self._error:
            raise self._error
        try:
            return self._steps.write(self.fileno(), data, super().write)
        except OSError as error:
            self._error = error
            raise


def _sqlite_error(message: str, name: str) -> sqlite3.OperationalError:
    """The error as SQLite raises it: its users look at the name."""
    error = sqlite3.OperationalError(message)
    error.sqlite_errorname = name
    return error


def _site() -> str:
    """The functions of the product that are being called, the innermost first."""
    names = []
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("papers_pipeline."):
            names.append(f"{module.removeprefix('papers_pipeline.')}.{frame.f_code.co_name}")
        frame = frame.f_back
    return " < ".join(names)
