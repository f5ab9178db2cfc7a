"""What was spent: an append-only file of JSON lines a UTC day, from which budgets and costs are read."""

import fcntl
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

    def add(self, spending: Spending) -> None:
        """Append one line; the lock keeps lines of several processes whole."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / f"{spending.at.date()}.jsonl").open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(spending.model_dump_json() + "\n")

    def spent(self, day: date) -> Iterator[Spending]:
        """The spendings of one UTC day, in order. A last line that a killed run left unfinished is passed over."""
        path = self._folder / f"{day}.jsonl"
        if not path.exists():
            return
        for line in path.read_text(encoding="utf-8").split("\n"):
            if line.endswith("}"):
                yield Spending.model_validate_json(line)
