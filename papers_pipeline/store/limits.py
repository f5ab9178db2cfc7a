"""Limits shared by all processes of one machine.

`SharedLimit` counts requests and their tokens in a sliding window, in SQLite. `SharedSlots` limits
concurrent requests, with one lock file per slot. `Limit` and `Slots` are what their users know.
"""

import asyncio
import errno
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import astuple, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from filelock import FileLock, Timeout

from papers_pipeline.base.full_disk import full_database
from papers_pipeline.base.notes import NOTED_SECONDS, Note, unheard

Result = TypeVar("Result")

FILE = "rates.sqlite"
POLL_SECONDS = 0.25
"""How often a waiting request looks whether others have freed some of the limit."""
NOTE_EVERY_SECONDS = 30.0
"""A long wait is noted again and again."""
LOCK_POLL_SECONDS = 0.002
"""How often the lock is tried while another process writes, which takes 0.3 ms."""
LONGEST_PAUSE_SECONDS = 3600.0
LONGEST_BACKOFF_SECONDS = 60.0
LEAST_SHARE = 1 / 64
"""The least part of a limit that is left after requests were turned away again and again."""
TABLES = (
    "CREATE TABLE IF NOT EXISTS requests "
    "(number INTEGER PRIMARY KEY, name TEXT, at REAL, tokens INTEGER)",
    "CREATE TABLE IF NOT EXISTS refusals "
    "(name TEXT PRIMARY KEY, at REAL, until REAL, in_a_row INTEGER, share REAL)",
)

CHECKS = {
    "requests": "typeof(number || name) <> 'text' OR typeof(at) <> 'real' "
    "OR typeof(tokens) <> 'integer'",
    "refusals": "typeof(name) <> 'text' OR typeof(at) <> 'real' OR typeof(until) <> 'real' "
    "OR typeof(in_a_row) <> 'integer' OR typeof(share) <> 'real'",
}
"""What is true of damaged rows, by table. The query fails if a column is missing."""


@dataclass(frozen=True)
class Rate:
    """At most so many `requests` and `tokens` in any window; None is no limit.

    `burst` spreads the requests: no more than that many go at once, and the next ones when their
    share of the window is over.
    """

    requests: int | None = None
    tokens: int | None = None
    burst: int | None = None


@dataclass(frozen=True)
class Ticket:
    """A request that may go now. `at` is the Unix time at which it was allowed."""

    number: int
    at: float


@dataclass(frozen=True)
class Wait:
    """Why no request may go for some seconds.

    `most` requests or tokens in the window are used up, or the other side asked for a pause.
    """

    seconds: float
    reason: Literal["requests", "tokens", "pause"]
    most: int = 0


@dataclass(frozen=True)
class Refusal:
    """The last time that a request was turned away, and what followed from it.

    No request may go before `until`. `share` is the part of the requests that may go afterwards.
    """

    at: float = 0.0
    until: float = 0.0
    in_a_row: int = 0
    share: float = 1.0

    def pause_seconds(self, now: float) -> float:
        """The seconds to the end of the pause, 0 if it is over.

        A pause that is longer than any was written before the clock was set back: it is over.
        """
        seconds = self.until - now
        return seconds if 0 < seconds <= LONGEST_PAUSE_SECONDS else 0.0

    def share_at(self, now: float, window_seconds: float) -> float:
        """The part of the requests that may go, from 0 to 1."""
        # 64 windows double the least share to far above 1; more would overflow after some weeks.
        windows = min(max(0.0, now - self.at) / window_seconds, 64.0)
        return float(min(1.0, self.share * 2**windows))

    def paused(self, now: float, seconds: float) -> "Refusal":
        """This refusal with a pause of at least so many seconds from now."""
        pause = max(min(seconds, LONGEST_PAUSE_SECONDS), self.pause_seconds(now))
        return replace(self, until=now + pause)

    def next(
        self,
        sent_at: float,
        now: float,
        window_seconds: float,
        pause_seconds: float | None,
        backoff_seconds: float,
    ) -> "Refusal":
        """What follows when a request that was sent at this time is turned away.

        Without `pause_seconds`, the pause is `backoff_seconds`, doubled with each refusal in a row.
        """
        is_new = sent_at > self.at
        in_a_row = self.in_a_row + is_new
        backoff = min(backoff_seconds * 2 ** max(0, in_a_row - 1), LONGEST_BACKOFF_SECONDS)
        at, share = self.at, self.share
        # Requests that were under way together are turned away together: that is one refusal.
        if is_new:
            at, share = now, max(self.share_at(now, window_seconds) / 2, LEAST_SHARE)
        changed = replace(self, at=at, in_a_row=in_a_row, share=share)
        return changed.paused(now, pause_seconds or backoff)


