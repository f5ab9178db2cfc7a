"""Files on a bucket, by few requests. Only `store/files.py` calls it.

A `Bucket` asks for everything each time. A `View` lists a folder once, and answers from that list
and from local copies until it looks again. fsspec's own cache of listings is off: it would hide
for good what other processes write.
"""

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from fsspec import AbstractFileSystem
from upath import UPath

from papers_pipeline.base.characters import one_line
from papers_pipeline.base.errors import OperatorError

S3 = ("s3", "s3a")
S3_OPTIONS = {"max_concurrency": 1}
"""A read is one request then: with more at once, s3fs asks for the size first."""
LISTED = ("lake", "site", "cache")
"""The folders that a view lists as a whole."""
LISTED_BY_ASSET = ("purchases",)
"""The folders that a view lists one subfolder at a time. It asks for everything else."""
COMPARED = {"lake": ".parquet", "purchases": ".json"}
"""The files that a view replaces only if they are as it knows them, by folder and ending. Pages are
left out: several days write the page of a paper that moved, and the last one stays."""
REFUSED = ("PreconditionFailed", "ConditionalRequestConflict", "412")
"""How S3 says that a file is not as the writer knows it."""
READERS = 16
"""Files that are copied at once."""
TIMES = ("LastModified", "updated", "last_modified", "mtime", "modified", "created")


class BucketError(OperatorError, OSError):
    """The bucket gave no answer, or refused. The message names the file and says what it said."""


class WrittenMeanwhile(OperatorError):
    """Another process wrote the file that was to be written. The message names it."""


@dataclass(frozen=True)
class Entry:
    """A file of a listing: bytes, seconds since 1970, and a stamp that changes with its content."""

    size: int
    changed_at: float
    stamp: str


def opened(url: str) -> UPath:
    """The bucket, or the folder on a bucket, at a URL."""
    protocol = url.partition("://")[0]
    options: dict[str, Any] = dict(S3_OPTIONS) if protocol in S3 else {}
    root: UPath = UPath(url, use_listings_cache=False, **options)
    return root


