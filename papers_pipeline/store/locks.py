"""File locks of one machine: no day and no site is built by two processes at once."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout


class KeyLocks(Protocol):
    """Locks of single purchases."""

    def key_held(self, key: str) -> AbstractAsyncContextManager[object]:
        """Hold the lock of an entry, by its key of 64 hex digits."""
        ...


@contextmanager
def held(
    folder: Path, name: str, on_wait: Callable[[str], None] = lambda message: None
) -> Iterator[None]:
    """Hold the lock `name`: a day, or `site`. If another process holds it, call `on_wait` and wait.

    The operating system frees a lock when its process ends, however it ends.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(blocking=False)
    except Timeout:
        on_wait(f"another run holds {name}: waiting for it to end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
