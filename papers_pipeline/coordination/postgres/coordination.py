"""The processes of several machines, kept out of each other's way by one Postgres database."""

import asyncio
import atexit
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import TypeVar

import psycopg

from papers_pipeline.base.notes import Note, unheard
from papers_pipeline.coordination.interface import Coordination, LockLost
from papers_pipeline.coordination.postgres.database import Database, connect, describe, unreachable
from papers_pipeline.coordination.postgres.ledger import PostgresLedger
from papers_pipeline.coordination.postgres.limits import PostgresLimit
from papers_pipeline.coordination.postgres.migrations import set_up
from papers_pipeline.coordination.postgres.session import Session
from papers_pipeline.store.limits import Rate

Result = TypeVar("Result")

POLL_SECONDS = 0.1
"""How often a lock or a slot is asked for that another holds."""
CHECKED_SECONDS = 1.0
"""A session that answered a second ago still is one: the server drops none that fast."""
KEY = "key "
"""Begins the names of the locks of single purchases."""


class PostgresCoordination(Coordination):
    """Locks, limits, slots and the ledger in the database at `url`.

    It connects with its first use: one connection for what is held, one for all else.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = Session(url)
        self._database = Database(url, "papers limits and ledger")
        self._ledger = PostgresLedger(self._database)
        atexit.register(self.close)

    def close(self) -> None:
        """Close the connections. All that is held is free."""
        self._session.close()
        self._database.close()

    @contextmanager
    def held(self, name: str, on_wait: Note = unheard) -> Iterator[None]:
        if not self._session.take(name):
            on_wait(f"another run holds {name}: waiting for it to end")
            while not self._session.take(name):
                time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            self._session.free(name)

    @asynccontextmanager
    async def key_held(self, key: str) -> AsyncIterator[None]:
        name = f"{KEY}{key}"

        def free() -> None:
            self._session.free(name)

        while not await _taken(lambda: self._session.take(name), lambda _: free()):
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            await _surely(free)

    def check(self) -> None:
        lost = [name for name in self._session.lost(CHECKED_SECONDS) if not name.startswith(KEY)]
        if lost:
            raise LockLost(
                f"the lock of {', '.join(lost)} was lost with the connection to "
                f"{describe(self._url)}, and another run may have it: nothing more is written. "
                "Run it again; its finished work is kept"
            )

    def process(self) -> str:
        return self._session.name()

    def is_gone(self, process: str) -> bool:
        """Processes from before there was a database are taken for alive."""
        return process.startswith("process ") and self._session.is_gone(process)

    def limit(
        self,
        name: str,
        rate: Rate,
        seconds: float,
        *,
        family: str = "",
        requests_of_all: int | None = None,
    ) -> PostgresLimit:
        return PostgresLimit(
            self._database, name, rate, seconds, family=family, requests_of_all=requests_of_all
        )

    def slots(self, name: str, count: int) -> "PostgresSlots":
        return PostgresSlots(self._session, [f"slot {name} {number}" for number in range(count)])

    @property
    def ledger(self) -> PostgresLedger:
        return self._ledger

    def set_up(self) -> list[str]:
        """Make the tables that the database lacks; returns the names of the files that were run.

        Raises WrongTables if they are of a newer release, Unusable and Unreachable.
        """
        try:
            with connect(self._url, "papers setup-coordination") as connection:
                return set_up(connection)
        except psycopg.OperationalError as error:
            raise unreachable(self._url, error) from None

    def examine(self) -> str:
        def version(connection: psycopg.Connection) -> str:
            return str(connection.info.server_version // 10000)

        release = self._database.run(version, patience_seconds=0)
        return f"{describe(self._url)} answers (release {release})"


class PostgresSlots:
    """At most one holder of each of these slots, over all processes with the same database.

    The holders of one process get their slots in the order in which they asked.
    """

    def __init__(self, session: Session, names: Sequence[str]) -> None:
        self._session = session
        self._names = names
        self._own = asyncio.Semaphore(len(names))
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
                await _surely(lambda: self._session.free_slot(slot))

    async def _acquired(self) -> str:
        while True:
            slot = await _taken(
                lambda: self._session.take_slot(self._names), self._session.free_slot
            )
            if slot:
                return slot
            await asyncio.sleep(POLL_SECONDS)


async def _taken(
    take: Callable[[], Result | None], free: Callable[[Result], None]
) -> Result | None:
    """What `take` takes, in a thread. If the task is cancelled meanwhile, it is freed."""
    taking = asyncio.get_running_loop().run_in_executor(None, take)
    try:
        return await asyncio.shield(taking)
    except asyncio.CancelledError:
        taken = await taking
        if taken:
            free(taken)
        raise


async def _surely(work: Callable[[], None]) -> None:
    """Call `work` in a thread, to its end even if the task is cancelled."""
    await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work))