class Bucket:
    """The files of a file system, by their paths in it. Every answer is that of now."""

    def __init__(self, fs: AbstractFileSystem) -> None:
        self._fs = fs

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, or None if it does not exist."""
        try:
            with _asked_for(path):
                return bytes(self._fs.cat_file(path))
        except FileNotFoundError:
            return None

    def entry(self, path: str) -> Entry | None:
        """What a listing says about a file, or None if it does not exist."""
        try:
            with _asked_for(path):
                detail = self._fs.info(path)
        except FileNotFoundError:
            return None
        return None if detail["type"] == "directory" else _entry(detail)

    def listing(self, folder: str) -> dict[str, Entry]:
        """The files below a folder, by their paths below it, in order."""
        parent, _, name = folder.rpartition("/")
        # With a prefix, s3fs does not look a second time where it finds nothing.
        try:
            with _asked_for(folder):
                found = self._fs.find(parent, detail=True, prefix=f"{name}/")
        except FileNotFoundError as error:
            raise BucketError(f"{folder}: {error}") from error
        entries = {}
        for path in sorted(found):
            if path.startswith(f"{folder}/"):
                entries[path.removeprefix(f"{folder}/")] = _entry(found[path])
        return entries

    def write(self, path: str, data: bytes) -> bool:
        """Replace a file by one request, unless its bytes are these; returns whether they were not.

        Raises WrittenMeanwhile.
        """
        if self.read(path) == data:
            return False
        self._put(path, data)
        return True

    def delete(self, path: str) -> None:
        """Delete a file, if it is there."""
        try:
            with _asked_for(path):
                self._fs.rm_file(path)
        except FileNotFoundError:
            return

    def copied(self, folder: str, scratch: Path) -> Path:
        """A local folder with the same files: `scratch`, which is empty, or one that was kept."""
        self._copy_all(folder, list(self.listing(folder)), scratch)
        return scratch

    def _copy_all(self, folder: str, names: Sequence[str], to: Path) -> None:
        """Copy files to a local folder, unless they are there with the same bytes."""

        def copy(name: str) -> None:
            data = self.read(f"{folder}/{name}")
            if data is not None and _read(to / name) != data:
                _replace(to / name, data)

        with ThreadPoolExecutor(READERS) as pool:
            for _ in pool.map(copy, names):
                pass

    def _put(self, path: str, data: bytes, **condition: str) -> str:
        """Write a file; returns its ETag, or what stands for it."""
        with _asked_for(path):
            answer = self._fs.pipe_file(path, data, **condition)
        return _etag(answer if isinstance(answer, Mapping) else {}) or _md5(data)


class View(Bucket):
    """A data folder on a bucket as it was listed, with what this process wrote since.

    `copies` is a local folder for the bytes of what is read and written. A copy counts if its MD5
    is the ETag of the file. On a bucket where ETags are something else, such as one with keys of
    KMS, each read is a request.
    """

    def __init__(self, root: UPath, copies: Path) -> None:
        super().__init__(root.fs)
        self.start = root.path.rstrip("/") + "/"
        self.users = 0
        self._copies = copies
        self._is_s3 = root.protocol in S3
        self._lock = threading.RLock()
        self._lists: dict[str, dict[str, Entry]] = {}
        self._forgotten: set[str] = set()

    def look_again(self) -> None:
        """Forget all lists."""
        with self._lock:
            self._lists.clear()
            self._forgotten.clear()

    def forget(self, path: str) -> None:
        """Ask for this file the next time."""
        with self._lock:
            self._forgotten.add(path)

    def read(self, path: str) -> bytes | None:
        if not self._knows(path):
            data = super().read(path)
            if data is None and self._list_of(path) is not None:
                self._note(path, None)
            return data
        entry = self.entry(path)
        if entry is None:
            return None
        copy = _read(self._copy_of(path))
        if copy is not None and _md5(copy) == entry.stamp:
            return copy
        data = super().read(path)
        self._keep(path, data)
        return data

    def entry(self, path: str) -> Entry | None:
        if not self._knows(path):
            return super().entry(path)
        entries = self._list_of(path)
        return entries.get(path) if entries is not None else None

    def listing(self, folder: str) -> dict[str, Entry]:
        entries = self._list_of(f"{folder}/")
        if entries is None:
            return super().listing(folder)
        with self._lock:
            found = [path for path in entries if path.startswith(f"{folder}/")]
            return {path.removeprefix(f"{folder}/"): entries[path] for path in sorted(found)}

    def write(self, path: str, data: bytes) -> bool:
        if self._list_of(path) is None:
            return super().write(path, data)
        if not self._knows(path):
            self._note(path, super().entry(path))
        entry = self.entry(path)
        if entry and entry.stamp == _md5(data):
            return False
        # Where ETags are no MD5s, only the bytes tell.
        if entry and entry.size == len(data) and self.read(path) == data:
            return False
        stamp = self._put(path, data, **self._condition(path, entry))
        self._note(path, Entry(len(data), time.time(), stamp))
        self._keep(path, data)
        return True

    def delete(self, path: str) -> None:
        if self._knows(path) and self.entry(path) is None:
            return
        super().delete(path)
        if self._list_of(path) is not None:
            self._note(path, None)
            self._keep(path, None)

    def copied(self, folder: str, scratch: Path) -> Path:
        names = self.listing(folder)
        copy = self._copy_of(folder)
        self._copy_all(folder, list(names), copy)
        for path in sorted(copy.rglob("*"), reverse=True):
            name = path.relative_to(copy).as_posix()
            if path.is_file() and name not in names and not path.name.startswith("."):
                path.unlink()
        return copy

    def _put(self, path: str, data: bytes, **condition: str) -> str:
        try:
            return super()._put(path, data, **condition)
        except BucketError as error:
            if not condition or _code(error) not in REFUSED:
                raise
        # A request that was sent twice is refused the second time.
        if Bucket.read(self, path) != data:
            raise WrittenMeanwhile(
                f"{path}: another process wrote it meanwhile, so it stays as that one left it. "
                "Machines that share a bucket need the same PAPERS_COORDINATION_URL"
            )
        return _md5(data)

    def _condition(self, path: str, entry: Entry | None) -> dict[str, str]:
        """What S3 compares before it replaces a file."""
        ending = COMPARED.get(self._parts(path)[0])
        if not self._is_s3 or ending is None or not path.endswith(ending):
            return {}
        return {"IfMatch": entry.stamp} if entry else {"IfNoneMatch": "*"}

    def _knows(self, path: str) -> bool:
        """Whether the view can answer for a file."""
        return path not in self._forgotten and self._list_of(path) is not None

    def _list_of(self, path: str) -> dict[str, Entry] | None:
        """The files of the listed folder that a path is in; None if it is in none."""
        parts = self._parts(path)
        if parts[0] in LISTED and len(parts) > 1:
            listed = parts[0]
        elif parts[0] in LISTED_BY_ASSET and len(parts) > 2:
            listed = f"{parts[0]}/{parts[1]}"
        else:
            return None
        with self._lock:
            if listed not in self._lists:
                folder = f"{self.start}{listed}"
                entries = {}
                for name, entry in super().listing(folder).items():
                    entries[f"{folder}/{name}"] = entry
                self._lists[listed] = entries
            return self._lists[listed]

    def _note(self, path: str, entry: Entry | None) -> None:
        """Enter what a file is now into its list."""
        with self._lock:
            entries = self._list_of(path)
            assert entries is not None
            self._forgotten.discard(path)
            entries.pop(path, None)
            if entry is not None:
                entries[path] = entry

    def _keep(self, path: str, data: bytes | None) -> None:
        """Make the local copy of a file."""
        if data is None:
            self._copy_of(path).unlink(missing_ok=True)
        else:
            _replace(self._copy_of(path), data)

    def _copy_of(self, path: str) -> Path:
        return self._copies.joinpath(*self._parts(path))

    def _parts(self, path: str) -> list[str]:
        return path.removeprefix(self.start).split("/")


_views: dict[str, View] = {}
_views_lock = threading.Lock()


@contextmanager
def viewed(root: UPath, copies: Path) -> Iterator[None]:
    """Answer from a view of this data folder until the end. Inside of another view, look again."""
    with _views_lock:
        view = _views.setdefault(root.path, View(root, copies))
        view.users += 1
    view.look_again()
    try:
        yield
    finally:
        with _views_lock:
            view.users -= 1
            if not view.users:
                del _views[root.path]


def view_of(path: UPath) -> View | None:
    """The view that a file or folder is in."""
    for view in list(_views.values()):
        if path.path.startswith(view.start):
            return view
    return None


def bucket_of(path: UPath) -> Bucket:
    """What answers for a file or folder."""
    return view_of(path) or Bucket(path.fs)


def _entry(detail: Mapping[str, Any]) -> Entry:
    changed_at = 0.0
    for name in TIMES:
        changed = detail.get(name)
        if isinstance(changed, datetime):
            changed_at = changed.timestamp()
            break
    size = int(detail.get("size") or 0)
    return Entry(size, changed_at, _etag(detail) or f"{size} {changed_at}")


def _etag(detail: Mapping[str, Any]) -> str:
    return str(detail.get("ETag") or detail.get("etag") or "").strip('"')


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


@contextmanager
def _asked_for(path: str) -> Iterator[None]:
    """Say which file was asked for. Each kind of bucket has errors of its own."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:
        raise BucketError(f"{path}: {one_line(str(error))}") from error


def _code(error: BaseException | None) -> str:
    """The code of S3's answer, from the error that it was first raised as."""
    while error is not None:
        answer = getattr(error, "response", None)
        if answer:
            return str(answer.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{uuid4().hex}")
    partial.write_bytes(data)
    partial.replace(path)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
