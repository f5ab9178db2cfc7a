"""What was spent: an append-only file of JSON lines a UTC day, from which budgets and costs are read."""

import fcntl
import os
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict

FORMAT = 1


class Spending(BaseModel):
    """One call of a model, about a paper or, by `papers doctor`, about none. ``usd`` is None when the model's price is
    unknown."""

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
    """The ledger's files below ``folder``, on a local disk: appending to a bucket's object is not atomic."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[date | None, int, float] = (None, 0, 0.0)

    def add(self, spending: Spending) -> None:
        """Append one line; the lock keeps lines of several processes whole, and what a killed run left of a line stays
        a line of its own."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{spending.at.date()}.jsonl").open("ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    file.write(b"\n")
            file.write(spending.model_dump_json().encode() + b"\n")

    def total_usd(self, day: date) -> float:
        """The USD of known price that all processes spent on a UTC day; only what came since the last call is read."""
        seen, offset, total = self._read if self._read[0] == day else (day, 0, 0.0)
        path = self._folder / f"{day}.jsonl"
        if path.exists():
            with path.open("rb") as file:
                file.seek(offset)
                rest = file.read()
            whole = rest[
                : rest.rfind(b"\n") + 1
            ]  # a line that is being written counts the next time
            offset += len(whole)
            total += sum(spending.usd or 0.0 for spending in _spendings(whole))
        self._read = (seen, offset, total)
        return total

    def days(self) -> list[date]:
        """The UTC days on which something was spent, in order."""
        return sorted(date.fromisoformat(path.stem) for path in self._folder.glob("*.jsonl"))

    def spent(self, day: date) -> Iterator[Spending]:
        """The spendings of one UTC day, in order. A line that a killed run left unfinished is passed over."""
        path = self._folder / f"{day}.jsonl"
        yield from _spendings(path.read_bytes() if path.exists() else b"")


def _spendings(lines: bytes) -> Iterator[Spending]:
    return (
        Spending.model_validate_json(line) for line in lines.split(b"\n") if line.endswith(b"}")
    )
