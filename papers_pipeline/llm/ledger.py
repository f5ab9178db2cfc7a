"""The ledger of model calls: an append-only file of JSON lines per UTC day.

Budgets and costs are read from it.
"""

import fcntl
import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FORMAT = 1


class Spending(BaseModel):
    """One call of a model; without ``arxiv_id`` it came from `papers doctor`.

    ``usd`` is None if the model's price is unknown.
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
    usd: float | None = None


class Ledger:
    """The ledger's files in ``folder``, on a local disk: a bucket's objects are not appended to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Day, bytes and USD that total_usd has read; replaced as a whole, for several threads.
        self._counted: tuple[date | None, int, float] = (None, 0, 0.0)

    def add(self, spending: Spending) -> None:
        """Append one line.

        A lock keeps the lines of several processes apart. Half a line left by a killed run is ended
        first, so that it does not spoil this one.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{spending.at.date()}.jsonl").open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    file.write(b"\n")
            file.write(spending.model_dump_json().encode() + b"\n")

    def total_usd(self, day: date) -> float:
        """The USD of known price that all processes spent on a UTC day.

        Only the lines since the last call are read.
        """
        counted_day, offset, total = self._counted
        if counted_day != day:
            offset, total = 0, 0.0
        path = self._folder / f"{day}.jsonl"
        if path.exists():
            with path.open("rb") as file:
                file.seek(offset)
                new = file.read()
            # The end of a line that is being written counts next time.
            lines = new[: new.rfind(b"\n") + 1]
            offset += len(lines)
            for spending in _spendings(lines):
                total += spending.usd or 0.0
        self._counted = (day, offset, total)
        return total

    def days(self) -> list[date]:
        """The UTC days with calls, in order."""
        return sorted(date.fromisoformat(path.stem) for path in self._folder.glob("*.jsonl"))

    def spent(self, day: date) -> Iterator[Spending]:
        """The calls of one UTC day, in order; a line that a killed run cut short is skipped."""
        path = self._folder / f"{day}.jsonl"
        yield from _spendings(path.read_bytes() if path.exists() else b"")


def _spendings(lines: bytes) -> Iterator[Spending]:
    for line in lines.split(b"\n"):
        if line.endswith(b"}"):
            yield Spending.model_validate_json(line)