class Line:
    """Threads that wait for each other: urgent ones first, else in the order in which they came."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._places: list[tuple[bool, int]] = []
        self._numbers = count()
        self._is_taken = False

    def __len__(self) -> int:
        """How many threads wait or are first."""
        return len(self._places)

    @contextmanager
    def first(self, is_urgent: bool) -> Iterator[None]:
        """Wait to be the first, and be it until the context ends.

        Whoever is first stays it, even if an urgent one comes.
        """
        with self._changed:
            place = (not is_urgent, next(self._numbers))
            self._places.append(place)
            self._changed.wait_for(lambda: not self._is_taken and place == min(self._places))
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._places.remove(place)
                self._is_taken = False
                self._changed.notify_all()


class Limit(ABC):
    """The rate of what has this `name`, over all processes that share the limit.

    A window has `seconds`. A request that was turned away as one too many pauses all of its name.
    Afterwards half as many may go, one at a time; their number doubles with every window until it
    is whole again.
    """

    def __init__(self, name: str, rate: Rate, seconds: float) -> None:
        self._name = name
        self._rate = rate
        self._seconds = seconds
        self._line = Line()

    def acquire(self, note: Note = unheard, *, is_urgent: bool = False) -> None:
        """Wait until one more request is allowed. `note` is told what a long wait is for.

        Urgent requests of this process go before its others.
        """
        next_note_at = 0.0
        with self._line.first(is_urgent):
            while True:
                answer = self.try_acquire()
                if isinstance(answer, Ticket):
                    return
                if answer.seconds >= NOTED_SECONDS and time.monotonic() >= next_note_at:
                    next_note_at = time.monotonic() + NOTE_EVERY_SECONDS
                    note(waiting_for(self._name, answer, f"in {self._seconds:g} s"))
                time.sleep(min(answer.seconds, POLL_SECONDS))

    @abstractmethod
    def try_acquire(self, tokens: int = 0) -> Ticket | Wait:
        """A ticket for a request of so many tokens, or how long to wait for one."""

    @abstractmethod
    def settle(self, ticket: Ticket, tokens: int) -> None:
        """Correct the tokens of a request that was answered."""

    @abstractmethod
    def refuse(self, ticket: Ticket, pause_seconds: float | None, backoff_seconds: float) -> float:
        """Pause all requests of this name, because this one was turned away as one too many.

        Without `pause_seconds`, the pause is `backoff_seconds`, doubled with each refusal in a row.
        Returns the seconds from now to the end of the pause.
        """

    @abstractmethod
    def pause(self, seconds: float) -> None:
        """Let no request of this name go for at least so many seconds."""


class SharedLimit(Limit):
    """A limit over all processes with the same folder.

    `requests_of_all` limits the requests of all names in the folder together.

    Times are those of the machine's clock. If it is set back, requests dated in the future count as
    sent now. A file that SQLite cannot read is set aside and made anew.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        rate: Rate,
        seconds: float,
        *,
        requests_of_all: int | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(name, rate, seconds)
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / FILE
        self._requests_of_all = requests_of_all
        self._now = now
        self._one_thread = threading.Lock()

    def try_acquire(self, tokens: int = 0) -> Ticket | Wait:
        return self._write(lambda database: self._ticket_or_wait(database, tokens))

    def settle(self, ticket: Ticket, tokens: int) -> None:
        def change(database: sqlite3.Connection) -> None:
            database.execute(
                "UPDATE requests SET tokens = ? WHERE number = ?", (tokens, ticket.number)
            )
            database.execute(
                "UPDATE refusals SET in_a_row = 0 WHERE name = ? AND at < ?",
                (self._name, ticket.at),
            )

        self._write(change)

    def refuse(self, ticket: Ticket, pause_seconds: float | None, backoff_seconds: float) -> float:
        def change(database: sqlite3.Connection) -> float:
            now = self._now()
            database.execute("DELETE FROM requests WHERE number = ?", (ticket.number,))
            refusal = self._refusal(database).next(
                ticket.at, now, self._seconds, pause_seconds, backoff_seconds
            )
            self._set_refusal(database, refusal)
            return refusal.until - now

        return self._write(change)

    def pause(self, seconds: float) -> None:
        def change(database: sqlite3.Connection) -> None:
            self._set_refusal(database, self._refusal(database).paused(self._now(), seconds))

        self._write(change)

    def _ticket_or_wait(self, database: sqlite3.Connection, tokens: int) -> Ticket | Wait:
        now = self._now()
        for table in ("requests", "refusals"):
            database.execute(f"UPDATE {table} SET at = ? WHERE at > ?", (now, now))
        database.execute(
            "DELETE FROM requests WHERE name = ? AND at <= ?", (self._name, now - self._seconds)
        )
        wait = self._wait(database, now, tokens)
        if wait:
            return wait
        row = database.execute(
            "INSERT INTO requests (name, at, tokens) VALUES (?, ?, ?)", (self._name, now, tokens)
        )
        return Ticket(row.lastrowid or 0, now)

    def _wait(self, database: sqlite3.Connection, now: float, tokens: int) -> Wait | None:
        """The longest wait that the pause and the limits ask for; None if there is none."""
        refusal = self._refusal(database)
        pause = refusal.pause_seconds(now)
        if pause:
            return Wait(pause, "pause")
        share = refusal.share_at(now, self._seconds)
        sent = database.execute(
            "SELECT at, tokens FROM requests WHERE name = ? ORDER BY at", (self._name,)
        ).fetchall()
        times = [at for at, _ in sent]
        waits = []
        if self._rate.requests:
            most = max(1, int(self._rate.requests * share))
            waits.append(Wait(_until_fewer(times, most, self._seconds, now), "requests", most))
            # Many providers spread the requests of a minute, and turn down a burst.
            burst = self._rate.burst if share == 1 else 1
            if burst:
                pace_seconds = self._seconds * burst / most
                seconds = _until_fewer(times, burst, pace_seconds, now)
                waits.append(Wait(seconds, "requests", most))
        if self._rate.tokens:
            most = self._rate.tokens
            waits.append(Wait(_until_less(sent, most, tokens, self._seconds, now), "tokens", most))
        if self._requests_of_all:
            all_times = database.execute("SELECT at FROM requests ORDER BY at").fetchall()
            most = self._requests_of_all
            seconds = _until_fewer([at for (at,) in all_times], most, self._seconds, now)
            waits.append(Wait(seconds, "requests", most))
        longest = max(waits, key=lambda wait: wait.seconds, default=None)
        return longest if longest and longest.seconds > 0 else None

    def _refusal(self, database: sqlite3.Connection) -> Refusal:
        row = database.execute(
            "SELECT at, until, in_a_row, share FROM refusals WHERE name = ?", (self._name,)
        ).fetchone()
        return Refusal(*row) if row else Refusal()

    def _set_refusal(self, database: sqlite3.Connection, refusal: Refusal) -> None:
        database.execute(
            "INSERT OR REPLACE INTO refusals VALUES (?, ?, ?, ?, ?)",
            (self._name, *astuple(refusal)),
        )

    def _write(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        """Like `_write_alone`. Raises OSError if the disk is full or broken, as for any file."""
        try:
            return self._write_alone(change)
        except sqlite3.Error as error:
            what = full_database(error)
            if what is None:
                raise
            is_full = getattr(error, "sqlite_errorname", "") == "SQLITE_FULL"
            number = errno.ENOSPC if is_full else errno.EIO
            raise OSError(number, what, str(self._file)) from error

    def _write_alone(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        """The result of a change, which no other process sees half done.

        SQLite has locks of its own. This one keeps all others out of a damaged file while it is
        renamed: the journal of one that had it open would be applied to its successor.
        """
        lock = FileLock(self._file.with_suffix(".lock"))
        with self._one_thread, lock.acquire(poll_interval=LOCK_POLL_SECONDS):
            try:
                return self._write_once(change)
            except (sqlite3.Error, TypeError, ValueError):
                if _is_sound(self._file):
                    raise
                self._set_aside()
            return self._write_once(change)

    def _write_once(self, change: Callable[[sqlite3.Connection], Result]) -> Result:
        # A connection a change: nothing stays open, and any thread may ask. It takes 0.3 ms.
        with closing(sqlite3.connect(self._file, timeout=60, isolation_level=None)) as database:
            # What a power cut takes away is a minute's memory of requests.
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN IMMEDIATE")
            for table in TABLES:
                database.execute(table)
            result = change(database)
            database.execute("COMMIT")
            return result

    def _set_aside(self) -> None:
        self._file.with_name(f"{FILE}-journal").unlink(missing_ok=True)
        self._file.replace(self._file.with_suffix(".unreadable"))


def _is_sound(file: Path) -> bool:
    """Whether SQLite can read the file, and our tables are whole, if they are there yet."""
    try:
        with closing(sqlite3.connect(file, timeout=60)) as database:
            if database.execute("PRAGMA quick_check").fetchone() != ("ok",):
                return False
            tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (table,) in tables.fetchall():
                is_damaged = CHECKS.get(table, "FALSE")
                if database.execute(f"SELECT * FROM {table} WHERE {is_damaged}").fetchone():
                    return False
    except (sqlite3.Error, ValueError):
        return False
    return True


def waiting_for(name: str, wait: Wait, period: str) -> str:
    """What a wait is for, and how long it is. `period` is that of the limit, such as "a minute"."""
    if wait.reason == "pause":
        reason = "it answered that there were too many requests"
    else:
        reason = f"{wait.most:,} {wait.reason} {period} are used up"
    return f"waiting for {name}: {reason} ({wait.seconds:.0f} s)"


def _until_fewer(times: list[float], most: int, seconds: float, now: float) -> float:
    """Seconds until fewer than `most` of the times are within the last `seconds`."""
    if len(times) < most:
        return 0.0
    return times[-most] + seconds - now


def _until_less(
    sent: list[tuple[float, int]], most: int, wanted: int, seconds: float, now: float
) -> float:
    """Seconds until the tokens of the last `seconds` leave room for the wanted ones.

    A request that wants more than all goes when no other one counts.
    """
    used = sum(tokens for _, tokens in sent)
    room = most - min(wanted, most)
    last = now - seconds
    for at, tokens in sent:
        if used <= room:
            break
        used -= tokens
        last = at
    return last + seconds - now


class Slots(Protocol):
    """At most so many holders at once."""

    def held(self) -> AbstractAsyncContextManager[None]:
        """Wait for a free slot and hold it. A slot becomes free when its process dies."""
        ...


class SharedSlots:
    """At most `count` holders at once, over all processes with the same folder and name.

    The holders of one process get their slots in the order in which they asked. It lives on one
    event loop.
    """

    def __init__(self, folder: Path, name: str, count: int, poll_seconds: float = 0.02) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._free = [FileLock(folder / f"{name}-{number}.lock") for number in range(count)]
        self._poll_seconds = poll_seconds
        # Whoever has passed this semaphore finds a slot that no holder of this process has.
        self._own = asyncio.Semaphore(count)
        self._polling = asyncio.Lock()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Wait for a free slot and hold it. A slot becomes free when its process dies."""
        async with self._own:
            async with self._polling:
                slot = await self._acquired()
            try:
                yield
            finally:
                slot.release()
                self._free.append(slot)

    async def _acquired(self) -> FileLock:
        """A slot that no process holds. Only one request of a process looks for it at a time."""
        while True:
            for slot in self._free:
                try:
                    slot.acquire(blocking=False)
                except Timeout:
                    continue
                self._free.remove(slot)
                return slot
            await asyncio.sleep(self._poll_seconds)
