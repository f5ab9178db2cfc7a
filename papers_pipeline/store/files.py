"""Files in the data folder, local or in a bucket. Writes are atomic and skip identical bytes."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from upath import UPath

from papers_pipeline.store import bucket
from papers_pipeline.store.bucket import Bucket, Entry


def is_local(path: UPath) -> bool:
    """Whether the path is on a file system of this machine."""
    # The first is asked for each of the site's files, and the second is slow.
    return isinstance(path, Path) or path.protocol in ("file", "local")


def folder_at(place: str) -> UPath:
    """The folder at a path or a URL of a bucket; a relative path is made absolute."""
    if "://" in place:
        return bucket.opened(place)
    return UPath(Path(place).resolve())


@contextmanager
def viewed(root: UPath, copies: Path) -> Iterator[None]:
    """Ask a bucket little until the end: what it holds is listed once, and bytes that are known are
    read from the local folder `copies`. What this process writes is seen at once, what others write
    is not. Nothing changes for a folder of this machine.
    """
    if is_local(root):
        yield
        return
    with bucket.viewed(root, copies):
        yield


def forget(path: UPath) -> None:
    """Ask the bucket for this file the next time, even in a view."""
    view = None if is_local(path) else bucket.view_of(path)
    if view:
        view.forget(path.path)


def read(path: UPath) -> bytes | None:
    """The bytes of a file, or None if it does not exist."""
    if not is_local(path):
        return _bucket(path).read(path.path)
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def exists(path: UPath) -> bool:
    """Whether there is a file."""
    if is_local(path):
        return path.exists()
    return _bucket(path).entry(path.path) is not None


def listing(folder: UPath) -> dict[str, Entry]:
    """The files below a folder, by their paths below it, in order. Empty if there is no folder."""
    if not is_local(folder):
        return _bucket(folder).listing(folder.path)
    found = {}
    start = len(folder.path) + 1
    for parent, _, names in os.walk(folder.path):
        for name in names:
            path = os.path.join(parent, name)  # noqa: PTH118
            with suppress(FileNotFoundError):  # deleted just now
                stat = os.stat(path)  # noqa: PTH116
                stamp = f"{stat.st_size} {stat.st_mtime_ns}"
                found[path[start:]] = Entry(stat.st_size, stat.st_mtime, stamp)
    return dict(sorted(found.items()))


def names(folder: UPath) -> list[str]:
    """The names of the files in a folder, in order. Empty if there is no folder."""
    if not is_local(folder):
        return [path for path in listing(folder) if "/" not in path]
    return sorted(entry.name for entry in _scanned(folder) if not entry.is_dir())


def folders(folder: UPath) -> list[str]:
    """The names of the folders in a folder, in order."""
    if not is_local(folder):
        return sorted({path.partition("/")[0] for path in listing(folder) if "/" in path})
    return sorted(entry.name for entry in _scanned(folder) if entry.is_dir())


def _scanned(folder: UPath) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder.path) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


@contextmanager
def local_copy(folder: UPath) -> Iterator[Path]:
    """A folder of this machine with the same files: itself, or a copy of one on a bucket.

    In a view, the copy stays, and only what differs is read the next time.
    """
    if is_local(folder):
        yield Path(folder.path)
        return
    with TemporaryDirectory(prefix="papers-copy-") as scratch:
        yield _bucket(folder).copied(folder.path, Path(scratch))


def _bucket(path: UPath) -> Bucket:
    return bucket.bucket_of(path)


def sha256(path: UPath) -> str:
    """The hex SHA-256 of a file. Raises FileNotFoundError."""
    data = read(path)
    if data is None:
        raise FileNotFoundError(str(path))
    return sha256_of(data)


def sha256_of(data: bytes) -> str:
    """The hex SHA-256 of the bytes."""
    return hashlib.sha256(data).hexdigest()


def size(root: UPath, path: str) -> int | None:
    """The size in bytes of a file below a root, or None if it does not exist.

    Made for ten thousand files: joining paths as UPath would take longer than the question itself.
    """
    if not is_local(root):
        entry = _bucket(root).entry(f"{root.path}/{path}")
        return entry.size if entry else None
    try:
        return os.stat(f"{root.path}/{path}").st_size  # noqa: PTH116
    except FileNotFoundError:
        return None


def write(path: UPath, data: bytes, *, durable: bool = False) -> bool:
    """Replace a file atomically and return whether its bytes changed.

    A local file is renamed into place, a bucket takes one PUT: `UPath.replace` fails on `file://`
    and S3. A `durable` file is on the disk when this returns, with the folders that lead to it,
    whatever happens to the machine.
    """
    if not is_local(path):
        return _bucket(path).write(path.path, data)
    if read(path) == data:
        return False
    target = Path(path.path)
    new_folders = [] if target.parent.exists() else _absent_folders(target.parent)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _replacing(target) as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if durable:
        for folder in (target.parent, *(folder.parent for folder in new_folders)):
            sync_folder(folder)
    return True


@contextmanager
def _replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file that replaces `target` in the end. After an error, it is deleted instead.

    Until then it is named `.<target>.partial`, and one writer at a time holds it. A killed writer
    leaves it behind, and the next writer of the same target takes it over.
    """
    partial = target.with_name(f".{target.name}.partial")
    with _held(partial) as file:
        try:
            yield file
            file.flush()
            # Whatever the umask is: a web server may run as another user.
            partial.chmod(0o644)
            partial.replace(target)
        except BaseException as error:
            partial.unlink(missing_ok=True)
            if isinstance(error, OSError) and error.errno and not error.filename:
                error.filename = str(target)
            raise


def _held(path: Path) -> BinaryIO:
    """The file, empty and open for writing, once no other writer holds it."""
    while True:
        file = path.open("ab")
        # Some network file systems have no locks. Days and the site have locks of their own.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        if _is_at(file, path):
            file.truncate(0)
            return file
        # The writer that held it has renamed or deleted it meanwhile.
        file.close()


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def move(path: UPath, target: UPath) -> None:
    """Rename a file within its folder; `target` is replaced. On a bucket, a copy and a deletion."""
    if is_local(path):
        Path(path.path).replace(target.path)
        return
    data = read(path)
    if data is not None:
        write(target, data)
        delete(path)


def delete(path: UPath) -> None:
    """Delete a file, if it is there."""
    if is_local(path):
        Path(path.path).unlink(missing_ok=True)
    else:
        _bucket(path).delete(path.path)


def delete_folder(folder: UPath) -> None:
    """Delete a folder with all that is below it."""
    if is_local(folder):
        shutil.rmtree(folder.path)
        return
    for name in listing(folder):
        delete(folder / name)


def _absent_folders(folder: Path) -> list[Path]:
    """The folder and those above it that do not exist, the innermost first."""
    absent = []
    while not folder.exists():
        absent.append(folder)
        folder = folder.parent
    return absent


def sync_folder(folder: Path) -> None:
    """Put the names of a folder's files on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
