"""A disk without room."""

import errno
from collections.abc import Callable

from upath import UPath

from papers_pipeline.store import files as storage


def full(part: str) -> Callable[..., bool]:
    """A `store.files.write` that has no room for files whose path contains `part`."""
    write = storage.write

    def without_room(path: UPath, data: bytes, *, durable: bool = False) -> bool:
        if part in str(path):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, data, durable=durable)

    return without_room
