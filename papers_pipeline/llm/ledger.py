"""An append-only record of every paid call: one JSON Lines file per UTC day.

Budgets and cost reports are read from it.
"""

import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict

from papers_pipeline.store.files import sync_folder

FORMAT = 1
LOCK = ".lock"
SOMETIMES = ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "batch", "key")
"""Fields that a line has only if they say something."""


class Spending(BaseModel):
    """One model call. `arxiv_id` is None for calls about no paper, as `papers doctor` makes.

    `usd` is None if the model's price is unknown. `input_tokens` include those read from and
    written to the provider's cache, and `output_tokens` include those of reasoning. An answer
    bought by batch names the job that gave it and its key in the cache.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    at: datetime
    asset: str
    arxiv_id: str | None = None
    day: str | None = None
    provider: str
    model: str
    prompt_version: str | None = None
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    usd: float | None = None
    batch: str | None = None
    key: str | None = None

    def line(self) -> bytes:
        """The line of the ledger, without its end."""
        absent = {name for name in SOMETIMES if not getattr(self, name)}
        return self.model_dump_json(exclude=absent).encode()


class Ledger:
    """The ledger files in `folder`, on a local disk: objects in a bucket cannot be appended to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # What `total_usd` has read so far: the day, the bytes of its file, and their total in USD.
        self._read: tuple[date | None, int, float] = (None, 0, 0.0)

    def add(self, *spendings: Spending) -> None:
        """Append lines, all of one UTC day. A lock keeps those of concurrent processes whole.

        If a killed process left an unfinished line, the new ones still start on a line of their
        own. When this returns, the lines are on the disk.
        """
        if not spendings:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(spendings[0].at.date())
        is_new = not path.exists()
        with FileLock(self.folder / LOCK), path.open("ab+") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    file.write(b"\n")
            for spending in spendings:
                file.write(spending.line() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            if is_new:
                sync_folder(self.folder)

    def total_usd(self, day: date) -> float:
        """USD spent by all processes on a UTC day, without calls whose price is unknown.

        Reads only what was appended since the last call.
        """
        last_day, offset, total = self._read
        if last_day != day:
            offset, total = 0, 0.0
        path = self._path(day)
        if path.exists():
            with path.open("rb") as file:
                file.seek(offset)
                appended = file.read()
            # A line that is still being written counts next time.
            complete = appended[: appended.rfind(b"\n") + 1]
            offset += len(complete)
            total += sum(spending.usd or 0.0 for spending in _spendings(complete))
        self._read = (day, offset, total)
        return total

    def days(self) -> list[date]:
        """The UTC days with spending, in order."""
        return sorted(date.fromisoformat(path.stem) for path in self.folder.glob("*.jsonl"))

    def spent(self, day: date) -> Iterator[Spending]:
        """The spending of one UTC day, in order, without lines that a killed process left torn."""
        path = self._path(day)
        if path.exists():
            yield from _spendings(path.read_bytes())

    def keys_of_batch(self, batch: str, since: date) -> set[str]:
        """The keys of the answers of a batch that already have a line, from a UTC day on."""
        keys = set()
        for day in self.days():
            if day >= since:
                keys |= {line.key for line in self.spent(day) if line.batch == batch and line.key}
        return keys

    def _path(self, day: date) -> Path:
        return self.folder / f"{day}.jsonl"


def _spendings(lines: bytes) -> Iterator[Spending]:
    for line in lines.split(b"\n"):
        if line.endswith(b"}"):
            yield Spending.model_validate_json(line)
