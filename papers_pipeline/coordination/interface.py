"""What keeps processes out of each other's way: locks, limits, slots and the ledger.

There are two homes for it. `files.py` serves the processes of one machine, `postgres/` those of
several.
"""

from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager, AbstractContextManager

from papers_pipeline.base.errors import OperatorError
from papers_pipeline.base.notes import Note, unheard
from papers_pipeline.store.ledger import Ledger
from papers_pipeline.store.limits import Limit, Rate, Slots


class LockLost(OperatorError):
    """A lock was lost while it was held, so another process may have it. The message names it."""


class Coordination(ABC):
    """The locks, limits, slots and the ledger that the processes of a deployment share."""

    @abstractmethod
    def held(self, name: str, on_wait: Note = unheard) -> AbstractContextManager[None]:
        """Hold the lock `name`: a day, `site` or `batches`.

        If another run holds it, call `on_wait` and wait. It is freed when its process dies.
        """

    @abstractmethod
    def key_held(self, key: str) -> AbstractAsyncContextManager[object]:
        """Hold the lock of a purchase, by its key of 64 hex digits."""

    @abstractmethod
    def check(self) -> None:
        """Raise LockLost if a lock that this process holds was lost. Called before data are written
        that others read."""

    @abstractmethod
    def process(self) -> str:
        """The name of this process, by which `is_gone` knows it."""

    @abstractmethod
    def is_gone(self, process: str) -> bool:
        """Whether the process of this name has ended; False if that cannot be known from here."""

    @abstractmethod
    def limit(
        self,
        name: str,
        rate: Rate,
        seconds: float,
        *,
        family: str = "",
        requests_of_all: int | None = None,
    ) -> Limit:
        """The limit `name` in a window of so many seconds.

        `requests_of_all` limits the requests of all names of its `family` together.
        """

    @abstractmethod
    def slots(self, name: str, count: int) -> Slots:
        """At most `count` holders at once. They live on one event loop."""

    @property
    @abstractmethod
    def ledger(self) -> Ledger:
        """The record of every call to a model, and the budget."""

    def set_up(self) -> list[str]:
        """Make what it lacks; returns a name for each thing that was made. May be called again."""
        return []

    @abstractmethod
    def examine(self) -> str:
        """Where it lives, and that it answers, in a few words. Raises OperatorError."""
