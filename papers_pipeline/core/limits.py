"""Rate limits that hold across all processes of one machine: a sliding window kept in SQLite behind a file lock."""

import asyncio
from pathlib import Path

from pyrate_limiter import Limiter, Rate, SQLiteBucket


class SharedLimit:
    """At most ``requests`` in any ``seconds``, counted over every process that names the same limit and folder."""

    def __init__(self, folder: Path, name: str, requests: int, seconds: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        bucket = SQLiteBucket.init_from_file(
            [Rate(requests, round(seconds * 1000))], table="requests", db_path=str(folder / name), use_file_lock=True
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
