"""Files of the data folder, local or on a bucket: written whole or not at all, and only when their bytes differ."""

import hashlib
import os
import tempfile
from pathlib import Path

from upath import UPath


def is_local(path: UPath) -> bool:
    """Whether the path lies on a file system of this machine."""
    return path.protocol in ("", "file", "local")


def read(path: UPath) -> bytes | None:
    """The bytes of a file, or None when there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def sha256(path: UPath) -> str:
    """The hex SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def size(root: UPath, path: str) -> int | None:
    """The bytes of the file at a path below a root, or None when there is none: to ask of ten thousand paths, for which
    joining them as UPath takes longer than the question."""
    try:
        return (os.stat(f"{root.path}/{path}") if is_local(root) else (root / path).stat()).st_size  # noqa: PTH116
    except FileNotFoundError:
        return None


def write(path: UPath, data: bytes) -> bool:
    """Replace a file atomically; returns whether its bytes changed.

    Locally a temporary file and a rename, on a bucket one PUT: ``UPath.replace`` fails on `file://` and S3.
    """
    if read(path) == data:
        return False
    if not is_local(path):
        path.write_bytes(data)
        return True
    target = Path(path.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(name).chmod(
            0o644
        )  # mkstemp gives 0600, which a web server of another user could not read
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return True
