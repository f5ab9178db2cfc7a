"""Files in the data folder, local or in a bucket. Writes are atomic and skip identical bytes."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from upath import UPath


def is_local(path: UPath) -> bool:
    """Whether the path is on a file system of this machine."""
    return path.protocol in ("", "file", "local")


def read(path: UPath) -> bytes | None:
    """The bytes of a file, or None if it does not exist."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def sha256(path: UPath) -> str:
    """The hex SHA-256 of a file."""
    return sha256_of(path.read_bytes())


def sha256_of(data: bytes) -> str:
    """The hex SHA-256 of the bytes."""
    return hashlib.sha256(data).hexdigest()


def size(root: UPath, path: str) -> int | None:
    """The size in bytes of a file below a root, or None if it does not exist.

    Made for ten thousand files: joining paths as UPath would take longer than the question itself.
    """
    try:
        if is_local(root):
            return os.stat(f"{root.path}/{path}").st_size  # noqa: PTH116
        return int((root / path).stat().st_size)
    except FileNotFoundError:
        return None


def write(path: UPath, data: bytes, *, durable: bool = False) -> bool:
    """Replace a file atomically and return whether its bytes changed.

    A local file is renamed into place, a bucket takes one PUT: `UPath.replace` fails on `file://`
    and S3. A `durable` file is on the disk when this returns, with the folders that lead to it,
    whatever happens to the machine.
    """
    if read(path) == data:
        return False
    if not is_local(path):
        path.write_bytes(data)
        return True
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
    target.write_bytes(path.read_bytes())
    path.unlink()


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
