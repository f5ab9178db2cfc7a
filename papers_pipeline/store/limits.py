"""Limits shared by all processes of one machine.

`SharedLimit` counts requests in a sliding window, in SQLite behind a file lock. `SharedSlots`
limits concurrent requests, with one lock file per slot.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pyrate_limiter import Limiter, Rate, SQLiteBucket


class SharedLimit:
    """At most `requests` in any `seconds`, over all processes with the same folder and name."""

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
        """Wait likewise, without blocking the event loop."""
        await asyncio.to_thread(self.acquire)

    def close(self) -> None:
        """Close the connection to the database."""
        self._limiter.close()
        self._bucket.close()  # type: ignore[no-untyped-call]


class SharedSlots:
    """At most `count` holders at once, over all processes with the same folder and name."""

    def __init__(self, folder: Path, name: str, count: int, poll_seconds: float = 0.02) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._paths = [folder / f"{name}-{number}.lock" for number in range(count)]
        self._poll_seconds = poll_seconds

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait for a free slot and hold it. A slot becomes free when its process dies."""
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
