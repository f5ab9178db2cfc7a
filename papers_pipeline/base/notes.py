"""Notes to whoever waits: what a long wait is for."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NOTED_SECONDS = 3.0
"""Shorter waits are not worth a note."""

Note = Callable[[str], None]
"""Is told one sentence."""


def unheard(message: str) -> None:
    """The note of whoever has nobody to tell."""


@contextmanager
def noted(note: Note, what: str) -> Iterator[None]:
    """Tell `note` once what a coroutine waits for, if it takes longer than `NOTED_SECONDS`."""
    telling = asyncio.get_running_loop().call_later(NOTED_SECONDS, note, what)
    try:
        yield
    finally:
        telling.cancel()
