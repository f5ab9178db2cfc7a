"""Limits that hold across all processes of one machine: requests in a sliding window, kept in SQLite behind a file
lock, and requests at the same time, a lock file each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pyrate_limiter import Limiter, Rate, SQLiteBucket


class SharedLimit:
    """At most ``requests`` in any ``seconds``, counted over every process that names the same limit and folder."""

    def __init__(self, folder: Path, name: str, requests: int, seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        bucket = SQLiteBucket.init_from_file(
            [Rate(requests, round(seconds * 1000))],
            table="requests",
            db_path=str(folder / name),
            use_file_lock=True,
        )
        self._bucket = bucket
        self._limiter = Limiter(bucket)

    def acquire(self) -> None:
        """Wait until one more request is allowed."""
        self._limiter.try_acquire()

    async def acquire_async(self) -> None:
        """The same, without holding up the event loop."""
        await asyncio.to_thread(self.acquire)

    def close(self) -> None:
        """Close the store's connection."""
        self._limiter.close()
        self._bucket.close()  # type: ignore[no-untyped-call]


class SharedSlots:
    """At most ``count`` holders at once, over every process that names the same slots and folder."""

    def __init__(self, folder: Path, name: str, count: int, poll_seconds: float = 0.02) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = [folder / f"{name}-{number}.lock" for number in range(count)]
        self._poll_seconds = poll_seconds

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait for a free slot and hold it. The operating system frees a slot whose process ends."""
        while True:
            for path in self._paths:
                lock = FileLock(path)
                try:
                    lock.acquire(blocking=False)
                except Timeout:
                    continue
                try:
                    yield
                finally:
                    lock.release()
                return
            await asyncio.sleep(self._poll_seconds)
