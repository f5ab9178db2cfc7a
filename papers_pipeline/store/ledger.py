"""A record of every call. `FileLedger` keeps it as one JSON Lines file per UTC day.

A call has two lines: one before the request is sent, at the highest price that it may have, and one
that settles it. A call without the second, because the process died or no answer came, counts at
that price. Budgets and cost reports are read from the ledger.
"""

import logging
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import BinaryIO, Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from papers_pipeline.store.files import sync_folder

logger = logging.getLogger(__name__)

FORMAT = 2
LOCK = ".lock"
POLL_SECONDS = 0.005
"""How often the lock is tried while another process writes a line, which takes 0.1 ms."""
ROUNDING_USD = 1e-9
"""Ten calls of 0.1 USD fit into one of 1 USD, whatever the sum of the floats is."""
SOMETIMES = ("cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "batch", "key", "call")
"""Fields that a line has only if they say something."""

CallState = Literal["settled", "estimated", "unsettled", "refused"]
"""How sure the tokens and the price of a call are.

- `settled`: the provider counted the tokens. Lines of format 1 are such, and no line says it.
- `estimated`: it answered without counting them; they are estimated from characters.
- `unsettled`: the request is about to be sent. They are the most that it may take.
- `refused`: the request was turned away, or not sent. It cost nothing.
"""

Room = Literal["reserved", "wait", "none"]
"""Whether a day's budget has room for a call.

- `reserved`: it had, and the call has it now.
- `wait`: there is room once the calls under way are settled for less than they may cost.
- `none`: there is none, whatever these cost.
"""


class Spending(BaseModel):
    """One model call. `arxiv_id` is None for calls about no paper, as `papers doctor` makes.

    `usd` is None if the model's price is unknown. `input_tokens` include those read from and
    written to the provider's cache, and `output_tokens` include those of reasoning. `key` is that
    of the purchase that the call is for; earlier releases wrote it for batches only. An answer
    bought by batch names the job that gave it. `state` says how sure the tokens and the price are.
    Of two lines with the same `call`, the later one holds; both are in the file of the day on which
    the request was sent.
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
    call: str | None = None
    state: CallState = "settled"

    def refused(self) -> "Spending":
        """The line of the same call if it cost nothing."""
        nothing = {"input_tokens": 0, "output_tokens": 0, "usd": 0.0}
        return self.model_copy(update=nothing | {"state": "refused"})

    def line(self) -> bytes:
        """The line of the ledger, without its end."""
        absent = {name for name in SOMETIMES if not getattr(self, name)}
        if self.state == "settled":
            absent.add("state")
        return self.model_dump_json(exclude=absent).encode()


class Ledger(ABC):
    """The calls of all processes that share this ledger."""

    @abstractmethod
    def add(self, *spendings: Spending) -> None:
        """Append lines, all of one UTC day. When this returns, they outlive a power cut."""

    @abstractmethod
    def reserve(
        self, call: Spending, budget_usd: float | None = None, patience_seconds: float = 0.0
    ) -> Room:
        """Append the first line of a call if the budget of its UTC day has room for it.

        The line outlives a power cut when this returns. What is under way counts at its highest
        price, in all processes. A call that is unsettled for more than `patience_seconds` is taken
        for lost: it counts, and nobody waits for its end.
        """

    @abstractmethod
    def total_usd(self, day: date) -> float:
        """USD spent by all processes on a UTC day, without calls whose price is unknown.

        Unsettled calls count at the highest price that they may have.
        """

    @abstractmethod
    def days(self) -> list[date]:
        """The UTC days with spending, in order."""

    @abstractmethod
    def spent(self, day: date) -> Iterator[Spending]:
        """The calls of one UTC day, each once, in the order in which they were sent.

        Requests that were refused are not among them.
        """

    def keys_of_batch(self, batch: str, since: date) -> set[str]:
        """The keys of the answers of a batch that already have a line, from a UTC day on."""
        keys = set()
        for day in self.days():
            if day >= since:
                keys |= {line.key for line in self.spent(day) if line.batch == batch and line.key}
        return keys


class FileLedger(Ledger):
    """The ledger files in `folder`, on a local disk: objects in a bucket cannot be appended to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tally = _Tally(date.min)
        self._threads = threading.Lock()

    def add(self, *spendings: Spending) -> None:
        """Append lines, all of one UTC day. A lock keeps those of concurrent processes whole.

        If a killed process left an unfinished line, the new ones still start on a line of their
        own.
        """
        if not spendings:
            return
        path = self._path(spendings[0].at.date())
        is_new = not path.exists()
        with self._held(), path.open("ab+") as file:
            _append(file, spendings)
            self._sync(file, is_new)

    def reserve(
        self, call: Spending, budget_usd: float | None = None, patience_seconds: float = 0.0
    ) -> Room:
        self.folder.mkdir(parents=True, exist_ok=True)
        day = call.at.date()
        is_new = not self._path(day).exists()
        with self._path(day).open("ab+") as file:
            with self._held():
                if budget_usd is not None:
                    left = budget_usd - (call.usd or 0.0) + ROUNDING_USD
                    tally = self._read_on(day)
                    if tally.usd > left:
                        return "wait" if tally.usd_without_end(patience_seconds) <= left else "none"
                _append(file, [call])
                file.flush()
            # Others may write meanwhile.
            self._sync(file, is_new)
        return "reserved"

    def _sync(self, file: BinaryIO, is_new: bool) -> None:
        """Put the lines on the disk, and the file's name if it is new."""
        file.flush()
        os.fsync(file.fileno())
        if is_new:
            sync_folder(self.folder)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """Keep other threads and processes from writing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.folder / LOCK)
        # The lock between processes is polled; threads of this process need not wait so long.
        with self._threads, lock.acquire(poll_interval=POLL_SECONDS):
            yield

    def total_usd(self, day: date) -> float:
        """The USD of a day's calls. Reads only what was appended since it was last asked."""
        with self._held():
            return self._read_on(day).usd

    def _read_on(self, day: date) -> "_Tally":
        """The tally of a day, with what was appended since it was last asked for."""
        if self._tally.day != day:
            self._tally = _Tally(day)
        tally = self._tally
        path = self._path(day)
        if path.exists():
            with path.open("rb") as file:
                file.seek(tally.offset)
                appended = file.read()
            # A line that is still being written counts next time.
            complete = appended[: appended.rfind(b"\n") + 1]
            tally.offset += len(complete)
            for spending in _spendings(complete):
                tally.add(spending)
        return tally

    def days(self) -> list[date]:
        return sorted(date.fromisoformat(path.stem) for path in self.folder.glob("*.jsonl"))

    def spent(self, day: date) -> Iterator[Spending]:
        """The calls of a day, without lines that a killed process left torn."""
        path = self._path(day)
        if not path.exists():
            return
        last: dict[str | int, Spending] = {}
        for number, spending in enumerate(_spendings(path.read_bytes())):
            last[spending.call or number] = spending
        for spending in last.values():
            if spending.state != "refused":
                yield spending

    def _path(self, day: date) -> Path:
        return self.folder / f"{day}.jsonl"


class _Tally:
    """What the lines of a day add up to, as far as they were read: `offset` bytes of its file.

    `settled_usd` are certain. `unsettled` has the highest price of each call that is not settled
    yet, and the monotonic time at which its line was read.
    """

    def __init__(self, day: date) -> None:
        self.day = day
        self.offset = 0
        self.settled_usd = 0.0
        self.unsettled: dict[str, tuple[float, float]] = {}

    def add(self, spending: Spending) -> None:
        """Count one more line."""
        usd = spending.usd or 0.0
        if spending.call is not None and spending.state == "unsettled":
            self.unsettled[spending.call] = (usd, time.monotonic())
            return
        if spending.call is not None:
            self.unsettled.pop(spending.call, None)
        self.settled_usd += usd

    @property
    def usd(self) -> float:
        """The total, with the highest price of what is not settled."""
        return self.settled_usd + sum(usd for usd, _ in self.unsettled.values())

    def usd_without_end(self, patience_seconds: float) -> float:
        """What no end of a call can lower any more: the settled ones, and those taken for lost."""
        lost_before = time.monotonic() - patience_seconds
        lost = [usd for usd, read_at in self.unsettled.values() if read_at < lost_before]
        return self.settled_usd + sum(lost)


def _append(file: BinaryIO, spendings: Sequence[Spending]) -> None:
    if file.seek(0, os.SEEK_END):
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            file.write(b"\n")
    for spending in spendings:
        file.write(spending.line() + b"\n")


def _spendings(lines: bytes) -> Iterator[Spending]:
    for line in lines.split(b"\n"):
        if not line.endswith(b"}"):
            continue
        try:
            yield Spending.model_validate_json(line)
        except ValidationError:
            logger.warning("a line of the ledger cannot be read: %r", line[:200])
