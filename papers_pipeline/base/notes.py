"""Notes to whoever waits: what a long wait is for."""

from collections.abc import Callable

NOTED_SECONDS = 3.0
"""Shorter waits are not worth a note."""

Note = Callable[[str], None]
"""Is told one sentence."""


def unheard(message: str) -> None:
    """The note of whoever has nobody to tell."""
