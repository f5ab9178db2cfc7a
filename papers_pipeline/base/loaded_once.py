"""What is loaded once per process: language models, dictionaries, fonts.

`functools.cache` lets all threads that ask before the first load ends load a copy of their own.
`loaded_once` makes them wait for the first one:

    @loaded_once
    def _detector() -> Detector:
        return Detector.from_file(MODEL_FILE)

    preload(_detector)  # begin now, in a thread
    _detector().rank(text)
"""

import functools
import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")

logger = logging.getLogger(__name__)


class LoadedOnce(Generic[Value]):
    """A function without arguments whose result is kept. See `loaded_once`."""

    def __init__(self, load: Callable[[], Value]) -> None:
        functools.update_wrapper(self, load)
        self._load = load
        self._values: list[Value] = []
        self._lock = threading.Lock()

    def __call__(self) -> Value:
        if not self._values:
            with self._lock:
                if not self._values:
                    self._values.append(self._load())
        return self._values[0]

    def forget(self) -> None:
        """Load again when next asked, for tests of what is loaded."""
        self._values.clear()


def loaded_once(load: Callable[[], Value]) -> LoadedOnce[Value]:
    """Call the function at most once per process, however many threads ask at once.

    If it raises, the caller gets the error and the next caller tries again.
    """
    return LoadedOnce(load)


def preload(*loads: LoadedOnce[object]) -> threading.Thread:
    """Load these in a thread, one after another; returns the thread.

    An error is only logged: whoever needs the value later gets it.
    """
    thread = threading.Thread(target=_load_all, args=(loads,), name="preload")
    thread.start()
    return thread


def _load_all(loads: tuple[LoadedOnce[object], ...]) -> None:
    for load in loads:
        try:
            load()
        except Exception:
            logger.exception("%s cannot be loaded ahead", getattr(load, "__name__", load))
