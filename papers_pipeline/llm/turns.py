"""Who may send the next request to a provider: over all assets of a process, and all processes.

A provider's first request goes alone, so that a wrong key costs one call. Afterwards its requests
go in the order in which they asked, as fast as the provider's limits allow.
"""

import asyncio
import logging
import sqlite3
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager

from papers_pipeline.base.notes import NOTED_SECONDS, Note, noted, unheard
from papers_pipeline.coordination.interface import Coordination
from papers_pipeline.store.limits import POLL_SECONDS, Limit, Rate, Ticket, waiting_for

LONGEST_WAITED_PAUSE_SECONDS = 60.0
"""A provider that asks for a longer pause is left, and the next model is asked."""
NOTE_EVERY_SECONDS = 5.0

logger = logging.getLogger(__name__)


class ProviderPaused(Exception):
    """The provider asked for a pause that is too long to wait for."""


class Turn:
    """A request that may be sent now."""

    def __init__(self, limit: Limit, ticket: Ticket, backoff_seconds: float) -> None:
        self._limit = limit
        self._ticket = ticket
        self._backoff_seconds = backoff_seconds

    async def used(self, tokens: int) -> None:
        """The request was answered and took so many tokens. An answer is not lost if this fails."""
        try:
            await asyncio.to_thread(self._limit.settle, self._ticket, tokens)
        except OSError as error:
            logger.warning("the tokens of a request stay as estimated: %s", error)
        except sqlite3.Error:
            logger.exception("the tokens of a request stay as estimated")

    async def refused(self, pause_seconds: float | None) -> None:
        """The provider turned the request away as one too many: all of its requests pause."""
        await asyncio.to_thread(
            self._limit.refuse, self._ticket, pause_seconds, self._backoff_seconds
        )


class Turns:
    """The requests of this process to all providers. It lives on one event loop."""

    def __init__(
        self,
        coordination: Coordination,
        rates: Mapping[str, Rate],
        *,
        concurrency: int,
        requests_of_all: int | None,
        window_seconds: float,
        backoff_seconds: float,
    ) -> None:
        """`requests_of_all` limits the requests to all providers together."""
        self._coordination = coordination
        self._rates = rates
        self._requests_of_all = requests_of_all
        self._window_seconds = window_seconds
        self._backoff_seconds = backoff_seconds
        self._concurrency = concurrency
        self._slots = coordination.slots("llm-slots", concurrency)
        self._limits: dict[str, Limit] = {}
        self._lines: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._first: dict[str, asyncio.Event] = {}
        self._answered: set[str] = set()
        self._noted: dict[tuple[str, str], float] = {}

    @asynccontextmanager
    async def after_first_answer(self, provider: str, note: Note = unheard) -> AsyncIterator[None]:
        """Wait until the provider has answered, or be the one whose answer the others wait for.

        If that one fails, only the next one goes: a provider without an answer is asked by one.
        `note` is told of a long wait.
        """
        while provider not in self._answered:
            if provider not in self._first:
                self._first[provider] = asyncio.Event()
                try:
                    yield
                finally:
                    self._first.pop(provider).set()
                return
            with self._noted_wait(provider, "its first request goes alone", note):
                await self._first[provider].wait()
        yield

    def has_answered(self, provider: str) -> None:
        """The provider accepted a request: from now on nobody waits for the first answer."""
        self._answered.add(provider)

    @asynccontextmanager
    async def turn(self, provider: str, tokens: int, note: Note) -> AsyncIterator[Turn]:
        """Wait for a slot and for the provider's limits; `tokens` is an estimate.

        `note` is told what a long wait is for. Raises ProviderPaused.
        """
        limit = self._limit(provider)
        async with AsyncExitStack() as slot:
            async with self._lines[provider]:  # first come, first served
                ticket = await self._ticket(provider, limit, tokens, note, slot)
            yield Turn(limit, ticket, self._backoff_seconds)

    async def _ticket(
        self, provider: str, limit: Limit, tokens: int, note: Note, slot: AsyncExitStack
    ) -> Ticket:
        """A ticket, and a slot for it on the stack. No slot is held while the limits are full."""
        while True:
            async with AsyncExitStack() as tried:
                most = self._concurrency
                busy = f"{most} of {most} requests to models are under way"
                with self._noted_wait(provider, busy, note):
                    await tried.enter_async_context(self._slots.held())
                answer = await asyncio.to_thread(limit.try_acquire, tokens)
                if isinstance(answer, Ticket):
                    slot.push_async_exit(tried.pop_all())
                    return answer
            if answer.reason == "pause" and answer.seconds > LONGEST_WAITED_PAUSE_SECONDS:
                raise ProviderPaused(
                    f"{provider} asked for a pause of {answer.seconds / 60:.0f} minutes"
                )
            if answer.seconds >= NOTED_SECONDS:
                message = waiting_for(provider, answer, "a minute")
                self._tell(provider, answer.reason, message, note)
            await asyncio.sleep(min(answer.seconds, POLL_SECONDS))

    def _limit(self, provider: str) -> Limit:
        if provider not in self._limits:
            self._limits[provider] = self._coordination.limit(
                provider,
                self._rates.get(provider, Rate(self._requests_of_all)),
                self._window_seconds,
                family="models",
                requests_of_all=self._requests_of_all,
            )
        return self._limits[provider]

    def _noted_wait(self, provider: str, reason: str, note: Note) -> AbstractContextManager[None]:
        """Note a wait of unknown length for this reason, if it becomes long."""

        def tell(message: str) -> None:
            self._tell(provider, reason, message, note)

        return noted(tell, f"waiting for {provider}: {reason}")

    def _tell(self, provider: str, reason: str, message: str, note: Note) -> None:
        """Note a long wait, every few seconds for each provider and reason."""
        now = time.monotonic()
        kind = (provider, reason)
        if kind in self._noted and now - self._noted[kind] < NOTE_EVERY_SECONDS:
            return
        self._noted[kind] = now
        note(message)
